package app

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"callfloor/contact"
	"callfloor/media"
)

// Each leg that ends is in the metrics, in both directions as far as they are
// known.
func TestLegFigures(t *testing.T) {
	f := newLegFigures()
	r := prometheus.NewRegistry()
	r.MustRegister(f)
	loss, far, concealed := 4.0, 3.9, 0.5
	f.note(contact.LegID("customer"), media.Quality{Received: 100, Score: 4.2, LossPercent: 1, JitterMS: 3, FarLossPercent: &loss, FarScore: &far, ConcealedPercent: &concealed, Strangers: 2})
	f.note(contact.LegID("customer"), media.Quality{}) // nothing came: nothing is known
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			key := family.GetName()
			for _, l := range m.GetLabel() {
				key += " " + l.GetValue()
			}
			if h := m.GetHistogram(); h != nil {
				got[key+" n"], got[key+" sum"] = float64(h.GetSampleCount()), h.GetSampleSum()
			} else {
				got[key] = m.GetCounter().GetValue()
			}
		}
	}
	for key, want := range map[string]float64{
		"callfloor_leg_score in customer n": 1, "callfloor_leg_score in customer sum": 4.2, "callfloor_leg_score out customer sum": 3.9,
		"callfloor_leg_loss_percent out customer sum": 4, "callfloor_leg_jitter_ms in customer sum": 3, "callfloor_leg_jitter_ms out customer n": 0,
		"callfloor_leg_round_trip_ms customer n": 0, "callfloor_leg_concealed_percent customer sum": 0.5, "callfloor_leg_stranger_packets_total customer": 2,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}
