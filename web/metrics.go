package web

import (
	"fmt"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the figures of this package on /metrics.
type metrics struct {
	sockets  prometheus.Gauge
	peers    prometheus.Gauge
	relays   prometheus.Gauge
	messages prometheus.Counter
	refused  *prometheus.CounterVec // by reason
	panics   prometheus.Counter
}

// newMetrics registers them; a nil registerer is none.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		sockets:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "callfloor_web_sockets", Help: "Seat sockets that are open."}),
		peers:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "callfloor_web_peers", Help: "Peer connections that are open."}),
		relays:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "callfloor_web_relays", Help: "Allocations of the embedded TURN server."}),
		messages: prometheus.NewCounter(prometheus.CounterOpts{Name: "callfloor_web_messages_total", Help: "Messages received from browsers."}),
		refused:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "callfloor_web_refused_total", Help: "What browsers sent and did not get, by reason."}, []string{"reason"}),
		panics:   prometheus.NewCounter(prometheus.CounterOpts{Name: "callfloor_web_panics_total", Help: "Goroutines that panicked and were caught."}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.sockets, m.peers, m.relays, m.messages, m.refused, m.panics} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("web: registering metrics: %w", err)
		}
	}
	return m, nil
}

func stack() string { return string(debug.Stack()) }
