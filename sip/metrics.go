package sip

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what the edge sees. Labels are from short fixed lists, so
// that a flood cannot grow them.
type metrics struct {
	requests *prometheus.CounterVec // by method ("other" for unknown ones)
	refused  *prometheus.CounterVec // by status
	calls    prometheus.Gauge
	panics   prometheus.Counter
	limited  *prometheus.CounterVec // by limit
	insecure *prometheus.CounterVec // by reason
	// identities counts signed callers, by what became of them.
	identities *prometheus.CounterVec

	garbage       prometheus.Counter
	bans          prometheus.Counter
	registrations prometheus.Gauge
	guesses       prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "callfloor_sip_requests_total", Help: "SIP requests received."}, []string{"method"}),
		refused:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "callfloor_sip_refused_total", Help: "SIP requests answered with an error."}, []string{"status"}),
		calls:         prometheus.NewGauge(prometheus.GaugeOpts{Name: "callfloor_sip_calls", Help: "SIP legs that are there now."}),
		panics:        prometheus.NewCounter(prometheus.CounterOpts{Name: "callfloor_sip_panics_total", Help: "Faults caught while handling a SIP message."}),
		insecure:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "callfloor_sip_insecure_total", Help: "Calls ended because their audio could not be encrypted as agreed."}, []string{"reason"}),
		identities:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "callfloor_sip_identities_total", Help: "Signed callers (STIR), by what their signatures prove."}, []string{"verdict"}),
		limited:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "callfloor_sip_limited_total", Help: "Calls refused because a limit was reached."}, []string{"limit"}),
		garbage:       prometheus.NewCounter(prometheus.CounterOpts{Name: "callfloor_sip_garbage_total", Help: "Messages and connections that could not be read."}),
		bans:          prometheus.NewCounter(prometheus.CounterOpts{Name: "callfloor_sip_bans_total", Help: "Times that an address was shut out."}),
		registrations: prometheus.NewGauge(prometheus.GaugeOpts{Name: "callfloor_sip_registrations", Help: "Telephones that are registered now."}),
		guesses:       prometheus.NewCounter(prometheus.CounterOpts{Name: "callfloor_sip_wrong_passwords_total", Help: "REGISTER requests with a wrong password or an unknown user."}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{
		m.requests, m.refused, m.calls, m.panics, m.limited, m.insecure, m.identities, m.registrations, m.guesses, m.garbage, m.bans,
	} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register the SIP metrics: %w", err)
		}
	}
	return m, nil
}
