package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"callfloor/ivr"
)

// TestNoPrivateAddressIsAsked holds the deny list.
func TestNoPrivateAddressIsAsked(t *testing.T) {
	f := newFetcher([]netip.Prefix{netip.MustParsePrefix("10.1.2.0/24")})
	defer f.close()
	for text, allowed := range map[string]bool{
		"127.0.0.1": false, "10.0.0.1": false, "10.1.2.3": true, "192.168.1.1": false, "172.16.0.1": false, "169.254.169.254": false,
		"0.0.0.0": false, "100.64.0.1": false, "224.0.0.1": false, "255.255.255.255": false, "192.0.2.1": false, "198.18.0.1": false,
		"::1": false, "::": false, "fe80::1": false, "fc00::1": false, "ff02::1": false, "::ffff:127.0.0.1": false, "::ffff:10.1.2.3": true,
		"64:ff9b::7f00:1": false, "64:ff9b::808:808": true, "2002:7f00:1::": false, "2002:c0a8:101::1": false, "2001:db8::1": false,
		"8.8.8.8": true, "2606:4700::1111": true,
	} {
		if err := f.allow(netip.MustParseAddr(text)); (err == nil) != allowed {
			t.Errorf("%s: %v, want allowed: %v", text, err, allowed)
		}
	}
}

// TestFetch asks a server of our own, which must be allowed by name.
func TestFetch(t *testing.T) {
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, `{"who":%q}`, r.Header.Get("X-Key")) })
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 200)) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-release:
		}
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	defer close(release)
	mine := newFetcher([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	defer mine.close()
	ask := func(f *fetcher, url string) (ivr.Response, error) {
		return f.Fetch(context.Background(), ivr.Request{
			Method: "GET", URL: url, Header: map[string]string{"X-Key": "me"}, Timeout: 300 * time.Millisecond, MaxBody: 100,
		})
	}
	if got, err := ask(mine, s.URL+"/ok"); err != nil || string(got.Body) != `{"who":"me"}` || got.Status != 200 {
		t.Errorf("%+v %v", got, err)
	}
	stranger := newFetcher(nil)
	defer stranger.close()
	for url, want := range map[string]string{
		s.URL + "/large?n=13912345678": "longer than 100", s.URL + "/away?n=13912345678": "no proper answer", s.URL + "/slow?n=13912345678": "within",
		"http://127.0.0.1:1/13912345678": "cannot be reached",
	} {
		if _, err := ask(mine, url); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "139") {
			t.Errorf("%s: %v, want %q and no number", url, err, want)
		}
	}
	for _, url := range []string{s.URL + "/ok", strings.Replace(s.URL, "127.0.0.1", "localhost", 1) + "/ok"} {
		if _, err := ask(stranger, url); err == nil || !strings.Contains(err.Error(), "not a public address") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
