package acd

import (
	"fmt"
	"slices"
	"time"
)

// Figure is what a Threshold watches of a queue.
type Figure string

// The figures of a queue that can have thresholds.
const (
	FigureWaiting      Figure = "waiting"       // contacts not yet answered
	FigureLongest      Figure = "longest"       // seconds that the longest of them has waited
	FigureExpected     Figure = "expected"      // seconds that who comes now will wait
	FigureAvailable    Figure = "available"     // agents who would be offered a contact now
	FigureStaffed      Figure = "staffed"       // agents at work
	FigureServiceLevel Figure = "service_level" // percent answered in time today, of those answered or gone
)

var figures = []Figure{FigureWaiting, FigureLongest, FigureExpected, FigureAvailable, FigureStaffed, FigureServiceLevel}

// Severity is how bad an Alert is.
type Severity string

// How bad an alert is: to be looked at, or at once.
const (
	SeverityWarn Severity = "warn"
	SeverityBad  Severity = "bad"
)

// Threshold tells the supervisors (Alert of kind AlertThreshold) when a figure
// of a queue is over or under a limit for so long, and when it no longer is
// for as long, so that a figure that trembles at its limit does not flap. While
// the queue is closed no figure is out of bounds.
type Threshold struct {
	Figure Figure `yaml:"figure"`
	// Over and Under are the limits, of which one is set.
	Over  *float64      `yaml:"over"`
	Under *float64      `yaml:"under"`
	For   time.Duration `yaml:"for"`
	// Severity is warn, also if it is empty, or bad.
	Severity Severity `yaml:"severity"`
}

// AlertThreshold is the kind of the alerts of thresholds.
const AlertThreshold = "threshold"

// serviceLevelLeast is how many contacts a day's service level needs to be one.
const serviceLevelLeast = 10

func (t Threshold) severity() Severity {
	if t.Severity == "" {
		return SeverityWarn
	}
	return t.Severity
}

func (t Threshold) limit() float64 {
	if t.Over != nil {
		return *t.Over
	}
	return *t.Under
}

func (t Threshold) validate() error {
	switch {
	case !slices.Contains(figures, t.Figure):
		return fmt.Errorf("figure is %q; it must be one of %v", t.Figure, figures)
	case (t.Over == nil) == (t.Under == nil):
		return fmt.Errorf("over or under is needed, and only one of them")
	case t.limit() < 0:
		return fmt.Errorf("its limit is %v; it must be 0 or more", t.limit())
	case t.For < 0:
		return fmt.Errorf("for is %v; it must be 0s (at once) or more", t.For)
	case t.severity() != SeverityWarn && t.severity() != SeverityBad:
		return fmt.Errorf("severity is %q; it must be warn or bad", t.Severity)
	}
	return nil
}

// validateThresholds refuses two of the same figure, direction and severity,
// which nobody could tell apart.
func validateThresholds(all []Threshold) error {
	for i, t := range all {
		if err := t.validate(); err != nil {
			return fmt.Errorf("alerts[%d]: %w", i, err)
		}
		same := func(o Threshold) bool {
			return o.Figure == t.Figure && o.severity() == t.severity() && (o.Over == nil) == (t.Over == nil)
		}
		if slices.ContainsFunc(all[:i], same) {
			return fmt.Errorf("alerts[%d]: an earlier one watches %s with the same severity; give it another, or join the two", i, t.Figure)
		}
	}
	return nil
}

// threshold is a Threshold at work.
type threshold struct {
	Threshold
	out   bool  // the figure is beyond the limit
	on    bool  // and that was told
	since timer // it has been so, or no longer so, for long enough
	cross timer // when a wait that grows gets to the limit
}

func (s *State) newThresholds(q *queue) []*threshold {
	var all []*threshold
	for _, cfg := range q.cfg.Alerts {
		t := &threshold{Threshold: cfg}
		t.since.due = func(s *State) { s.turn(q, t) }
		t.cross.due = func(s *State) { s.touch(q) } // looked at when the step ends
		all = append(all, t)
	}
	return all
}

// watch looks at the thresholds of a queue whose figures may be new.
func (s *State) watch(q *queue, now QueueStatus) {
	s.watchDoor(q)
	for _, t := range q.thresholds {
		if t.Figure == FigureLongest {
			s.watchWait(t, now.LongestSince)
		}
		if out := q.isOpen(s.now) && t.beyond(now, s.now); out != t.out {
			t.out = out
			switch {
			case out == t.on:
				s.stop(&t.since) // it came back in time
			case t.For == 0:
				s.turn(q, t)
			default:
				s.start(&t.since, s.now.Add(t.For))
			}
		}
	}
}

// watchDoor looks again when a queue that has thresholds opens or closes by its
// hours: nobody else may come by then.
func (s *State) watchDoor(q *queue) {
	if len(q.thresholds) == 0 || q.doorTurns.slot != 0 || len(q.hours.hours)+len(q.hours.holidays) == 0 {
		return
	}
	next := q.hours.opens(s.now)
	if !next.After(s.now) {
		next = q.hours.closes(s.now)
	}
	if !next.After(s.now) {
		next = s.now.Add(7 * 24 * time.Hour) // further away than they look
	}
	s.start(&q.doorTurns, next)
}

// watchWait looks again when the longest wait gets to the limit.
func (s *State) watchWait(t *threshold, since time.Time) {
	at := since.Add(time.Duration(t.limit()*float64(time.Second)) + time.Millisecond)
	if since.IsZero() || !at.After(s.now) {
		s.stop(&t.cross)
		return
	}
	s.start(&t.cross, at)
}

// turn tells that a threshold is on, or no longer.
func (s *State) turn(q *queue, t *threshold) {
	if t.on == t.out {
		return
	}
	t.on = t.out
	way, was := "over", "has been"
	if t.Under != nil {
		way = "under"
	}
	if !t.on {
		was = "is no longer"
	}
	s.emit(Alert{
		Kind: AlertThreshold, On: t.on, Queue: q.cfg.ID, Figure: t.Figure, Over: t.Over != nil, Limit: t.limit(), Severity: t.severity(),
		Text: fmt.Sprintf("%s of %s %s %s %v for %v", t.Figure, q.cfg.ID, was, way, t.limit(), t.For),
	})
}

// beyond says whether the figure is beyond the limit. A figure that there is
// not is within it.
func (t *threshold) beyond(q QueueStatus, now time.Time) bool {
	var v float64
	switch t.Figure {
	case FigureWaiting:
		v = float64(q.Waiting)
	case FigureLongest:
		if !q.LongestSince.IsZero() {
			v = now.Sub(q.LongestSince).Seconds()
		}
	case FigureExpected:
		v = q.Expected.Seconds()
	case FigureAvailable:
		v = float64(q.Available)
	case FigureStaffed:
		v = float64(q.Staffed)
	case FigureServiceLevel:
		all := q.Answered + q.Abandoned
		if all < serviceLevelLeast {
			return false
		}
		v = 100 * float64(q.AnsweredIn) / float64(all)
	}
	if t.Over != nil {
		return v > *t.Over
	}
	return v < *t.Under
}
