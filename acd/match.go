package acd

import (
	"slices"

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
	whyTaken    = "taken"
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
		if m := s.choose(c); m != nil {
			s.offer(c, m, "")
			continue
		}
		if s.ringBeside(c) {
			continue
		}
		c.waited = true
	}
	clear(s.waiting)
	s.waiting = s.waiting[:0]
}

// serve finds work for a: the contact that it lost, else the contact that goes
// first in any of its queues. Where an agent whose turn is sooner can take that
// one, there may be another one for a.
func (s *State) serve(a *agent) {
	if !a.routable {
		return
	}
	if c := s.lostBy(a); c != nil {
		for len(c.ringing) > 0 {
			b := c.ringing[0]
			s.onLine(b, c.id, func() {
				s.passOn(b, whyReturned)
				s.move(b, contact.AgentAvailable)
			})
		}
		if m := a.memberOf(c.q); m != nil && c.inReady.n > 0 {
			s.ring(c, m, "spoke with this caller until the browser went away")
			return
		}
	}
	for a.routable {
		c, m := s.pair(a)
		if c == nil {
			s.joinRing(a)
			return
		}
		s.offer(c, m, "")
	}
}

// maxTurns bounds the search for first choices. Where agents prefer some of
// their queues the choices can go round in a circle; any pair of it is good.
const maxTurns = 32

// pair begins with a and finds a contact and an agent who are each other's
// first choice. Without preferences each turn finds a contact that goes before
// the last one.
func (s *State) pair(a *agent) (*customer, *member) {
	c := s.bestFor(a)
	if c == nil {
		return nil, nil
	}
	for turn := 0; ; turn++ {
		m := s.choose(c)
		if m == nil || m.a == a || turn == maxTurns {
			return c, m
		}
		a = m.a
		next := s.bestFor(a)
		if next == c {
			return c, m
		}
		c = next
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

func (a *agent) memberOf(q *queue) *member {
	for _, m := range a.members {
		if m.q == q {
			return m
		}
	}
	return nil
}

// bestFor returns the contact that a should serve next: one that was parted
// from an agent, one that waits for a alone, then by the order of a's queues
// and the order in them.
func (s *State) bestFor(a *agent) *customer {
	var best *customer
	var of *member
	for _, m := range a.members {
		c := s.bestIn(m)
		if c != nil && (best == nil || sooner(m, c, of, best)) {
			best, of = c, m
		}
	}
	return best
}

func sooner(m *member, c *customer, of *member, best *customer) bool {
	switch {
	case c.returned != best.returned:
		return c.returned
	case (c.prefer != nil) != (best.prefer != nil):
		return c.prefer != nil
	case m.order != of.order:
		return m.order < of.order
	}
	return before(c, best)
}

func (s *State) bestIn(m *member) *customer {
	var best *customer
	look := func(t *tree[*customer]) {
		for c := range t.all() {
			if best != nil && !sooner(m, c, m, best) {
				return
			}
			if s.can(m, c) > fitNo {
				best = c
				return
			}
		}
	}
	if m.own.len() > 0 {
		look(&m.own)
	}
	for _, k := range m.q.classes {
		if k.ready.len() > 0 && m.a.suits(k.wants) > fitNo {
			look(&k.ready)
		}
	}
	return best
}

// offer rings m, or in a queue that rings all everybody who can take c.
func (s *State) offer(c *customer, m *member, why string) {
	if c.kind == KindDial {
		s.dial(c)
		return
	}
	if c.q.cfg.Strategy != RingAll || c.prefer != nil {
		s.ring(c, m, why)
		return
	}
	var all []*member
	for x := range c.q.idle.all() {
		if s.can(x, c) > fitNo {
			all = append(all, x)
		}
	}
	for _, x := range all {
		s.ring(c, x, "")
	}
	c.inRing = &node[*customer]{v: c}
	c.q.ringers.insert(c.inRing)
}

func (q *queue) stopRinging(c *customer) {
	if c.inRing != nil {
		q.ringers.remove(c.inRing)
		c.inRing = nil
	}
}

// joinRing rings a too for the first contact for which everybody rings.
func (s *State) joinRing(a *agent) {
	var best *customer
	var of *member
	for _, m := range a.members {
		for c := range m.q.ringers.all() {
			if best != nil && !sooner(m, c, of, best) {
				break
			}
			if s.can(m, c) > fitNo {
				best, of = c, m
				break
			}
		}
	}
	if best != nil {
		s.ring(best, of, "")
	}
}

// ring offers c to one agent. An empty why is that of the queue's strategy.
func (s *State) ring(c *customer, m *member, why string) {
	a := m.a
	if why == "" {
		why = s.whyChosen(c, m)
	}
	reasons := s.reasons(c, a, why)
	c.q.leave(s.now, c)
	c.q.took(m)
	if c.virtual() && len(c.ringing) == 0 {
		c.q.working++
	}
	c.ringing = append(c.ringing, a)
	a.c = c
	deadline := s.now.Add(s.cfg.OfferTimeout)
	a.status.Contact, a.status.Queue, a.status.Until = c.id, c.q.cfg.ID, deadline
	s.start(a.timer, deadline)
	s.emit(OfferTo{
		Agent: a.id, Contact: c.id, Queue: c.q.cfg.ID,
		Waited: s.now.Sub(c.since), Deadline: deadline, Reasons: reasons,
		Kind: c.kind, AutoAnswer: s.autoAnswers(a, c),
	})
	s.move(a, contact.AgentOffered)
}

// autoAnswers says whether a's seat answers c by itself.
func (s *State) autoAnswers(a *agent, c *customer) bool {
	return c.q.cfg.AutoAnswer || a.person.AutoAnswer
}

// endOffer stops a's ringing; a and the contact go where the caller says.
func (s *State) endOffer(a *agent, why string) *agent {
	c := a.c
	a.c = nil
	c.ringing = slices.DeleteFunc(c.ringing, func(b *agent) bool { return b == a })
	if len(c.ringing) == 0 {
		c.q.stopRinging(c)
		if c.virtual() {
			s.taskDone(c.q)
		}
	}
	a.last = endedOffer{c.id, why}
	s.dropCall(a)
	s.emit(OfferEnded{Agent: a.id, Contact: c.id, Why: why, Rings: len(c.ringing) > 0})
	return a
}

// passOn stops a's ringing; the contact, at its place, may be offered again
// when no seat rings for it.
func (s *State) passOn(a *agent, why string) *agent {
	if a.ask != nil {
		s.stopAsk(a, why)
		return a
	}
	c := a.c
	s.endOffer(a, why)
	if c.prefer != nil && c.prefer.a == a {
		c.prefer = nil
	}
	if len(c.ringing) == 0 {
		s.makeReady(c)
	}
	return a
}
