package acd

import "callfloor/contact"

// Joined: an agent's telephone has transferred the contact of From to another call
// that it had: that of Agent, with Left. Agent has Contact from now on, without an
// offer; Left is over and nobody wraps it up, since what it was for goes on. From
// wraps up.
type Joined struct {
	Contact contact.ID
	From    contact.AgentID
	Left    contact.ID
	Agent   contact.AgentID
}

func (Joined) event() {}

func (s *State) joined(ev Joined) error {
	c, err := s.with(ev.From, ev.Contact)
	if err != nil {
		return err
	}
	left, err := s.with(ev.Agent, ev.Left)
	if err != nil {
		return err
	}
	from, to := c.agent, left.agent
	switch {
	case from == to:
		return contact.Errorf(contact.Invalid, "the call is with %s already", ev.Agent)
	case to.status.State != contact.AgentTalking && to.status.State != contact.AgentHold:
		return contact.Errorf(contact.Conflict, "%s cannot take a call now: %s", ev.Agent, wordOf(to.status.State))
	}
	s.freeHelper(c, whyOver)
	s.freeHelper(left, whyOver)
	s.stopTalking(to)
	left.agent, to.c = nil, nil
	s.parts(left)
	s.touch(left.q)
	s.forget(left)

	s.stopTalking(from)
	from.c = nil
	c.agent, to.c, to.mine = to, c, nil
	to.talking = s.now
	to.calls++
	s.beginWrapUp(from)
	to.status.Contact, to.status.Queue = c.id, c.q.cfg.ID
	if to.status.State == contact.AgentHold {
		s.move(to, contact.AgentTalking)
	} else {
		s.told(to)
	}
	return nil
}
