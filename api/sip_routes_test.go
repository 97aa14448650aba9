package api

import (
	"strings"
	"testing"

	"callfloor/call"
)

// The SIP of a call holds whole numbers: administrators alone get it, and the audit
// log says who did.
func TestSIPOfACallIsForAdministrators(t *testing.T) {
	h := newTestHouse(t, nil)
	path := "/api/v1/calls/" + string(aliceCall) + "/sip"
	for user, status := range map[string]int{"alice": 403, "sam": 403} {
		h.want(status, "GET", path, h.signIn(user), "")
	}
	h.want(401, "GET", path, "", "")
	root := h.signIn("root")
	w := h.want(200, "GET", path, root, "")
	want := "2026-01-02T15:04:05.000000Z UDP 192.0.2.9:5060 > 192.0.2.1:5060 customer\nBYE sip:x SIP/2.0\n"
	if !strings.Contains(w.Body.String(), want) || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") ||
		!strings.Contains(w.Header().Get("Content-Disposition"), string(aliceCall)+".sip.txt") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%v\n%s", w.Header(), w.Body)
	}
	if list := decode[[]call.SIPMessage](t, h.want(200, "GET", path+"?format=json", root, "")); len(list) != 1 || list[0].Leg != "customer" {
		t.Errorf("%+v", list)
	}
	h.want(404, "GET", "/api/v1/calls/"+string(otherCall)+"/sip", root, "")
	h.want(404, "GET", "/api/v1/calls/none/sip", root, "")
	h.want(422, "GET", path+"?format=pcap", root, "")
	n := 0
	for _, e := range decode[[]Entry](t, h.want(200, "GET", "/api/v1/audit?limit=100", root, "")) {
		if e.Action == ActionSIPExport && e.Who == "root" && e.Target == string(aliceCall) {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d entries in the audit log", n)
	}
}
