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
// One that leaves, is refused or overflows to the flow is forgotten from the
// first two.
type customer struct {
	id       contact.ID
	q        *queue
	caller   callerKey // zero if unknown
	priority int
	vip      bool
	since    time.Time
	joined   time.Time // this queue
	made     uint64
	// place orders customers of the same level: since (in nanoseconds), less what
	// the priority is worth.
	place int64
	level int // the priority where it always goes first
	hops  int // queues that it overflowed from
	// returned: its agent's seat was lost; it goes before everybody else.
	returned bool
	// served: it was answered once and counted.
	served bool
	// kind is KindCall where somebody is on the line; parked: they do something
	// else; dialling: they are being called.
	kind             Kind
	parked, dialling bool
	calling          bool // an agent called them, and they have not answered yet
	// waited: at some time no seat rang for it, so its answer says something
	// about the pace of the queue.
	waited bool

	ringing   []*agent // offered to
	ringsAt   [1]*agent
	agent     *agent // connected to
	connected bool
	helper    *agent // is asked by agent, or talks with them
	apart     *apart // neither waits nor is connected; else nil

	skills Expr    // what the contact itself requires
	wants  *demand // at this step of the wait
	// prefer is who spoke with this caller last: until then nobody else.
	prefer      *member
	preferUntil time.Time
	only        bool      // nobody else may have it at all
	retry       time.Time // when overflow is tried again

	declines []decline
	coolDown *timer // the first of the declines that ends; nil before the first
	due      timer  // the next time at which something about the wait changes

	inOrder, inReady node[*customer]
	inRing           *node[*customer] // nil unless everybody rings for it

	inTasks *node[*customer] // nil for those on the line

	home     *tree[*customer] // that inReady is in
	inOldest int
	told     Place
}

// decline keeps a from being offered this contact until then.
type decline struct {
	a         *agent
	at, until time.Time
}

func newCustomer(id contact.ID, q *queue, since time.Time, made uint64) *customer {
	c := &customer{id: id, q: q, since: since, joined: since, made: made}
	c.inOrder.v, c.inReady.v = c, c
	c.ringing = c.ringsAt[:0]
	return c
}

// setPriority places c; it must stand in no queue.
func (c *customer) setPriority(priority int, worth time.Duration) {
	c.priority, c.level, c.place = priority, 0, c.since.UnixNano()-int64(priority)*int64(worth)
	if worth == 0 {
		c.level = priority
	}
}

// before is the order in which customers are served, in a queue and across
// queues: who was parted from an agent, then by wait and priority.
func before(a, b *customer) bool {
	switch {
	case a.returned != b.returned:
		return a.returned
	case a.level != b.level:
		return a.level > b.level
	case a.place != b.place:
		return a.place < b.place
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
	if c.coolDown == nil {
		c.coolDown = &timer{due: func(s *State) { s.cooledDown(c) }}
	}
	if c.coolDown.slot == 0 {
		s.start(c.coolDown, c.declines[0].until)
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
		s.start(c.coolDown, c.declines[0].until)
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
		s.released(c)
		return nil
	case c.apart != nil:
		s.leaveApart(c)
		return nil
	}
	for len(c.ringing) > 0 {
		s.offerOver(c.ringing[0], c, whyLeft)
	}
	if !c.served && !c.virtual() {
		s.countAbandon(c)
		s.keepPlace(c)
	}
	s.unstand(c)
	s.forget(c)
	return nil
}

// contactReleased: see ContactReleased.
func (s *State) contactReleased(ev ContactReleased) error {
	c := s.customers[ev.Contact]
	if c != nil && c.helper != nil && c.helper.id == ev.Agent {
		s.freeHelper(c, whyOver)
		return nil
	}
	if c == nil || !c.connected || c.agent.id != ev.Agent {
		return contact.Errorf(contact.Conflict, "%s is not in this call", ev.Agent)
	}
	s.released(c)
	return nil
}

// released ends the call of c with its agent, who wraps up.
func (s *State) released(c *customer) {
	a := c.agent
	s.onLine(a, c.id, func() { s.wrapUp(a) })
}

// takenOver: see TakenOver.
func (s *State) takenOver(ev TakenOver) error {
	c, to := s.customers[ev.Contact], s.agents[ev.To]
	switch {
	case to == nil:
		return contact.Errorf(contact.NotFound, "%s is not an agent", ev.To)
	case c == nil || !c.connected || c.agent.id != ev.From:
		return contact.Errorf(contact.Conflict, "this call is not with %s any more", ev.From)
	case to.c != nil || to.ask != nil:
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
	if from.c == c && from.other != nil {
		// The call is parted from them only when that is on disk, and by then
		// they may have turned to the other one.
		s.emit(SetAside{Agent: from.id, Contact: c.id})
	}
	s.onLine(from, c.id, func() {
		s.stopTalking(from)
		from.c = nil
		s.beginWrapUp(from)
	})
	c.agent, to.c, to.mine = to, c, nil
	if c.helper != nil {
		c.helper.ask.from = to.id
	}
	to.talking = s.now
	if to.status.State == contact.AgentOffline {
		s.move(to, contact.AgentAway)
	}
	to.status.Contact, to.status.Queue = c.id, c.q.cfg.ID
	to.status.Next, to.nextReason = back, to.awayReason
	s.move(to, contact.AgentTalking)
	return nil
}

func (s *State) stopCoolDown(c *customer) {
	if c.coolDown != nil {
		s.stop(c.coolDown)
	}
}

func (s *State) forget(c *customer) {
	s.stopCoolDown(c)
	s.stop(&c.due)
	delete(s.customers, c.id)
}
