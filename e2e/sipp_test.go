package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// SIPp, which nobody here wrote, as the customer's phone. The scenarios and the
// captured packets that they play are in the folder sipp.

// ended checks who ended the newest call, how it is classed, and the status of
// its INVITE (0: it was answered).
func (s *server) ended(by, class string, status int) callRecord {
	s.t.Helper()
	c := s.lastCall()
	sip := 0
	if c.End.SIP != nil {
		sip = *c.End.SIP
	}
	if c.End.By != by || c.End.Class != class || sip != status {
		s.t.Errorf("the call's end is %s, %s, %d; want %s, %s, %d", c.End.By, c.End.Class, sip, by, class, status)
	}
	ends := 0
	for _, e := range c.Timeline {
		if e.Kind == "end" && e.Data["by"] == by && e.Data["class"] == class {
			ends++
		}
	}
	if ends != 1 {
		s.t.Errorf("the timeline tells %d times of this end: %+v", ends, c.Timeline)
	}
	return c
}

// noCall checks that no call was made.
func (s *server) noCall() {
	s.t.Helper()
	var list []callRecord
	if s.json(&list, "calls", "list"); len(list) != 0 {
		s.t.Errorf("there are calls: %+v", list)
	}
}

// noCapture checks that nothing was recorded.
func (s *server) noCapture() {
	s.t.Helper()
	if files := s.captures(); len(files) > 0 {
		s.t.Errorf("there are captures: %v", files)
	}
}

// TestHangUpAtEachStage hangs up where a caller could be, and sees that each
// time everything is as before.
func TestHangUpAtEachStage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stage   string
		go_     func(s *server, p *sipp) // until the stage is reached
		agent   string                   // --answer-after of alice; "": nobody is there
		consent string
		class   string
	}{
		{stage: "greeting", go_: toGreeting, consent: "none", class: "abandoned"},
		{stage: "consent question", go_: toConsent, consent: "none", class: "abandoned"},
		{stage: "menu", go_: toMenu, consent: "granted", class: "abandoned"},
		{stage: "queue", go_: toQueue, consent: "granted", class: "abandoned"},
		{stage: "ringing", go_: toRinging, agent: "40s", consent: "granted", class: "abandoned"},
		{stage: "talking", go_: toTalk, agent: "100ms", consent: "granted", class: "completed"},
	} {
		t.Run(tt.stage, func(t *testing.T) {
			beside(t, phoning)
			s := serve(t)
			if tt.agent != "" {
				s.agent("alice", "--answer-after", tt.agent, "--for", "50s")
			}
			before := s.rest()
			p := s.sipp("caller", "1000")
			tt.go_(s, p)
			p.cue("HANGUP")
			p.wait()
			c := s.ended("customer", tt.class, 0)
			if c.Consent != tt.consent {
				t.Errorf("consent is %s, want %s", c.Consent, tt.consent)
			}
			talked := tt.stage == "talking"
			if (c.Recording != nil) != talked || (c.Agent != nil) != talked || (c.Answered != nil) != talked {
				t.Errorf("recording %v, agent %v, answered %v; want them only of a talk", c.Recording, c.Agent, c.Answered)
			}
			if n := len(s.captures()); (n == 1) != talked || n > 1 {
				t.Errorf("there are %d captures", n)
			}
			s.leftNothing(before)
		})
	}
}

func toGreeting(s *server, _ *sipp) { s.reaches("flow", "greeting", 1) }
func toConsent(s *server, _ *sipp)  { s.reaches("flow", "consent", 1) }

func toMenu(s *server, p *sipp) {
	toConsent(s, p)
	p.cue("KEY1A")
	s.reaches("flow", "menu", 1)
}

func toQueue(s *server, p *sipp) {
	toMenu(s, p)
	p.cue("KEY1B")
	s.reaches("queue", "", 1)
}

func toRinging(s *server, p *sipp) {
	toQueue(s, p)
	s.reaches("offer", "", 1)
}

func toTalk(s *server, p *sipp) {
	toQueue(s, p)
	s.reaches("answer", "", 1)
	p.cue("TALK")
}

// TestDigitsOfTheMenu: a wrong one, and each way to send one.
func TestDigitsOfTheMenu(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		yes, go_ string // the cues
		args     []string
		queue    string
		codec    string
	}{
		{name: "RFC 4733", yes: "KEY1A", go_: "KEY2B", queue: "support", codec: "0 PCMU/8000"},
		{name: "SIP INFO", yes: "INFO1", go_: "INFO2", queue: "support", codec: "0 PCMU/8000"},
		{name: "one by each", yes: "INFO1", go_: "KEY2B", queue: "support", codec: "0 PCMU/8000"},
		{name: "PCMA only", yes: "KEY1A", go_: "KEY1B", args: []string{"codec=PCMA", "payload=8"}, queue: "sales", codec: "8 PCMA/8000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			beside(t, phoning)
			s := serve(t)
			before := s.rest()
			p := s.sipp("caller", "1000", tt.args...)
			toConsent(s, p)
			p.cue(tt.yes)
			s.reaches("flow", "menu", 1)
			p.cue(tt.go_)
			s.reaches("queue", "", 1)
			p.cue("HANGUP")
			p.wait()
			c := s.ended("customer", "abandoned", 0)
			if c.Queue == nil || *c.Queue != tt.queue || c.Consent != "granted" {
				t.Errorf("queue %v, consent %s; want %s, granted", c.Queue, c.Consent, tt.queue)
			}
			if got := p.codec(); got != tt.codec {
				t.Errorf("the answer says %s, want %s", got, tt.codec)
			}
			s.noCapture()
			s.leftNothing(before)
		})
	}
}

// TestWrongDigitInTheMenu: it is told, and the menu asks again.
func TestWrongDigitInTheMenu(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	before := s.rest()
	p := s.sipp("caller", "1000")
	toMenu(s, p)
	p.cue("KEY7B")
	eventually(t, 10*time.Second, "the menu says that the key was wrong", func() error {
		return s.timelineHas("flow", "no choice")
	})
	p.cue("KEY3C")
	s.reaches("flow", "hours", 1)
	s.reaches("flow", "menu", 2)
	p.cue("HANGUP")
	p.wait()
	s.ended("customer", "abandoned", 0)
	s.noCapture()
	s.leftNothing(before)
}

// TestNoDigitAtAll: silence is a no at the consent question, and a goodbye in
// the menu. The flow is the demo's with shorter waits.
func TestNoDigitAtAll(t *testing.T) {
	beside(t, phoning)
	s := serve(t, "--config", impatient(t))
	before := s.rest()
	p := s.sipp("caller", "1000")
	p.waitFor(55 * time.Second)
	c := s.ended("system", "completed", 0)
	if c.Consent != "refused" || c.Queue != nil {
		t.Errorf("consent is %s, queue %v; want refused and none", c.Consent, c.Queue)
	}
	if !c.has("flow", "nothing was chosen") {
		t.Errorf("the timeline does not tell that nothing was chosen: %+v", c.Timeline)
	}
	s.noCapture()
	s.leftNothing(before)
}

// impatient writes the full flow with a second's wait at each question, and a
// configuration that uses it.
func impatient(t *testing.T) string {
	t.Helper()
	flow, err := os.ReadFile(filepath.Join("..", "ivr", "flows", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	short := regexp.MustCompile(`wait: \d+s`).ReplaceAll(flow, []byte("wait: 1s"))
	if bytes.Equal(short, flow) {
		t.Fatal("the full flow has no waits to shorten")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "callfloor.yaml")
	for path, text := range map[string][]byte{filepath.Join(dir, "full.yaml"): short, config: fmt.Appendf(nil, "flows: %q\n", dir)} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config
}

// TestCancelWhileRinging gives up on the line that only rings.
func TestCancelWhileRinging(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	before := s.rest()
	p := s.sipp("cancel", "1003")
	s.reaches("flow", "", 1)
	eventually(t, 5*time.Second, "180 has arrived", func() error {
		if p.received("SIP/2.0 180") == 0 {
			return fmt.Errorf("it has not")
		}
		return nil
	})
	p.cue("GIVEUP")
	p.wait()
	c := s.ended("customer", "abandoned", 487)
	if c.Answered != nil || c.Consent != "none" {
		t.Errorf("answered %v, consent %s; want neither", c.Answered, c.Consent)
	}
	s.noCapture()
	s.leftNothing(before)
}

// TestWhatIsNoCall: an INVITE that is refused and an OPTIONS make no call.
func TestWhatIsNoCall(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	before := s.rest()
	s.sipp("refused-404", "4711").wait()
	s.sipp("refused-488", "1000", "codec=EVS", "payload=97").wait()
	s.sipp("options", "1000").wait()
	s.noCall()
	s.noCapture()
	s.leftNothing(before)
}

// TestSameInviteThrice: what UDP repeats is one call.
func TestSameInviteThrice(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	before := s.rest()
	p := s.sipp("thrice", "1000", "-default_behaviors", "all,-abortunexp") // SIPp sends, whatever has come meanwhile
	s.reaches("flow", "consent", 1)
	p.cue("HANGUP")
	p.wait()
	s.ended("customer", "abandoned", 0)
	var list []callRecord
	if s.json(&list, "calls", "list"); len(list) != 1 {
		t.Errorf("there are %d calls, want 1: %+v", len(list), list)
	}
	s.leftNothing(before)
}

// TestNoACK: an answer that is never acknowledged is repeated and then ended
// with a BYE after 64*T1, 32 s (RFC 3261 §13.3.1.4).
func TestNoACK(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	before := s.rest()
	p := s.sipp("no-ack", "1000")
	p.waitFor(50 * time.Second)
	if n := p.received("SIP/2.0 200"); n < 8 || n > 12 {
		t.Errorf("the answer came %d times; want it 11 times, at 0, 0.5, 1.5, 3.5 and then every 4 s", n)
	}
	c := s.ended("system", "failed", 0)
	if c.Consent == "granted" {
		t.Errorf("consent is %s", c.Consent)
	}
	s.noCapture()
	s.leftNothing(before)
}
