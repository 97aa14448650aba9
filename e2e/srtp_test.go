package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Encrypted audio, checked as audio: by our own phone and by one that nobody
// here wrote.

// secured checks what the phone and the call's timeline say of the encryption,
// and that no key is anywhere.
func (s *server) secured(c callRecord, want string) {
	s.t.Helper()
	found := false
	for _, e := range c.Timeline {
		if e.Kind == "quality" && e.Leg != nil && *e.Leg == "customer" {
			found = true
			if e.Data["srtp"] != want {
				s.t.Errorf("the timeline says the audio was encrypted by %v, want %s", e.Data["srtp"], want)
			}
		}
	}
	if !found {
		s.t.Error("the timeline has no quality of the customer's leg")
	}
	if strings.Contains(s.log.String(), "inline:") {
		s.t.Error("a key is in the log")
	}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("inline:")) {
			s.t.Errorf("%s holds a description with a key", path)
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}

func TestSecureEcho(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	for method, want := range map[string]string{"sdes": "AEAD_AES_128_GCM (SDES)", "dtls": "AEAD_AES_128_GCM (DTLS)"} {
		out := filepath.Join(t.TempDir(), "out.wav")
		p := s.dial("1009", "--srtp", method, "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "4s", "--record", out)
		r, code := p.wait()
		var secure struct {
			SRTP *string `json:"srtp"`
		}
		decode(t, p.out, &secure)
		if code != 0 || r.Result != "completed" || r.Lost > 0 || r.Received < 150 || secure.SRTP == nil || *secure.SRTP != want {
			t.Errorf("%s: exit code %d, %s", method, code, p.out)
		}
		readWAV(t, out)[0].heard(t, "the echo by "+method, customerHz, time.Second, 3*time.Second)
		s.secured(s.lastCall(), want)
	}
}

func TestSecureRecordedCall(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"sdes", "dtls"} {
		t.Run(method, func(t *testing.T) {
			beside(t, phoning)
			s := serve(t)
			s.agent("alice", "--answer-after", "200ms", "--play", "tone:620", "--for", "60s")
			heard := filepath.Join(t.TempDir(), "heard.wav")
			r, code := s.dial("1001", "--srtp", method, "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "14s", "--record", heard).wait()
			if code != 0 || r.Result != "completed" {
				t.Errorf("exit code %d, %+v", code, r)
			}
			c := s.lastCall()
			if c.Agent == nil || c.Recording == nil {
				t.Fatalf("the call: %+v; want an agent and a recording", c)
			}
			s.secured(c, "AEAD_AES_128_GCM ("+strings.ToUpper(method)+")")
			end := readWAV(t, heard)[0]
			end.heard(t, "the agent at the phone", 620, end.length()-2*time.Second, end.length()-500*time.Millisecond)
			export := filepath.Join(t.TempDir(), "export.wav")
			s.callfloor("recordings", "export", *c.Recording, "--out", export)
			sides := readWAV(t, export)
			last := sides[0].length()
			sides[0].heard(t, "the customer in the recording", customerHz, last-2*time.Second, last-500*time.Millisecond)
			sides[1].heard(t, "the agent in the recording", 620, last-2*time.Second, last-500*time.Millisecond)
			if out, code := s.callfloor("recordings", "verify", *c.Recording); code != 0 {
				t.Errorf("verify ended with %d: %s", code, out)
			}
		})
	}
}

// TestBaresipEncrypted: baresip with libsrtp and OpenSSL, in each way it has.
func TestBaresipEncrypted(t *testing.T) {
	t.Parallel()
	for encryption, want := range map[string]string{
		"srtp":       "AES_CM_128_HMAC_SHA1_80 (SDES)", // RTP/AVP with keys
		"srtp-mand":  "AES_CM_128_HMAC_SHA1_80 (SDES)", // RTP/SAVP
		"srtp-mandf": "AES_CM_128_HMAC_SHA1_80 (SDES)", // RTP/SAVPF
		"dtls_srtp":  "AEAD_AES_128_GCM (DTLS)",
	} {
		t.Run(encryption, func(t *testing.T) {
			beside(t, phoning)
			s := serve(t)
			b := startBaresip(t, voice(t, customerHz, time.Second, 20*time.Second), "mediaenc="+encryption)
			b.do("dial", "sip:1009@"+s.sip)
			b.reports("CALL_ESTABLISHED", 1)
			b.writes("dec", 3*time.Second)
			b.do("hangup", "")
			b.reports("CALL_CLOSED", 1)
			s.secured(s.ended("customer", "completed", 0), want)
			path, _ := b.file("dec")
			heard := readWAV(t, path)[0]
			back := heard.onset(customerHz, 0)
			if back < 0 {
				t.Fatal("the tone never came back")
			}
			heard.heard(t, "the echo", customerHz, back+100*time.Millisecond, heard.length())
			for _, e := range s.lastCall().Timeline {
				if refused, _ := e.Data["refused"].(float64); e.Kind == "quality" && refused > 5 {
					t.Errorf("%v packets were refused", refused)
				}
			}
		})
	}
}
