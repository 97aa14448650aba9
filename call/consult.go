package call

import (
	"time"

	"callfloor/contact"
)

// Consult brings a second agent to the agent while the customer hears music.
func (c *Call) Consult(user string, s Seat) error {
	return c.withAgent(user, func() error {
		switch {
		case c.second != nil:
			return contact.Errorf(contact.Conflict, "you are with %s already", c.second.seat.User())
		case s.User() == user || c.watchers[s.User()] != nil:
			return contact.Errorf(contact.Conflict, "%s is in this call already", s.User())
		}
		now := time.Now()
		c.second, c.joined = c.newAgent(s, contact.Agent, now), false
		c.setStage(StageHold, now)
		c.settle()
		c.noteConsult(c.second.leg, user+" consults "+s.User()+"; the customer hears music", "consult", s.User())
		return nil
	})
}

// Merge makes a consultation a conference of all three.
func (c *Call) Merge(user string) error {
	return c.withAgent(user, func() error {
		if c.second == nil {
			return contact.Errorf(contact.Conflict, "there is nobody to merge with")
		}
		c.joined = true
		c.setStage(StageTalking, time.Now())
		c.settle()
		c.noteConsult(c.second.leg, "the customer and "+c.second.seat.User()+" hear each other", "conference", c.second.seat.User())
		return nil
	})
}

// EndConsult takes the second agent out of the call; either agent may ask. The
// customer is with the first agent again.
func (c *Call) EndConsult(user string) error {
	return c.do(func() error {
		if c.second == nil || !c.has(user) {
			return contact.Errorf(contact.Conflict, "there is no second agent in your call")
		}
		gone := c.second
		c.partSecond()
		c.setStage(StageTalking, time.Now())
		c.settle()
		c.noteConsult(gone.leg, gone.seat.User()+" left the call", "left", gone.seat.User())
		return nil
	})
}

// Transfer takes the agent out of the call; the second agent is the agent now.
// The queue engine is the caller's to tell.
func (c *Call) Transfer(user string) error {
	return c.withAgent(user, func() error {
		if c.second == nil {
			return contact.Errorf(contact.Conflict, "there is nobody to hand the call to")
		}
		next := c.second
		c.partSecond()
		c.handOver(next.seat, contact.Agent)
		c.noteConsult(c.agent.leg, user+" handed the call to "+next.seat.User(), "transfer", next.seat.User())
		return nil
	})
}

func (c *Call) noteConsult(leg contact.LegID, text, mode, with string) {
	c.Note(contact.KindConsult, leg, text, map[string]any{"mode": mode, "agent": with})
	c.mark("consult", map[string]any{"mode": mode, "agent": with})
	c.changed()
}

// partSecond takes the second agent out of the call.
func (c *Call) partSecond() {
	if c.second == nil {
		return
	}
	c.second.leave()
	c.second, c.joined = nil, false
}

// has says whether user is one of the call's agents.
func (c *Call) has(user string) bool {
	return c.agent != nil && c.agent.seat.User() == user || c.second != nil && c.second.seat.User() == user
}
