package acd

import (
	"math"
	"slices"
	"time"
)

// demand is what contacts ask of agents' skills; there is one of each.
type demand struct {
	n            int // numbers agent.fits
	need, prefer Expr
}

// fit says whether an agent suits a demand.
type fit uint8

const (
	fitUnknown fit = iota
	fitNo
	fitYes
	fitPreferred // has what is preferred too
)

// demand returns the one for need and prefer.
func (s *State) demand(need, prefer Expr) *demand {
	if need.IsAny() && prefer.IsAny() {
		need, prefer = Expr{}, Expr{}
	}
	text := need.String() + "\x00" + prefer.String()
	d := s.demands[text]
	if d == nil {
		d = &demand{n: len(s.demands), need: need, prefer: prefer}
		s.demands[text] = d
	}
	return d
}

// wanted is what c wants at this point of its wait.
func (s *State) wanted(c *customer) *demand {
	if len(c.q.cfg.Steps) == 0 && c.skills.tree == nil {
		return s.nothing
	}
	waited := s.now.Sub(c.joined)
	for _, st := range c.q.cfg.Steps {
		if st.For == 0 || waited < st.For {
			if st.Any {
				return s.demand(Expr{}, st.Prefer)
			}
			return s.demand(both(c.skills, st.Skills), st.Prefer)
		}
		waited -= st.For
	}
	if len(c.q.cfg.Steps) > 0 {
		return s.nothing // after the last step everybody
	}
	return s.demand(c.skills, Expr{})
}

func (a *agent) setPerson(p AgentConfig) {
	a.person, a.levels, a.fits = p, map[string]int{}, nil
	for _, skill := range p.Skills {
		a.levels[skill.Name] = skill.Level
	}
}

// suits says whether a's skills fit d; the answer is kept.
func (a *agent) suits(d *demand) fit {
	for len(a.fits) <= d.n {
		a.fits = append(a.fits, fitUnknown)
	}
	if a.fits[d.n] == fitUnknown {
		switch {
		case !d.need.Holds(a.levels):
			a.fits[d.n] = fitNo
		case d.prefer.Holds(a.levels):
			a.fits[d.n] = fitPreferred
		default:
			a.fits[d.n] = fitYes
		}
	}
	return a.fits[d.n]
}

// can says whether m may be offered c, whoever else could.
func (s *State) can(m *member, c *customer) fit {
	if m.after > 0 && s.now.Sub(c.joined) < m.after && !c.returned {
		return fitNo
	}
	if c.prefer != nil && c.prefer != m {
		return fitNo
	}
	if _, no := c.declinedBy(m.a, s.now); no {
		return fitNo
	}
	if (c.kind != KindCall || m.a.person.Outbound != OutboundToo) && !s.mayHave(m, c) {
		return fitNo
	}
	return m.a.suits(c.wants)
}

// weightUnit is what an offer costs an agent of weight 1 in a weighted queue.
const weightUnit = 1 << 20

func newMember(a *agent, q *queue) *member {
	m := &member{a: a, q: q, listed: math.MaxInt32}
	m.inIdle.v = m
	m.own.less = before
	for _, p := range a.person.Queues {
		if p.ID == q.cfg.ID {
			m.order, m.after = p.Order, p.After
		}
	}
	if i := slices.Index(q.cfg.Agents, string(a.id)); i >= 0 {
		m.listed = i
	}
	if m.after > 0 && !slices.Contains(q.afters, m.after) {
		q.afters = append(q.afters, m.after)
	}
	return m
}

// turn is m's place among the idle agents; less is sooner, and among equals who
// is idle longer. Random draws when it chooses.
func (q *queue) turn(m *member) int64 {
	switch q.cfg.Strategy {
	case FewestCalls:
		return int64(m.a.calls)
	case RoundRobin:
		return int64(m.turn)
	case LeastTalk:
		return int64(m.a.talked / time.Second)
	case Weighted:
		// Who was away does not catch up.
		m.pass = max(m.pass, q.pass)
		return m.pass
	case TopDown:
		return int64(m.listed)
	}
	return 0
}

// took notes that m was offered a contact.
func (q *queue) took(m *member) {
	q.turns++
	m.turn = q.turns
	if q.cfg.Strategy == Weighted {
		q.pass = max(q.pass, m.pass)
		m.pass += weightUnit / int64(max(1, m.a.person.Weight))
	}
}

// choose returns the agent whom c goes to, by the queue's strategy; nil if
// nobody can take it.
func (s *State) choose(c *customer) *member {
	if c.prefer != nil {
		if c.prefer.a.routable && s.can(c.prefer, c) > fitNo {
			return c.prefer
		}
		return nil
	}
	idle := &c.q.idle
	if c.q.cfg.Strategy == Random {
		return s.draw(c)
	}
	var second *member
	for m := range idle.all() {
		switch s.can(m, c) {
		case fitPreferred:
			return m
		case fitYes:
			if second == nil {
				second = m
			}
		}
	}
	return second
}

// draw chooses by chance among the best who can take c. The first try needs no
// look at everybody.
func (s *State) draw(c *customer) *member {
	n := c.q.idle.len()
	if n == 0 {
		return nil
	}
	if m := c.q.idle.at(s.chance(n)); s.can(m, c) == fitPreferred {
		return m
	}
	var best []*member
	level := fitYes
	for m := range c.q.idle.all() {
		switch f := s.can(m, c); {
		case f > level:
			level, best = f, append(best[:0], m)
		case f == level:
			best = append(best, m)
		}
	}
	if len(best) == 0 {
		return nil
	}
	return best[s.chance(len(best))]
}

// chance is a number below n, the same in every run with the same Seed.
func (s *State) chance(n int) int {
	s.draws++
	return int(scramble(s.draws) % uint64(n))
}
