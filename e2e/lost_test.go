package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What goes wrong at an agent's desk, in headless Chromium.

// text waits until an element holds a text.
func (p page) text(id, want string) {
	p.t.Helper()
	p.must(nil, "wait", map[string]any{"id": id, "text": want})
}

func (p page) eval(v any, js string) {
	p.t.Helper()
	p.must(v, "eval", map[string]any{"js": js})
}

// routedAround lets a customer wait while user is there and cannot take calls,
// and checks that the offer goes to bob, and that the timeline says why.
func (s *server) routedAround(user string) {
	s.t.Helper()
	s.seat("bob", "--answer-after", "100ms", "--play", fmt.Sprintf("tone:%d", seatHz))
	r, _ := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "4s").wait()
	if r.Result != "completed" {
		s.t.Errorf("the call: %+v", r)
	}
	c := s.lastCall()
	if c.Agent == nil || *c.Agent != "bob" {
		s.t.Errorf("the call went to %v, want bob", c.Agent)
	}
	for _, e := range c.Timeline {
		if e.Kind == "offer" && e.Data["agent"] == user {
			s.t.Errorf("%s was offered the call: %+v", user, e)
		}
	}
}

// TestNoMicrophone: without the permission, or without a device, the seat says
// so in words and gets no calls.
func TestNoMicrophone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, says string
		args       map[string]any
	}{
		{"no permission", "No microphone permission", map[string]any{"mic": false}},
		{"no device", "No microphone found", map[string]any{"device": false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			beside(t, browsing)
			s := serve(t)
			b := startBrowsers(t)
			alice := b.signIn(s, "alice", tt.args)
			alice.text("mic-trouble", tt.says)
			alice.state("away")
			var off bool
			eventually(t, 5*time.Second, "go-available is off", func() error {
				alice.eval(&off, `(() => { const e = document.querySelector('[data-testid="go-available"]'); return e.disabled || e.getAttribute('aria-disabled') === 'true'; })()`)
				if !off {
					return fmt.Errorf("it can be clicked")
				}
				return nil
			})
			alice.press("g") // the key does what the button does
			s.routedAround("alice")
			alice.state("away")
		})
	}
}

// cuttable is a page whose sockets the test can cut, and keep cut, while its
// media lives: it needs a network of its own for each.
const cuttable = `
	const Real = WebSocket;
	window.sockets = [];
	window.cut = (on) => { window.isCut = on; if (on) for (const s of window.sockets.splice(0)) { s.close(); s.dispatchEvent(new CloseEvent('close')); } };
	window.WebSocket = class extends Real {
		constructor(url, ...more) {
			super(window.isCut ? String(url).replace('/api/v1/seat', '/api/v1/nowhere') : url, ...more);
			window.sockets.push(this);
		}
	};`

// TestSocketLost: the seat's socket is gone for some seconds of a call, the
// media is not.
func TestSocketLost(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	wav := filepath.Join(t.TempDir(), "alice.wav")
	writeTone(t, wav, agentHz, 6*time.Second)
	alice := b.signIn(s, "alice", map[string]any{"wav": wav, "init": cuttable})
	alice.state("away")
	alice.click("go-available")
	alice.state("available")
	out := filepath.Join(t.TempDir(), "phone.wav")
	began := time.Now()
	call := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s", "--record", out)
	alice.see("ringing")
	alice.click("answer")
	alice.state("talking")
	alice.hears("customer", customerHz)

	alice.eval(nil, `window.cut(true)`)
	alice.see("reconnect")
	cut := time.Since(began)
	alice.hears("customer", customerHz)
	back := time.Since(began)
	alice.see("reconnect") // all the time
	alice.eval(nil, `window.cut(false)`)
	alice.gone("reconnect")
	alice.state("talking")
	alice.click("hold")
	alice.state("hold")
	alice.click("hold")
	alice.state("talking")
	alice.hears("customer", customerHz)
	alice.click("end")
	alice.state("wrap_up")

	r, _ := call.wait()
	if r.EndedBy != "remote" || r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the phone: %+v", r)
	}
	readWAV(t, out)[0].heard(t, "the agent while the socket was gone", agentHz, cut, back)
	c := s.lastCall()
	if c.End.By != "agent" || c.Agent == nil || *c.Agent != "alice" || c.has("reconnect", "did not come back") {
		t.Errorf("the record: %+v, end %+v", c, c.End)
	}
}

// TestSecondTab: one tab is the phone; another says so and can take over, in
// mid-call too.
func TestSecondTab(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	first := b.agentPage(s, "alice")
	if err := b.do(nil, "tab", map[string]any{"name": "alice-2", "of": "alice", "url": s.http + "/"}); err != nil {
		t.Fatal(err)
	}
	second := page{b, "alice-2"}
	second.see("take-over")
	first.gone("take-over")
	if body := second.body(); !strings.Contains(body, "phone is in another tab") {
		t.Errorf("the second tab does not say that another is the phone: %s", body)
	}

	out := filepath.Join(t.TempDir(), "phone.wav")
	began := time.Now()
	call := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s", "--record", out)
	first.see("ringing")
	first.click("answer")
	first.state("talking")
	first.hears("customer", customerHz)
	second.state("talking") // it shows the call

	second.click("take-over")
	second.gone("take-over")
	first.see("take-over")
	second.hears("customer", customerHz)
	taken := time.Since(began)
	first.hearsNothing("customer", customerHz)
	second.click("hold")
	second.state("hold")
	held := time.Since(began)
	second.click("hold")
	second.state("talking")
	second.click("end")
	second.state("wrap_up")
	r, _ := call.wait()
	if r.EndedBy != "remote" || r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the phone: %+v; want one SSRC and no hole in the sequence numbers", r)
	}
	readWAV(t, out)[0].heard(t, "the agent from the second tab", agentHz, taken, held-200*time.Millisecond)
	if c := s.lastCall(); c.Agent == nil || *c.Agent != "alice" || c.has("reconnect", "did not come back") {
		t.Errorf("the record: %+v", c)
	}

	// The tab that is the phone is closed: the other one says so and can be it again.
	second.must(nil, "goto", map[string]any{"url": "about:blank"})
	first.must(nil, "wait", map[string]any{"id": "tab-elsewhere", "text": "not connected"})
	first.click("take-over")
	first.gone("take-over")
	first.click("wrapup-done")
	first.state("available")
}

func (p page) body() (text string) {
	p.t.Helper()
	p.must(&text, "body", nil)
	return text
}

// TestBrowserGone: the browser is closed in mid-call and does not come back.
// The customer waits again, before another who waited all the time.
func TestBrowserGone(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice := b.agentPage(s, "alice")
	call := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s", "--from", "2001")
	alice.see("ringing")
	alice.click("answer")
	alice.state("talking")
	open := s.recordingOf("open", time.Second)
	other := s.dial("1001", "--play", "tone:500", "--for", "60s", "--from", "2002")
	eventually(t, 10*time.Second, "the other customer waits", func() error { return s.timelineHas("queue", "") })

	alice.must(nil, "close", nil)
	closed := time.Now()
	requeued := func() error {
		var c callRecord
		s.json(&c, "calls", "show", open.Call)
		if !c.has("reconnect", "did not come back") {
			return fmt.Errorf("%+v", c.Timeline)
		}
		return nil
	}
	eventually(t, 20*time.Second, "the customer waits again", requeued)
	// 10 s from when the server knew, which a closed browser tells at once.
	if d := time.Since(closed); d < 9*time.Second {
		t.Errorf("the agent was given up after %s, want 10 s", d)
	}
	if err := s.metric(`callfloor_agents{state="disconnected"}`, 1); err != nil {
		t.Errorf("alice is not disconnected: %v", err)
	}
	s.sitDown("bob", "--answer-after", "100ms", "--play", fmt.Sprintf("tone:%d", seatHz))
	eventually(t, 15*time.Second, "bob has the customer who was cut off", func() error {
		var c callRecord
		s.json(&c, "calls", "show", open.Call)
		if !c.has("answer", "bob") {
			return fmt.Errorf("%+v", c.Timeline)
		}
		return nil
	})
	bobs := time.Since(when(t, open.Started))
	if list := s.recordings(); len(list) != 1 || list[0].State != "open" {
		t.Errorf("the recordings: %+v; want the one, going on", list)
	}
	s.recordingOf("open", bobs+2*time.Second)
	if r := call.hangup(); r.Result != "completed" || r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the phone: %+v", r)
	}
	eventually(t, 5*time.Second, "the recording is sealed", func() error {
		for _, r := range s.recordings() {
			if r.ID == open.ID && r.State == "sealed" {
				return nil
			}
		}
		return fmt.Errorf("%+v", s.recordings())
	})
	left, right := s.export(open.ID)
	left.heard(t, "the customer before", customerHz, 500*time.Millisecond, time.Second)
	left.heard(t, "the customer with bob", customerHz, bobs, bobs+time.Second)
	right.heard(t, "bob", seatHz, bobs+200*time.Millisecond, bobs+time.Second)
	other.hangup()
}

// TestRecordingPage: sam listens to a recording, proves it and takes it along.
func TestRecordingPage(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	r := s.recorded(4 * time.Second)
	b := startBrowsers(t)
	sam := b.signIn(s, "sam", nil)
	eventually(t, 10*time.Second, "sam is signed in", func() error {
		var in bool
		if sam.eval(&in, `fetch('/api/v1/session').then((r) => r.ok)`); !in {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	sam.must(nil, "goto", map[string]any{"url": s.http + "/calls/" + r.Call})
	sam.see("waveform")
	if status, body := s.get("ada", "/api/v1/audit?limit=100"); status != http.StatusOK || strings.Contains(string(body), "recording_play") {
		t.Errorf("opening the page counts as listening: %d %s", status, body)
	}
	var shapes []float64
	sam.eval(&shapes, `[...document.querySelectorAll('[data-testid="waveform"] path')].map((p) => p.getBBox().height)`)
	if len(shapes) != 2 || shapes[0] < 5 || shapes[1] < 5 {
		t.Errorf("the waveform has shapes of the heights %v, want two of sound", shapes)
	}
	sam.click("recording-play")
	eventually(t, 10*time.Second, "it plays", func() error {
		var at float64
		sam.eval(&at, `[...document.querySelectorAll('audio')].filter((a) => a.src.includes('/recordings/'))[0].currentTime`)
		if at < 1 {
			return fmt.Errorf("it stands at %v s", at)
		}
		return nil
	})
	sam.click("recording-verify")
	eventually(t, 10*time.Second, "it is proved", func() error {
		var verdict string
		sam.must(&verdict, "text", map[string]any{"id": "recording-verdict"})
		if !strings.Contains(verdict, "entries") {
			return fmt.Errorf("the page says %q", verdict)
		}
		return nil
	})
	var file string
	sam.eval(&file, `fetch(document.querySelector('[data-testid="recording-export"]').href).then((r) => r.arrayBuffer()).then((b) => btoa(String.fromCharCode(...new Uint8Array(b).slice(0, 48)) ) + ' ' + b.byteLength)`)
	head, size, _ := strings.Cut(file, " ")
	wav, err := base64.StdEncoding.DecodeString(head)
	if err != nil || !strings.HasPrefix(string(wav), "RIFF") || len(size) < 5 {
		t.Errorf("the export is %q of %s octets", wav, size)
	}
	for _, action := range []string{"recording_play", "recording_verify", "recording_export"} {
		s.audited("sam", action, r.ID)
	}
}
