package app

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"callfloor/call"
	"callfloor/internal/siptest"
)

// The SIP messages of a call are kept with it, without its secrets, and written as
// text; a REFER is refused where no agent talks to the caller.
func TestSIPMessagesAreKept(t *testing.T) {
	onFloor(t, func(f *floor) {
		conn, err := f.net.Listen("10.0.0.9:5060")
		must(t, err)
		p := siptest.NewPeer(f.t, conn, net.UDPAddrFromAddrPort(netip.MustParseAddrPort("10.0.0.1:5060")), "kept")
		p.RequestLine = "1009"
		p.Request("INVITE", 1, siptest.SDP+"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n",
			`Authorization: Digest username="bob", response="53cr37"`, "Diversion: <sip:5500@10.0.0.9>;reason=user-busy")
		p.Expect("SIP/2.0 200")
		p.Request("ACK", 1, "")
		time.Sleep(time.Second)
		p.Request("REFER", 2, "", "Refer-To: <sip:1900555@10.0.0.1>")
		p.Expect("SIP/2.0 403")
		p.Request("INFO", 3, "Signal=7\r\nDuration=100\r\n", "Content-Type: application/dtmf-relay")
		p.Expect("SIP/2.0 200")
		p.Request("BYE", 4, "")
		p.Expect("SIP/2.0 200")
		list := f.list()
		if len(list) != 1 || list[0].Trust == nil || *list[0].Trust != "unknown" || list[0].DivertedFrom != nil || *list[0].Name != "Test Caller" {
			t.Fatalf("calls: %+v", list)
		}
		kept, err := f.app.journal.Messages(context.Background(), list[0].ID)
		must(t, err)
		var b strings.Builder
		must(t, call.WriteMessages(&b, list[0].ID, kept))
		text := b.String()
		for _, want := range []string{
			"UDP 10.0.0.9:5060 > 10.0.0.1:5060 customer\nINVITE sip:1009@", "UDP 10.0.0.1:5060 > 10.0.0.9:5060 customer\nSIP/2.0 200 OK\n",
			"Authorization: (removed)", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 (removed)", "SIP/2.0 403 Forbidden", "BYE sip:",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
		for _, secret := range []string{"53cr37", "WVNfX19z", "Signal=7"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in\n%s", secret, text)
			}
		}
		if len(kept) < 10 {
			t.Errorf("%d messages", len(kept))
		}
		n, err := f.app.journal.SweepMessages(context.Background(), time.Now().Add(time.Hour))
		must(t, err)
		if left, err := f.app.journal.Messages(context.Background(), list[0].ID); err != nil || n != len(kept) || len(left) != 0 {
			t.Errorf("forgot %d of %d, %d are left, %v", n, len(kept), len(left), err)
		}
		if _, err := f.app.journal.Messages(context.Background(), "0123456789abcdefghjkmnpqrs"); err == nil {
			t.Error("a call that never was has messages")
		}
	})
}
