package acd

import (
	"time"

	"callfloor/contact"
)

// setApart takes c out of the hands of its agent, who goes where the caller
// says.
func (s *State) setApart(c *customer, why string) *agent {
	s.freeHelper(c, whyOver)
	a := c.agent
	s.stopTalking(a)
	a.c, c.agent, c.connected, c.returned = nil, nil, false, false
	c.q.talking--
	s.touch(c.q)
	c.apart = &apart{from: a.id, since: s.now}
	s.emit(Parted{Contact: c.id, Agent: a.id, Why: why})
	return a
}

// transferred: see Transferred.
func (s *State) transferred(ev Transferred) error {
	c, err := s.with(ev.From, ev.Contact)
	if err != nil {
		return err
	}
	switch {
	case ev.Agent != "":
		return s.toAgent(c, ev.Agent)
	case ev.Queue != "":
		return s.toQueue(c, ev.Queue)
	}
	s.beginWrapUp(s.setApart(c, whyTransfer))
	return nil
}

func (s *State) toAgent(c *customer, id contact.AgentID) error {
	if id == c.agent.id {
		return contact.Errorf(contact.Invalid, "the call is with you already")
	}
	to, err := s.free(id)
	if err != nil {
		return err
	}
	from := s.setApart(c, whyTransfer)
	c.apart.asked = to
	s.ringPast(to, &ask{c, from.id, Transfer})
	s.beginWrapUp(from)
	return nil
}

func (s *State) toQueue(c *customer, id contact.QueueID) error {
	q := s.queues[id]
	if q == nil {
		return contact.Errorf(contact.NotFound, "there is no queue %q", id)
	}
	if why := q.refuses(s.now); why != "" {
		return contact.Errorf(contact.Conflict, "%s takes nobody now: %s", id, q.why(why))
	}
	if q.staffed == 0 || q.staffed == 1 && c.agent.memberOf(q) != nil && working(c.agent.status.State) > 0 {
		return contact.Errorf(contact.Conflict, "nobody else is at work in %s", id)
	}
	from := s.setApart(c, whyTransfer)
	c.apart = nil
	s.wait(c, q, ReasonTransfer, "transferred by "+string(from.id))
	s.rememberDecline(c, from) // it shall not ring where it came from
	s.beginWrapUp(from)
	return nil
}

// wait puts c into q, where it keeps the time that it has waited.
func (s *State) wait(c *customer, q *queue, r Reason, why string) {
	from := c.q
	c.q, c.joined, c.prefer, c.only, c.retry, c.hops = q, s.now, nil, false, time.Time{}, 0
	s.emit(Moved{Contact: c.id, From: from.cfg.ID, To: q.cfg.ID, Reason: r, Why: why})
	s.arrived = append(s.arrived, c)
	s.stand(c)
}

// cameBack: see CameBack.
func (s *State) cameBack(ev CameBack) error {
	c := s.customers[ev.Contact]
	if c == nil || c.apart == nil || c.apart.asked != nil || c.apart.isPark {
		return contact.Errorf(contact.Conflict, "this call is not outside")
	}
	s.bringBack(c, false)
	return nil
}

// bringBack rings who had c last; where that makes no sense, or was tried, c
// stands at the head of its queue, and that agent gets it if they come free in
// time.
func (s *State) bringBack(c *customer, tried bool) {
	p := c.apart
	a := s.agents[p.from]
	s.stop(&p.parked)
	p.isPark = false
	if !tried && a != nil && a.status.Ready && !a.gone {
		notes := a.other
		switch {
		case a.other != nil && a.other.at.Contact == c.id: // the call itself rings in their place
			a.other = nil
		case a.other == nil && a.status.State == contact.AgentWrapUp && a.status.Contact == c.id:
			s.endWrapUp(a, EndByReturn)
			s.move(a, contact.AgentAvailable)
		}
		if a.status.State == contact.AgentAvailable || a.waits() {
			if a.other != notes {
				s.dropNotes(a, notes, EndByReturn)
			}
			p.asked = a
			s.ringPast(a, &ask{c, p.from, Return})
			return
		}
		a.other = notes
	}
	s.home(c)
	c.apart, c.returned, c.joined = nil, true, s.now
	if a != nil && !tried {
		a.mine, a.mineUntil = c, s.now.Add(s.cfg.SameAgent)
	}
	s.emit(Waits{Contact: c.id, Queue: c.q.cfg.ID})
	s.stand(c)
}

// home gives a contact of an agent of no queue one to wait in: nobody would look for it
// elsewhere.
func (s *State) home(c *customer) {
	if c.q == s.nowhere && len(s.queueList) > 0 {
		c.q = s.queueList[0]
	}
}
