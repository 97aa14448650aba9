package call

import (
	"math/bits"
	"testing"
)

// TestTheMatrix holds what is true of every row: nobody hears themselves, a
// coach reaches the agent alone, and a browser has a track for each voice.
func TestTheMatrix(t *testing.T) {
	for mode, rows := range matrix {
		for m, h := range rows {
			what := Supervision(m).String()
			ears := map[string]struct{ hears, never voices }{
				"customer":   {h.customer, coach | announcer | customer},
				"agent":      {h.agent, theAgent | flowPlayer | holdPlayer},
				"second":     {h.second, second | coach | announcer | flowPlayer},
				"supervisor": {h.supervisor, supervisor | coach | announcer | flowPlayer | holdPlayer},
				"listener":   {h.listener, coach | announcer | flowPlayer | holdPlayer},
				"recording":  {h.record, coach | announcer | flowPlayer | holdPlayer},
			}
			for name, e := range ears {
				if mode == modeEcho && name == "customer" {
					continue
				}
				if e.hears&e.never != 0 {
					t.Errorf("mode %d, %s: the %s hears %b, which it must not", mode, what, name, e.hears&e.never)
				}
				if name == "customer" || name == "recording" {
					continue
				}
				if n := len(seated(e.hears)); n != bits.OnesCount16(uint16(e.hears)) {
					t.Errorf("mode %d, %s: the %s hears %d voices on %d tracks", mode, what, name, bits.OnesCount16(uint16(e.hears)), n)
				}
			}
			// One mixer serves both phones: each must hear all of it but itself.
			if several(h.customer) && several(h.second) && h.customer&^second != h.second&^customer {
				t.Errorf("mode %d, %s: the phones cannot share a mixer", mode, what)
			}
			if m == int(Listen) && (h.customer|h.agent|h.second|h.record)&supervisor != 0 {
				t.Errorf("mode %d: a mere listener is heard", mode)
			}
		}
	}
}

// TestMuteIsEverywhere: who is muted is in no ear of any row.
func TestMuteIsEverywhere(t *testing.T) {
	for mode, rows := range matrix {
		for _, h := range rows {
			h = h.without(theAgent)
			if (h.customer|h.agent|h.second|h.supervisor|h.listener|h.record)&theAgent != 0 {
				t.Errorf("mode %d: a muted agent is heard", mode)
			}
		}
	}
}
