package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// baresip as an agent's desk phone, and sipp and an npm client as registered
// phones.

// TestDeskPhoneIsASeat: an agent without a browser takes a call at a registered
// telephone, which is announced in it alone, holds it, and hangs up.
func TestDeskPhoneIsASeat(t *testing.T) {
	beside(t, phoning)
	s := serveAnnounced(t, 2*time.Second, "")
	desk := startBaresip(t, voice(t, 620, 0, 60*time.Second))
	desk.do("uanew", fmt.Sprintf("<sip:alice@%s>;auth_pass=demo;regint=60;audio_codecs=PCMU/8000/1", s.sip))
	desk.reports("REGISTER_OK", 1)

	customer := filepath.Join(t.TempDir(), "customer.wav")
	caller := s.dial("2003", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s", "--record", customer)
	desk.reports("CALL_INCOMING", 1)
	desk.do("accept", "")
	s.reaches("answer", "", 1)
	desk.writes("dec", 5*time.Second) // two of the announcement, and then the customer
	_, talked := desk.file("dec")
	desk.do("hold", "")
	s.reaches("hold", "", 1)
	desk.do("resume", "")
	s.reaches("resume", "", 1)
	desk.writes("enc", 2*time.Second)
	desk.do("hangup", "")
	if r, _ := caller.wait(); r.Result != "completed" || r.EndedBy != "remote" {
		t.Errorf("the customer's phone says %+v", r)
	}
	c := s.ended("agent", "completed", 0)
	if c.Agent == nil || *c.Agent != "alice" || c.Recording == nil {
		t.Fatalf("the record: %+v", c)
	}
	path, _ := desk.file("dec")
	ear := readWAV(t, path)[0]
	ear.heard(t, "the customer at the desk phone", customerHz, talked-1500*time.Millisecond, talked-100*time.Millisecond)
	if beeped, told := ear.onset(1000, 0), ear.onset(announceHz, 0); beeped < 0 || told < beeped {
		t.Errorf("at the desk phone a beep is heard at %s and the announcement at %s", beeped, told)
	}
	notAnnounced(t, "the customer's ear", customer)
	out := s.exported()
	notAnnounced(t, "the recording", out)
	if right := readWAV(t, out)[1]; right.onset(620, 0) < 0 {
		t.Error("what the agent said at the desk phone is not on the right side of the recording")
	}
}

// TestDeskPhoneOverTLS: the same over TLS, and the phone refuses a call.
func TestDeskPhoneOverTLS(t *testing.T) {
	beside(t, phoning)
	port := freePort(t)
	config := filepath.Join(t.TempDir(), "callfloor.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "sip:\n  tls: 127.0.0.1:%d\nrouting:\n  reject_cool_down: 1s\n", port), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "--config", config)
	desk := startBaresip(t, voice(t, 620, 0, 60*time.Second))
	desk.do("uanew", fmt.Sprintf("<sip:alice@127.0.0.1:%d;transport=tls>;auth_pass=demo;regint=60;audio_codecs=PCMU/8000/1", port))
	desk.reports("REGISTER_OK", 1)
	caller := s.dial("1002", "--for", "60s")
	desk.reports("CALL_INCOMING", 1)
	desk.do("hangup", "") // 486: not now
	s.reaches("offer", "", 2)
	desk.reports("CALL_INCOMING", 2) // it rings again when the cool-down is over
	desk.do("accept", "")
	s.reaches("answer", "", 1)
	desk.writes("dec", time.Second)
	desk.do("hangup", "")
	if r, _ := caller.wait(); r.Result != "completed" {
		t.Errorf("the customer's phone says %+v", r)
	}
}

// TestRegistrarWithSIPp registers by MD5 with a client that nobody here wrote.
func TestRegistrarWithSIPp(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	scenario, err := filepath.Abs("sipp/register.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, transport := range []string{"u1", "t1"} {
		cmd := exec.Command("sipp", s.sip, "-sf", scenario, "-m", "20", "-r", "50", "-t", transport, "-i", "127.0.0.1", "-p", fmt.Sprint(freePort(t)),
			"-timeout", "30s", "-timeout_error", "-nostdin")
		cmd.Dir = t.TempDir()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("sipp over %s: %v\n%s", transport, err, tail(string(out), 40))
		}
	}
}
