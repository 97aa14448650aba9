package app

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callfloor/contact"
	"callfloor/internal/config"
)

// lineCaps count the calls of customers on each line, so that one line that is
// flooded (a campaign, a prank, a loop at a carrier) leaves the others their
// agents. What it keeps is bounded by the lines and their caps.
type lineCaps struct {
	refused *prometheus.CounterVec

	mu    sync.Mutex
	up    map[contact.LineID]int
	begun map[contact.LineID][]time.Time // of the last second, at most CallsPerSecond
}

func newLineCaps() *lineCaps {
	return &lineCaps{
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callfloor_line_refused_total", Help: "Calls that were told that a line is busy, by the cap that was reached.",
		}, []string{"line", "why"}),
		up: map[contact.LineID]int{}, begun: map[contact.LineID][]time.Time{},
	}
}

// take gives a call its place on a line; false if there is none. leave gives it
// back. freed is how many of the places that are taken become free by that: of calls
// that end, or move, when this one has its own.
func (c *lineCaps) take(line config.Line, now time.Time, freed int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	begun := slices.DeleteFunc(c.begun[line.ID], func(at time.Time) bool { return now.Sub(at) >= time.Second })
	c.begun[line.ID] = begun
	switch {
	case line.MaxCalls > 0 && c.up[line.ID]-freed >= line.MaxCalls:
		c.refused.WithLabelValues(string(line.ID), "calls").Inc()
		return false
	case line.CallsPerSecond > 0 && len(begun) >= line.CallsPerSecond:
		c.refused.WithLabelValues(string(line.ID), "rate").Inc()
		return false
	}
	if line.CallsPerSecond > 0 {
		c.begun[line.ID] = append(begun, now)
	}
	c.up[line.ID]++
	return true
}

func (c *lineCaps) leave(id contact.LineID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up[id]--
}
