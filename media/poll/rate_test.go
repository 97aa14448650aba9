package poll

import (
	"testing"
	"time"
)

// load feeds packets at a rate for a while, one by one, and returns the last
// word.
func load(g *gauge, now *time.Time, rate int, d time.Duration) bool {
	var tick bool
	step := time.Second / time.Duration(rate)
	for end := now.Add(d); now.Before(end); *now = now.Add(step) {
		tick = g.note(1, *now)
	}
	return tick
}

func TestGauge(t *testing.T) {
	now := time.Unix(1e9, 0)
	g := &gauge{}
	steps := []struct {
		rate int
		d    time.Duration
		want bool
	}{
		{50, 10 * time.Second, false},          // one call
		{1000, 10 * time.Second, false},        // ten calls
		{1500, 10 * time.Second, false},        // almost
		{5000, 600 * time.Millisecond, true},   // at most two windows later
		{1000, 10 * time.Second, true},         // it stays
		{500, 500 * time.Millisecond, true},    // not at once
		{2000, 600 * time.Millisecond, true},   // a short lull is forgotten
		{500, 900 * time.Millisecond, true},    // a second is not over
		{500, 600 * time.Millisecond, false},   // now it is
		{10000, 100 * time.Millisecond, false}, // a burst is no rate
		{100, 10 * time.Second, false},
	}
	for i, s := range steps {
		if got := load(g, &now, s.rate, s.d); got != s.want {
			t.Errorf("step %d, %d/s for %v: tick %t, want %t", i, s.rate, s.d, got, s.want)
		}
	}
	now = now.Add(time.Hour)
	if g.note(64, now) {
		t.Error("a batch after an hour of silence began the tick")
	}
}
