package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"callfloor/contact"
	"callfloor/media"
)

// legFigures are what the legs of calls were like, for /metrics: of each leg
// that ended, in both directions. "in" is what came from the far end, "out" what
// the far end reports of what it heard.
type legFigures struct {
	score, loss, jitter *prometheus.HistogramVec
	trip, concealed     *prometheus.HistogramVec
	strangers, refused  *prometheus.CounterVec
}

func newLegFigures() *legFigures {
	h := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "callfloor_leg_" + name, Help: help, Buckets: buckets}, labels)
	}
	c := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "callfloor_leg_" + name, Help: help}, []string{"leg"})
	}
	return &legFigures{
		score:     h("score", "How a listener would rate the leg (E-model, 1 to 4.5).", []float64{1.5, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.4}, "leg", "direction"),
		loss:      h("loss_percent", "Packets that were lost, in percent.", []float64{0, 0.1, 0.5, 1, 2, 3, 5, 10, 20, 50}, "leg", "direction"),
		jitter:    h("jitter_ms", "Jitter as RFC 3550 defines it, in milliseconds.", []float64{1, 2, 5, 10, 20, 30, 50, 100, 200}, "leg", "direction"),
		trip:      h("round_trip_ms", "The way to the far end and back, in milliseconds.", []float64{1, 5, 10, 20, 50, 100, 150, 200, 300, 500, 1000}, "leg"),
		concealed: h("concealed_percent", "What the far end invented of what it played, since no packet was there in time, in percent.", []float64{0, 0.1, 0.5, 1, 2, 3, 5, 10, 20, 50}, "leg"),
		strangers: c("stranger_packets_total", "Packets from addresses that were not the leg's."),
		refused:   c("refused_packets_total", "Packets of encrypted legs that were not authentic or came twice."),
	}
}

// note takes the figures of a leg that has ended.
func (f *legFigures) note(leg contact.LegID, q media.Quality) {
	name := string(leg)
	if q.Received > 0 {
		f.score.WithLabelValues(name, "in").Observe(q.Score)
		f.loss.WithLabelValues(name, "in").Observe(q.LossPercent)
		f.jitter.WithLabelValues(name, "in").Observe(q.JitterMS)
	}
	for v, at := range map[*prometheus.HistogramVec]*float64{f.score: q.FarScore, f.loss: q.FarLossPercent, f.jitter: q.FarJitterMS} {
		if at != nil {
			v.WithLabelValues(name, "out").Observe(*at)
		}
	}
	if q.RTTMS != nil {
		f.trip.WithLabelValues(name).Observe(*q.RTTMS)
	}
	if q.ConcealedPercent != nil {
		f.concealed.WithLabelValues(name).Observe(*q.ConcealedPercent)
	}
	f.strangers.WithLabelValues(name).Add(float64(q.Strangers))
	f.refused.WithLabelValues(name).Add(float64(q.Refused))
}

// Describe implements prometheus.Collector.
func (f *legFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range f.all() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (f *legFigures) Collect(ch chan<- prometheus.Metric) {
	for _, c := range f.all() {
		c.Collect(ch)
	}
}

func (f *legFigures) all() []prometheus.Collector {
	return []prometheus.Collector{f.score, f.loss, f.jitter, f.trip, f.concealed, f.strangers, f.refused}
}
