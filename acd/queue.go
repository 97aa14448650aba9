package acd

import (
	"time"

	"callfloor/contact"
)

// queue is one queue. Each order in which it is looked at has its own index.
type queue struct {
	cfg QueueConfig

	order  tree[*customer] // everybody not yet answered, as they are served
	ready  tree[*customer] // of those, the ones not being offered now
	oldest heap[*customer] // everybody not yet answered, by Since
	idle   tree[*member]   // agents who can take a contact, the longest idle first

	members []*member
	staffed int
	talking int

	answered, answeredIn, abandoned int
	pace                            pace

	touched bool // in State.touched
	moved   bool // places or expected waits may be new
	told    QueueStatus
}

// member is one agent's part in one queue.
type member struct {
	a      *agent
	q      *queue
	inIdle node[*member]
}

func newQueue(cfg QueueConfig) *queue {
	return &queue{
		cfg:   cfg,
		order: tree[*customer]{less: before},
		ready: tree[*customer]{less: before},
		idle: tree[*member]{less: func(a, b *member) bool {
			if !a.a.idleSince.Equal(b.a.idleSince) {
				return a.a.idleSince.Before(b.a.idleSince)
			}
			return a.a.made < b.a.made
		}},
		oldest: heap[*customer]{
			less: func(a, b *customer) bool { return a.since.Before(b.since) },
			slot: func(c *customer) *int { return &c.inOldest },
		},
	}
}

func (q *queue) status(now time.Time) QueueStatus {
	st := QueueStatus{
		Waiting:    q.order.len(),
		Available:  q.idle.len(),
		Staffed:    q.staffed,
		Talking:    q.talking,
		Answered:   q.answered,
		AnsweredIn: q.answeredIn,
		Abandoned:  q.abandoned,
	}
	if q.oldest.len() > 0 {
		st.LongestSince = q.oldest.first().since
	}
	if q.idle.len() == 0 {
		st.Expected = expected(q.mean(now), q.order.len()+1)
	}
	return st
}

// mean is the pace of the queue; 0 when nothing honest can be said: too little
// was measured, or nobody is at work.
func (q *queue) mean(now time.Time) time.Duration {
	mean, ok := q.pace.mean(now)
	if !ok || q.staffed == 0 {
		return 0
	}
	return mean
}

// expected is the wait of who stands at position, in steps of 5 s.
func expected(mean time.Duration, position int) time.Duration {
	const step = 5 * time.Second
	return (time.Duration(position)*mean + step - 1).Truncate(step)
}

// restaff counts agents who begin or end work. Expected waits depend on
// whether there is anybody at all.
func (s *State) restaff(q *queue, change int) {
	none := q.staffed == 0
	q.staffed += change
	q.moved = q.moved || none != (q.staffed == 0)
	s.touch(q)
}

// enter and leave keep the clock of the pace beside the tree.
func (q *queue) enter(now time.Time, c *customer) {
	if q.ready.len() == 0 {
		q.pace.begin(now)
	}
	q.ready.insert(&c.inReady)
}

func (q *queue) leave(now time.Time, c *customer) {
	if c.inReady.n == 0 {
		return
	}
	q.ready.remove(&c.inReady)
	if q.ready.len() == 0 {
		q.pace.end(now)
	}
}

// pace measures how long a queue in which somebody waits takes for each
// answer. Only time in which somebody waits with no seat ringing for them
// counts, and only answers of contacts that waited so: who is answered at once
// says nothing about waiting.
type pace struct {
	busy    time.Duration // such time, faded like answers
	since   time.Time     // when the running stretch began; zero: none runs
	answers float64       // such answers; old ones fade
	seen    int           // such answers in all
	last    time.Time     // the last of them
}

const (
	paceMemory = 20        // answers that weigh in the mean
	paceEnough = 3         // answers before it is told
	paceFresh  = time.Hour // how long after the last answer it is told
)

func (p *pace) begin(now time.Time) { p.since = now }

func (p *pace) end(now time.Time) {
	p.busy += now.Sub(p.since)
	p.since = time.Time{}
}

func (p *pace) answer(now time.Time) {
	if !p.since.IsZero() {
		p.busy += now.Sub(p.since)
		p.since = now
	}
	p.seen++
	p.last = now
	if p.answers++; p.answers > paceMemory {
		p.busy = time.Duration(float64(p.busy) * paceMemory / p.answers)
		p.answers = paceMemory
	}
}

// mean is the time for each answer. The stretch that runs counts against an
// answer still to come, so that a queue in which nothing moves any more slows
// down by itself.
func (p *pace) mean(now time.Time) (time.Duration, bool) {
	if p.seen < paceEnough || now.Sub(p.last) > paceFresh {
		return 0, false
	}
	mean := float64(p.busy) / p.answers
	if !p.since.IsZero() {
		mean = max(mean, float64(p.busy+now.Sub(p.since))/(p.answers+1))
	}
	return time.Duration(mean), true
}

// contactQueued: see ContactQueued.
func (s *State) contactQueued(ev ContactQueued) error {
	if s.customers[ev.Contact] != nil {
		return contact.Errorf(contact.Conflict, "this call is in a queue already")
	}
	q := s.queues[ev.Queue]
	switch {
	case q == nil:
		s.emit(Refused{Contact: ev.Contact, Queue: ev.Queue, Why: "there is no such queue"})
		return nil
	case q.cfg.MaxWaiting > 0 && q.order.len() >= q.cfg.MaxWaiting && q.idle.len() == 0:
		s.emit(Refused{Contact: ev.Contact, Queue: ev.Queue, Why: "the queue is full"})
		return nil
	}
	since := ev.Since
	if since.IsZero() || since.After(s.now) {
		since = s.now
	}
	c := newCustomer(ev.Contact, q, ev.Priority, since, s.number())
	s.customers[c.id] = c
	s.arrived = append(s.arrived, c)
	s.stand(c)
	return nil
}

// stand puts c where it belongs in its queue, ready to be offered.
func (s *State) stand(c *customer) {
	c.q.order.insert(&c.inOrder)
	c.q.oldest.push(c)
	c.q.moved = c.q.moved || c.q.order.rank(&c.inOrder) < PlacesTold
	s.touch(c.q)
	s.makeReady(c)
}

// makeReady lets c be offered; its place did not change.
func (s *State) makeReady(c *customer) {
	c.q.enter(s.now, c)
	s.waiting = append(s.waiting, c)
}

// unstand takes c out of its queue: answered, or gone.
func (s *State) unstand(c *customer) {
	c.q.moved = true // an answer sets the pace anew for all
	c.q.leave(s.now, c)
	c.q.order.remove(&c.inOrder)
	c.q.oldest.remove(c)
	c.told = Place{}
	s.touch(c.q)
}
