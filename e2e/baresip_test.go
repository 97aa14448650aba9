package e2e

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"callfloor/media/wav"
)

// baresip, a softphone which nobody here wrote, as the customer's phone.

// voice writes 8 kHz WAV: quiet for a while, then a tone.
func voice(t *testing.T, hz float64, quiet, tone time.Duration) string {
	t.Helper()
	const rate = 8000
	path := filepath.Join(t.TempDir(), "voice.wav")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := wav.NewWriter(f, rate, 1)
	if err != nil {
		t.Fatal(err)
	}
	first := int(quiet.Seconds() * rate)
	samples := make([]int16, first+int(tone.Seconds()*rate))
	for i := first; i < len(samples); i++ {
		samples[i] = int16(9000 * math.Sin(2*math.Pi*hz*float64(i)/rate))
	}
	if err := w.Write(samples); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBaresipOnTheEchoLine finds baresip's tone on its way back.
func TestBaresipOnTheEchoLine(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	before := s.rest()
	b := startBaresip(t, voice(t, customerHz, time.Second, 20*time.Second))
	b.do("dial", "sip:1009@"+s.sip)
	b.reports("CALL_ESTABLISHED", 1)
	b.writes("dec", 3*time.Second)
	b.do("hangup", "")
	b.reports("CALL_CLOSED", 1)
	s.ended("customer", "completed", 0)

	sentTo, _ := b.file("enc")
	heardIn, _ := b.file("dec")
	sent, heard := readWAV(t, sentTo)[0], readWAV(t, heardIn)[0]
	at := sent.onset(customerHz, 0)
	back := heard.onset(customerHz, 0)
	if at < 0 || back < 0 {
		t.Fatalf("the tone began %s after the call (-1: never), and came back at %s", at, back)
	}
	heard.notHeard(t, "the echo before the tone", customerHz, 0, back-100*time.Millisecond)
	heard.heard(t, "the echo", customerHz, back+100*time.Millisecond, heard.length())
	// From the file that it sends to the file that it hears, with baresip's own
	// jitter buffer; the files begin with the first packet each way.
	delay := back - at
	t.Logf("the tone came back after %s, to 20 ms", delay)
	if delay > 500*time.Millisecond {
		t.Errorf("the echo took %s", delay)
	}
	s.noCapture()
	s.leftNothing(before)
}

// TestBaresipTalksToAnAgent presses keys, is answered, holds, resumes, hangs up.
func TestBaresipTalksToAnAgent(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	s.agent("alice", "--answer-after", "100ms", "--play", "tone:620", "--for", "60s")
	before := s.rest()
	b := startBaresip(t, voice(t, customerHz, 0, 60*time.Second))
	b.do("dial", "sip:1000@"+s.sip)
	s.reaches("flow", "consent", 1)
	b.do("sndcode", "1")
	s.reaches("flow", "menu", 1)
	b.do("sndcode", "2")
	s.reaches("answer", "", 1)
	b.writes("dec", 2*time.Second)
	_, talked := b.file("dec")

	b.do("hold", "")
	s.reaches("hold", "", 1)
	b.do("resume", "")
	s.reaches("resume", "", 1)
	b.writes("enc", 2*time.Second)
	b.do("hangup", "")
	b.reports("CALL_CLOSED", 1)

	c := s.ended("customer", "completed", 0)
	if c.Queue == nil || *c.Queue != "support" || c.Agent == nil || *c.Agent != "alice" || c.Consent != "granted" || c.Recording == nil {
		t.Errorf("the record: %+v", c)
	}
	path, _ := b.file("dec")
	heard := readWAV(t, path)[0]
	heard.heard(t, "the agent before the hold", 620, talked-1500*time.Millisecond, talked-100*time.Millisecond)
	s.leftNothing(before)
	// This baresip writes down nothing that it hears after a hold; the capture
	// has both sides.
	export := filepath.Join(t.TempDir(), "export.wav")
	s.callfloor("recordings", "export", *c.Recording, "--out", export)
	sides := readWAV(t, export)
	end := sides[0].length()
	sides[0].heard(t, "the customer after the hold", customerHz, end-1500*time.Millisecond, end-300*time.Millisecond)
	sides[1].heard(t, "the agent after the hold", 620, end-1500*time.Millisecond, end-300*time.Millisecond)
	if out, code := s.callfloor("recordings", "verify", *c.Recording); code != 0 {
		t.Errorf("verify ended with %d: %s", code, out)
	}
}

// TestBaresipIsHungUpOn: the far end's BYE ends the call at the phone.
func TestBaresipIsHungUpOn(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	before := s.rest()
	b := startBaresip(t, voice(t, customerHz, 0, 10*time.Second))
	b.do("dial", "sip:1004@"+s.sip)
	b.reports("CALL_ESTABLISHED", 1)
	b.reports("CALL_CLOSED", 1)
	s.ended("system", "completed", 0)
	s.noCapture()
	s.leftNothing(before)
}
