package acd

import (
	"time"
)

// queue is one queue. Each order in which it is looked at has its own index.
type queue struct {
	cfg   QueueConfig
	hours schedule
	door  Door // what a supervisor decided
	// wrapUp is what follows its calls.
	wrapUp WrapUpRule

	order   tree[*customer] // everybody not yet answered, as they are served
	classes []*class        // of those, the ones not being offered now, by what they want
	nReady  int             // those in classes, and in the own of members
	ringers tree[*customer] // those for whom more seats may begin to ring
	oldest  heap[*customer] // everybody not yet answered, by Since
	idle    tree[*member]   // agents who can take a contact, the next one first
	tasks   tree[*customer] // of order, those who are not on the line

	members  []*member
	afters   []time.Duration // at which agents begin to help out
	staffed  int
	talking  int
	working  int    // tasks with an agent, or for which seats ring
	dialling int    // customers who are being called before they are offered
	turns    uint64 // offers made, for round_robin
	pass     int64  // of the agent offered last, for weighted

	answered, answeredIn, abandoned, abandonedIn, abandonedShort int

	pace       pace
	handle     mean // seconds that agents talk
	arrival    arrivals
	empty      timer // nobody has been at work for LeaveEmpty
	shut       timer // closing time
	doorTurns  timer // opening or closing time, where there are thresholds
	thresholds []*threshold
	touched    bool // in State.touched
	moved      bool // places or expected waits may be new
	told       QueueStatus
}

// class are the customers of a queue who want the same of an agent.
type class struct {
	wants *demand
	ready tree[*customer]
}

// member is one agent's part in one queue.
type member struct {
	a      *agent
	q      *queue
	order  int
	after  time.Duration
	own    tree[*customer] // who wait for this agent alone
	key    int64           // the agent's turn while idle, by the strategy
	turn   uint64          // of the last offer, for round_robin
	pass   int64           // for weighted: grows by 1/weight with each offer
	listed int             // place in QueueConfig.Agents
	inIdle node[*member]
}

func (s *State) newQueue(cfg QueueConfig) *queue {
	q := &queue{
		cfg:     cfg,
		hours:   schedule{cfg.Hours, cfg.Holidays, s.zone},
		wrapUp:  cfg.wrapUp(s.cfg.HouseWrapUp()),
		order:   tree[*customer]{less: before},
		ringers: tree[*customer]{less: before},
		tasks:   tree[*customer]{less: before},
		idle: tree[*member]{less: func(a, b *member) bool {
			switch {
			case a.key != b.key:
				return a.key < b.key
			case !a.a.idleSince.Equal(b.a.idleSince):
				return a.a.idleSince.Before(b.a.idleSince)
			}
			return a.a.made < b.a.made
		}},
		oldest: heap[*customer]{
			less: func(a, b *customer) bool { return a.since.Before(b.since) },
			slot: func(c *customer) *int { return &c.inOldest },
		},
	}
	if q.cfg.Strategy == "" {
		q.cfg.Strategy = LongestIdle
	}
	q.thresholds = s.newThresholds(q)
	q.doorTurns.due = func(s *State) { s.touch(q) }
	q.empty.due = func(s *State) { s.leaveAll(q, ReasonNoAgents) }
	q.shut.due = func(s *State) {
		if !q.isOpen(s.now) {
			s.leaveAll(q, ReasonClosed)
		}
	}
	q.arrival.calm.due = func(s *State) { s.watchSurge(q) }
	return q
}

func (q *queue) status(now time.Time) QueueStatus {
	st := QueueStatus{
		Waiting:    q.order.len() - q.tasks.len(),
		Tasks:      q.tasks.len(),
		Available:  q.idle.len(),
		Staffed:    q.staffed,
		Talking:    q.talking,
		Answered:   q.answered,
		AnsweredIn: q.answeredIn,
		Abandoned:  q.abandoned, AbandonedIn: q.abandonedIn, AbandonedShort: q.abandonedShort,
		Surge: q.arrival.surge,
		Door:  q.door,
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
	s.watchEmpty(q)
	s.touch(q)
}

// enter puts c where it can be found: with those who want the same, or with the
// agent whom it waits for. enter and leave keep the clock of the pace beside.
func (q *queue) enter(now time.Time, c *customer) {
	if q.nReady == 0 {
		q.pace.begin(now)
	}
	q.nReady++
	c.home = q.class(c.wants)
	if c.prefer != nil {
		c.home = &c.prefer.own
	}
	c.home.insert(&c.inReady)
}

func (q *queue) leave(now time.Time, c *customer) {
	if c.inReady.n == 0 {
		return
	}
	c.home.remove(&c.inReady)
	if q.nReady--; q.nReady == 0 {
		q.pace.end(now)
	}
}

func (q *queue) class(d *demand) *tree[*customer] {
	for _, k := range q.classes {
		if k.wants == d {
			return &k.ready
		}
	}
	k := &class{wants: d, ready: tree[*customer]{less: before}}
	q.classes = append(q.classes, k)
	return &k.ready
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
