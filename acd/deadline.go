package acd

import "time"

// timer is one deadline; it lives inside the agent or customer that it is
// about.
type timer struct {
	at   time.Time
	made uint64
	slot int // in State.timers
	due  func(*State)
}

func (s *State) start(t *timer, at time.Time) {
	s.timers.remove(t)
	t.at, t.made = at, s.number()
	s.timers.push(t)
}

func (s *State) stop(t *timer) { s.timers.remove(t) }

// expire keeps the deadlines that are due, the earliest first. What follows
// from them counts from now on, not from when they were due: nothing was
// offered or told in between.
func (s *State) expire() {
	for s.timers.len() > 0 && !s.timers.first().at.After(s.now) {
		t := s.timers.first()
		s.timers.remove(t)
		t.due(s)
	}
}

// NextDeadline is when Step must be called (with Tick) if nothing happens
// before; zero if there is no such time.
func (s *State) NextDeadline() time.Time {
	var next time.Time
	if s.timers.len() > 0 {
		next = s.timers.first().at
	}
	if midnight := s.day.Add(24 * time.Hour); s.counted && (next.IsZero() || midnight.Before(next)) {
		next = midnight
	}
	return next
}
