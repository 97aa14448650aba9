package sip

import "github.com/prometheus/client_golang/prometheus"

// readCounter is a counter's value, or -1.
func readCounter(c prometheus.Counter) float64 {
	reg := prometheus.NewRegistry()
	if reg.Register(c) != nil {
		return -1
	}
	families, err := reg.Gather()
	if err != nil || len(families) != 1 {
		return -1
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}
