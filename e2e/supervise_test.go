package e2e

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"callfloor/media/wav"
)

const supervisorHz = 1000 // what sam's microphone hears

// TestSupervise: a supervisor whispers, barges in and takes the call over, and
// sound is checked as sound: in the browsers, on the phone and in the recording.
func TestSupervise(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice := b.agentPage(s, "alice")
	wav := filepath.Join(t.TempDir(), "sam.wav")
	writeTone(t, wav, supervisorHz, 6*time.Second)
	sam := b.signIn(s, "sam", map[string]any{"wav": wav})

	out := filepath.Join(t.TempDir(), "phone.wav")
	began := time.Now()
	call := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "90s", "--record", out)
	alice.see("ringing")
	alice.click("answer")
	alice.state("talking")
	answered := time.Since(began)
	// span is what happens while f runs, a second after it began.
	span := func(f func()) (from, to time.Duration) {
		from = time.Since(began) + time.Second
		f()
		time.Sleep(1500 * time.Millisecond)
		return from, time.Since(began)
	}

	sam.click("floor-call")
	sam.click("whisper")
	sam.mode("whisper")
	whisperFrom, whisperTo := span(func() {
		alice.see("coach")
		alice.hears("coach", supervisorHz)
		sam.hears("customer", customerHz)
		sam.hears("third", agentHz)
		alice.hearsNothing("third", supervisorHz)
	})

	switched := time.Now()
	sam.click("barge")
	sam.mode("barge")
	t.Logf("from whisper to barge in the browser: %s", time.Since(switched).Round(time.Millisecond))
	bargeFrom, bargeTo := span(func() {
		alice.hears("third", supervisorHz)
		alice.hearsNothing("coach", supervisorHz)
	})

	sam.click("listen")
	sam.mode("listen")
	alice.gone("coach")
	listenFrom, listenTo := span(func() { sam.hears("third", agentHz) })

	sam.click("takeover")
	alice.state("wrap_up")
	tookFrom, tookTo := span(func() {
		sam.hears("customer", customerHz)
		alice.hearsNothing("customer", customerHz)
	})
	alice.click("wrapup-done")
	alice.state("available")
	sam.reload()
	sam.state("talking")
	sam.hears("customer", customerHz)
	sam.click("end")
	sam.state("wrap_up")
	sam.click("wrapup-done")
	sam.gone("state") // a supervisor again
	r, code := call.wait()
	if code != 0 || r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the phone: exit code %d, %+v; want one stream without a hole", code, r)
	}

	heard := readWAV(t, out)[0]
	heard.notHeard(t, "the coach on the phone", supervisorHz, whisperFrom, whisperTo)
	heard.heard(t, "the agent on the phone during the whisper", agentHz, whisperFrom, whisperTo)
	heard.both(t, "the barge on the phone", agentHz, supervisorHz, bargeFrom, bargeTo)
	heard.notHeard(t, "the mere listener on the phone", supervisorHz, listenFrom, listenTo)
	heard.heard(t, "the supervisor on the phone after the take-over", supervisorHz, tookFrom, tookTo)
	heard.notHeard(t, "the former agent on the phone", agentHz, tookFrom, tookTo)
	s.checkSupervised(answered, whisperFrom, whisperTo, tookFrom, tookTo)
}

// checkSupervised looks at what is kept of TestSupervise's call. The times are
// those of the phone.
func (s *server) checkSupervised(answered, whisperFrom, whisperTo, tookFrom, tookTo time.Duration) {
	s.t.Helper()
	c := s.lastCall()
	if c.Agent == nil || *c.Agent != "sam" || c.Recording == nil {
		s.t.Fatalf("the record: %+v; want the agent sam and a recording", c)
	}
	for _, text := range []string{"sam whispers to the agent", "sam barges in", "sam listens", "sam takes the call over from alice"} {
		if !c.has("listen", text) {
			s.t.Errorf("the timeline does not say that %s: %+v", text, c.Timeline)
		}
	}
	if c.End.By != "supervisor" {
		s.t.Errorf("ended by the %s, want the supervisor", c.End.By)
	}
	s.audited("sam", "listen", c.ID)
	left, right := s.export(*c.Recording)
	const slack = 500 * time.Millisecond
	left.notHeard(s.t, "the supervisor on the customer's side", supervisorHz, 0, left.length())
	right.notHeard(s.t, "the coach in the recording", supervisorHz, whisperFrom-answered+slack, whisperTo-answered-slack)
	right.heard(s.t, "the supervisor in the recording as the agent", supervisorHz, tookFrom-answered+slack, tookTo-answered-slack)
	var parties []string
	for _, r := range s.recordings() {
		if r.ID == *c.Recording {
			for _, k := range r.Tracks {
				parties = append(parties, k.Party)
			}
		}
	}
	slices.Sort(parties)
	if want := []string{"agent", "customer", "supervisor"}; !slices.Equal(parties, want) {
		s.t.Errorf("the recording has the tracks %v, want %v", parties, want)
	}
}

// mode waits until the supervisor's panel shows what they do.
func (p page) mode(want string) {
	p.t.Helper()
	eventually(p.t, 5*time.Second, p.name+" is in mode "+want, func() error {
		var got string
		p.must(&got, "eval", map[string]any{"js": `document.querySelector('[data-testid="supervise"]')?.dataset.mode ?? ""`})
		if got != want {
			return fmt.Errorf("it is %q", got)
		}
		return nil
	})
}

// both fails the test unless two frequencies are heard in the span.
func (s sound) both(t *testing.T, what string, a, b float64, from, to time.Duration) {
	t.Helper()
	x, level := s.share(a, from, to)
	y, _ := s.share(b, from, to)
	if x < 0.15 || y < 0.15 || x+y < 0.6 || level < -50 {
		t.Errorf("%s: %.0f Hz makes up %.0f %% and %.0f Hz %.0f %% of the power at %.0f dBFS; want both", what, a, x*100, b, y*100, level)
	}
}

// TestNotHeardIsNamed: a customer whose phone sends nothing but silence is
// named within five seconds, and so is the end of it; and counted.
func TestNotHeardIsNamed(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	s.seat("alice", "--play", fmt.Sprintf("tone:%d", seatHz))
	late := filepath.Join(t.TempDir(), "late.wav")
	writeSilenceThenTone(t, late, 14*time.Second, 6*time.Second)
	call := s.dial("1002", "--play", late, "--for", "20s")
	eventually(t, 20*time.Second, "the silent customer is named", func() error {
		return s.timelineHas("silence", "the customer's phone sends silence")
	})
	if err := s.metric(`callfloor_call_troubles_total{trouble="customer_silent"}`, 1); err != nil {
		t.Error(err)
	}
	call.wait()
	c := s.lastCall()
	var answered, named time.Time
	for _, e := range c.Timeline {
		at, err := time.Parse(time.RFC3339, e.At)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Kind == "answer":
			answered = at
		case e.Kind == "silence" && named.IsZero():
			named = at
		}
	}
	if took := named.Sub(answered); took < 4*time.Second || took > 6*time.Second {
		t.Errorf("named %s after the answer, want within 5 s", took)
	}
	if !c.has("silence", "no longer: the customer's phone sends silence") {
		t.Errorf("the timeline does not tell that sound came: %+v", c.Timeline)
	}
}

func writeSilenceThenTone(t *testing.T, path string, silence, tone time.Duration) {
	t.Helper()
	const rate = 8000
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := wav.NewWriter(f, rate, 1)
	if err != nil {
		t.Fatal(err)
	}
	samples := make([]int16, int((silence+tone).Seconds()*rate))
	for i := int(silence.Seconds() * rate); i < len(samples); i++ {
		samples[i] = int16(9000 * math.Sin(2*math.Pi*customerHz*float64(i)/rate))
	}
	if err := w.Write(samples); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
