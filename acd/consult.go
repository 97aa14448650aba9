package acd

import (
	"callfloor/contact"
)

func (s *State) asked(ev Asked) error {
	c, err := s.with(ev.From, ev.Contact)
	if err != nil {
		return err
	}
	if c.helper != nil {
		return contact.Errorf(contact.Conflict, "first end it with %s", c.helper.id)
	}
	if c.agent.other != nil {
		return contact.Errorf(contact.Conflict, "you have another call: finish that first")
	}
	if ev.Agent == ev.From {
		return contact.Errorf(contact.Invalid, "you cannot ask yourself")
	}
	a, err := s.free(ev.Agent)
	if err != nil {
		return err
	}
	c.helper = a
	s.ringPast(a, &ask{c, ev.From, Consult})
	return nil
}

// freeHelper takes who helps with c, or rings to, out of it.
func (s *State) freeHelper(c *customer, why string) {
	a := c.helper
	if a == nil {
		return
	}
	s.onLine(a, c.id, func() {
		s.stopAsk(a, why)
		s.goOn(a)
	})
}

// goOn takes a, who has no call in front any more, to the other one or to what
// was asked for meanwhile.
func (s *State) goOn(a *agent) {
	next, reason := a.status.Next, a.nextReason
	switch {
	case a.status.State == contact.AgentDisconnected:
	case a.other != nil && !a.turned:
		s.promote(a)
	case next == "":
		s.goTo(a, contact.AgentAvailable, "")
	default:
		s.goTo(a, next, reason)
	}
}

// askCancelled: see AskCancelled.
func (s *State) askCancelled(ev AskCancelled) error {
	c, err := s.with(ev.From, ev.Contact)
	if err != nil {
		return err
	}
	if c.helper == nil {
		return contact.Errorf(contact.Conflict, "nobody is being asked")
	}
	why := whyCancelled
	if c.helper.status.State != contact.AgentOffered && !c.helper.rings(c.id) {
		why = whyOver
	}
	s.freeHelper(c, why)
	return nil
}

// handedOver: see HandedOver.
func (s *State) handedOver(ev HandedOver) error {
	c, err := s.with(ev.From, ev.Contact)
	if err != nil {
		return err
	}
	from, to := c.agent, c.helper
	if to == nil || to.id != ev.Agent || to.ask == nil || to.ask.c != c || to.status.State != contact.AgentTalking {
		return contact.Errorf(contact.Conflict, "%s is not in this call", ev.Agent)
	}
	s.stopTalking(from)
	from.c = nil
	c.agent, c.helper, to.c, to.ask, to.mine = to, nil, c, nil, nil
	to.talking = s.now
	to.calls++
	s.beginWrapUp(from)
	s.told(to)
	return nil
}
