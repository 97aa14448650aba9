package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// An agent in headless Chromium.

const (
	customerHz = 440 // what the phone plays
	agentHz    = 700 // what Chromium's microphone hears
)

// agentPage signs an agent in whose microphone hears a tone, and makes them
// available.
func (b *browsers) agentPage(s *server, user string) page {
	b.t.Helper()
	wav := filepath.Join(b.t.TempDir(), user+".wav")
	writeTone(b.t, wav, agentHz, 6*time.Second)
	p := b.signIn(s, user, map[string]any{"wav": wav})
	p.state("away")
	p.click("go-available")
	p.state("available")
	return p
}

// TestACallInTheBrowser goes through a call as an agent does, with sound
// checked as sound on both sides.
func TestACallInTheBrowser(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := startBrowsers(t)
	alice := b.agentPage(s, "alice")

	out := filepath.Join(t.TempDir(), "phone.wav")
	began := time.Now()
	call := s.dial("1000", "--play", fmt.Sprintf("tone:%d", customerHz), "--dtmf", "1@4s,1@7s", "--for", "40s", "--record", out)
	alice.see("ringing")
	alice.press("Enter")
	alice.state("talking")
	talking := time.Since(began)
	alice.hears("customer", customerHz)

	alice.click("hold")
	alice.state("hold")
	held := time.Since(began)
	alice.hearsNothing("customer", customerHz)
	heldEnd := time.Since(began)
	alice.click("hold")
	alice.state("talking")
	alice.hears("customer", customerHz)

	alice.click("mute")
	eventually(t, 5*time.Second, "alice is muted", func() error { return s.timelineHas("mute", "muted") })
	muted := time.Since(began)
	alice.hears("customer", customerHz) // takes a second and a half
	mutedEnd := time.Since(began)

	alice.click("end")
	alice.state("wrap_up")
	r, code := call.wait()
	alice.click("wrapup-done")
	alice.state("available")

	if code != 0 || r.Result != "completed" || r.EndedBy != "remote" || r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the phone: exit code %d, %+v", code, r)
	}
	heard := readWAV(t, out)[0]
	heard.heard(t, "the agent on the phone", agentHz, talking+time.Second, held-200*time.Millisecond)
	heard.notHeard(t, "the agent on the phone during hold", agentHz, held+300*time.Millisecond, heldEnd)
	heard.notHeard(t, "the agent on the phone while muted", agentHz, muted+300*time.Millisecond, mutedEnd)
	if _, level := heard.share(agentHz, held+300*time.Millisecond, heldEnd); level < -50 {
		t.Errorf("there was no music during hold: %.0f dBFS", level)
	}
	c := s.lastCall()
	if c.End.By != "agent" || c.End.Class != "completed" || c.Consent != "granted" || c.Agent == nil || *c.Agent != "alice" {
		t.Errorf("the record: %+v, end %+v", c, c.End)
	}
	for _, kind := range []string{"sip", "flow", "consent", "queue", "offer", "answer", "hold", "resume", "mute", "quality", "end"} {
		if !c.has(kind, "") {
			t.Errorf("the timeline has no %s: %+v", kind, c.Timeline)
		}
	}
	for _, e := range c.Timeline { // what the browser says of its sound, and how that was encrypted
		if e.Kind == "quality" && *e.Leg != "customer" {
			concealed, told := e.Data["concealed_percent"].(float64)
			if srtp := e.Data["srtp"]; !told || concealed > 30 || srtp != "AEAD_AES_128_GCM (DTLS)" {
				t.Errorf("the agent's leg: %v", e.Data)
			}
		}
	}
	if c.Recording == nil {
		t.Fatal("the call was not recorded")
	}
	s.checkStereo(*c.Recording, held-talking)
}

// checkStereo exports a recording: the customer left, the agent right, from
// the answer on.
func (s *server) checkStereo(id string, until time.Duration) {
	s.t.Helper()
	out := filepath.Join(s.t.TempDir(), "export.wav")
	if msg, code := s.callfloor("recordings", "export", id, "--out", out); code != 0 {
		s.t.Fatalf("export ended with %d: %s", code, msg)
	}
	channels := readWAV(s.t, out)
	if len(channels) != 2 || channels[0].rate != 8000 {
		s.t.Fatalf("the export has %d channels at %d Hz, want 2 at 8000", len(channels), channels[0].rate)
	}
	left, right := channels[0], channels[1]
	left.heard(s.t, "the customer on the left", customerHz, 500*time.Millisecond, until)
	left.notHeard(s.t, "the agent on the left", agentHz, 0, left.length())
	right.heard(s.t, "the agent on the right", agentHz, 500*time.Millisecond, until)
	right.notHeard(s.t, "the customer on the right", customerHz, 0, right.length())
	if out, code := s.callfloor("recordings", "verify", id); code != 0 {
		s.t.Errorf("verify ended with %d: %s", code, out)
	}
}

// hears waits until hz is most of what a track plays.
func (p page) hears(track string, hz float64) {
	p.t.Helper()
	eventually(p.t, 8*time.Second, fmt.Sprintf("%s hears %.0f Hz from %s", p.name, hz, track), func() error {
		if l := p.level(track, hz); l.Share < 0.5 || l.RMS < 0.01 {
			return fmt.Errorf("%+v", l)
		}
		return nil
	})
}

// hearsNothing checks that hz is not in what a track plays.
func (p page) hearsNothing(track string, hz float64) {
	p.t.Helper()
	eventually(p.t, 8*time.Second, fmt.Sprintf("%s does not hear %.0f Hz from %s", p.name, hz, track), func() error {
		if l := p.level(track, hz); l.Share > 0.1 && l.RMS > 0.003 {
			return fmt.Errorf("%+v", l)
		}
		return nil
	})
}

// timelineHas checks the newest call's timeline while the call is up.
func (s *server) timelineHas(kind, text string) error {
	var list []callRecord
	s.json(&list, "calls", "list")
	if len(list) == 0 {
		return fmt.Errorf("no calls")
	}
	var c callRecord
	s.json(&c, "calls", "show", list[0].ID)
	if !c.has(kind, text) {
		return fmt.Errorf("no %s %q", kind, text)
	}
	return nil
}

// TestReload reloads the page at each stage of a call; everything is back
// within seconds, and the customer's phone hears no hole.
func TestReload(t *testing.T) {
	s := serve(t)
	b := startBrowsers(t)
	alice := b.agentPage(s, "alice")
	out := filepath.Join(t.TempDir(), "phone.wav")
	call := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s", "--record", out)

	alice.see("ringing")
	alice.reload()
	alice.see("ringing")
	alice.click("answer")
	alice.state("talking")
	alice.hears("customer", customerHz)

	alice.reload()
	alice.state("talking")
	alice.hears("customer", customerHz)

	alice.click("hold")
	alice.state("hold")
	alice.reload()
	alice.state("hold")
	alice.click("hold")
	alice.state("talking")
	alice.hears("customer", customerHz)

	alice.click("end")
	alice.state("wrap_up")
	alice.reload()
	alice.state("wrap_up")
	alice.click("wrapup-done")
	alice.state("available")

	r, _ := call.wait()
	if r.SSRCChanges != 0 || r.SeqHoles != 0 || r.EndedBy != "remote" {
		t.Errorf("the phone: %+v; want one SSRC and no hole in the sequence numbers", r)
	}
	// A pause would show as packets that are missing from the call's length.
	if missing := r.Sent - r.Received; missing > r.Sent/20 {
		t.Errorf("the phone sent %d packets and received %d", r.Sent, r.Received)
	}
	t.Logf("longest pause between packets: %.0f ms", r.MaxGapMS)
	if c := s.lastCall(); !c.has("reconnect", "gone") || !c.has("reconnect", "back") {
		t.Errorf("the timeline does not tell of the reload: %+v", c.Timeline)
	}
}

// TestListenIn: a supervisor hears both sides; neither hears the supervisor.
func TestListenIn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := startBrowsers(t)
	alice := b.agentPage(s, "alice")
	wav := filepath.Join(t.TempDir(), "sam.wav")
	writeTone(t, wav, supervisorHz, 6*time.Second)
	sam := b.signIn(s, "sam", map[string]any{"wav": wav})

	out := filepath.Join(t.TempDir(), "phone.wav")
	call := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "30s", "--record", out)
	alice.see("ringing")
	alice.click("answer")
	alice.state("talking")
	sam.click("floor-call")
	sam.click("listen")
	sam.hears("customer", customerHz)
	sam.hears("third", agentHz)
	alice.hearsNothing("customer", supervisorHz)
	alice.hearsNothing("third", supervisorHz)
	alice.click("end")
	call.wait()

	heard := readWAV(t, out)[0]
	heard.notHeard(t, "the supervisor on the phone", supervisorHz, 0, heard.length())
	c := s.lastCall()
	if !c.has("listen", "sam listens") {
		t.Errorf("the timeline does not tell of the listening: %+v", c.Timeline)
	}
	export := filepath.Join(t.TempDir(), "export.wav")
	s.callfloor("recordings", "export", *c.Recording, "--out", export)
	for i, channel := range readWAV(t, export) {
		channel.notHeard(t, fmt.Sprintf("the supervisor in channel %d", i), supervisorHz, 0, channel.length())
	}
	s.audited("sam", "listen", c.ID)
}
