package web

import (
	"math"
	"slices"
	"time"

	"callfloor/contact"
)

// The words of a HeadsetReport.
var (
	headsetVerdicts = [...]string{"good", "fair", "bad"}
	headsetProblems = [...]string{"microphone", "noise", "voice", "echo", "network", "ring"}
	suppressions    = [...]string{"off", "browser", "rnnoise"}
)

// problem names the first field of a report that no page of ours would send;
// "" if there is none. Browsers write the report, supervisors read it.
func (r *HeadsetReport) problem() string {
	_, err := time.Parse(time.RFC3339, r.At)
	known := len(r.Problems) <= len(headsetProblems)
	for _, p := range r.Problems {
		known = known && slices.Contains(headsetProblems[:], p)
	}
	return first(
		field{"at", err != nil || len(r.At) > maxName}, field{"verdict", !slices.Contains(headsetVerdicts[:], r.Verdict)},
		field{"problems", !known}, field{"microphone", len(r.Microphone) > maxName},
		field{"suppression", !slices.Contains(suppressions[:], r.Suppression)},
		field{"noise_db", outside(r.NoiseDB, -100, 200)}, field{"voice_db", outside(r.VoiceDB, -100, 200)}, field{"echo_db", outside(r.EchoDB, -200, 100)},
		field{"rtt_ms", outside(r.RTTMS, 0, 60000)}, field{"jitter_ms", outside(r.JitterMS, 0, 60000)},
		field{"loss_up", outside(r.LossUp, 0, 100)}, field{"loss_down", outside(r.LossDown, 0, 100)},
	)
}

func outside(x *float64, low, high float64) bool {
	return x != nil && (math.IsNaN(*x) || *x < low || *x > high)
}

// SetHeadset keeps what the last check of this seat's headset found.
func (s *Seat) SetHeadset(r *HeadsetReport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.headset = r
}

// Headset returns what the last check of this seat's headset found, nil if there
// was none since the seat was made. Nobody changes it.
func (s *Seat) Headset() *HeadsetReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.headset
}

// checkHeadset judges the commands around a headset.
func checkHeadset(c *Command) error {
	if c.Do == DoEcho {
		return nil
	}
	if c.Headset == nil {
		return contact.Errorf(contact.Invalid, "a headset command needs what was found")
	}
	if what := c.Headset.problem(); what != "" {
		return contact.Errorf(contact.Invalid, "the headset's report has a bad field: %s", what)
	}
	return nil
}
