package app

import (
	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
)

// An agent can have two calls. The queue engine knows which one is in front; the
// house carries out its SetAside and TurnedTo on one goroutine, in order, so that
// no two calls ever have the agent's microphone and tracks.

// switchCalls sets a call aside, or turns to it; false for any other decision.
func (h *House) switchCalls(a acd.Action) bool {
	switch a := a.(type) {
	case acd.SetAside:
		if c, ok := h.call(a.Contact); ok {
			c.SetAside(string(a.Agent))
		}
	case acd.TurnedTo:
		if c, ok := h.call(a.Contact); ok {
			if err := c.TurnTo(string(a.Agent)); err != nil {
				h.log.Info("a call was over before its agent turned to it", "call", a.Contact, "error", err)
			}
		}
	default:
		return false
	}
	return true
}

// swap goes from the customer to the second one of the agent's call, or back;
// where nobody is there to swap with, from the agent's call to the other one.
func (h *House) swap(c *call.Call, user contact.AgentID) error {
	v := c.Second()
	within := v != nil && (v.State == call.SecondTalking || v.State == call.SecondWaiting)
	if status, _ := h.engine.Agent(user); !within && status.Other.State != "" {
		return h.engine.Do(acd.Swapped{Agent: user})
	}
	return c.Swap(string(user))
}

// inFront returns the agent's call in front. Where another one was meant, which
// the agent saw there a moment ago, nothing is done to this one.
func (h *House) inFront(user string, meant contact.ID) (*call.Call, error) {
	status, _ := h.engine.Agent(contact.AgentID(user))
	switch {
	case meant == "" || meant == status.Contact:
		return h.callOf(user)
	case meant == status.Other.Contact && status.Other.State == contact.AgentHold:
		return nil, contact.Errorf(contact.Conflict, "this call is set aside: take it back first")
	case meant == status.Other.Contact && status.Other.State == contact.AgentOffered:
		return nil, contact.Errorf(contact.Conflict, "answer this call first")
	}
	return nil, contact.Errorf(contact.Conflict, "this call is over")
}

// wrapsUp returns the call whose notes an agent writes: the one that was meant,
// else the one in front; with done its wrap-up must have begun, without it may
// be just over.
func (h *House) wrapsUp(user contact.AgentID, meant contact.ID, done bool) (contact.ID, error) {
	status, _ := h.engine.Agent(user)
	at, state := status.Contact, status.State
	if meant != "" && meant == status.Other.Contact {
		at, state = meant, status.Other.State
	}
	switch {
	case meant != "" && meant != at && !done && h.justOver(user, meant):
		return meant, nil
	case at == "", meant != "" && meant != at, done && state != contact.AgentWrapUp:
		return "", contact.Errorf(contact.Conflict, "there is no call to wrap up")
	case at == status.Other.Contact && state == contact.AgentOffered:
		return "", contact.Errorf(contact.Conflict, "answer this call first")
	}
	return at, nil
}

// oneLine says why an agent cannot ask another number to come in: they have
// another call.
func (h *House) oneLine(user string) error {
	if status, _ := h.engine.Agent(contact.AgentID(user)); status.Other.State != "" {
		return contact.Errorf(contact.Conflict, "you have another call: finish that first")
	}
	return nil
}

// oneEar says why an agent cannot have a second call: they are in one, and their
// telephone has one line.
func (h *House) oneEar(user contact.AgentID) error {
	status, _ := h.engine.Agent(user)
	talks := status.State == contact.AgentTalking || status.State == contact.AgentHold
	if talks && (h.phones.has(user) || h.phones.speaks(user)) {
		return contact.Errorf(contact.Conflict, "your calls ring at your telephone, which takes one at a time")
	}
	return nil
}

// mayDialBeside says why a second customer cannot be called now; nil also where
// there is no first one.
func (h *House) mayDialBeside(user string) error {
	c, err := h.callOf(user)
	if err != nil {
		return nil
	}
	if err := h.oneEar(contact.AgentID(user)); err != nil {
		return err
	}
	if v := c.Second(); v != nil && v.State != call.SecondFailed {
		return contact.Errorf(contact.Conflict, "first end it with %s", v.Name)
	}
	return nil
}

// makeRoom sets the call of an agent aside who calls a second customer, before
// anything of that one is heard.
func (h *House) makeRoom(user string) {
	status, _ := h.engine.Agent(contact.AgentID(user))
	if c, ok := h.call(status.Other.Contact); ok && status.Other.State == contact.AgentHold {
		c.SetAside(user)
	}
}

// callWaiting tells the queue engine whether an agent takes a second call. Who
// speaks by a telephone does not: it has one line.
func (h *House) callWaiting(s *web.Seat, on bool) error {
	user := contact.AgentID(s.User())
	if on && h.phones.has(user) {
		return contact.Errorf(contact.Conflict, "your calls ring at your telephone, which takes one at a time")
	}
	return h.engine.Do(acd.CallWaiting{Agent: user, On: on})
}

// takesSecond says that a call which is meant for an agent rings beside the one
// that they are in.
func takesSecond(a acd.AgentStatus) bool {
	return a.CallWaiting && a.Other.State == "" && (a.State == contact.AgentTalking || a.State == contact.AgentHold)
}

// other is the status that an agent would have if the other call were in front.
func other(a acd.AgentStatus) acd.AgentStatus {
	o := a.Other
	a.State, a.Contact, a.Queue, a.Since, a.Until, a.Other = o.State, o.Contact, o.Queue, o.Since, o.Until, acd.LineStatus{}
	a.WrapUpWanted = false
	return a
}

// has says whether an agent has to do with a call.
func has(a acd.AgentStatus, id contact.ID) bool {
	return id != "" && (a.Contact == id || a.Other.Contact == id)
}
