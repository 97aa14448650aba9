package acd

import (
	"fmt"
	"time"

	"callfloor/contact"
)

// Kind is what waits in a queue: a customer on the line, or something that
// holds a place there without one.
type Kind uint8

// The kinds. A KindCallback is offered like a call, and the customer is called
// when an agent has accepted (agent first). A KindDial becomes a call before it
// is offered: Dial says when its turn has come (customer first). A
// KindVoicemail is a message that an agent listens to.
//
// All but KindCall wait only while their queue is open, are given up by no rule
// of it and stand in none of its figures but Tasks; their places count.
const (
	KindCall Kind = iota
	KindCallback
	KindDial
	KindVoicemail
)

var kindNames = [...]string{"call", "callback", "dial", "voicemail"}

// String returns the word for k.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// MarshalText writes the word for k.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (k *Kind) UnmarshalText(text []byte) error {
	for i, name := range kindNames {
		if name == string(text) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no kind of contact", text)
}

// Outbound is an agent's part in callbacks and voicemails.
type Outbound string

// The parts: OutboundToo is everything in turn.
const (
	OutboundToo   Outbound = ""
	OutboundNever Outbound = "never" // callers only
	OutboundOnly  Outbound = "only"  // callbacks and voicemails only
)

type (
	// ContactParked: a caller who waits does something else, and is not offered
	// meanwhile; the place is kept. Queued again in the same queue, it waits on;
	// in another one, it takes its wait along. Refused while a seat rings.
	ContactParked struct{ Contact contact.ID }
	// ContactBooked: a caller who waits goes, and As, which is not on the line,
	// has the place from now on.
	ContactBooked struct {
		Contact, As contact.ID
		Kind        Kind
	}
	// ContactReached: a KindDial or KindCallback is on the line now, or who was
	// Dialled has answered.
	ContactReached struct{ Contact contact.ID }
	// Dialled: an agent calls somebody, and is in that call at once. Queue is
	// the one that it counts for; "" is the agent's first.
	Dialled struct {
		Agent   contact.AgentID
		Contact contact.ID
		Queue   contact.QueueID
		// Beside lets it be a second call; the first one is set aside.
		Beside bool
	}
	// WorksOn: the agent of Contact goes on with As instead, without a wrap-up
	// between: a voicemail that is answered by a call.
	WorksOn struct {
		Agent       contact.AgentID
		Contact, As contact.ID
		Kind        Kind
	}
)

// virtual says that nobody is on the line.
func (c *customer) virtual() bool { return c.kind != KindCall }

// contactParked: see ContactParked.
func (s *State) contactParked(ev ContactParked) error {
	c := s.customers[ev.Contact]
	switch {
	case c == nil || c.connected || c.virtual():
		return contact.Errorf(contact.Conflict, "this caller does not wait")
	case c.parked:
		return nil
	case len(c.ringing) > 0:
		return contact.Errorf(contact.Conflict, "a seat rings for this caller")
	}
	c.parked = true
	c.q.leave(s.now, c)
	s.stop(&c.due)
	return nil
}

// unpark lets c be offered again where it stands.
func (s *State) unpark(c *customer) {
	c.parked = false
	s.makeReady(c)
	s.arrived = append(s.arrived, c)
	c.told = Place{}
}

// contactBooked: see ContactBooked.
func (s *State) contactBooked(ev ContactBooked) error {
	c := s.customers[ev.Contact]
	switch {
	case ev.Kind == KindCall || int(ev.Kind) >= len(kindNames):
		return contact.Errorf(contact.Invalid, "a place can be kept for a callback or a voicemail")
	case s.customers[ev.As] != nil:
		return contact.Errorf(contact.Conflict, "%s is in a queue already", ev.As)
	case c == nil || c.connected || c.virtual():
		return contact.Errorf(contact.Conflict, "this caller does not wait")
	case len(c.ringing) > 0:
		return contact.Errorf(contact.Conflict, "a seat rings for this caller")
	}
	s.unstand(c)
	s.forget(c)
	c.parked = false
	c.id, c.kind, c.declines = ev.As, ev.Kind, nil
	s.customers[c.id] = c
	s.stand(c)
	return nil
}

// contactReached: see ContactReached.
func (s *State) contactReached(ev ContactReached) error {
	c := s.customers[ev.Contact]
	switch {
	case c == nil:
		return contact.Errorf(contact.Conflict, "this callback is in no queue any more")
	case !c.virtual():
		if c.calling {
			c.calling = false
			if c.agent != nil { // who dialled may be gone
				s.lookAgain(c.agent)
			}
		}
		return nil
	case c.connected:
		c.kind = KindCall
		s.taskDone(c.q)
		return nil
	case !c.dialling:
		return contact.Errorf(contact.Conflict, "this customer was not called")
	}
	s.unstand(c) // it is counted in another way from now on
	c.kind, c.served = KindCall, true
	s.arrived = append(s.arrived, c)
	s.stand(c)
	return nil
}

// dial asks for a customer to be called; the place is kept.
func (s *State) dial(c *customer) {
	c.q.leave(s.now, c)
	s.stop(&c.due)
	c.dialling = true
	c.q.dialling++
	s.emit(Dial{Contact: c.id, Queue: c.q.cfg.ID, Waited: s.now.Sub(c.since)})
}

// dialled: see Dialled.
func (s *State) dialled(a *agent, ev Dialled) error {
	switch {
	case s.customers[ev.Contact] != nil:
		return contact.Errorf(contact.Conflict, "this call is in a queue already")
	case a.gone:
		return contact.Errorf(contact.Conflict, "your browser is not connected")
	}
	switch st := a.status.State; {
	case st == contact.AgentAvailable, st == contact.AgentAway, st == contact.AgentNotResponding:
	case ev.Beside:
		if err := a.room(); err != nil {
			return err
		}
		s.setAside(a)
	default:
		return contact.Errorf(contact.Conflict, "you are in %s; finish that first", a.status.State)
	}
	q := s.queues[ev.Queue]
	switch {
	case q != nil:
	case len(a.members) > 0:
		q = a.members[0].q
	default:
		q = s.nowhere
	}
	c := newCustomer(ev.Contact, q, s.now, s.number())
	c.served, c.calling = true, true // nobody waited
	c.setPriority(0, s.cfg.PriorityWorth)
	s.customers[c.id] = c
	if a.status.State != contact.AgentAvailable && a.status.Next == "" {
		a.status.Next, a.nextReason = contact.AgentAway, a.awayReason
	}
	if a.status.State == contact.AgentNotResponding {
		s.move(a, contact.AgentAway)
	}
	s.join(a, c)
	s.emit(Connect{Agent: a.id, Contact: c.id, Queue: q.cfg.ID})
	s.move(a, contact.AgentTalking)
	return nil
}

// worksOn: see WorksOn.
func (s *State) worksOn(a *agent, ev WorksOn) error {
	c := s.customers[ev.Contact]
	switch {
	case c == nil || c.agent != a || a.c != c:
		return contact.Errorf(contact.Conflict, "%s is not with %s any more", ev.Contact, a.id)
	case s.customers[ev.As] != nil:
		return contact.Errorf(contact.Conflict, "%s is in a queue already", ev.As)
	}
	delete(s.customers, c.id)
	was := c.virtual()
	c.id, c.kind = ev.As, ev.Kind
	s.customers[c.id] = c
	switch {
	case was && !c.virtual():
		s.taskDone(c.q)
	case !was && c.virtual():
		c.q.working++
	}
	a.status.Contact = c.id
	s.told(a)
	return nil
}

// join makes a the agent of c, which stands in no queue.
func (s *State) join(a *agent, c *customer) {
	c.agent, c.connected, a.c, c.prefer = a, true, c, nil
	a.mine, a.missed, a.talking = nil, 0, s.now
	a.calls++
	c.q.talking++
	if c.virtual() {
		c.q.working++
	}
	a.status.Contact, a.status.Queue = c.id, c.q.cfg.ID
	s.touch(c.q)
}

// taskDone lets the next task of q be offered.
func (s *State) taskDone(q *queue) {
	q.working--
	s.freeTask(q)
}

// freeTask looks at the tasks of q again: one of them ended.
func (s *State) freeTask(q *queue) {
	for c := range q.tasks.all() {
		if c.inReady.n > 0 {
			s.waiting = append(s.waiting, c)
		}
	}
}

// mayHave says whether c is the kind of work for m now.
func (s *State) mayHave(m *member, c *customer) bool {
	part := m.a.person.Outbound
	if !c.virtual() {
		return part != OutboundOnly || c.served
	}
	q := c.q
	switch {
	case part == OutboundNever, !q.isOpen(s.now):
		return false
	case q.cfg.TaskAgents > 0 && q.working+q.dialling >= q.cfg.TaskAgents:
		return false
	case c.kind == KindDial && q.dialling >= q.idle.len():
		return false // no more customers are called than agents are free
	}
	return true
}

// opens returns the first moment from now on at which s is open; zero if there
// is none within eight days.
func (s schedule) opens(now time.Time) time.Time {
	if s.open(now) {
		return now
	}
	t := now.In(s.zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, s.zone)
	for i := range 9 {
		d := day.AddDate(0, 0, i)
		first := d
		found := len(s.hours) == 0 && d.After(now) && s.open(d)
		for _, h := range s.hours {
			at := time.Date(d.Year(), d.Month(), d.Day(), 0, h.from, 0, 0, s.zone)
			if at.After(now) && s.open(at) && (!found || at.Before(first)) {
				first, found = at, true
			}
		}
		if found {
			return first
		}
	}
	return time.Time{}
}

// Standing is where a contact waits.
type Standing struct {
	Queue    contact.QueueID
	Since    time.Time
	Priority int
	Skills   Expr
}

// Standing returns where a contact waits; false for one that does not.
func (s *State) Standing(id contact.ID) (Standing, bool) {
	c := s.customers[id]
	if c == nil || c.connected || c.apart != nil {
		return Standing{}, false
	}
	return Standing{Queue: c.q.cfg.ID, Since: c.since, Priority: c.priority, Skills: c.skills}, true
}
