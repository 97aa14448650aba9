package acd

import (
	"slices"
	"time"

	"callfloor/contact"
)

// maxDemands bounds what can be asked of agents in all; each has a slot in
// every agent.
const maxDemands = 1024

// contactQueued: see ContactQueued.
func (s *State) contactQueued(ev ContactQueued) error {
	q := s.queues[ev.Queue]
	if old := s.customers[ev.Contact]; old != nil {
		switch {
		case !old.parked:
			return contact.Errorf(contact.Conflict, "this call is in a queue already")
		case old.q == q:
			s.unpark(old)
			return nil
		}
		ev.Since, ev.Kind = old.since, KindCall
		s.unstand(old)
		s.forget(old)
	}
	if q == nil {
		s.emit(Refused{Contact: ev.Contact, Queue: ev.Queue, Reason: ReasonUnknown, Why: "there is no such queue"})
		return nil
	}
	if len(s.demands)+len(q.cfg.Steps)+1 > maxDemands && !ev.Skills.IsAny() {
		return contact.Errorf(contact.Invalid, "flows ask for more than %d different skills", maxDemands)
	}
	if ev.Kind == KindCall {
		s.arrives(q)
	}
	since := ev.Since
	if since.IsZero() || since.After(s.now) {
		since = s.now
	}
	c := newCustomer(ev.Contact, q, since, s.number())
	c.skills, c.kind = ev.Skills, ev.Kind
	priority := ev.Priority
	if key, ok := s.keyOf(ev.Caller); ok {
		c.caller = key
		if c.vip = s.vip[key]; c.vip {
			priority += s.cfg.VIPPriority
		}
		if !c.virtual() {
			priority = s.regain(c, priority)
		}
	}
	c.setPriority(priority, s.cfg.PriorityWorth)
	target, reason := q, Reason("")
	if !c.virtual() && ev.Only == "" {
		target, reason = s.admit(q)
	}
	if ev.Only != "" && !s.preferOnly(c, ev) {
		target, reason = nil, ReasonAway
	}
	if target == nil {
		s.refuse(c, reason)
		return nil
	}
	s.customers[c.id] = c
	if !c.virtual() {
		s.arrived = append(s.arrived, c)
	}
	if target != q {
		s.emit(Moved{Contact: c.id, From: q.cfg.ID, To: target.cfg.ID, Reason: reason, Why: q.why(reason)})
		c.q, c.hops = target, 1
	} else if !c.only {
		s.preferLast(c, ev.LastAgent)
	}
	s.stand(c)
	return nil
}

// admit returns the queue that takes a contact which comes to q: q itself, the
// one that it overflows to, or none, with the reason.
func (s *State) admit(q *queue) (*queue, Reason) {
	reason := q.overflows()
	if refused := q.refuses(s.now); refused != "" {
		reason = refused
	}
	if reason == "" {
		return q, ""
	}
	to := s.queues[q.cfg.Overflow.To]
	switch {
	case to != nil && to.refuses(s.now) == "":
		return to, reason
	case to != nil && q.refuses(s.now) == "":
		return q, "" // nowhere better to go
	}
	return nil, reason
}

// refuses says why q takes nobody now; "" if it does.
func (q *queue) refuses(now time.Time) Reason {
	switch {
	case !q.isOpen(now):
		return ReasonClosed
	case q.cfg.RefuseEmpty && q.staffed == 0:
		return ReasonNoAgents
	case q.cfg.MaxWaiting > 0 && q.order.len() >= q.cfg.MaxWaiting && q.idle.len() == 0:
		return ReasonFull
	}
	return ""
}

// overflows says why who comes now had better wait elsewhere.
func (q *queue) overflows() Reason {
	o := q.cfg.Overflow
	switch {
	case o.NoAgents && q.staffed == 0:
		return ReasonNoAgents
	case o.Waiting > 0 && q.order.len() >= o.Waiting && q.idle.len() == 0:
		return ReasonLength
	}
	return ""
}

// why says a reason in words.
func (q *queue) why(r Reason) string {
	switch r {
	case ReasonFull:
		return "the queue is full"
	case ReasonClosed:
		return "the queue is closed"
	case ReasonNoAgents:
		return "no agent of the queue is at work"
	case ReasonAway:
		return "the agent is not at work"
	case ReasonNoAnswer:
		return "the agent did not answer"
	case ReasonMaxWait:
		return "waited " + seconds(q.cfg.MaxWait) + ", which is the longest for this queue"
	case ReasonWait:
		return "waited " + seconds(q.cfg.Overflow.Wait)
	case ReasonLength:
		return "too many wait already"
	case ReasonTransfer:
		return "transferred"
	case ReasonMoved:
		return "moved by a supervisor"
	}
	return "there is no such queue"
}

func (s *State) refuse(c *customer, r Reason) {
	s.emit(Refused{Contact: c.id, Queue: c.q.cfg.ID, Reason: r, Why: c.q.why(r)})
}

// giveUp gives a waiting contact back to the flow.
func (s *State) giveUp(c *customer, r Reason) {
	s.unstand(c)
	s.forget(c)
	s.refuse(c, r)
}

// overflow leads a waiting contact to the queue that q overflows to, or back to
// the flow. Where that one takes nobody it waits on, and tries again later.
func (s *State) overflow(c *customer, r Reason) {
	const again, most = 30 * time.Second, 5
	to := s.queues[c.q.cfg.Overflow.To]
	switch {
	case c.q.cfg.Overflow.To == "":
		s.giveUp(c, r)
	case to == nil || c.hops >= most || to.refuses(s.now) != "":
		c.retry = s.now.Add(again)
	default:
		from := c.q
		s.unstand(c)
		c.q, c.joined, c.prefer, c.only, c.retry = to, s.now, nil, false, time.Time{}
		c.hops++
		s.emit(Moved{Contact: c.id, From: from.cfg.ID, To: to.cfg.ID, Reason: r, Why: from.why(r)})
		s.arrived = append(s.arrived, c)
		s.stand(c)
	}
}

// stand puts c where it belongs in its queue, ready to be offered.
func (s *State) stand(c *customer) {
	c.q.order.insert(&c.inOrder)
	if c.virtual() {
		c.inTasks = &node[*customer]{v: c}
		c.q.tasks.insert(c.inTasks)
	} else {
		c.q.oldest.push(c)
	}
	c.q.moved = c.q.moved || c.q.order.rank(&c.inOrder) < PlacesTold
	s.touch(c.q)
	s.watchEmpty(c.q)
	s.watchHours(c.q)
	s.makeReady(c)
}

// unstand takes c out of its queue: answered, or gone.
func (s *State) unstand(c *customer) {
	c.q.moved = true // an answer sets the pace anew for all
	c.q.leave(s.now, c)
	c.q.stopRinging(c)
	c.q.order.remove(&c.inOrder)
	c.q.oldest.remove(c)
	if c.inTasks != nil {
		c.q.tasks.remove(c.inTasks)
		c.inTasks = nil
	}
	if c.dialling {
		c.dialling = false
		c.q.dialling--
		s.freeTask(c.q)
	}
	s.stop(&c.due)
	c.told = Place{}
	s.touch(c.q)
}

// makeReady lets c be offered; its place did not change. What became due while
// it rang happens now.
func (s *State) makeReady(c *customer) {
	c.wants = s.wanted(c)
	c.q.enter(s.now, c)
	s.reconsider(c)
}

// reconsider does what a contact's wait has come to: it leaves, overflows, asks
// less of agents, or waits for one of them no longer.
func (s *State) reconsider(c *customer) {
	if c.inReady.n == 0 {
		return // rings; looked at when it stops
	}
	q, waited := c.q, s.now.Sub(c.joined)
	switch {
	case c.only && (c.prefer == nil || !s.now.Before(c.preferUntil)):
		s.giveUp(c, ReasonNoAnswer)
		return
	case c.only:
	case c.served, c.virtual(): // it stays until an agent has time
	case q.cfg.LeaveClosed && !q.isOpen(s.now):
		s.giveUp(c, ReasonClosed)
		return
	case q.cfg.MaxWait > 0 && waited >= q.cfg.MaxWait:
		s.giveUp(c, ReasonMaxWait)
		return
	case q.cfg.Overflow.Wait > 0 && waited >= q.cfg.Overflow.Wait && !s.now.Before(c.retry):
		s.overflow(c, ReasonWait)
		if c.q != q || s.customers[c.id] != c {
			return
		}
	}
	wants := s.wanted(c)
	prefer := c.prefer
	if prefer != nil && !s.now.Before(c.preferUntil) {
		prefer = nil
	}
	if wants != c.wants || prefer != c.prefer {
		q.leave(s.now, c)
		c.wants, c.prefer = wants, prefer
		q.enter(s.now, c)
	}
	s.waiting = append(s.waiting, c)
	if next := s.nextDue(c); !next.IsZero() {
		c.due.due = func(s *State) { s.reconsider(c) }
		s.start(&c.due, next)
	}
}

// nextDue is when reconsider is next needed.
func (s *State) nextDue(c *customer) time.Time {
	var next time.Time
	at := func(t time.Time) {
		if t.After(s.now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	q := c.q
	if c.virtual() {
		if q.hours.open(s.now) {
			at(q.hours.closes(s.now)) // to look for the next opening then
		} else {
			at(q.hours.opens(s.now))
		}
	}
	if !c.served && !c.virtual() && !c.only {
		if q.cfg.MaxWait > 0 {
			at(c.joined.Add(q.cfg.MaxWait))
		}
		if q.cfg.Overflow.Wait > 0 {
			at(c.joined.Add(q.cfg.Overflow.Wait))
			at(c.retry)
		}
	}
	if c.prefer != nil {
		at(c.preferUntil)
	}
	for _, d := range q.afters {
		at(c.joined.Add(d))
	}
	end := c.joined
	for _, st := range q.cfg.Steps {
		if st.For > 0 {
			end = end.Add(st.For)
			at(end)
		}
	}
	return next
}

// preferLast lets c wait for the agent who spoke with this caller last, if that
// one is at work and serves the queue.
func (s *State) preferLast(c *customer, id contact.AgentID) {
	a := s.agents[id]
	if a == nil || s.cfg.LastAgentWait <= 0 || working(a.status.State) == 0 || a.gone {
		return
	}
	i := slices.IndexFunc(a.members, func(m *member) bool { return m.q == c.q })
	until := s.now.Add(s.cfg.LastAgentWait)
	if i >= 0 && s.now.Before(until) {
		c.prefer, c.preferUntil = a.members[i], until
	}
}

// preferOnly lets c wait for the one agent who may have it; false if that one is
// not at work in the queue.
func (s *State) preferOnly(c *customer, ev ContactQueued) bool {
	a := s.agents[ev.Only]
	if a == nil || working(a.status.State) == 0 || a.gone {
		return false
	}
	i := slices.IndexFunc(a.members, func(m *member) bool { return m.q == c.q })
	if i < 0 {
		return false
	}
	c.prefer, c.preferUntil, c.only = a.members[i], s.now.Add(ev.OnlyFor), true
	return true
}

// releaseOwn lets everybody who waits for m's agent be served by others.
func (s *State) releaseOwn(m *member) {
	for m.own.len() > 0 {
		c := m.own.at(0)
		m.q.leave(s.now, c)
		c.prefer = nil
		s.makeReady(c)
	}
}

// leaveAll gives back everybody who waits and for whom no seat rings.
func (s *State) leaveAll(q *queue, r Reason) {
	var all []*customer
	for c := range q.order.all() {
		if len(c.ringing) == 0 && !c.served && !c.virtual() && !c.parked {
			all = append(all, c)
		}
	}
	for _, c := range all {
		s.giveUp(c, r)
	}
}

// watchEmpty runs the clock of a queue in which somebody waits and nobody is at
// work.
func (s *State) watchEmpty(q *queue) {
	switch alone := q.cfg.LeaveEmpty > 0 && q.staffed == 0 && q.order.len() > 0; {
	case !alone:
		s.stop(&q.empty)
	case q.empty.slot == 0:
		s.start(&q.empty, s.now.Add(q.cfg.LeaveEmpty))
	}
}

func (s *State) watchHours(q *queue) {
	if q.cfg.LeaveClosed && q.door == ByHours && q.shut.slot == 0 {
		if at := q.hours.closes(s.now); at.After(s.now) {
			s.start(&q.shut, at)
		}
	}
}
