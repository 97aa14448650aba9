package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
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
	beside(t, browsing)
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
	c, err := s.newest()
	if err != nil {
		return err
	}
	if !c.has(kind, text) {
		return fmt.Errorf("no %s %q", kind, text)
	}
	return nil
}

// countSteps keeps what a page does until its sound is there: what it asks by HTTP, what
// it says and hears on the seat's socket, and when its connection is up.
const countSteps = `window.steps = []; (() => {
	const Socket = WebSocket, Peer = RTCPeerConnection, ask = window.fetch;
	const quiet = ['change', 'result', 'do', 'ping', 'pong', 'media', 'candidate'];
	const step = (way, text) => { const { type } = JSON.parse(text); if (!quiet.includes(type)) steps.push(way + type); };
	window.fetch = (...what) => { steps.push('GET ' + new URL(what[0].url ?? what[0], location.href).pathname); return ask(...what); };
	window.WebSocket = class extends Socket {
		constructor(...how) { super(...how); steps.push('socket'); this.addEventListener('message', (e) => step('<', e.data)); }
		send(text) { step('>', text); super.send(text); }
	};
	window.RTCPeerConnection = class extends Peer {
		constructor(...how) { super(...how); steps.push('peer'); this.addEventListener('connectionstatechange', () => steps.push(this.connectionState)); }
	};
})();`

// stepsBack are the steps after a reload until the connection is up; what shows an
// agent's day is asked for meanwhile and nobody waits for it.
func (p page) stepsBack() string {
	p.t.Helper()
	var all []string
	p.until("the connection is up", func() error {
		if p.eval(&all, "steps"); !slices.Contains(all, "connected") {
			return fmt.Errorf("so far %q", all)
		}
		return nil
	})
	all = all[:slices.Index(all, "connected")+1]
	before := slices.Index(all, "socket")
	all = slices.DeleteFunc(all, func(step string) bool {
		return strings.HasPrefix(step, "GET ") && !slices.Contains(all[:max(before, 0)], step)
	})
	return strings.Join(all, " ")
}

// TestReload reloads the page at each stage of a call; everything is back
// within seconds, and the customer's phone hears no hole. How long that takes is the
// machine's and the network's affair; of how many round trips it is made is ours:
// the session, Hello to the snapshot, the offer to its answer, each once. Meanwhile the
// customer hears a tone.
func TestReload(t *testing.T) {
	s := serve(t)
	b := startBrowsers(t)
	wav := filepath.Join(t.TempDir(), "alice.wav")
	writeTone(t, wav, agentHz, 6*time.Second)
	alice := b.signIn(s, "alice", map[string]any{"wav": wav, "init": countSteps})
	alice.state("away")
	alice.goAvailable()
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
	const steps = "GET /api/v1/info GET /api/v1/session GET /api/v1/preferences socket >hello <welcome <snapshot <tab peer >offer <answer connecting connected"
	if got := alice.stepsBack(); got != steps {
		t.Errorf("a reload takes %q, want %q", got, steps)
	}

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
	c := s.lastCall()
	answered := c.when(t, "sip", "sent 200")
	gone, back := c.when(t, "reconnect", "gone").Sub(answered), c.when(t, "reconnect", "back").Sub(answered)
	t.Logf("the agent's sound was back %s after it was missed", back-gone)
	// The tone swells for 200 ms; it begins when the agent is missed, however short that is.
	if from, to := gone+300*time.Millisecond, min(back, gone+1500*time.Millisecond); to > from+50*time.Millisecond {
		if _, level := readWAV(t, out)[0].share(agentHz, from, to); level < -45 {
			t.Errorf("the customer heard no tone in the %s of the reload: %.0f dBFS", back-gone, level)
		}
	}
}

// TestListenIn: a supervisor hears both sides; neither hears the supervisor.
func TestListenIn(t *testing.T) {
	beside(t, browsing)
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
