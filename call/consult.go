package call

import (
	"time"

	"callfloor/contact"
)

// The second one of a call: an agent who is asked and comes, or a number
// outside.
//
//	none ──Asking──► ringing ──Consult──► talking ◄──Swap──► waiting
//	  ▲                 │ AskFailed          │ ▲               │
//	  │                 ▼                    │ └──Merge────────┤
//	  ├───────────── failed                  ▼                 ▼
//	  └──EndConsult, hang-up, Transfer──── joined (conference)

// SecondState is where the second one of a call stands.
type SecondState string

// Ringing: asked, and not there yet. Talking: with the agent, while the customer
// hears music. Waiting: hears music while the agent is with the customer.
// Joined: all hear each other. Failed: did not come; Second.Why says why.
const (
	SecondRinging SecondState = "ringing"
	SecondTalking SecondState = "talking"
	SecondWaiting SecondState = "waiting"
	SecondJoined  SecondState = "joined"
	SecondFailed  SecondState = "failed"
)

// Second is who is in a call beside its agent, or is asked to come.
type Second struct {
	User  contact.AgentID // "" for a number outside
	Name  string          // as people are shown it
	State SecondState
	Since time.Time
	Muted bool
	Why   string // of failed
}

// Ask names who is asked to come into a call.
type Ask struct {
	User contact.AgentID // "" for a number outside
	Name string
	Note string // what the one who asks wants them to know before
}

// Asking says that the agent asks somebody to come: the customer hears music
// until AskFailed, Consult or ConsultPhone says what came of it.
func (c *Call) Asking(user string, who Ask) error {
	return c.withAgent(user, func() error {
		switch v := c.view.Second; {
		case c.second != nil, v != nil && v.State == SecondRinging:
			return contact.Errorf(contact.Conflict, "first end it with %s", v.Name)
		case who.User != "" && (string(who.User) == user || c.watchers[string(who.User)] != nil):
			return contact.Errorf(contact.Conflict, "%s is in this call already", who.User)
		}
		now := time.Now()
		c.view.Second = &Second{User: who.User, Name: who.Name, State: SecondRinging, Since: now}
		c.setHandover(user, "consult", who.Note, now)
		c.setStage(StageHold, now)
		c.settle()
		c.noteConsult(c.agent.leg, user+" asks "+called(who)+" to come; the customer hears music", "asking", string(who.User), who.Note)
		return nil
	})
}

// called names somebody in the timeline: no numbers there.
func called(who Ask) string {
	if who.User == "" {
		return "a number outside"
	}
	return string(who.User)
}

// AskFailed says that who was asked does not come, and why. With cancelled the
// agent wants nobody any more and is with the customer again.
func (c *Call) AskFailed(who contact.AgentID, why string, cancelled bool) {
	c.post(func() {
		v := c.view.Second
		if v == nil || v.State != SecondRinging || v.User != who {
			return
		}
		now := time.Now()
		c.view.Second = &Second{User: v.User, Name: v.Name, State: SecondFailed, Since: now, Why: why}
		if cancelled {
			c.view.Second = nil
			c.setStage(StageTalking, now)
			c.settle()
		}
		c.noteConsult("", called(Ask{User: who})+" does not come: "+why, "failed", string(who), "")
	})
}

// Consult brings a second agent to the agent while the customer hears music.
func (c *Call) Consult(user string, s Seat) error {
	return c.withAgent(user, func() error {
		switch {
		case c.second != nil:
			return contact.Errorf(contact.Conflict, "you are with %s already", c.view.Second.Name)
		case s.User() == user || c.watchers[s.User()] != nil:
			return contact.Errorf(contact.Conflict, "%s is in this call already", s.User())
		}
		c.bringIn(c.newAgent(s, contact.Agent, time.Now()), contact.AgentID(s.User()), s.User())
		c.noteConsult(c.second.leg, user+" consults "+s.User()+"; the customer hears music", "consult", s.User(), "")
		return nil
	})
}

// bringIn makes a the second one.
func (c *Call) bringIn(a *agent, user contact.AgentID, name string) {
	now := time.Now()
	if v := c.view.Second; v != nil && v.User == user {
		name = v.Name
	}
	c.second, c.joined = a, false
	c.view.Second = &Second{User: user, Name: name, Since: now}
	c.setStage(StageHold, now)
	c.settle()
}

// showSecond changes what others see of the second one.
func (c *Call) showSecond(change func(*Second)) {
	if c.view.Second == nil {
		return
	}
	v := *c.view.Second // a snapshot's is never changed
	change(&v)
	c.view.Second = &v
}

// showMode keeps the second one's state in step with the mode.
func (c *Call) showMode() {
	if c.second == nil {
		return
	}
	state := SecondTalking
	switch {
	case c.mode == modeAside || c.mode == modeHold:
		state = SecondWaiting
	case c.joined && c.mode != modeConsult, c.mode == modeBridge:
		state = SecondJoined
	}
	if v := c.view.Second; v != nil && v.State != state {
		c.showSecond(func(v *Second) { v.State, v.Since = state, time.Now() })
	}
}

// Swap goes from the consultation to the customer, or back: who is left hears
// music.
func (c *Call) Swap(user string) error {
	return c.withAgent(user, func() error {
		if c.second == nil || c.joined {
			return contact.Errorf(contact.Conflict, "there is nobody to swap with")
		}
		kind, to := contact.KindResume, StageTalking
		if c.view.Stage == StageTalking {
			kind, to = contact.KindHold, StageHold
		}
		c.setStage(to, time.Now())
		c.settle()
		c.Note(kind, c.agent.leg, map[Stage]string{StageTalking: "with the customer again; the second one hears music", StageHold: "with the second one again; the customer hears music"}[to],
			map[string]any{"swap": true})
		c.mark(string(kind), nil)
		c.changed()
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
		who := called(Ask{User: contact.AgentID(c.second.user())})
		c.noteConsult(c.second.leg, "the customer and "+who+" hear each other", "conference", c.second.user(), "")
		return nil
	})
}

// EndConsult takes the second one out of the call; either agent may ask. The
// customer is with the first agent again.
func (c *Call) EndConsult(user string) error {
	return c.do(func() error {
		if c.second == nil || !c.has(user) {
			return contact.Errorf(contact.Conflict, "there is no second one in your call")
		}
		c.endConsult(called(Ask{User: contact.AgentID(c.second.user())}) + " left the call")
		return nil
	})
}

func (c *Call) endConsult(text string) {
	gone := c.second
	c.hangUpSecond("the consultation is over")
	if c.agent != nil {
		c.setStage(StageTalking, time.Now())
	}
	c.settle()
	c.noteConsult(gone.leg, text, "left", gone.user(), "")
}

// Transfer takes the agent out of the call; the second one has it now. A second
// agent is the agent then; with a phone outside ("") the customer is alone, and
// nothing is recorded any more. decide asks the queue engine; as in GiveAway nothing
// comes between that and the change.
func (c *Call) Transfer(user string, decide func(to contact.AgentID) error) error {
	return c.withAgent(user, func() error {
		if c.second == nil {
			return contact.Errorf(contact.Conflict, "there is nobody to hand the call to")
		}
		if err := decide(contact.AgentID(c.second.user())); err != nil {
			return err
		}
		if c.second.phone != nil {
			c.bridge(user)
			return nil
		}
		next := c.second
		if _, ok := next.seat.(Telephone); ok {
			next.yield() // or it would be hung up
			c.second, c.joined = nil, false
		}
		c.partSecond()
		c.handOver(next.seat, contact.Agent)
		c.keepShowing(next)
		c.noteConsult(c.agent.leg, user+" handed the call to "+next.seat.User(), "transfer", next.seat.User(), "")
		return nil
	})
}

func (c *Call) noteConsult(leg contact.LegID, text, mode, with, note string) {
	data := map[string]any{"mode": mode, "agent": with}
	if with == "" {
		data["agent"] = nil
	}
	c.mark("consult", data)
	if note != "" {
		data = map[string]any{"mode": mode, "agent": data["agent"], "note": note}
	}
	c.Note(contact.KindConsult, leg, text, data)
	c.changed()
}

// partSecond takes the second one out of the call; a phone's leg goes on.
func (c *Call) partSecond() {
	if c.second != nil {
		c.second.leave()
		c.second, c.joined = nil, false
	}
	if v := c.view.Second; v != nil && v.State != SecondRinging {
		c.view.Second = nil
	}
}

// hangUpSecond takes the second one out of the call and tells whom it concerns:
// a phone is hung up, an agent is free again.
func (c *Call) hangUpSecond(why string) {
	gone := c.second
	if gone == nil {
		c.view.Second = nil
		return
	}
	c.noteLegQuality(time.Now(), gone.leg, gone.quality())
	c.partSecond()
	if gone.phone != nil {
		gone.phone.Hangup(contact.EndCause{By: contact.Agent, Class: contact.EndCompleted, Q850: 16, Why: why})
		return
	}
	c.Queues.Release(c.ID, contact.AgentID(gone.user()))
}

// has says whether user is one of the call's agents.
func (c *Call) has(user string) bool {
	return c.agent != nil && c.agent.user() == user || c.second != nil && c.second.user() == user
}

// ForgetAsk clears away that somebody did not come; the agent is with the
// customer again.
func (c *Call) ForgetAsk(user string) error {
	return c.withAgent(user, func() error {
		if v := c.view.Second; v == nil || v.State != SecondFailed {
			return contact.Errorf(contact.Conflict, "nobody was asked")
		}
		c.view.Second = nil
		c.setStage(StageTalking, time.Now())
		c.settle()
		c.Note(contact.KindResume, c.agent.leg, "taken back from hold", nil)
		c.mark(string(contact.KindResume), nil)
		c.changed()
		return nil
	})
}

// Second returns who is in the call beside the agent, or is asked to come; nil
// for nobody.
func (c *Call) Second() (v *Second) {
	_ = c.do(func() error { v = c.view.Second; return nil }) // of a call that is over nobody
	return v
}
