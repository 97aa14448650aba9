package e2e

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"
)

// phoneCodecs are what a phone may speak, as the contract names them.
var phoneCodecs = []string{"PCMU", "PCMA", "G722", "opus"}

// saidAt is the level of the built-in phone's tone in dBFS: a sine of -12 dBFS
// peak.
const saidAt = -15.0

// clean fails the test unless the tone is heard at the level at which it was
// said.
func (s sound) clean(t *testing.T, what string, hz float64, from, to time.Duration) {
	t.Helper()
	s.heard(t, what, hz, from, to)
	if _, level := s.share(hz, from, to); math.Abs(level-saidAt) > 2 {
		t.Errorf("%s: the level is %.1f dBFS, want %.0f", what, level, saidAt)
	}
}

// TestCodecsOnTheEchoLine: what a phone says comes back as it was said, in the
// one codec that it offers.
func TestCodecsOnTheEchoLine(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	for _, c := range phoneCodecs {
		out := filepath.Join(t.TempDir(), "out.wav")
		r, code := s.dial("1009", "--codec", c, "--play", "tone:440", "--for", "3s", "--record", out).wait()
		if code != 0 || r.Result != "completed" || r.Codec != c || r.Lost > 0 || r.Received < r.Sent*9/10 {
			t.Errorf("%s: exit code %d, %+v", c, code, r)
		}
		readWAV(t, out)[0].clean(t, c+": the echo", 440, time.Second, 2500*time.Millisecond)
	}
}

// TestCodecsWithAnAgent: a customer of each codec and an agent hear each other,
// and the recording has each on its side. The prompts are heard on the way.
func TestCodecsWithAnAgent(t *testing.T) {
	t.Parallel()
	for _, c := range phoneCodecs {
		t.Run(c, func(t *testing.T) {
			beside(t, phoning)
			s := serve(t)
			dir := t.TempDir()
			seat := s.seat("alice", "--answer-after", "500ms", "--play", "tone:620", "--record", filepath.Join(dir, "seat.wav"), "--for", "22s")
			r, code := s.dial("1001", "--codec", c, "--play", "tone:440", "--for", "14s", "--record", filepath.Join(dir, "phone.wav")).wait()
			if code != 0 || r.Result != "completed" || r.Codec != c || r.Lost > 0 {
				t.Errorf("the phone: exit code %d, %+v", code, r)
			}
			heard := readWAV(t, filepath.Join(dir, "phone.wav"))[0]
			heard.clean(t, "the customer hears the agent", 620, 11*time.Second, 13*time.Second)
			if _, level := heard.share(620, 300*time.Millisecond, 2*time.Second); level < -40 {
				t.Errorf("the announcement is heard at %.0f dBFS", level)
			}
			call := s.lastCall()
			if call.Recording == nil {
				t.Fatalf("the call has no recording: %+v", call)
			}
			var list []recording
			s.json(&list, "recordings", "list")
			if len(list) != 1 || len(list[0].Tracks) != 2 {
				t.Fatalf("the recordings: %+v", list)
			}
			for _, track := range list[0].Tracks {
				if track.Codec != c || track.Seconds < 5 {
					t.Errorf("the track of the %s: %s, %.1f s", track.Party, track.Codec, track.Seconds)
				}
			}
			file := filepath.Join(dir, "export.wav")
			if out, code := s.callfloor("recordings", "export", *call.Recording, "--out", file); code != 0 {
				t.Fatalf("export: %d %s", code, out)
			}
			both := readWAV(t, file)
			end := both[0].length()
			both[0].clean(t, "left, the customer", 440, end-4*time.Second, end-time.Second)
			both[1].clean(t, "right, the agent", 620, end-4*time.Second, end-time.Second)
			both[0].notHeard(t, "left, the agent", 620, end-4*time.Second, end-time.Second)
			both[1].notHeard(t, "right, the customer", 440, end-4*time.Second, end-time.Second)
			<-seat.done
			got := readWAV(t, filepath.Join(dir, "seat.wav"))[0]
			if from := got.onset(440, 0); from < 0 {
				t.Error("the agent does not hear the customer")
			} else {
				got.clean(t, "the agent hears the customer", 440, from+time.Second, from+4*time.Second)
			}
		})
	}
}

// TestCodecsInTheBrowser: Chromium switches to the codec of a wideband phone, so
// that nothing is transcoded: what is recorded of it is in that codec too.
func TestCodecsInTheBrowser(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice := b.agentPage(s, "alice")
	for _, c := range []string{"G722", "opus"} {
		out := filepath.Join(t.TempDir(), "phone.wav")
		call := s.dial("1001", "--codec", c, "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "40s", "--record", out)
		alice.see("ringing")
		alice.press("Enter")
		alice.state("talking")
		alice.hears("customer", customerHz)
		alice.hears("customer", customerHz) // takes a second and a half
		alice.click("end")
		alice.state("wrap_up")
		r, code := call.wait()
		alice.click("wrapup-done")
		alice.state("available")
		if code != 0 || r.Codec != c || r.SSRCChanges != 0 || r.SeqHoles != 0 {
			t.Errorf("%s: exit code %d, %+v", c, code, r)
		}
		heard := readWAV(t, out)[0]
		heard.heard(t, c+": the agent on the phone", agentHz, heard.length()-2*time.Second, heard.length()-500*time.Millisecond)
		var list []recording
		s.json(&list, "recordings", "list")
		if len(list) == 0 || len(list[0].Tracks) != 2 || list[0].Tracks[0].Codec != c || list[0].Tracks[1].Codec != c {
			t.Errorf("%s: the newest recording: %+v", c, list)
		}
	}
}
