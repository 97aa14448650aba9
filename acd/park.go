package acd

import (
	"callfloor/contact"
)

// park: see Parked.
func (s *State) park(ev Parked) error {
	c, err := s.with(ev.From, ev.Contact)
	if err != nil {
		return err
	}
	if ev.For <= 0 {
		return contact.Errorf(contact.Invalid, "a call is parked for some time")
	}
	a := s.setApart(c, whyParked)
	c.apart.isPark = true
	c.apart.parked.due = func(s *State) { s.bringBack(c, false) }
	s.start(&c.apart.parked, s.now.Add(ev.For))
	s.dropCall(a)
	s.goOn(a)
	return nil
}

// pickedUp: see PickedUp.
func (s *State) pickedUp(ev PickedUp) error {
	c := s.customers[ev.Contact]
	if c == nil || c.apart == nil || !c.apart.isPark {
		return contact.Errorf(contact.Conflict, "this call is not parked any more")
	}
	a := s.agents[ev.Agent]
	if a == nil {
		return contact.Errorf(contact.NotFound, "%s is not an agent", ev.Agent)
	}
	switch {
	case a.gone || !a.status.Ready:
		return contact.Errorf(contact.Conflict, "your phone is not ready")
	case a.status.State == contact.AgentWrapUp && a.other == nil:
		if err := s.stays(a); err != nil {
			return err
		}
		s.endWrapUp(a, EndByAgent)
		s.move(a, contact.AgentAvailable)
	case a.status.State == contact.AgentTalking, a.status.State == contact.AgentHold:
		if err := a.room(); err != nil {
			return err
		}
		s.setAside(a)
	case a.status.State != contact.AgentAvailable && a.status.State != contact.AgentAway:
		return contact.Errorf(contact.Conflict, "first finish the call that you have")
	}
	if a.status.State == contact.AgentAway {
		a.status.Next, a.nextReason = contact.AgentAway, a.awayReason // and back to it afterwards
	}
	s.take(a, c)
	return nil
}
