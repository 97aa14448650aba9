package e2e

import (
	"testing"
	"time"
)

// loadResult is what `callfloor load --json` prints, as far as it is looked at.
type loadResult struct {
	Calls, Completed, Rejected, Failed int
	Statuses                           map[string]int
	PhoneToSeat                        *percentiles `json:"phone_to_seat_ms"`
	SeatToPhone                        *percentiles `json:"seat_to_phone_ms"`
	Echo                               *percentiles `json:"echo_ms"`
	Seats                              *struct{ Seats, Answered, Missed, Received, Lost int }
	Server                             *struct {
		Calls, Seconds float64
		CPU            float64 `json:"cpu_percent"`
		Memory         float64 `json:"memory_mb"`
	}
	Sent, Due int
}

type percentiles struct{ Min, P50, P95, P99, Max float64 }

// TestLoadWithSeats lets the demo's agents sit in the load's own process.
func TestLoadWithSeats(t *testing.T) {
	s := serve(t)
	var r loadResult
	if code := s.json(&r, "load", "--target", "sip:1002@"+s.sip, "--calls", "4", "--rate", "2", "--for", "5s", "--seats", "2"); code != 0 {
		t.Errorf("load ended with %d", code)
	}
	if r.Completed != 4 || r.Seats == nil || r.Seats.Seats != 2 || r.Seats.Answered < 2 || r.Seats.Received == 0 {
		t.Errorf("the load: %+v, seats %+v", r, r.Seats)
	}
	for way, p := range map[string]*percentiles{"phone to seat": r.PhoneToSeat, "seat to phone": r.SeatToPhone} {
		if p == nil || p.Min < 0 || p.P50 > p.P95 || p.P50 > 500 {
			t.Errorf("%s: %+v", way, p)
		}
	}
	if r.Echo != nil {
		t.Errorf("somebody hears their own voice: %+v", r.Echo)
	}
	if r.Server == nil || r.Server.Calls < 1 || r.Server.Seconds < 1 || r.Server.CPU <= 0 || r.Server.Memory <= 0 {
		t.Errorf("what it cost the server: %+v", r.Server)
	}
	if 100*r.Sent < 99*r.Due {
		t.Errorf("%d of %d packets were sent, and reported all the same", r.Sent, r.Due)
	}
}

// TestNoPortIsFree: calls beyond the media ports get 503, the others go on.
func TestNoPortIsFree(t *testing.T) {
	s := serve(t, "--rtp-ports", "19500-19503") // two calls: RTP and RTCP each
	var r loadResult
	began := time.Now()
	s.json(&r, "load", "--target", "sip:1009@"+s.sip, "--calls", "5", "--rate", "10", "--for", "3s")
	if r.Completed != 2 || r.Rejected != 3 || r.Statuses["503"] != 3 || r.Echo == nil {
		t.Errorf("with ports for two of five calls, after %s: %+v", time.Since(began), r)
	}
}
