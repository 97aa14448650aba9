package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
)

// TestEcho: a seat hears its own microphone over the connection that calls use,
// the server counts the way from it, and whoever else is heard meanwhile is left alone.
func TestEcho(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		k := b.hello(Hello{Tab: "one"})
		seat, _ := b.server.Seat("alice")
		if err := seat.Echo(true); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("an echo without media: %v", err)
		}
		p := b.connect(k, 1)
		time.Sleep(2 * time.Second)
		if err := seat.Echo(true); err != nil {
			t.Fatal(err)
		}
		p.say(200, 10)
		if err := seat.Echo(false); err != nil {
			t.Fatal(err)
		}
		v := seat.echoView(t)
		if v.On || v.Received != 180 || v.Lost < 19 || v.Lost > 20 || v.Sent < 180 {
			t.Errorf("of 200 packets, 20 lost: %+v", v)
		}
		time.Sleep(100 * time.Millisecond)
		p.mu.Lock()
		heard := p.heard[TrackCustomer]
		p.mu.Unlock()
		if heard < 180 {
			t.Errorf("the browser heard %d packets of its own", heard)
		}

		customer := media.NewPlayer(b.server.opts.Pacer, "customer", codec.PCMU)
		defer customer.Close()
		if err := seat.Echo(true); err != nil {
			t.Fatal(err)
		}
		seat.Track(TrackCustomer).Hear(customer.Source()) // a call begins
		time.Sleep(2 * echoTold)
		if v := seat.echoView(t); v.On || seat.Track(TrackCustomer).Hearing() != customer.Source() {
			t.Errorf("the echo of a seat that has a call: %+v", v)
		}
		if err := seat.Echo(true); contact.ErrorCode(err) != contact.Conflict {
			t.Errorf("an echo during a call: %v", err)
		}
		if err := seat.Echo(false); err != nil || seat.Track(TrackCustomer).Hearing() != customer.Source() {
			t.Errorf("the end of the echo cut the call off, or failed: %v", err)
		}
		seat.Track(TrackCustomer).Hear(nil)

		if err := seat.Echo(true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(echoFor + 2*echoTold)
		if v := seat.echoView(t); v.On || seat.Track(TrackCustomer).Hearing() != nil {
			t.Errorf("the echo goes on for ever: %+v", v)
		}
	})
}

func (s *Seat) echoView(t *testing.T) (v EchoView) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := json.Unmarshal(s.doc.values[KeyEcho], &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestHeadsetReportIsJudged(t *testing.T) {
	fine := func() *HeadsetReport {
		noise, loss := 34.5, 0.2
		return &HeadsetReport{At: "2026-11-23T02:10:08.004Z", Verdict: "fair", Problems: []string{"echo"}, Suppression: "rnnoise", NoiseDB: &noise, LossUp: &loss}
	}
	far := 1e9
	for name, c := range map[string]struct {
		spoil func(*HeadsetReport)
		want  string
	}{
		"as it should be":  {func(*HeadsetReport) {}, ""},
		"verdict":          {func(r *HeadsetReport) { r.Verdict = "splendid" }, "verdict"},
		"problem":          {func(r *HeadsetReport) { r.Problems = []string{"<script>"} }, "problems"},
		"many problems":    {func(r *HeadsetReport) { r.Problems = make([]string, 1000) }, "problems"},
		"time":             {func(r *HeadsetReport) { r.At = "yesterday" }, "at"},
		"a level from far": {func(r *HeadsetReport) { r.NoiseDB = &far }, "noise_db"},
		"a long name":      {func(r *HeadsetReport) { r.Microphone = strings.Repeat("x", maxName+1) }, "microphone"},
		"suppression":      {func(r *HeadsetReport) { r.Suppression = "" }, "suppression"},
	} {
		r := fine()
		c.spoil(r)
		err := checkCommand(contact.RoleAgent, &Command{Do: DoHeadset, Headset: r})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if err := checkCommand(contact.RoleAgent, &Command{Do: DoHeadset}); contact.ErrorCode(err) != contact.Invalid {
		t.Errorf("no report: %v", err)
	}
	if err := checkCommand(contact.RoleSupervisor, &Command{Do: DoEcho, On: true}); err != nil {
		t.Errorf("an echo: %v", err)
	}
}
