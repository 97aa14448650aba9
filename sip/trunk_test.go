package sip_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"callfloor/internal/siptest"
	"callfloor/sip"
)

// TestTrunkCarriesACall: the number and the caller as the trunk wants them, and
// what it offers.
func TestTrunkCarriesACall(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		c := w.carrier("10.0.1.1:5060", takes)
		defer c.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			var progress []int
			var prepared int
			call := to("+8613812345678")
			call.Progress = func(status int, _ bool) { progress = append(progress, status) }
			call.Prepare = func(*sip.Leg) { prepared++ }
			l, err := tr.Dial(context.Background(), call)
			if err != nil {
				t.Fatal(err)
			}
			invite := c.got("INVITE")[0]
			if invite.Start != "INVITE sip:0013812345678@10.0.1.1 SIP/2.0" || !strings.Contains(invite.Header("From"), "sip:+861065529988@10.0.0.1") {
				t.Errorf("%s from %s", invite.Start, invite.Header("From"))
			}
			if !strings.Contains(invite.Body, "RTP/AVP 8 101") || prepared != 1 || len(progress) != 1 || progress[0] != 180 || l.Trunk() != "one" {
				t.Errorf("prepared %d times, progress %v, trunk %q, offer\n%s", prepared, progress, l.Trunk(), invite.Body)
			}
			if s := tr.Status()[0]; s.Calls != 1 || s.Placed != 1 {
				t.Errorf("status %+v", s)
			}
			l.Hangup(done)
			time.Sleep(time.Second)
			if s := tr.Status()[0]; s.Calls != 0 || len(c.got("BYE")) != 1 {
				t.Errorf("after the call %+v, %d BYEs", s, len(c.got("BYE")))
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, Codecs: []string{"PCMA"}, Strip: "+86", Add: "00"})
	})
}

func TestNumbersOfTrunks(t *testing.T) {
	for _, tt := range []struct {
		c    sip.TrunkConfig
		n    sip.TrunkNumber
		want string
	}{
		{sip.TrunkConfig{}, sip.TrunkNumber{E164: "+8613812345678"}, "+8613812345678"},
		{sip.TrunkConfig{Format: "e164"}, sip.TrunkNumber{E164: "+8613812345678"}, "8613812345678"},
		{sip.TrunkConfig{Format: "e164", Add: "00"}, sip.TrunkNumber{E164: "+8613812345678"}, "008613812345678"},
		{sip.TrunkConfig{Format: "national"}, sip.TrunkNumber{E164: "+861065529988", National: "01065529988"}, "01065529988"},
		{sip.TrunkConfig{Format: "national", Strip: "0", Add: "9"}, sip.TrunkNumber{E164: "+861065529988", National: "01065529988"}, "91065529988"},
		{sip.TrunkConfig{Format: "dialled"}, sip.TrunkNumber{E164: "+8613812345678", Dialled: "13812345678"}, "13812345678"},
		{sip.TrunkConfig{}, sip.TrunkNumber{Dialled: "110"}, "110"},
		{sip.TrunkConfig{Rewrite: []sip.RewriteConfig{{Match: `^\+86(1[3-9].*)$`, To: "0$1"}, {Match: ".", To: "x"}}}, sip.TrunkNumber{E164: "+8613812345678"}, "013812345678"},
		{sip.TrunkConfig{Rewrite: []sip.RewriteConfig{{Match: "^.*$", To: "1009"}}}, sip.TrunkNumber{E164: "+8613812345678"}, "1009"},
	} {
		inBubble(t, nil, func(w *world) {
			c := w.carrier("10.0.1.1:5060", func(*carrier, siptest.Message) []string { return []string{"486 Busy Here"} })
			defer c.close()
			tt.c.ID, tt.c.Hosts = "one", []string{"10.0.1.1"}
			w.trunks(nil, func(tr *sip.Trunks) {
				_, err := tr.Dial(context.Background(), sip.TrunkCall{Number: tt.n})
				if e, ok := errors.AsType[*sip.RejectedError](err); !ok || e.Status != 486 {
					t.Errorf("%v", err)
				}
				if got := c.got("INVITE"); len(got) != 1 || !strings.HasPrefix(got[0].Start, "INVITE sip:"+tt.want+"@") {
					t.Errorf("%+v: %q, want %s", tt.c, got, tt.want)
				}
			}, tt.c)
		})
	}
}

// TestWhoseCallItIs: calls from a trunk's network are the trunk's.
func TestWhoseCallItIs(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.trunks(nil, func(*sip.Trunks) {
			conn, err := w.net.Listen("10.0.1.9:0")
			if err != nil {
				t.Fatal(err)
			}
			p := siptest.NewPeer(w.t, conn, addr(serverAddr), "in")
			p.Request("INVITE", 1, siptest.SDP)
			l := <-w.calls
			if l.Trunk() != "one" || l.TrunkLine() != "2000" { // the trunk's user was called
				t.Errorf("trunk %q, line %q", l.Trunk(), l.TrunkLine())
			}
			_ = l.Reject(404, "Not Found")
			p.Expect("SIP/2.0 404")
			p.Request("ACK", 1, "")
			time.Sleep(time.Minute)
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, From: []string{"10.0.1.0/24"}, User: "1000", Line: "2000"})
	})
}
