package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestSoftphoneOverWSS: JsSIP in Chromium registers by digest over WSS and hears
// itself on the echo line, over ICE and DTLS-SRTP; then it is an agent's seat.
func TestSoftphoneOverWSS(t *testing.T) {
	beside(t, browsing)
	dir, port := t.TempDir(), freePort(t)
	web, err := filepath.Abs("../agent-web")
	if err != nil {
		t.Fatal(err)
	}
	bundle := exec.Command(filepath.Join(web, "node_modules/.bin/rolldown"), filepath.Join(web, "node_modules/jssip/lib/JsSIP.js"),
		"--file", filepath.Join(dir, "jssip.js"), "--format", "iife", "--name", "JsSIP", "--platform", "browser")
	bundle.Dir = web
	if out, err := bundle.CombinedOutput(); err != nil {
		t.Fatalf("bundle JsSIP: %v\n%s", err, out)
	}
	html, err := os.ReadFile("browser/softphone.html")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "softphone.html"), html, 0o600); err != nil {
		t.Fatal(err)
	}
	pages := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(pages.Close)

	config := filepath.Join(t.TempDir(), "callfloor.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "sip:\n  wss: 127.0.0.1:%d\n", port), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "--config", config)
	p := startBrowsers(t).open("softphone", map[string]any{
		"url": pages.URL + "/softphone.html?" + url.Values{
			"wss": {fmt.Sprintf("wss://127.0.0.1:%d", port)}, "host": {"127.0.0.1"}, "user": {"alice"}, "password": {"demo"},
		}.Encode(),
		"wav": voice(t, 620, 0, 60*time.Second), "insecure": true,
	})
	p.must(nil, "wait", map[string]any{"id": "registered", "text": "yes", "timeout": 30000})
	p.must(nil, "eval", map[string]any{"js": `dial("1009")`})
	p.must(nil, "wait", map[string]any{"id": "call", "text": "answered", "timeout": 30000})
	eventually(t, 30*time.Second, "the tone comes back", func() error {
		if l := p.level("far", 620); l.Share < 0.8 || l.RMS < 0.01 {
			return fmt.Errorf("it hears %+v", l)
		}
		return nil
	})
	p.must(nil, "eval", map[string]any{"js": `session.terminate()`})
	p.must(nil, "wait", map[string]any{"id": "call", "text": "over: local"})
	s.ended("customer", "completed", 0)

	// As an agent's seat: it rings, both hear each other, it hangs up.
	caller := s.dial("1002", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s")
	s.reaches("answer", "", 1)
	eventually(t, 30*time.Second, "the customer is heard", func() error {
		if l := p.level("far", customerHz); l.Share < 0.8 || l.RMS < 0.01 {
			return fmt.Errorf("it hears %+v", l)
		}
		return nil
	})
	p.must(nil, "eval", map[string]any{"js": `session.terminate()`})
	if r, _ := caller.wait(); r.Result != "completed" || r.EndedBy != "remote" {
		t.Errorf("the customer's phone says %+v", r)
	}
}
