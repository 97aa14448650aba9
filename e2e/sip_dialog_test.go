package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReliableRinging: SIPp requires reliable provisional responses.
func TestReliableRinging(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	p := s.sipp("prack", "1003")
	p.wait()
	if p.code != 0 {
		t.Errorf("SIPp ended with %d", p.code)
	}
	c := s.ended("customer", "abandoned", 487)
	if !c.has("end", "answered elsewhere") {
		t.Errorf("the end does not say why: %+v", c.Timeline)
	}
}

// TestEarlyMedia: a line speaks before it answers. One refuses after its announcement,
// which costs the caller nothing; the other takes a key and answers then.
func TestEarlyMedia(t *testing.T) {
	beside(t, phoning)
	flows := t.TempDir()
	for name, text := range map[string]string{
		"closed.yaml": `
nodes:
  early: {kind: early, next: closed}
  closed: {kind: hangup, say: hours_closed, refuse: busy}
`,
		"door.yaml": `
nodes:
  early: {kind: early, next: menu}
  menu: {kind: menu, say: menu_main, keys: {2: {label: In, next: in}}, silent: no}
  in: {kind: answer, next: bye}
  bye: {kind: hangup, say: goodbye}
  no: {kind: hangup, refuse: declined}
`,
	} {
		if err := os.WriteFile(filepath.Join(flows, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(t.TempDir(), "callfloor.yaml")
	text := "flows: " + flows + "\nlines:\n  - {id: \"2001\", flow: closed, consent: never}\n  - {id: \"2002\", flow: door, consent: never}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "--config", config)
	r, code := s.dial("2001").wait()
	if r.Result != "rejected" || r.SIPStatus != 486 || r.Early < 50 || code == 0 {
		t.Errorf("the phone, which was to hear an announcement and be refused: %+v, exit code %d", r, code)
	}
	if c := s.ended("system", "rejected", 486); c.Answered != nil || c.Consent != "none" {
		t.Errorf("answered %v, consent %s; want neither", c.Answered, c.Consent)
	}
	p := s.sipp("early", "2002")
	s.reaches("flow", "menu", 1)
	p.cue("KEY")
	p.wait()
	if p.code != 0 {
		t.Errorf("SIPp ended with %d", p.code)
	}
	s.ended("system", "completed", 0)
	s.noCapture()
}

// TestReferByTheCustomersPhone: a phone asks, by REFER, that its call be handed on.
// Nobody talks to it yet: refused; a number outside without a rule: refused; a
// queue of the house: done, and told by NOTIFY. All of it stands in the call's SIP.
func TestReferByTheCustomersPhone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, target string
		status       string
		queue        string // that the call waits in then
	}{
		{"to a queue", "support", "SIP/2.0 202 Accepted", "support"},
		{"to a premium number", "+499001123456", "SIP/2.0 403 Forbidden", "sales"},
		{"to nobody", "nobody", "SIP/2.0 403 Forbidden", "sales"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			beside(t, phoning)
			s := serve(t)
			s.agent("alice", "--answer-after", "100ms", "--for", "50s")
			s.agent("bob", "--answer-after", "100ms", "--for", "50s")
			p := s.sipp("caller", "1000", "target="+tt.target)
			toTalk(s, p)
			p.cue("HANDON")
			eventually(t, 20*time.Second, "the answer to the REFER", func() error { return s.timelineHas("sip", strings.TrimPrefix(tt.status, "SIP/2.0 ")+" (REFER)") })
			if tt.queue == "support" {
				eventually(t, 20*time.Second, "the customer's wish", func() error { return s.timelineHas("consult", "asks to be handed to support") })
				s.reaches("answer", "", 2)
				eventually(t, 20*time.Second, "the last word about the REFER", func() error { return s.timelineHas("sip", "200 OK (NOTIFY)") })
			}
			p.cue("HANGUP")
			p.wait()
			c := s.lastCall()
			if c.Queue == nil || *c.Queue != tt.queue {
				t.Errorf("the queue is %v, want %s", c.Queue, tt.queue)
			}
			text, code := s.callfloor("calls", "sip", c.ID)
			for _, want := range []string{"customer\nINVITE sip:1000@", "Refer-To: <sip:" + tt.target + "@", tt.status, "BYE sip:"} {
				if code != 0 || !strings.Contains(text, want) {
					t.Errorf("%q is not in the call's SIP (exit code %d):\n%s", want, code, text)
				}
			}
		})
	}
}

// TestTransferKeyOfADeskPhone: the transfer key of an agent's telephone hands the
// customer to another queue, as the button of the browser does.
func TestTransferKeyOfADeskPhone(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	desk := startBaresip(t, voice(t, 620, 0, 60*time.Second))
	desk.do("uanew", fmt.Sprintf("<sip:alice@%s>;auth_pass=demo;regint=60;audio_codecs=PCMU/8000/1", s.sip))
	desk.reports("REGISTER_OK", 1)
	caller := s.dial("1002", "--for", "60s")
	desk.reports("CALL_INCOMING", 1)
	desk.do("accept", "")
	s.reaches("answer", "", 1)
	s.agent("bob", "--answer-after", "100ms", "--for", "50s")
	desk.do("transfer", "sip:support@"+s.sip)
	s.reaches("answer", "", 2)
	eventually(t, 20*time.Second, "the telephone's SIP in the timeline", func() error { return s.timelineHas("sip", "202 Accepted (REFER)") })
	caller.hangup()
	if c := s.lastCall(); c.Queue == nil || *c.Queue != "support" || c.Agent == nil || *c.Agent != "bob" {
		t.Errorf("the record: %+v", c)
	}
}
