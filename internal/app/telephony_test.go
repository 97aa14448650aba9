package app

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"callfloor/api"
	"callfloor/contact"
	"callfloor/outbound"
	"callfloor/sip"
)

// asked is the API of a server, as one user.
type asked struct {
	t     *testing.T
	url   string
	token string
}

func as(t *testing.T, a *App, user string) asked {
	t.Helper()
	q := asked{t: t, url: a.Addrs().URL}
	var session struct{ Token string }
	q.do(http.MethodPost, "/api/v1/session", map[string]string{"user": user, "password": "demo"}, http.StatusOK, &session)
	q.token = session.Token
	return q
}

// do asks, wants a status, and reads the answer into out where that is not nil.
func (q asked) do(method, path string, body any, status int, out any) http.Header {
	q.t.Helper()
	text, err := json.Marshal(body)
	must(q.t, err)
	req, err := http.NewRequestWithContext(q.t.Context(), method, q.url+path, bytes.NewReader(text))
	must(q.t, err)
	req.Header.Set("Content-Type", "application/json")
	if q.token != "" {
		req.Header.Set("Authorization", "Bearer "+q.token)
	}
	resp, err := http.DefaultClient.Do(req)
	must(q.t, err)
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	must(q.t, err)
	if resp.StatusCode != status {
		q.t.Fatalf("%s %s: %d\n%s", method, path, resp.StatusCode, answer)
	}
	if out != nil {
		must(q.t, json.Unmarshal(answer, out))
	}
	return resp.Header
}

// TestTelephonyForAdministrators: trunks, rules with their trial, the do-not-call
// list and the registered telephones by the API, each for whom it is, and what
// changes something is in the audit log. A group of trunks of which none is up
// stands on /readyz.
func TestTelephonyForAdministrators(t *testing.T) {
	c := newCarrier(t)
	away := "  - id: away\n    group: away\n    hosts: [\"127.0.0.1:9\"]\n    transport: tcp\n    options_every: 1s\n    max_calls: 7\n"
	a := startOut(t, c, away, "  calls_per_hour: 5\n")
	ada, sam, alice := as(t, a, "ada"), as(t, a, "sam"), as(t, a, "alice")
	for _, path := range []string{"/api/v1/trunks", "/api/v1/outbound/rules", "/api/v1/do-not-call", "/api/v1/phones"} {
		alice.do(http.MethodGet, path, nil, http.StatusForbidden, nil)
		sam.do(http.MethodGet, path, nil, http.StatusOK, nil)
	}
	waitFor(t, "the group is down", func() bool {
		var list []sip.TrunkStatus
		sam.do(http.MethodGet, "/api/v1/trunks", nil, http.StatusOK, &list)
		k := list[0]
		return k.ID == "away" && k.State == sip.TrunkDown && k.MaxCalls == 7 && len(k.Minutes) == 60 && k.Answer != nil && strings.Contains(*k.Answer, "refused")
	})
	var ready struct{ Troubles []api.Trouble }
	sam.do(http.MethodGet, "/readyz", nil, http.StatusServiceUnavailable, &ready)
	if len(ready.Troubles) != 1 || ready.Troubles[0].Part != "trunks" || !strings.Contains(ready.Troubles[0].Why, `"away"`) {
		t.Errorf("/readyz says %+v", ready)
	}

	var v api.Tried
	try := func(number, purpose string) api.Tried {
		v = api.Tried{}
		sam.do(http.MethodPost, "/api/v1/outbound/try", api.TryCall{Number: number, Line: "1001", Purpose: outbound.Purpose(purpose), User: "alice"}, http.StatusOK, &v)
		return v
	}
	if try("13812345678", "seat"); !v.Allowed || v.Number != "+8613812345678" || v.Country != "CN" || v.Rule == nil || *v.Rule != 1 || len(v.Trunks) != 1 || v.Trunks[0].ID != "carrier" {
		t.Errorf("a mobile: %+v", v)
	}
	if try("+4930123456", "seat"); v.Allowed || v.Why != "country" || v.Message == "" || v.Group != "" {
		t.Errorf("Berlin: %+v", v)
	}
	sam.do(http.MethodPost, "/api/v1/outbound/try", api.TryCall{Number: "x", Line: "1001", Purpose: "seat"}, http.StatusUnprocessableEntity, nil)

	ada.do(http.MethodPost, "/api/v1/do-not-call", map[string]string{"number": "13812345678", "why": "asked us to"}, http.StatusNoContent, nil)
	if try("13812345678", "seat"); v.Allowed || !v.Listed || v.Why != "listed" {
		t.Errorf("on the list: %+v", v)
	}
	var done api.Imported
	list := map[string]string{"csv": "number\n13812345678\n01065529988,moved\nnobody\n", "why": "old list"}
	sam.do(http.MethodPost, "/api/v1/do-not-call/import", list, http.StatusForbidden, nil)
	ada.do(http.MethodPost, "/api/v1/do-not-call/import", list, http.StatusOK, &done)
	if done.Read != 2 || done.Added != 1 || done.Left != 1 || len(done.Wrong) != 1 || done.Wrong[0].Line != 4 {
		t.Errorf("the import: %+v", done)
	}
	var listed []struct{ Number, Why string }
	if h := ada.do(http.MethodGet, "/api/v1/do-not-call?q=1065", nil, http.StatusOK, &listed); h.Get("X-Total-Count") != "1" || listed[0].Number != "+861065529988" || listed[0].Why != "moved" {
		t.Errorf("found %+v", listed)
	}
	if sam.do(http.MethodGet, "/api/v1/do-not-call", nil, http.StatusOK, &listed); listed[0].Number != contact.Mask(listed[0].Number) {
		t.Errorf("a supervisor sees %+v", listed)
	}
	sam.do(http.MethodPost, "/api/v1/do-not-call/remove", map[string]string{"number": "13812345678"}, http.StatusForbidden, nil)
	ada.do(http.MethodPost, "/api/v1/do-not-call/remove", map[string]string{"number": "13812345678", "why": "they ask again"}, http.StatusNoContent, nil)

	must(t, a.sip.Restore([]sip.Contact{{User: "alice", URI: "sip:alice@127.0.0.1:9", Transport: "UDP", UserAgent: "Desk 1", Flow: a.sip.Addr(), Expires: time.Now().Add(time.Hour)}}))
	var phones []struct {
		User, URI string
		UserAgent string `json:"user_agent"`
	}
	sam.do(http.MethodGet, "/api/v1/phones", nil, http.StatusOK, &phones)
	if len(phones) != 1 || phones[0].User != "alice" || phones[0].UserAgent != "Desk 1" {
		t.Fatalf("the telephones: %+v", phones)
	}
	which := map[string]string{"user": "alice", "uri": phones[0].URI}
	sam.do(http.MethodPost, "/api/v1/phones/remove", which, http.StatusForbidden, nil)
	ada.do(http.MethodPost, "/api/v1/phones/remove", which, http.StatusNoContent, nil)
	ada.do(http.MethodPost, "/api/v1/phones/remove", which, http.StatusNotFound, nil)
	var entries []api.Entry
	ada.do(http.MethodGet, "/api/v1/audit?limit=50", nil, http.StatusOK, &entries)
	n := map[api.Action]int{}
	for _, e := range entries {
		n[e.Action]++
	}
	if n[actionDoNotCall] != 3 || n[api.ActionPhoneRemove] != 1 {
		t.Errorf("the audit log has %v", n)
	}
}
