package acd

import (
	"fmt"
	"math"
	"time"

	"callfloor/contact"
)

// mean is a running mean that forgets: the last meanMemory values weigh most.
type mean struct {
	value float64
	n     float64
}

const meanMemory = 50

func (m *mean) add(v float64) {
	m.n = min(m.n+1, meanMemory)
	m.value += (v - m.value) / m.n
}

// handled notes how long an agent talked with a contact of q.
func (q *queue) handled(d time.Duration) { q.handle.add(d.Seconds()) }

// Pace is how a queue runs, for forecasts.
type Pace struct {
	// Handle is how long agents talk with a contact, 0 if unknown.
	Handle time.Duration
	// PerHour is how many contacts come, by the last ten minutes; Usual how
	// many usually do, 0 if unknown.
	PerHour, Usual float64
}

// Pace returns how a queue runs.
func (s *State) Pace(id contact.QueueID) (Pace, bool) {
	q := s.queues[id]
	if q == nil {
		return Pace{}, false
	}
	q.arrival.turn(s.now)
	return Pace{
		Handle:  time.Duration(q.handle.value * float64(time.Second)),
		PerHour: float64(q.arrival.sum()) * 60 / surgeMinutes,
		Usual:   q.arrival.usual(),
	}, true
}

const (
	surgeMinutes = 10 // the arrivals of so many minutes are compared
	surgeLeast   = 10 // fewer are never a surge
	surgeLearn   = 60 // minutes before the queue's own past says what is usual
	surgeMemory  = 240
)

// arrivals counts who comes, minute by minute.
type arrivals struct {
	minutes [surgeMinutes]int // a ring
	at      int64             // the minute that is being counted
	first   int64             // the minute of the first contact; 0 before
	perMin  float64           // over the last surgeMemory minutes, fading
	told    float64           // contacts an hour by Usual; 0 if not told
	surge   bool
	calm    timer // looks whether it is over
}

func (a *arrivals) sum() int {
	n := 0
	for _, m := range a.minutes {
		n += m
	}
	return n
}

// turn ends the minutes that are over.
func (a *arrivals) turn(now time.Time) {
	minute := now.Unix() / 60
	if a.first == 0 {
		a.first, a.at = minute, minute
		return
	}
	for gap := minute - a.at; gap > 0; gap-- {
		if gap > surgeMinutes {
			skipped := float64(gap - surgeMinutes)
			a.perMin *= math.Exp(-skipped / surgeMemory)
			a.at += gap - surgeMinutes
			clear(a.minutes[:])
			gap = surgeMinutes
		}
		a.perMin += (float64(a.minutes[a.at%surgeMinutes]) - a.perMin) / min(surgeMemory, float64(a.at-a.first+1))
		a.at++
		a.minutes[a.at%surgeMinutes] = 0
	}
}

// usual is how many contacts come in an hour; 0 if nobody knows.
func (a *arrivals) usual() float64 {
	switch {
	case a.told > 0:
		return a.told
	case a.at-a.first >= surgeLearn:
		return a.perMin * 60
	}
	return 0
}

// arrives counts a contact that comes to q, taken or not.
func (s *State) arrives(q *queue) {
	q.arrival.turn(s.now)
	q.arrival.minutes[q.arrival.at%surgeMinutes]++
	if s.cfg.SurgePercent > 0 {
		s.watchSurge(q)
	}
}

// watchSurge tells the begin and the end of a surge. It ends when two thirds of
// what makes one come.
func (s *State) watchSurge(q *queue) {
	a := &q.arrival
	a.turn(s.now)
	came, usual := a.sum(), a.usual()*surgeMinutes/60
	limit := usual * float64(s.cfg.SurgePercent) / 100
	switch {
	case !a.surge && usual > 0 && came >= surgeLeast && float64(came) >= limit:
		a.surge = true
		s.touch(q)
		s.emit(Alert{Kind: "surge", On: true, Queue: q.cfg.ID, Text: fmt.Sprintf("%d contacts came within %d minutes, usual are %.0f", came, surgeMinutes, usual)})
	case a.surge && float64(came) < limit*2/3:
		a.surge = false
		s.touch(q)
		s.stop(&a.calm)
		s.emit(Alert{Kind: "surge", Queue: q.cfg.ID, Text: "no more contacts than usual"})
	}
	if a.surge {
		s.start(&a.calm, s.now.Add(time.Minute))
	}
}

// usual: see Usual.
func (s *State) usual(ev Usual) error {
	q := s.queues[ev.Queue]
	if q == nil {
		return contact.Errorf(contact.NotFound, "there is no queue %q", ev.Queue)
	}
	q.arrival.told = max(0, ev.PerHour)
	return nil
}
