package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callfloor/call"
	"callfloor/contact"
)

func TestRoles(t *testing.T) {
	h := newTestHouse(t, nil)
	alice, sam, root := h.signIn("alice"), h.signIn("sam"), h.signIn("root")
	other := "/api/v1/calls/" + string(otherCall)
	h.want(200, "GET", "/api/v1/calls/"+string(aliceCall), alice, "")
	h.want(404, "GET", other, alice, "") // as if there were none
	h.want(200, "GET", other, sam, "")
	h.want(200, "POST", "/api/v1/recordings/rec1/hold", sam, `{"on":true,"why":"court"}`)
	h.want(200, "PATCH", "/api/v1/users/alice", root, `{"name":"Alice A."}`)
	for token, status := range map[string]int{"": 401, sam: 403, root: 200, h.accounts.LocalToken(): 200} {
		h.want(status, "GET", "/metrics", token, "")
	}
}

func TestAgentsSeeTheirOwnCalls(t *testing.T) {
	h := newTestHouse(t, nil)
	h.want(200, "GET", "/api/v1/calls?agent=bob&limit=5&line=1000", h.signIn("alice"), "")
	if h.calls.asked.Agent != "alice" || h.calls.asked.Limit != 5 || h.calls.asked.Line != "1000" {
		t.Errorf("an agent's question became %+v", h.calls.asked)
	}
	h.want(200, "GET", "/api/v1/calls?agent=bob&before=2026-11-23T10:00:00Z", h.signIn("sam"), "")
	if h.calls.asked.Agent != "bob" || h.calls.asked.Before.IsZero() {
		t.Errorf("a supervisor's question became %+v", h.calls.asked)
	}
	h.want(404, "GET", "/api/v1/calls/..%2f..%2fetc", h.signIn("sam"), "")
	h.want(422, "GET", "/api/v1/calls?limit=5000", h.signIn("sam"), "")
}

func TestNumbersAreMasked(t *testing.T) {
	h := newTestHouse(t, nil)
	for user, want := range map[string]string{"alice": "138****1234", "sam": "138****1234", "root": "13812341234"} {
		list := decode[[]call.Record](t, h.want(200, "GET", "/api/v1/calls", h.signIn(user), ""))
		if len(list) != 1 || list[0].From != want {
			t.Errorf("%s sees %+v, want %s", user, list, want)
		}
	}
}

func TestRecordingsAreAudited(t *testing.T) {
	h := newTestHouse(t, nil)
	sam := h.signIn("sam")
	w := h.want(http.StatusPartialContent, "GET", "/api/v1/recordings/rec1/audio", sam, "", func(r *http.Request) { r.Header.Set("Range", "bytes=4-7") })
	if w.Body.String() != "0123" || w.Header().Get("Content-Type") != "audio/wav" {
		t.Errorf("range: %q, %s", w.Body, w.Header())
	}
	h.want(200, "GET", "/api/v1/recordings/rec1/audio", sam, "") // the same play-back
	h.want(200, "GET", "/api/v1/recordings/rec1/audio?export=true", sam, "")
	h.want(200, "POST", "/api/v1/recordings/rec1/verify", sam, "")
	h.want(200, "POST", "/api/v1/recordings/rec1/hold", sam, `{"on":true,"why":"court"}`)
	h.want(200, "POST", "/api/v1/recordings/rec1/hold", sam, `{"on":false,"why":"over"}`)
	h.want(200, "POST", "/api/v1/recordings/rec1/erase", sam, `{"why":"asked"}`)
	h.want(422, "POST", "/api/v1/recordings/rec1/erase", sam, `{"why":""}`)
	h.want(404, "POST", "/api/v1/recordings/none/erase", sam, `{"why":"x"}`)
	h.want(404, "GET", "/api/v1/recordings/none/audio", sam, "")

	var got []string
	for _, e := range decode[[]Entry](t, h.want(200, "GET", "/api/v1/audit?limit=100", sam, "")) {
		if e.Target == "rec1" {
			got = append(got, string(e.Action))
		}
		if e.Target == "none" {
			t.Errorf("an act on nothing is in the log: %+v", e)
		}
		if _, err := time.Parse(contact.TimeFormat, e.At); err != nil {
			t.Errorf("at: %v", err)
		}
	}
	want := "recording_erase recording_hold recording_hold recording_verify recording_export recording_play"
	if strings.Join(got, " ") != want {
		t.Errorf("audit log %v, want %s", got, want)
	}
	all := decode[[]Entry](t, h.want(200, "GET", "/api/v1/audit?limit=100", sam, ""))
	older := decode[[]Entry](t, h.want(200, "GET", fmt.Sprintf("/api/v1/audit?limit=2&before=%d", all[2].N), sam, ""))
	if len(older) != 2 || older[0].N != all[3].N || older[1].N != all[4].N {
		t.Errorf("before %d are %v, want those of %v", all[2].N, older, all)
	}
	if acts := strings.Join(h.kept.acts, ","); acts != "hold rec1 sam court,release rec1 sam over,erase rec1 sam asked" {
		t.Errorf("acts %s", acts)
	}
}

func TestVerifyJSON(t *testing.T) {
	h := newTestHouse(t, nil)
	w := h.want(200, "POST", "/api/v1/recordings/rec1/verify", h.signIn("sam"), "")
	got := decode[map[string]any](t, w)
	damage, _ := got["damage"].(map[string]any)
	if got["ok"] != false || got["entries"] != 7.0 || damage["entry"] != 3.0 || damage["why"] != "changed" {
		t.Errorf("got %s", w.Body)
	}
}

func TestDemo(t *testing.T) {
	h := newTestHouse(t, func(o *Options) { o.Demo = true })
	h.want(403, "GET", "/", "", "", func(r *http.Request) { r.Host = "evil.example" })
	info := decode[Info](t, h.want(200, "GET", "/api/v1/info", "", "", atLocalhost))
	if !info.Demo || len(info.People) != 1 || info.People[0].User != "ada" || len(info.Lines) != 1 {
		t.Errorf("info %+v", info)
	}
	for range 50 { // no limit on the demo's people
		h.want(401, "POST", "/api/v1/session", "", `{"user":"ada","password":"wrong"}`, atLocalhost)
	}
	w := h.want(200, "POST", "/api/v1/session", "", `{"user":"ada","password":"demo"}`, atLocalhost)
	token := decode[NewSession](t, w).Token
	h.want(409, "PATCH", "/api/v1/users/ada", token, `{"role":"agent"}`, atLocalhost)
	h.want(409, "PUT", "/api/v1/password", token, `{"old":"demo","new":"something longer"}`, atLocalhost)
	h.want(202, "POST", "/api/v1/demo/call", token, `{"line":"1000","keys":"1@4s","play":"tone:440","for":12.5}`, atLocalhost)
	h.want(404, "POST", "/api/v1/demo/call", token, `{"line":"9999"}`, atLocalhost)
	h.want(422, "POST", "/api/v1/demo/call", token, `{"line":"1000","play":"/etc/passwd"}`, atLocalhost)
	if want := (DemoCall{Line: "1000", Keys: "1@4s", Play: "tone:440", For: 12500 * time.Millisecond}); len(h.demoCall) != 1 || h.demoCall[0] != want {
		t.Errorf("demo calls %+v", h.demoCall)
	}

	// The same folder without the demo: neither the people nor their sessions.
	real, err := NewAccounts(AccountsOptions{Log: slog.New(slog.DiscardHandler), DB: h.db})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := real.AddUser(t.Context(), "test", User{User: "ada", Role: contact.RoleAgent}, goodPassword); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	if id, err := real.Authenticate(r, token); contact.ErrorCode(err) != contact.Unauthorized {
		t.Errorf("a demo session became %+v, %v", id, err)
	}
}

func TestNoDemo(t *testing.T) {
	h := newTestHouse(t, nil)
	if i := decode[Info](t, h.want(200, "GET", "/api/v1/info", "", "")); i.Demo || i.People == nil || len(i.People) != 0 {
		t.Errorf("info %+v", i)
	}
	h.want(404, "POST", "/api/v1/demo/call", h.signIn("root"), `{"line":"1000"}`)
}

func TestEdges(t *testing.T) {
	h := newTestHouse(t, nil)
	alice := h.signIn("alice")
	cookie := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: CookieName, Value: alice}) }

	w := h.want(200, "GET", "/", "", "")
	for header, want := range map[string]string{
		"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Permissions-Policy": "microphone=(self)",
	} {
		if !strings.Contains(w.Header().Get(header), want) {
			t.Errorf("%s: %q", header, w.Header().Get(header))
		}
	}
	csp := strings.ReplaceAll(w.Header().Get("Content-Security-Policy"), "'wasm-unsafe-eval'", "") // WebAssembly alone
	if strings.Contains(csp, "unsafe") {
		t.Errorf("CSP %s", csp)
	}
	h.want(200, "GET", "/api/v1/session", "", "", cookie)
	h.want(403, "DELETE", "/api/v1/session", "", "", cookie, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	h.want(403, "DELETE", "/api/v1/session", "", "", cookie, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") })
	h.want(500, "GET", "/panic", "", "")
	h.want(200, "GET", "/", "", "")
	if e := decode[Error](t, h.want(404, "GET", "/api/v1/none", "", "")); e.Code != contact.NotFound {
		t.Errorf("error %+v", e)
	}
	for path, method := range map[string]string{"/api/v1/trunks/x": "GET", "/api/v1/outbound": "GET", "/api/v1/calls": "POST"} {
		if e := decode[Error](t, h.want(503, method, path, alice, "")); e.Code != contact.NoTrunk {
			t.Errorf("%s without trunks: %+v", path, e)
		}
	}
	h.want(413, "POST", "/api/v1/session", "", `{"user":"alice","password":"`+strings.Repeat("x", 100<<10)+`"}`)
	w = h.want(422, "POST", "/api/v1/session", "", `{"user":"alice","pass":"s3cret-in-body"}`)
	if strings.Contains(w.Body.String(), "s3cret-in-body") || decode[Error](t, w).Code != contact.Invalid || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("validation answered %s %s", w.Header().Get("Content-Type"), w.Body)
	}
	h.want(400, "POST", "/api/v1/session", "", `{`)
	if w := h.do("GET", "/api/v1/seat", "", ""); w.Body.String() != "seat" {
		t.Errorf("the seat socket is not mounted: %s", w.Body)
	}
	if strings.Contains(h.log.String(), goodPassword) || strings.Contains(h.log.String(), alice) {
		t.Error("a password or a token is in the log")
	}
}

// limitedWriter notes how long a request may take to come, and its answer to go.
type limitedWriter struct {
	*httptest.ResponseRecorder
	read, write time.Duration
}

func (w *limitedWriter) SetReadDeadline(t time.Time) error {
	w.read = time.Until(t)
	return nil
}

func (w *limitedWriter) SetWriteDeadline(t time.Time) error {
	w.write = time.Until(t)
	return nil
}

// lister is Outbound of which only a list is asked.
type lister struct{ Outbound }

func (lister) Import(_ context.Context, _, csv, _ string) (Imported, error) {
	return Imported{Read: strings.Count(csv, "\n"), Wrong: []ImportedWrong{}}, nil
}

// Large bodies are taken from who may send them, up to each operation's own
// limit, and over a slow line too; nobody else's are waited for so long.
func TestLargeBodies(t *testing.T) {
	h := newTestHouse(t, func(o *Options) { o.Outbound = lister{} })
	root := h.accounts.LocalToken()
	list := `{"csv":"` + strings.Repeat(`+8613812345678;asked us not to call again`+`\n`, 40_000) + `"}`
	for _, c := range []struct {
		method, path, token, body string
		status                    int
		slow                      bool
	}{
		{"POST", "/api/v1/do-not-call/import", root, list, 200, true},
		{"POST", "/api/v1/do-not-call/import", root, list + strings.Repeat(" ", importBody), 413, true},
		{"POST", "/api/v1/do-not-call/import", "", list, 401, false},
		{"POST", "/api/v1/session", "", `{"user":"alice","password":"` + strings.Repeat("x", 64<<10) + `"}`, 413, false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+c.token)
		w := &limitedWriter{ResponseRecorder: httptest.NewRecorder()}
		h.server.ServeHTTP(w, r)
		if w.Code != c.status || (w.read > readTimeout) != c.slow || (w.write > w.read && w.write > writeTimeout) != c.slow {
			t.Errorf("%s with %d octets: %d %s, %s to read and %s to write", c.path, len(c.body), w.Code, w.Body, w.read, w.write)
		}
	}
}

// The CRM's page gets what it needs of the policies, and no other page does.
func TestPoliciesForTheCRM(t *testing.T) {
	const origin = "https://crm.example.org"
	for name, c := range map[string]struct {
		origin          string
		window          bool
		content, opener string
	}{
		"none":   {"", false, contentPolicy, "same-origin"},
		"beside": {origin, false, contentPolicy + "; frame-src " + origin, "same-origin"},
		"window": {origin, true, contentPolicy, "same-origin-allow-popups"},
	} {
		h := newTestHouse(t, func(o *Options) { o.PageOrigin, o.PageInWindow = c.origin, c.window })
		w := h.want(200, "GET", "/", "", "")
		if got := w.Header(); got.Get("Content-Security-Policy") != c.content || got.Get("Cross-Origin-Opener-Policy") != c.opener {
			t.Errorf("%s: %q %q", name, got.Get("Content-Security-Policy"), got.Get("Cross-Origin-Opener-Policy"))
		}
	}
}

func TestHealth(t *testing.T) {
	h := newTestHouse(t, nil)
	h.want(200, "GET", "/healthz", "", "")
	h.want(200, "GET", "/readyz", "", "")
	h.troubles = []Trouble{{Part: "sip", Why: "port 5060 is taken"}}
	if w := h.want(503, "GET", "/readyz", "", ""); !strings.Contains(w.Body.String(), "port 5060 is taken") {
		t.Errorf("readyz %s", w.Body)
	}
	h.want(401, "GET", "/metrics", "", "")
	here := func(r *http.Request) { r.RemoteAddr = "127.0.0.1:4711" }
	h.want(200, "GET", "/metrics", "", "", here)
	h.want(401, "GET", "/metrics", "", "", here, func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.9") })
}

func TestOpenAPI(t *testing.T) {
	h := newTestHouse(t, nil)
	w := h.want(200, "GET", "/api/v1/openapi.json", "", "")
	text := w.Body.String()
	for _, path := range []string{"/api/v1/session", "/api/v1/password", "/api/v1/info", "/api/v1/calls/{id}", "/api/v1/recordings/{id}/verify", "/api/v1/users/{user}", "/api/v1/audit"} {
		if !strings.Contains(text, `"`+path+`"`) {
			t.Errorf("no %s in the document", path)
		}
	}
	if strings.Contains(text, "problem+json") {
		t.Error("the document promises problem+json")
	}
	var doc struct {
		Components struct {
			Schemas map[string]map[string]any
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if s := doc.Components.Schemas["CallStamp"]; s["type"] != "string" {
		t.Errorf("a time is described as %v", s)
	}
}

func TestStartAndClose(t *testing.T) {
	h := newTestHouse(t, func(o *Options) { o.Config.HTTPS = "127.0.0.1:0" })
	if err := h.server.Start(); err != nil {
		t.Fatal(err)
	}
	f, err := ReadRunFile(h.db.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if f.URL != "http://"+h.server.Addr("http").String() || f.Token != h.accounts.LocalToken() {
		t.Errorf("run.json %+v", f)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", f.URL+"/api/v1/users", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.Token)
	client := &http.Client{Transport: &http.Transport{}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("users with run.json's token: %s", res.Status)
	}
	client.CloseIdleConnections()
	h.overHTTPS()
	taken := newTestHouse(t, func(o *Options) { o.Config.Listen = h.server.Addr("http").String() })
	if err := taken.server.Start(); err == nil || !strings.Contains(err.Error(), h.server.Addr("http").String()) {
		t.Errorf("a taken port: %v", err)
	}
	if err := h.server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRunFile(h.db.Dir()); err == nil {
		t.Error("run.json is still there")
	}
}

// overHTTPS asks with nothing but the server's own authority to trust.
func (h *house) overHTTPS() {
	h.t.Helper()
	pem, err := os.ReadFile(filepath.Join(h.db.Dir(), "tls", "authority.crt"))
	if err != nil {
		h.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	res, err := client.Get("https://" + h.server.Addr("https").String() + "/healthz")
	if err != nil {
		h.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 200 || res.Header.Get("Strict-Transport-Security") == "" {
		h.t.Errorf("https: %s %v", res.Status, res.Header)
	}
	if info, err := os.Stat(filepath.Join(h.db.Dir(), "tls", "authority.key")); err != nil || info.Mode().Perm() != 0o600 {
		h.t.Errorf("the key's mode: %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Join(h.db.Dir(), "run.json")); err != nil || info.Mode().Perm() != 0o600 {
		h.t.Errorf("run.json's mode: %v, %v", info.Mode(), err)
	}
}

// TestWhoLeavesIsNoFault: a page that is closed while it is being answered leaves no error in the log.
func TestWhoLeavesIsNoFault(t *testing.T) {
	var log bytes.Buffer
	s := &Server{log: slog.New(slog.NewTextHandler(&log, nil))}
	gone, leave := context.WithCancel(t.Context())
	leave()
	s.logFault(gone, "request failed", operation{id: "list-calls"}, fmt.Errorf("read the calls: %w", context.Canceled))
	s.logFault(t.Context(), "request failed", operation{id: "list-calls"}, contact.Errorf(contact.NotFound, "there is no call"))
	if log.Len() > 0 {
		t.Errorf("the log has %s", log.String())
	}
	s.logFault(gone, "request failed", operation{id: "list-calls"}, errors.New("the disk is gone"))
	s.logFault(t.Context(), "request failed", operation{id: "list-calls"}, context.Canceled)
	if n := strings.Count(log.String(), "request failed"); n != 2 {
		t.Errorf("two faults left %d lines: %s", n, log.String())
	}
}
