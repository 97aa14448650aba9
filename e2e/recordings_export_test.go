package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestExportIsTheCall compares an export with what was said, and when.
func TestExportIsTheCall(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	s.seat("alice", "--answer-after", "100ms", "--play", fmt.Sprintf("tone:%d", seatHz))
	p := s.wireCall("1001")
	stop := p.talk(customerHz)
	open := s.recordingOf("open", 5*time.Second)
	p.hangup()
	stopped := stop()
	s.recordingOf("sealed", 5*time.Second)
	c := s.lastCall()
	if took := s.sealedAfter(c); took > 2*time.Second {
		t.Errorf("the recording was sealed %s after the hang-up, want 2 s at most", took)
	}

	left, right := s.export(open.ID)
	talked := when(t, *c.Ended).Sub(when(t, *c.Answered))
	if d := left.length() - talked; d < -300*time.Millisecond || d > 300*time.Millisecond {
		t.Errorf("the export has %s, the talk took %s", left.length(), talked)
	}
	if on := right.onset(seatHz, 0); on < 0 || on > 300*time.Millisecond {
		t.Errorf("the agent is first heard %s after the beginning", on)
	}
	right.heard(t, "the agent on the right", seatHz, 300*time.Millisecond, talked-300*time.Millisecond)
	left.notHeard(t, "the agent on the left", seatHz, 0, left.length())
	right.notHeard(t, "the customer on the right", customerHz, 0, right.length())

	// Each beginning of the customer's tone stands where it was said.
	var late []time.Duration
	for _, at := range left.beginnings() {
		heard := when(t, open.Started).Add(at)
		nearest := time.Hour
		for _, said := range stopped {
			if d := heard.Sub(said); d.Abs() < nearest.Abs() {
				nearest = d
			}
		}
		late = append(late, nearest)
	}
	slices.Sort(late)
	if len(late) < 8 {
		t.Fatalf("the export has %d beginnings of the customer's tone, about 10 were said", len(late))
	}
	// From the sender's clock to the capture's: how late the first packet was,
	// the network, the server, and the millisecond that the list rounds to.
	t.Logf("added delay between the wire and the capture: median %s, least %s, most %s", late[len(late)/2], late[0], late[len(late)-1])
	if m := late[len(late)/2]; m.Abs() > 30*time.Millisecond {
		t.Errorf("the customer's tone stands %s from where it was said: %v", m, late)
	}
}

// sealedAfter says how long after the customer's BYE the timeline has the
// recording sealed.
func (s *server) sealedAfter(c callRecord) time.Duration {
	s.t.Helper()
	var took time.Duration
	eventually(s.t, 5*time.Second, "the timeline says that the recording is sealed", func() error {
		var now callRecord
		s.json(&now, "calls", "show", c.ID)
		var bye, sealed time.Time
		for _, e := range now.Timeline {
			switch {
			case e.Kind == "sip" && strings.Contains(e.Text, "received BYE"):
				bye = when(s.t, e.At)
			case e.Kind == "recording" && e.Data["state"] == "sealed":
				sealed = when(s.t, e.At)
			}
		}
		if bye.IsZero() || sealed.IsZero() {
			return fmt.Errorf("it has %+v", now.Timeline)
		}
		took = sealed.Sub(bye)
		return nil
	})
	return took
}
