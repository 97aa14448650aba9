package acd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
)

func limit(v float64) *float64 { return &v }

// TestThresholds: each is told when its figure has been beyond the limit for
// long enough, and again when it has been within it for as long.
func TestThresholds(t *testing.T) {
	s := floor(func(c *Config) {
		c.Queues[0].Alerts = []Threshold{
			{Figure: FigureWaiting, Over: limit(1), For: 10 * time.Second},
			{Figure: FigureLongest, Over: limit(60), Severity: SeverityBad},
			{Figure: FigureStaffed, Under: limit(1), For: 5 * time.Second},
			{Figure: FigureServiceLevel, Under: limit(80)},
		}
	}, "a")
	var told []string
	step := func(now time.Time, ev Event) {
		for _, a := range s.Step(now, ev) {
			if x, ok := a.(Alert); ok && x.Kind == AlertThreshold {
				told = append(told, fmt.Sprintf("%v %s %v %v", now.Sub(at(0)).Seconds(), x.Figure, x.On, x.Severity))
			}
		}
	}
	until := func(end float64) { // every deadline on the way, at its time
		for next := s.NextDeadline(); !next.IsZero() && !next.After(at(end)); next = s.NextDeadline() {
			step(next, Tick{})
		}
		step(at(end), Tick{})
	}
	expect := func(want ...string) {
		t.Helper()
		if fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("told %q, want %q", told, want)
		}
		told = nil
	}
	step(at(0), AgentWants{Agent: "a", State: contact.AgentAway})
	until(10)
	expect("5 staffed true warn")
	step(at(20), ContactQueued{Contact: "c1", Queue: "sales"})
	step(at(30), ContactQueued{Contact: "c2", Queue: "sales"})
	step(at(35), ContactLeft{Contact: "c2"}) // within the time: nobody is told
	until(50)
	expect()
	step(at(50), ContactQueued{Contact: "c3", Queue: "sales"})
	until(85)
	expect("60 waiting true warn", "80.001 longest true bad")
	step(at(90), ContactLeft{Contact: "c1"}) // c3 has waited for 40 s
	until(109)
	expect("90 longest false bad", "100 waiting false warn")
	until(111)
	expect("110.001 longest true bad")
	step(at(112), ContactLeft{Contact: "c3"})
	step(at(113), AgentWants{Agent: "a", State: contact.AgentAvailable})
	until(130)
	expect("112 longest false bad", "118 staffed false warn")
	for i := range 9 { // three were left: 70 % of ten, 75 % of twelve
		id, now := contact.ID(fmt.Sprint("s", i)), at(140+float64(i))
		step(now, ContactQueued{Contact: id, Queue: "sales"})
		step(now, OfferAccepted{"a", id})
		step(now, ContactReleased{id, "a"})
	}
	expect("146 service_level true warn")
}

// A closed queue needs nobody.
func TestThresholdsOfAClosedQueue(t *testing.T) {
	s := floor(func(c *Config) {
		c.Queues[0].Alerts = []Threshold{{Figure: FigureStaffed, Under: limit(1)}}
	}, "a")
	alerts := func(now time.Time, ev Event) (n int) {
		for _, a := range s.Step(now, ev) {
			if x, ok := a.(Alert); ok && x.On {
				n++
			}
		}
		return n
	}
	if err := tryDoor(s, at(1), ForceClosed); err != nil {
		t.Fatal(err)
	}
	if n := alerts(at(2), AgentWants{Agent: "a", State: contact.AgentAway}); n != 0 {
		t.Errorf("a closed queue told %d alerts", n)
	}
	if n := alerts(at(3), QueueForced{Queue: "sales", Door: ForceOpen}); n != 1 {
		t.Errorf("an open one without anybody told %d alerts", n)
	}
}

// By its hours a queue opens and closes on time, though nothing else happens: at
// ten past ten nobody is at work, at twenty past nobody need be, nor on a holiday.
func TestThresholdsKeepTheHours(t *testing.T) {
	var h Hours
	var d Day
	if err := errors.Join(h.UnmarshalText([]byte("mon-wed 10:10-10:20")), d.UnmarshalText([]byte("2026-11-24"))); err != nil {
		t.Fatal(err)
	}
	s := floor(func(c *Config) {
		c.Queues[0].Hours, c.Queues[0].Holidays = []Hours{h}, []Day{d}
		c.Queues[0].Alerts = []Threshold{{Figure: FigureStaffed, Under: limit(1)}}
	})
	var told []string
	for now := epoch; !now.IsZero() && now.Before(epoch.AddDate(0, 0, 7)); now = s.NextDeadline() {
		for _, a := range s.Step(now, Tick{}) {
			if x, ok := a.(Alert); ok {
				told = append(told, fmt.Sprint(now.Format("Mon 15:04 "), x.On))
			}
		}
	}
	want := []string{"Mon 10:10 true", "Mon 10:20 false", "Wed 10:10 true", "Wed 10:20 false"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

func tryDoor(s *State, now time.Time, d Door) error {
	_, err := s.Try(now, QueueForced{Queue: "sales", Door: d})
	return err
}

func TestThresholdErrors(t *testing.T) {
	for want, list := range map[string][]Threshold{
		"alerts[0]: figure is":      {{Figure: "mood", Over: limit(1)}},
		"over or under":             {{Figure: FigureWaiting}},
		"only one of them":          {{Figure: FigureWaiting, Over: limit(1), Under: limit(2)}},
		"must be 0 or more":         {{Figure: FigureWaiting, Over: limit(-1)}},
		"for is -1s":                {{Figure: FigureWaiting, Over: limit(1), For: -time.Second}},
		"severity is":               {{Figure: FigureWaiting, Over: limit(1), Severity: "awful"}},
		"alerts[1]: an earlier one": {{Figure: FigureWaiting, Over: limit(1)}, {Figure: FigureWaiting, Over: limit(5), Severity: SeverityWarn}},
	} {
		cfg := DefaultConfig()
		cfg.Queues = []QueueConfig{{ID: "sales", Alerts: list}}
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	cfg := DefaultConfig()
	cfg.Queues = []QueueConfig{{ID: "sales", Alerts: []Threshold{
		{Figure: FigureWaiting, Over: limit(1)}, {Figure: FigureWaiting, Over: limit(5), Severity: SeverityBad}, {Figure: FigureWaiting, Under: limit(0)},
	}}}
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}
