package api

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"testing"

	"callfloor/api/certificate"
)

// Plain HTTP sends people to HTTPS, but not this machine, not what watches the
// server, and not who needs the certificate first.
func TestPlainGoesToHTTPS(t *testing.T) {
	h := newTestHouse(t, func(o *Options) { o.Config.HTTPS, o.Config.Redirect = "127.0.0.1:0", true })
	if err := h.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.server.Close(t.Context()) })
	source, err := certificate.New(filepath.Join(h.server.opts.DataDir, "tls"), certificate.Config{}, h.server.log)
	if err != nil {
		t.Fatal(err)
	}
	plain := h.server.plainHandler(source)
	get := func(host, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host, r.RemoteAddr = host, "192.0.2.9:4711"
		w := httptest.NewRecorder()
		plain.ServeHTTP(w, r)
		return w
	}
	port := h.server.Addr("https")
	w := get("calls.lan:8080", "/calls?x=1")
	if want := "https://calls.lan:" + port.String()[len("127.0.0.1:"):] + "/calls?x=1"; w.Code != http.StatusTemporaryRedirect || w.Header().Get("Location") != want {
		t.Errorf("%d to %q, want 307 to %q", w.Code, w.Header().Get("Location"), want)
	}
	for host, path := range map[string]string{"localhost:8080": "/healthz", "calls.lan": "/healthz", "calls.lan:80": certificate.PagePath, "10.0.0.1": certificate.RootPath} {
		if w := get(host, path); w.Code != http.StatusOK {
			t.Errorf("%s%s: %d", host, path, w.Code)
		}
	}
	if policy := get("calls.lan", certificate.PagePath).Header().Get("Content-Security-Policy"); policy != contentPolicy {
		t.Errorf("the page's policy is %q", policy)
	}
}

// The session's cookie is for HTTPS alone where people came by it, to us or to a
// proxy of ours; nobody else is believed.
func TestCookieIsSecure(t *testing.T) {
	h := newTestHouse(t, func(o *Options) { o.Config.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	for _, c := range []struct {
		from, proto string
		tls, want   bool
	}{
		{"192.0.2.7:4711", "", false, false},
		{"192.0.2.7:4711", "https", false, false},
		{"192.0.2.7:4711", "", true, true},
		{"10.0.0.1:4711", "https", false, true},
		{"10.0.0.1:4711", "http", false, false},
	} {
		w := h.want(200, "POST", "/api/v1/session", "", `{"user":"alice","password":"`+goodPassword+`"}`, func(r *http.Request) {
			r.RemoteAddr = c.from
			r.Header.Set("X-Forwarded-Proto", c.proto)
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
		})
		if got := w.Result().Cookies()[0].Secure; got != c.want {
			t.Errorf("from %s by %q, TLS %t: Secure is %t", c.from, c.proto, c.tls, got)
		}
	}
}
