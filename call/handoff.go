package call

import (
	"fmt"
	"time"

	"callfloor/contact"
)

// Handover is what the next agent is told before they answer.
type Handover struct {
	From contact.AgentID
	Kind string // consult, transfer, return, park
	Note string
	At   time.Time
}

// Parking is a place where a call waits for whoever picks it up.
type Parking struct {
	Slot         int
	By           contact.AgentID
	Since, Until time.Time
}

// SetHandover keeps what the agent writes for who is next; before the call
// moves.
func (c *Call) SetHandover(user, kind, note string) error {
	return c.withAgent(user, func() error {
		c.setHandover(user, kind, note, time.Now())
		c.changed()
		return nil
	})
}

func (c *Call) setHandover(user, kind, note string, at time.Time) {
	c.view.Handover = &Handover{From: contact.AgentID(user), Kind: kind, Note: note, At: at}
}

// HandOff parts the customer from an agent who gave the call away: they hear
// music until Connect, WaitAgain or Outside. parked is where, or nil. When it
// returns the agent hears nothing of the call: their other one may be next.
func (c *Call) HandOff(a contact.AgentID, parked *Parking) {
	_ = c.do(func() error { // a call that is over has no agent
		if c.agent != nil && c.agent.user() == string(a) {
			c.handOff(parked)
		}
		return nil
	})
}

// GiveAway is HandOff for an agent who asks for it, if decide, which asks the queue
// engine, agrees. Nothing can come between the two: who gave the call away may hang up
// at once (telephones do), and the customer must not go with them.
func (c *Call) GiveAway(user string, parked *Parking, decide func() error) error {
	return c.withAgent(user, func() error {
		if err := decide(); err != nil {
			return err
		}
		c.handOff(parked)
		return nil
	})
}

func (c *Call) handOff(parked *Parking) {
	now := time.Now()
	gone, a := c.agent, c.agent.user()
	c.noteLegQuality(now, gone.leg, gone.quality())
	c.hangUpSecond("the agent handed the call on")
	c.endPause()
	c.unseatAgent()
	c.hush()
	c.between = true
	c.view.Agent, c.view.Parked = "", parked
	text, stage, data := a+" hands the call on; the customer hears music", StageQueue, map[string]any{"mode": "handoff", "agent": a}
	if h := c.view.Handover; h != nil && h.Note != "" {
		data["note"] = h.Note
	}
	if parked != nil {
		text, stage = fmt.Sprintf("%s parks the call in place %d; the customer hears music", a, parked.Slot), StageParked
		data["mode"], data["slot"] = "park", parked.Slot
	}
	c.setStage(stage, now)
	c.settle()
	c.Note(contact.KindConsult, gone.leg, text, data)
	c.mark("agent_left", nil)
	c.changed()
}

// WaitAgain says that a call which was handed on stands in a queue.
func (c *Call) WaitAgain() {
	c.post(func() {
		if c.agent != nil || !c.between {
			return
		}
		c.view.Parked, c.view.Agent = nil, ""
		c.setStage(StageQueue, time.Now())
		if c.queue.isActive() { // the flow plays music and tells the place
			c.between = false
			c.queue.serve(false)
		}
		c.settle()
		c.changed()
	})
}

// Unparked says that the parking place is empty again, though nobody has the
// call yet.
func (c *Call) Unparked() {
	c.post(func() {
		if c.view.Parked != nil {
			c.view.Parked = nil
			c.setStage(StageQueue, time.Now())
			c.changed()
		}
	})
}
