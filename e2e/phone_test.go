package e2e

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The built-in phone as the customer.

func TestEchoLine(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	out := filepath.Join(t.TempDir(), "out.wav")
	r, code := s.dial("1009", "--play", "tone:440", "--for", "4s", "--record", out).wait()
	if code != 0 || r.Result != "completed" || r.SIPStatus != 200 || r.Codec != "PCMU" || r.EndedBy != "local" {
		t.Errorf("the call: exit code %d, %+v", code, r)
	}
	if r.Sent < 150 || r.Received < r.Sent-15 || r.Lost > 0 { // a starved phone sends less than 200
		t.Errorf("packets: %+v; want as many back as were sent and none lost", r)
	}
	got := readWAV(t, out)[0]
	got.heard(t, "the echo", 440, time.Second, 3*time.Second)
	c := s.lastCall()
	if c.Line != "1009" || c.End.By != "customer" || c.End.Class != "completed" || c.Consent != "none" || c.Recording != nil {
		t.Errorf("the record: %+v, end %+v", c, c.End)
	}
	if files := s.captures(); len(files) > 0 {
		t.Errorf("an echo call left captures: %v", files)
	}
}

func TestEchoLineInALaw(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	out := filepath.Join(t.TempDir(), "out.wav")
	r, _ := s.dial("1009", "--codec", "PCMA", "--play", "tone:440", "--for", "2s", "--record", out).wait()
	if r.Codec != "PCMA" || r.Result != "completed" {
		t.Errorf("the call: %+v", r)
	}
	readWAV(t, out)[0].heard(t, "the echo", 440, 500*time.Millisecond, 1900*time.Millisecond)
}

// TestEchoLineOverIPv6: the signalling and the sound, by the loopback of IPv6. A machine
// without it fails here, as one without baresip does elsewhere: nothing is left out
// in silence.
func TestEchoLineOverIPv6(t *testing.T) {
	beside(t, phoning)
	probe, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Fatalf("the tests need IPv6 on the loopback interface (sysctl net.ipv6.conf.lo.disable_ipv6=0): %v", err)
	}
	_ = probe.Close()
	s := serve(t, "--sip", fmt.Sprintf("[::1]:%d", freePort(t)))
	s.sip = s.args[len(s.args)-1]
	out := filepath.Join(t.TempDir(), "out.wav")
	r, code := s.dial("1009", "--play", "tone:440", "--for", "2s", "--record", out).wait()
	if code != 0 || r.Result != "completed" || r.Received < 85 || r.Lost > 0 {
		t.Errorf("exit code %d, %+v", code, r)
	}
	readWAV(t, out)[0].heard(t, "the echo", 440, 500*time.Millisecond, 1900*time.Millisecond)
	text, code := s.callfloor("calls", "sip", s.lastCall().ID)
	for _, want := range []string{"INVITE sip:1009@[::1]:", "c=IN IP6 ::1", "SIP/2.0 200 OK"} {
		if code != 0 || !strings.Contains(text, want) {
			t.Errorf("%q is not in the call's SIP (exit code %d):\n%s", want, code, text)
		}
	}
}

func TestUnknownLineIsNoCall(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	r, code := s.dial("4711", "--for", "2s").wait()
	if code != 1 || r.Result != "rejected" || r.SIPStatus != 404 {
		t.Errorf("exit code %d, %+v; want a rejection with 404 and exit code 1", code, r)
	}
	var list []callRecord
	s.json(&list, "calls", "list")
	if len(list) != 0 {
		t.Errorf("a refused INVITE is listed as a call: %+v", list)
	}
}

func TestLineThatHangsUp(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	r, _ := s.dial("1004", "--for", "10s").wait()
	if r.Result != "completed" || r.EndedBy != "remote" {
		t.Errorf("the call: %+v; want the far end to end it", r)
	}
	if c := s.lastCall(); c.End.By != "system" || c.End.Class != "completed" {
		t.Errorf("the end: %+v", c.End)
	}
}

// TestConsent calls the full menu and answers the consent question in each
// way; only a yes may leave sound on the disk.
func TestConsent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, keys, want string
		talk             time.Duration
		agent            bool
		recorded         bool
	}{
		{name: "yes", keys: "1@4s,1@7s", want: "granted", talk: 16 * time.Second, agent: true, recorded: true},
		{name: "yes in Chinese", keys: "9@1s,1@5s,1@8s", want: "granted", talk: 17 * time.Second, agent: true, recorded: true},
		{name: "no", keys: "2@4s,1@7s", want: "refused", talk: 16 * time.Second, agent: true},
		{name: "keys before the question do not count", keys: "1@0.3s,2@4s,1@7s", want: "refused", talk: 16 * time.Second, agent: true},
		{name: "silence", want: "refused", talk: 45 * time.Second},
		{name: "hung up before the answer", want: "none", talk: 3500 * time.Millisecond},
		{name: "yes but no agent", keys: "1@4s,1@7s", want: "granted", talk: 11 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			beside(t, phoning)
			s := serve(t)
			if tt.agent {
				s.agent("alice", "--answer-after", "500ms", "--play", "tone:620", "--for", "40s")
			}
			args := []string{"--play", "tone:440", "--for", tt.talk.String()}
			if tt.keys != "" {
				args = append(args, "--dtmf", tt.keys)
			}
			r, code := s.dial("1000", args...).wait()
			if code != 0 || r.Result != "completed" || r.Digits != digitsOf(tt.keys) {
				t.Errorf("the phone: exit code %d, %+v", code, r)
			}
			c := s.lastCall()
			if c.Consent != tt.want {
				t.Errorf("consent is %s, want %s", c.Consent, tt.want)
			}
			if tt.agent && (c.Answered == nil || c.Agent == nil || *c.Agent != "alice") {
				t.Errorf("alice did not answer: %+v", c)
			}
			if (c.Recording != nil) != tt.recorded {
				t.Errorf("recording: %v, want one: %v", c.Recording, tt.recorded)
			}
			if files := s.captures(); (len(files) > 0) != tt.recorded {
				t.Errorf("captures: %v, want one: %v", files, tt.recorded)
			}
			s.noAudioOutside(customerHz)
			s.noAudioOutside(seatHz)
		})
	}
}

func digitsOf(keys string) string {
	var b strings.Builder
	for _, k := range strings.Split(keys, ",") {
		if digit, _, ok := strings.Cut(k, "@"); ok {
			b.WriteString(digit)
		}
	}
	return b.String()
}

// agent starts `callfloor phone seat` as one of the demo's agents and waits
// until the queue can offer it calls.
func (s *server) agent(user string, args ...string) *phone {
	s.t.Helper()
	return s.seat(user, args...)
}
