package acd

import (
	"slices"
	"strconv"
	"time"

	"callfloor/contact"
)

// Why an offer ended; OfferEnded.Why.
const (
	whyAccepted = "accepted"
	whyDeclined = "declined"
	whyTimeout  = "timeout"
	whyLeft     = "left"
	whyLost     = "lost"
	whyReturned = "returned"
)

// reasonsTold bounds the Reasons of an offer: in a queue of more agents only
// those are listed who stood before the chosen one.
const reasonsTold = 16

// match makes every offer that can be made. Before the step nobody could be
// matched, so every possible pair has a freed agent or a waiting customer.
func (s *State) match() {
	for i := 0; i < len(s.freed); i++ { // an offer taken back frees one more
		s.serve(s.freed[i])
	}
	clear(s.freed)
	s.freed = s.freed[:0]

	if len(s.waiting) > 1 {
		slices.SortStableFunc(s.waiting, func(a, b *customer) int {
			switch {
			case before(a, b):
				return -1
			case before(b, a):
				return 1
			}
			return 0
		})
	}
	for _, c := range s.waiting {
		if c.inReady.n == 0 {
			continue
		}
		if a := s.longestIdle(c); a != nil {
			s.offer(c, a, "")
			continue
		}
		c.waited = true
	}
	clear(s.waiting)
	s.waiting = s.waiting[:0]
}

// serve finds work for a: the contact that it lost, else the contact that goes
// first in any of its queues. Where an agent who is idle for longer can take
// that one, there may be another one for a.
func (s *State) serve(a *agent) {
	if !a.routable {
		return
	}
	if c := s.lostBy(a); c != nil {
		if c.agent != nil {
			b := s.passOn(c.agent, whyReturned)
			s.move(b, contact.AgentAvailable)
		}
		s.offer(c, a, "spoke with this caller until the browser went away")
		return
	}
	for a.routable {
		c, b := s.pair(a)
		if c == nil {
			return
		}
		s.offer(c, b, "")
	}
}

// pair begins with a and finds a contact and an agent who are each other's
// first choice. Each turn finds a contact that goes before the last one, so it
// ends.
func (s *State) pair(a *agent) (*customer, *agent) {
	for {
		c := s.bestFor(a)
		if c == nil {
			return nil, nil
		}
		b := s.longestIdle(c)
		if b == a {
			return c, a
		}
		a = b
	}
}

// lostBy returns the contact that a lost with its seat, if nobody has answered
// it since and a is in time.
func (s *State) lostBy(a *agent) *customer {
	c := a.mine
	a.mine = nil
	if c == nil || s.customers[c.id] != c || c.connected || s.now.After(a.mineUntil) {
		return nil
	}
	return c
}

func (s *State) bestFor(a *agent) *customer {
	var best *customer
	for _, m := range a.members {
		for c := range m.q.ready.all() {
			if best != nil && before(best, c) {
				break
			}
			if _, no := c.declinedBy(a, s.now); !no {
				best = c
				break
			}
		}
	}
	return best
}

func (s *State) longestIdle(c *customer) *agent {
	for m := range c.q.idle.all() {
		if _, no := c.declinedBy(m.a, s.now); !no {
			return m.a
		}
	}
	return nil
}

// offer rings a for c. An empty why is "longest idle".
func (s *State) offer(c *customer, a *agent, why string) {
	reasons := s.reasons(c, a, why)
	c.q.leave(s.now, c)
	c.agent, a.c = a, c
	deadline := s.now.Add(s.cfg.OfferTimeout)
	a.status.Contact, a.status.Queue, a.status.Until = c.id, c.q.cfg.ID, deadline
	s.start(&a.timer, deadline)
	s.emit(OfferTo{
		Agent: a.id, Contact: c.id, Queue: c.q.cfg.ID,
		Waited: s.now.Sub(c.since), Deadline: deadline, Reasons: reasons,
	})
	s.move(a, contact.AgentOffered)
}

// endOffer stops a's ringing; a and the contact go where the caller says.
func (s *State) endOffer(a *agent, why string) *agent {
	c := a.c
	a.c, c.agent = nil, nil
	a.last = endedOffer{c.id, why}
	s.dropCall(a)
	s.emit(OfferEnded{Agent: a.id, Contact: c.id, Why: why})
	return a
}

// passOn stops a's ringing; the contact, at its place, may be offered again.
func (s *State) passOn(a *agent, why string) *agent {
	c := a.c
	s.endOffer(a, why)
	s.makeReady(c)
	return a
}

// offerAccepted: see OfferAccepted.
func (s *State) offerAccepted(ev OfferAccepted) error {
	a := s.agents[ev.Agent]
	if a != nil && a.c != nil && a.c.id == ev.Contact && a.c.connected {
		return nil // pressed twice
	}
	if err := s.checkOffer(a, ev.Agent, ev.Contact); err != nil {
		return err
	}
	c := a.c
	waited := s.now.Sub(c.since)
	s.endOffer(a, whyAccepted)
	s.unstand(c)
	c.agent, c.connected, a.c = a, true, c
	a.mine = nil
	s.countAnswer(c, waited)
	a.status.Contact, a.status.Queue = c.id, c.q.cfg.ID
	s.emit(Connect{Agent: a.id, Contact: c.id, Queue: c.q.cfg.ID, Waited: waited})
	s.move(a, contact.AgentTalking)
	return nil
}

func (s *State) countAnswer(c *customer, waited time.Duration) {
	c.q.talking++
	if c.waited {
		c.q.pace.answer(s.now)
	}
	if c.served {
		return
	}
	c.served = true
	s.counted = true
	c.q.answered++
	if waited <= s.cfg.ServiceLevel {
		c.q.answeredIn++
	}
}

// offerDeclined: see OfferDeclined.
func (s *State) offerDeclined(ev OfferDeclined) error {
	a := s.agents[ev.Agent]
	if err := s.checkOffer(a, ev.Agent, ev.Contact); err != nil {
		return err
	}
	s.rememberDecline(a.c, a)
	s.passOn(a, whyDeclined)
	s.move(a, contact.AgentAvailable)
	return nil
}

// checkOffer says in a sentence why an offer cannot be answered any more.
func (s *State) checkOffer(a *agent, id contact.AgentID, offered contact.ID) error {
	if a == nil {
		return contact.Errorf(contact.NotFound, "%s is not an agent", id)
	}
	if a.status.State == contact.AgentOffered && a.c.id == offered {
		return nil
	}
	why := "this call does not ring for you any more"
	if a.last.contact == offered {
		switch a.last.why {
		case whyLeft:
			why = "the caller hung up before you answered"
		case whyTimeout:
			why = "the call rang too long and went on to the next agent"
		case whyLost:
			why = "your browser was away and the call went on to the next agent"
		case whyReturned:
			why = "the call went back to the agent who had spoken with this caller"
		case whyDeclined:
			why = "you have declined this call"
		case whyAccepted:
			why = "you have answered this call already"
		}
	}
	return contact.Errorf(contact.Conflict, "%s", why)
}

// reasons says why c goes to chosen, the chosen one first, and what kept the
// others from it.
func (s *State) reasons(c *customer, chosen *agent, why string) []Candidate {
	if why == "" {
		why = "longest idle " + seconds(s.now.Sub(chosen.idleSince))
	}
	list := make([]Candidate, 1, min(len(c.q.members)+1, reasonsTold))
	list[0] = Candidate{Agent: chosen.id, Chosen: true, Why: why}
	if len(c.q.members) <= reasonsTold {
		for _, m := range c.q.members {
			if m.a != chosen {
				list = append(list, Candidate{Agent: m.a.id, Why: s.whyNot(c, m.a)})
			}
		}
		return list
	}
	for m := range c.q.idle.all() {
		if m.a == chosen || len(list) == reasonsTold {
			break
		}
		list = append(list, Candidate{Agent: m.a.id, Why: s.whyNot(c, m.a)})
	}
	return list
}

func (s *State) whyNot(c *customer, a *agent) string {
	switch a.status.State {
	case contact.AgentAvailable:
	case contact.AgentOffline:
		return "signed out"
	case contact.AgentAway:
		if a.status.Reason != "" {
			return "away (" + a.status.Reason + ")"
		}
		return "away"
	case contact.AgentOffered:
		return "another call rings"
	case contact.AgentTalking, contact.AgentHold:
		return "in a call"
	case contact.AgentWrapUp:
		return "in wrap-up"
	case contact.AgentNotResponding:
		return "not responding"
	case contact.AgentDisconnected:
		return "browser gone"
	}
	switch d, no := c.declinedBy(a, s.now); {
	case no:
		return "declined " + seconds(s.now.Sub(d.at)) + " ago"
	case a.gone:
		return "browser gone"
	case !a.status.Ready && a.notReady != "":
		return "browser not ready: " + a.notReady
	case !a.status.Ready:
		return "browser not ready"
	}
	return "idle " + seconds(s.now.Sub(a.idleSince))
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d/time.Second)) + " s" }
