package call

import (
	"time"

	"callfloor/contact"
)

// An agent can be in two calls and is heard in one: the other one is set aside.
// There the customer hears music, the agent's voice is in nobody's ear, and the
// call leaves the agent's tracks alone, because they belong to the other one.
// House sets one aside before it connects or turns to the other.

// SetAside says that an agent of the call speaks in another one. When it
// returns, no packet goes from or to them here until TurnTo. Harmless if they
// are not in the call.
func (c *Call) SetAside(user string) {
	_ = c.do(func() error { // a call that is over hears nobody
		a := c.agentNamed(user)
		if a == nil || a.aside {
			return nil
		}
		silence(a.seat)
		hide(a.seat)
		a.shows = shows{} // whoever shows something shows it again, in the call that they mean
		a.aside = true
		if a == c.agent {
			c.setStage(StageHold, time.Now())
		}
		c.settle()
		c.Note(contact.KindHold, a.leg, user+" is in another call; the customer hears music", map[string]any{"aside": true})
		c.mark(string(contact.KindHold), nil)
		c.changed()
		return nil
	})
}

// TurnTo says that an agent whose call was set aside is back in it. Their other
// call must be set aside, or without them, by then.
func (c *Call) TurnTo(user string) error {
	return c.do(func() error {
		a := c.agentNamed(user)
		switch {
		case a == nil:
			return contact.Errorf(contact.Conflict, "this call is not with you")
		case !a.aside:
			return nil
		}
		a.aside = false
		if a == c.agent {
			c.setStage(StageTalking, time.Now())
		}
		c.settle()
		c.Note(contact.KindResume, a.leg, user+" is back from another call", map[string]any{"aside": false})
		c.mark(string(contact.KindResume), nil)
		c.changed()
		return nil
	})
}

// agentNamed returns which of the call's agents user is, or nil.
func (c *Call) agentNamed(user string) *agent {
	switch {
	case c.agent != nil && c.agent.user() == user:
		return c.agent
	case c.second != nil && c.second.seat != nil && c.second.user() == user:
		return c.second
	}
	return nil
}

// isAside says that the call's agent is in another one.
func (c *Call) isAside() bool { return c.agent != nil && c.agent.aside }
