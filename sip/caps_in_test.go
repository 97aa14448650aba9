package sip_test

import (
	"context"
	"testing"

	"callfloor/internal/siptest"
	"callfloor/sip"
)

// TestCapsOfCallsIn: a trunk has so many calls in at once and no more, and so
// has one address that is no trunk's; answered ones count, ended ones do not.
func TestCapsOfCallsIn(t *testing.T) {
	inBubble(t, func(c *sip.Config) { c.MaxCallsPerSource = 2 }, func(w *world) {
		calls := func(ip, name string) *siptest.Peer {
			p := w.peerAt(ip, name+ip)
			p.Request("INVITE", 1, siptest.SDP)
			return p
		}
		talks := func(ip, name string) *siptest.Peer {
			p := calls(ip, name)
			_ = (<-w.calls).Answer(context.Background())
			p.Expect("SIP/2.0 200")
			p.Request("ACK", 1, "")
			settle()
			return p
		}
		w.trunks(nil, func(*sip.Trunks) {
			for ip, refusal := range map[string]string{"10.0.1.9": "SIP/2.0 486", "10.0.2.9": "SIP/2.0 503"} {
				first := talks(ip, "first")
				talks(ip, "second")
				calls(ip, "third").Expect(refusal)
				first.Request("BYE", 2, "")
				first.Expect("SIP/2.0 200")
				settle()
				talks(ip, "fourth")
				calls(ip, "fifth").Expect(refusal)
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, From: []string{"10.0.1.0/24"}, MaxCallsIn: 2})
	})
}
