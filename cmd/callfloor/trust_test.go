package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// TestWhoIsBelieved: a server that is an authority of its own is believed where its
// certificate is given, and where it is this machine's.
func TestWhoIsBelieved(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "authority.crt"), filepath.Join(dir, "other.crt")
	for file, text := range map[string][]byte{good: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), bad: []byte("none\n")} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		ca       string
		own, yes bool
	}{"the system's": {}, "given": {ca: good, yes: true}, "this machine's": {own: true, yes: true}} {
		check, err := trust{CA: c.ca}.config(c.own)
		if err != nil {
			t.Fatal(err)
		}
		r, err := newRemote(srv.URL, "t", check, c.own)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.alive(t.Context()); got != c.yes {
			t.Errorf("%s: believed %t", name, got)
		}
		_ = r.Close()
	}
	for _, file := range []string{bad, filepath.Join(dir, "none")} {
		if _, err := (trust{CA: file}).config(false); err == nil {
			t.Errorf("--ca %s is taken", file)
		}
	}
}
