package call

import (
	"time"

	"callfloor/contact"
)

// Where says who has the call now, for an attended transfer to it: its agent, ""
// for none; the queue that it waits or rings in, "" for none. flow: neither, and it
// can be left for another call's sake. A call with a number outside, with a bot, in a
// parking place or on its way between two agents is in none of these.
func (c *Call) Where() (agent contact.AgentID, queue contact.QueueID, flow bool) {
	_ = c.do(func() error { // a call that is over is nowhere
		switch {
		case c.agent != nil:
			agent = contact.AgentID(c.agent.user())
		case c.second != nil || c.between || c.bot != nil:
		case c.view.Stage == StageQueue || c.view.Stage == StageRinging:
			queue = c.view.Queue
		case c.view.Stage == StageFlow:
			flow = true
		}
		return nil
	})
	return agent, queue, flow
}

// Yield takes the agent out of the call for another one (Join) and returns their
// seat; the queue engine is the caller's to tell. Who is in the call beside the agent
// is asked to leave. undo gives the agent back.
func (c *Call) Yield(user string) (seat Seat, undo func(), err error) {
	var party contact.Party
	err = c.withAgent(user, func() error {
		now := time.Now()
		seat, party = c.agent.seat, c.agent.party
		c.noteLegQuality(now, c.agent.leg, c.agent.quality())
		c.hangUpSecond("the agent is in another call now")
		c.endPause()
		c.agent.yield()
		c.agent, c.away, c.suspect = nil, false, false
		c.view.Away, c.view.Muted, c.view.Agent = false, false, ""
		c.hush()
		c.between = true
		c.setStage(StageQueue, now)
		c.settle()
		c.mark("agent_left", nil)
		c.changed()
		return nil
	})
	return seat, func() { c.unyield(seat, party) }, err
}

// unyield undoes Yield. A telephone whose call is over meanwhile is hung up.
func (c *Call) unyield(s Seat, p contact.Party) {
	err := c.do(func() error {
		if c.agent != nil || !c.between {
			return nil
		}
		now := time.Now()
		c.between = false
		c.seatAgent(s, p, now)
		c.view.Agent = contact.AgentID(s.User())
		c.setStage(StageTalking, now)
		c.settle()
		c.mark("agent", map[string]any{"agent": s.User()})
		c.changed()
		return nil
	})
	if phone, ok := s.(Telephone); ok && err != nil {
		hangUpTelephone(phone)
	}
}

// yield is leave where the seat goes on in another call.
func (a *agent) yield() {
	a.mic().Detach(&a.presence)
	if t, ok := a.seat.(Telephone); ok {
		t.Leg().Sender().Hear(nil)
		a.outlet.close()
		return
	}
	silence(a.seat)
}

// Join makes s, whom user talked with in another call, the agent instead of user: an
// attended transfer. Recording and consent stay those of this call. decide asks the
// queue engine; as in GiveAway nothing comes between that and the change.
func (c *Call) Join(user string, s Seat, decide func() error) error {
	return c.withAgent(user, func() error {
		if c.has(s.User()) {
			return contact.Errorf(contact.Conflict, "%s is in this call already", s.User())
		}
		if err := decide(); err != nil {
			return err
		}
		c.stopWatching(s.User(), "is the agent now")
		c.setHandover(user, "transfer", "", time.Now())
		c.hangUpSecond("the agent handed the call on")
		c.handOver(s, contact.Agent)
		c.noteConsult(c.agent.leg, user+" handed the call to "+s.User()+" by telephone, after talking to them", "transfer", s.User(), "")
		c.showWatchers()
		return nil
	})
}
