package acd

import (
	"slices"

	"callfloor/contact"
)

// may says in plain words who may be offered a contact: a member of its queue
// who has not just declined it, has the skills of the present step, helps out
// after no longer a wait, and is the agent that it waits for, if it does.
func (w *world) may(id contact.AgentID, c *customer) bool {
	a := w.state.agents[id]
	m := a.memberOf(c.q)
	if at, ok := w.contacts[c.id].declined[id]; m == nil || ok && w.now.Sub(at) < w.cfg.RejectCoolDown {
		return false
	}
	if m.after > w.now.Sub(c.joined) && !c.returned {
		return false
	}
	if c.prefer != nil && w.now.Before(c.preferUntil) && c.prefer.a != a {
		return false
	}
	if !w.mayHave(a, c) {
		return false
	}
	need := c.skills
	end := c.joined
	for i, st := range c.q.cfg.Steps {
		end = end.Add(st.For)
		if w.now.Before(end) || st.For == 0 {
			need = both(c.skills, st.Skills)
			if st.Any {
				need = Expr{}
			}
			break
		}
		if i == len(c.q.cfg.Steps)-1 {
			need = Expr{}
		}
	}
	levels := map[string]int{}
	for _, p := range w.cfg.Agents {
		if p.User == id {
			for _, s := range p.Skills {
				levels[s.Name] = s.Level
			}
		}
	}
	return need.Holds(levels)
}

// mayHave says in plain words who may have a task: nobody while the queue is
// closed, not more than TaskAgents at a time, and no more customers are called
// than agents are free.
func (w *world) mayHave(a *agent, c *customer) bool {
	seen := w.contacts[c.id]
	if seen.kind == KindCall {
		return a.person.Outbound != OutboundOnly || c.served
	}
	if a.person.Outbound == OutboundNever || !c.q.isOpen(w.now) {
		return false
	}
	busy := 0
	for id, o := range w.contacts {
		if id != c.id && id != w.leaving && o.kind != KindCall && o.queue == seen.queue && (o.dialling || o.connected || len(o.ringing) > 0) {
			busy++
		}
	}
	if c.q.cfg.TaskAgents > 0 && busy >= c.q.cfg.TaskAgents {
		return false
	}
	return seen.kind != KindDial || w.dialling(seen.queue) < c.q.idle.len()
}

func (w *world) dialling(q contact.QueueID) int {
	n := 0
	for id, o := range w.contacts {
		if id != w.leaving && o.dialling && o.queue == q {
			n++
		}
	}
	return n
}

// checkTurn: nobody who could take the contact has the turn before the chosen
// one, and no contact that the agent could take goes first.
func (w *world) checkTurn(a OfferTo) {
	c, chosen := w.state.customers[a.Contact], w.state.agents[a.Agent]
	cm := chosen.memberOf(c.q)
	for _, m := range c.q.members {
		if m.a == chosen || !w.may(m.a.id, c) || !w.isIdle(m.a.id) || c.wants.prefer.Holds(m.a.levels) != c.wants.prefer.Holds(chosen.levels) {
			continue
		}
		if w.turnBefore(c.q, m, cm) {
			w.fail("%+v: it is the turn of %s (%d before %d)", a, m.a.id, m.key, cm.key)
		}
	}
	if !c.wants.prefer.Holds(chosen.levels) && c.q.cfg.Strategy != RingAll { // there all ring
		for _, m := range c.q.members {
			if w.may(m.a.id, c) && w.isIdle(m.a.id) && c.wants.prefer.Holds(m.a.levels) {
				w.fail("%+v: %s has what is preferred", a, m.a.id)
			}
		}
	}
	if w.orders() || c.q.cfg.Strategy == Random || c.q.cfg.Strategy == RingAll {
		return // agents prefer queues; chance decides; others join a ring
	}
	for id, other := range w.contacts {
		o := w.state.customers[id]
		if other.parked || other.dialling || other.agent != "" || len(other.ringing) > 0 || o == nil || chosen.memberOf(o.q) == nil || o.q.cfg.Strategy == Random {
			continue
		}
		if w.may(chosen.id, o) && before(o, c) && (o.prefer != nil) == (c.prefer != nil) && !w.isTaken(a, id) {
			w.fail("%+v: %s goes first", a, id)
		}
	}
}

func (w *world) turnBefore(q *queue, x, chosen *member) bool {
	switch q.cfg.Strategy {
	case Random, RingAll, LeastTalk, Weighted: // shown by tests of their own
		return false
	case FewestCalls, RoundRobin, TopDown:
		return x.key < chosen.key
	}
	return w.agents[x.a.id].idle.Before(w.agents[chosen.a.id].idle)
}

func (w *world) orders() bool {
	for _, a := range w.cfg.Agents {
		for _, q := range a.Queues {
			if q.Order != 0 {
				return true
			}
		}
	}
	return false
}

// isIdle says so from what was told, up to the action being looked at.
func (w *world) isIdle(id contact.AgentID) bool {
	s := w.agents[id]
	return s.status.State == contact.AgentAvailable && s.status.Ready && !s.gone
}

// isTaken: a contact that an agent whose turn is sooner is about to be offered
// in the same step is no longer to be had.
func (w *world) isTaken(a OfferTo, id contact.ID) bool {
	o := w.state.customers[id]
	return slices.ContainsFunc(o.q.members, func(m *member) bool {
		return m.a.id != a.Agent && w.may(m.a.id, o) && w.isIdle(m.a.id)
	})
}
