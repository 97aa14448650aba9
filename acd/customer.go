package acd

import (
	"time"

	"callfloor/contact"
)

// customer is one contact from its queueing to its release:
//
//	waiting ──► offered ──► connected ──► (forgotten; its agent wraps up)
//	   ▲           │            │
//	   └───────────┴────────────┘ declined, timed out, lost; agent's seat lost
//
// One that leaves is forgotten from any of these.
type customer struct {
	id       contact.ID
	q        *queue
	priority int
	since    time.Time
	made     uint64
	// returned: its agent's seat was lost; it goes before everybody else.
	returned bool
	// served: it was answered once and counted.
	served bool
	// waited: at some time no seat rang for it, so its answer says something
	// about the pace of the queue.
	waited bool

	agent     *agent // offered or connected to
	connected bool

	declines []decline
	coolDown timer // the first of the declines that ends

	inOrder, inReady node[*customer]
	inOldest         int
	told             Place
}

// decline keeps a from being offered this contact until then.
type decline struct {
	a         *agent
	at, until time.Time
}

func newCustomer(id contact.ID, q *queue, priority int, since time.Time, made uint64) *customer {
	c := &customer{id: id, q: q, priority: priority, since: since, made: made}
	c.inOrder.v, c.inReady.v = c, c
	c.coolDown.due = func(s *State) { s.cooledDown(c) }
	return c
}

// before is the order in which customers are served, in a queue and across
// queues: who was parted from an agent, then by priority, then who waits
// longest.
func before(a, b *customer) bool {
	switch {
	case a.returned != b.returned:
		return a.returned
	case a.priority != b.priority:
		return a.priority > b.priority
	case !a.since.Equal(b.since):
		return a.since.Before(b.since)
	}
	return a.made < b.made
}

// declinedBy returns the decline that keeps a from this contact now.
func (c *customer) declinedBy(a *agent, now time.Time) (decline, bool) {
	for _, d := range c.declines {
		if d.a == a && d.until.After(now) {
			return d, true
		}
	}
	return decline{}, false
}

func (s *State) rememberDecline(c *customer, a *agent) {
	if s.cfg.RejectCoolDown <= 0 {
		return
	}
	c.declines = append(c.declines, decline{a: a, at: s.now, until: s.now.Add(s.cfg.RejectCoolDown)})
	if c.coolDown.slot == 0 {
		s.start(&c.coolDown, c.declines[0].until)
	}
}

// cooledDown forgets the declines that are over. They all last equally long,
// so the first to end is the first made.
func (s *State) cooledDown(c *customer) {
	over := 0
	for over < len(c.declines) && !c.declines[over].until.After(s.now) {
		over++
	}
	c.declines = append([]decline(nil), c.declines[over:]...)
	if len(c.declines) > 0 {
		s.start(&c.coolDown, c.declines[0].until)
	}
	if c.inReady.n > 0 {
		s.waiting = append(s.waiting, c)
	}
}

// contactLeft: see ContactLeft. One that is not here (any more) has left
// already.
func (s *State) contactLeft(ev ContactLeft) error {
	c := s.customers[ev.Contact]
	switch {
	case c == nil:
		return nil
	case c.connected:
		s.wrapUp(c.agent)
		return nil
	case c.agent != nil:
		a := s.endOffer(c.agent, whyLeft)
		s.move(a, contact.AgentAvailable)
	}
	if !c.served {
		c.q.abandoned++
		s.counted = true
	}
	s.unstand(c)
	s.forget(c)
	return nil
}

// contactReleased: see ContactReleased.
func (s *State) contactReleased(ev ContactReleased) error {
	c := s.customers[ev.Contact]
	if c == nil || !c.connected || c.agent.id != ev.Agent {
		return contact.Errorf(contact.Conflict, "%s is not in this call", ev.Agent)
	}
	s.wrapUp(c.agent)
	return nil
}

// takenOver: see TakenOver.
func (s *State) takenOver(ev TakenOver) error {
	c, to := s.customers[ev.Contact], s.agents[ev.To]
	switch {
	case to == nil:
		return contact.Errorf(contact.NotFound, "%s is not an agent", ev.To)
	case c == nil || !c.connected || c.agent.id != ev.From:
		return contact.Errorf(contact.Conflict, "this call is not with %s any more", ev.From)
	case to.c != nil:
		return contact.Errorf(contact.Conflict, "%s has a call already", ev.To)
	}
	back := to.status.State
	switch back {
	case contact.AgentOffline, contact.AgentAway:
	case contact.AgentAvailable:
		back = ""
	default:
		return contact.Errorf(contact.Conflict, "%s is in %s and cannot take a call over", ev.To, back)
	}
	from := c.agent
	from.c = nil
	c.agent, to.c, to.mine = to, c, nil
	s.beginWrapUp(from)
	if to.status.State == contact.AgentOffline {
		s.move(to, contact.AgentAway)
	}
	to.status.Contact, to.status.Queue = c.id, c.q.cfg.ID
	to.status.Next, to.nextReason = back, to.awayReason
	s.move(to, contact.AgentTalking)
	return nil
}

func (s *State) forget(c *customer) {
	s.stop(&c.coolDown)
	delete(s.customers, c.id)
}
