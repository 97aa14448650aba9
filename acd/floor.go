package acd

import (
	"slices"
	"time"

	"callfloor/contact"
)

// What supervisors do with queues and with those who wait in them.

type (
	// MovedTo: a supervisor moves a contact that waits to another queue.
	MovedTo struct {
		Contact contact.ID
		Queue   contact.QueueID
		By      contact.AgentID
	}
	// Prioritised: a supervisor changes the priority of a contact that waits.
	Prioritised struct {
		Contact  contact.ID
		Priority int
	}
	// QueueForced: a supervisor opens or closes a queue, whatever its hours say,
	// or gives it back to them.
	QueueForced struct {
		Queue contact.QueueID
		Door  Door
	}
)

func (MovedTo) event()     {}
func (Prioritised) event() {}
func (QueueForced) event() {}

// Door is what a supervisor decided about a queue's hours.
type Door string

// ByHours: as configured.
const (
	ByHours     Door = ""
	ForceOpen   Door = "open"
	ForceClosed Door = "closed"
)

// isOpen says whether q takes contacts at this time.
func (q *queue) isOpen(now time.Time) bool {
	switch q.door {
	case ForceOpen:
		return true
	case ForceClosed:
		return false
	}
	return q.hours.open(now)
}

// maxPriority bounds what a supervisor can ask for.
const maxPriority = 100

// waitingFor returns a contact that waits and for which nothing rings.
func (s *State) waitingFor(id contact.ID) (*customer, error) {
	c := s.customers[id]
	switch {
	case c == nil || c.connected || c.apart != nil:
		return nil, contact.Errorf(contact.Conflict, "this caller does not wait any more")
	case c.parked || c.dialling:
		return nil, contact.Errorf(contact.Conflict, "this caller is busy with something else just now")
	case len(c.ringing) > 0:
		return nil, contact.Errorf(contact.Conflict, "it rings at %s already", c.ringing[0].id)
	}
	return c, nil
}

func (s *State) movedTo(ev MovedTo) error {
	c, err := s.waitingFor(ev.Contact)
	if err != nil {
		return err
	}
	q := s.queues[ev.Queue]
	switch {
	case q == nil:
		return contact.Errorf(contact.NotFound, "there is no queue %q", ev.Queue)
	case q == c.q:
		return contact.Errorf(contact.Conflict, "the caller waits in %s already", ev.Queue)
	}
	s.unstand(c)
	c.declines, c.returned = nil, false
	s.stopCoolDown(c)
	s.wait(c, q, ReasonMoved, "moved by "+string(ev.By))
	return nil
}

func (s *State) prioritised(ev Prioritised) error {
	if ev.Priority < -maxPriority || ev.Priority > maxPriority {
		return contact.Errorf(contact.Invalid, "a priority is a number from %d to %d", -maxPriority, maxPriority)
	}
	c, err := s.waitingFor(ev.Contact)
	if err != nil {
		return err
	}
	s.unstand(c)
	c.setPriority(ev.Priority, s.cfg.PriorityWorth)
	s.stand(c)
	return nil
}

func (s *State) queueForced(ev QueueForced) error {
	q := s.queues[ev.Queue]
	if q == nil {
		return contact.Errorf(contact.NotFound, "there is no queue %q", ev.Queue)
	}
	if !slices.Contains([]Door{ByHours, ForceOpen, ForceClosed}, ev.Door) {
		return contact.Errorf(contact.Invalid, "a queue is open, closed, or by its hours")
	}
	q.door = ev.Door
	s.touch(q)
	s.watchHours(q)
	s.freeTask(q)
	if !q.isOpen(s.now) && q.cfg.LeaveClosed {
		s.leaveAll(q, ReasonClosed)
	}
	return nil
}
