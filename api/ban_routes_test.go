package api

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"callfloor/sip"
)

// testBans are bans that can be lifted.
type testBans struct{ list []sip.Ban }

func (b *testBans) Bans() []sip.Ban { return b.list }

func (b *testBans) LiftBan(addr netip.Addr) bool {
	was := len(b.list)
	b.list = slices.DeleteFunc(b.list, func(b sip.Ban) bool { return b.Source.Contains(addr) })
	return len(b.list) < was
}

// Who is shut out is for administrators, as JSON and as a firewall reads it; one is let
// in again by its address or another of its network, and the audit log says by whom.
func TestBansForFirewalls(t *testing.T) {
	since := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	bans := &testBans{list: []sip.Ban{
		{Source: netip.MustParsePrefix("192.0.2.7/32"), Since: since, Until: since.Add(10 * time.Minute), Why: sip.BannedPassword, Bad: 20, Dropped: 7},
		{Source: netip.MustParsePrefix("2001:db8::/64"), Since: since, Until: since.Add(10 * time.Minute), Why: sip.BannedScanner, Bad: 1},
	}}
	h := newTestHouse(t, func(o *Options) { o.Bans = bans })
	for _, user := range []string{"alice", "sam"} {
		h.want(403, "GET", "/api/v1/bans.txt", h.signIn(user), "")
	}
	root := h.signIn("root")
	list := decode[[]banView](t, h.want(200, "GET", "/api/v1/bans", root, ""))
	want := banView{Address: "192.0.2.7", Since: "2026-11-23T15:00:00.000Z", Until: "2026-11-23T15:10:00.000Z", Why: "wrong_password", Bad: 20, Dropped: 7}
	if len(list) != 2 || list[0] != want || list[1].Address != "2001:db8::/64" {
		t.Errorf("%+v", list)
	}
	w := h.want(200, "GET", "/api/v1/bans.txt", root, "")
	if got := w.Body.String(); got != "192.0.2.7\n2001:db8::/64\n" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%q, %v", got, w.Header())
	}
	h.want(422, "DELETE", "/api/v1/bans/everybody", root, "")
	h.want(404, "DELETE", "/api/v1/bans/192.0.2.8", root, "")
	h.want(204, "DELETE", "/api/v1/bans/::ffff:192.0.2.7", root, "")
	h.want(204, "DELETE", "/api/v1/bans/2001:db8::9%2F64", root, "")
	h.want(404, "DELETE", "/api/v1/bans/192.0.2.7", root, "")
	if got := h.want(200, "GET", "/api/v1/bans.txt", root, "").Body.String(); got != "" {
		t.Errorf("left: %q", got)
	}
	var lifted []string
	for _, e := range decode[[]Entry](t, h.want(200, "GET", "/api/v1/audit?limit=100", root, "")) {
		if e.Action == ActionBanLift && e.Who == "root" {
			lifted = append(lifted, e.Target)
		}
	}
	if !slices.Equal(lifted, []string{"2001:db8::9", "192.0.2.7"}) {
		t.Errorf("the audit log has %q", lifted)
	}
}
