package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callfloor/acd"
	"callfloor/contact"
	"callfloor/recordings"
)

// gauges are the figures of the floor, its queues and its recordings for
// /metrics.
type gauges struct {
	app                          *App
	agents, calls, dropped, live *prometheus.Desc
	queues                       []queueFigure
	open, ended, free            *prometheus.Desc
}

// queueFigure is one figure of each queue.
type queueFigure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(acd.QueueStatus) float64
}

func newGauges(a *App) *gauges {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("callfloor_"+name, help, labels, nil)
	}
	return &gauges{
		app:     a,
		agents:  d("agents", "Agents by state.", "state"),
		calls:   d("calls", "Calls that are up."),
		dropped: d("journal_dropped_total", "Writes to the journal of calls that were lost."),
		live:    d("ready", "1 when /readyz says that all is well."),
		queues:  queueFigures(),
		open:    d("recordings_open", "Recordings that are being made."),
		ended:   d("recordings_ended_total", "Recordings that ended, by state: sealed, or failed.", "state"),
		free:    d("recordings_free_bytes", "Room on the disk of the captures."),
	}
}

// queueFigures have the words that the floor has for them. What is counted
// begins anew at midnight UTC, which Prometheus takes for a restart.
func queueFigures() []queueFigure {
	const since = ", since midnight UTC"
	f := func(kind prometheus.ValueType, name, help string, of func(acd.QueueStatus) float64) queueFigure {
		return queueFigure{prometheus.NewDesc("callfloor_queue_"+name, help, []string{"queue"}, nil), kind, of}
	}
	now := func(name, help string, of func(acd.QueueStatus) float64) queueFigure {
		return f(prometheus.GaugeValue, name, help, of)
	}
	counted := func(name, help string, of func(acd.QueueStatus) int) queueFigure {
		return f(prometheus.CounterValue, name, help+since+".", func(q acd.QueueStatus) float64 { return float64(of(q)) })
	}
	return []queueFigure{
		now("waiting", "Contacts that wait, by queue.", func(q acd.QueueStatus) float64 { return float64(q.Waiting) }),
		now("longest_seconds", "How long the first of those who wait has waited.", func(q acd.QueueStatus) float64 { return waited(q.LongestSince) }),
		now("expected_seconds", "How long who comes now will wait; 0: an agent is free, or it is not known.", func(q acd.QueueStatus) float64 { return q.Expected.Seconds() }),
		now("tasks", "Callbacks and voicemails that wait.", func(q acd.QueueStatus) float64 { return float64(q.Tasks) }),
		now("talking", "Contacts with an agent, those on hold included.", func(q acd.QueueStatus) float64 { return float64(q.Talking) }),
		now("staffed", "Agents of the queue at work.", func(q acd.QueueStatus) float64 { return float64(q.Staffed) }),
		now("available", "Agents who would be offered a contact now.", func(q acd.QueueStatus) float64 { return float64(q.Available) }),
		counted("answered_total", "Contacts that an agent answered", func(q acd.QueueStatus) int { return q.Answered }),
		counted("answered_in_total", "Contacts answered within the seconds of the service level", func(q acd.QueueStatus) int { return q.AnsweredIn }),
		counted("abandoned_total", "Contacts that left before the first answer", func(q acd.QueueStatus) int { return q.Abandoned }),
		counted("abandoned_short_total", "Those of them who left so soon that they do not count", func(q acd.QueueStatus) int { return q.AbandonedShort }),
	}
}

// waited is the time since then in seconds; 0 where there is none.
func waited(since time.Time) float64 {
	if since.IsZero() {
		return 0
	}
	return max(0, time.Since(since).Seconds())
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.agents, g.calls, g.dropped, g.live, g.open, g.ended, g.free} {
		ch <- d
	}
	for _, q := range g.queues {
		ch <- q.desc
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	states := map[contact.AgentState]int{}
	for _, a := range g.app.engine.Agents() {
		states[a.State]++
	}
	for _, s := range contact.AgentStates() {
		put(g.agents, prometheus.GaugeValue, float64(states[s]), string(s))
	}
	for id, q := range g.app.engine.Queues() {
		for _, f := range g.queues {
			put(f.desc, f.kind, f.of(q), string(id))
		}
	}
	put(g.calls, prometheus.GaugeValue, float64(len(g.app.house.live())))
	put(g.dropped, prometheus.CounterValue, float64(g.app.journal.Dropped()))
	ready := 0.0
	if len(g.app.troubles(context.Background())) == 0 {
		ready = 1
	}
	put(g.live, prometheus.GaugeValue, ready)
	kept := g.app.recordings.Figures()
	put(g.open, prometheus.GaugeValue, float64(kept.Open))
	for _, s := range []recordings.State{recordings.StateSealed, recordings.StateFailed} {
		put(g.ended, prometheus.CounterValue, float64(kept.Ended[s]), string(s))
	}
	if kept.Free != nil {
		put(g.free, prometheus.GaugeValue, float64(*kept.Free))
	}
}
