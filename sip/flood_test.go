package sip_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/sip"
)

// TestHalfOpenFlood: 10,000 INVITEs (1,000 without CALLFLOOR_LONG=1) whose answers nobody acknowledges leave
// honest calls alone, from other addresses and from the same one, and in the
// end nothing is left of them.
func TestHalfOpenFlood(t *testing.T) {
	n := 1000
	if os.Getenv("CALLFLOOR_LONG") != "" {
		n = 10_000
	}
	inBubble(t, nil, func(w *world) {
		srv := w.server(registrarAddr, func(c *sip.Config) {
			c.MaxCalls, c.CallsPerSource, c.MessagesPerSecond = 400, 100, 0
		}, func(l *sip.Leg) { _ = l.Answer(context.Background()) })
		honest := 0
		for i := range n {
			if i%100 == 0 { // forget what the flood was answered
				if i > 0 {
					time.Sleep(300 * time.Millisecond)
				}
				from := []string{"10.0.0.8:0", "10.0.0.66:0"}[i/100%2]
				conn, err := w.net.Listen(from)
				if err != nil {
					t.Fatal(err)
				}
				p := siptest.NewPeer(t, conn, addr(registrarAddr), fmt.Sprint("honest", i))
				p.Request("INVITE", 1, siptest.SDP)
				m := p.Expect("SIP/2.0 ")
				for m.Start == "SIP/2.0 100 Trying" {
					m = p.Read()
				}
				if m.Start != "SIP/2.0 200 OK" {
					t.Fatalf("after %d: an honest call from %s is answered %s", i, from, m.Start)
				}
				p.Request("ACK", 1, "")
				p.Request("BYE", 2, "")
				p.Expect("SIP/2.0 200")
				honest++
				_ = conn.Close()
			}
			if i%10 == 0 {
				time.Sleep(10 * time.Millisecond) // 1,000 a second
			}
			conn, err := w.net.Listen("10.0.0.66:0")
			if err != nil {
				t.Fatal(err)
			}
			siptest.NewPeer(t, conn, addr(registrarAddr), fmt.Sprint("flood", i)).Request("INVITE", 1, siptest.SDP)
			_ = conn.Close()
		}
		if honest != n/100 {
			t.Errorf("%d honest calls of %d", honest, n/100)
		}
		time.Sleep(2 * time.Minute)
		if left := srv.Calls(); left != 0 {
			t.Errorf("%d calls are left of the flood", left)
		}
		w.close(srv)
	})
}

// TestIPv6Call is a call between two servers over IPv6, UDP and TCP, with sound.
func TestIPv6Call(t *testing.T) {
	far, near := serverAt(t, "[::1]:0"), serverAt(t, "[::1]:0")
	for _, transport := range []string{"udp", "tcp"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		l, err := near.Dial(ctx, "sip:1001@"+far.Addr().String(), sip.DialOptions{Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		for l.Quality().Received == 0 {
			select {
			case <-time.After(10 * time.Millisecond): // between two looks; the condition decides
			case <-ctx.Done():
				t.Fatal("no sound came over IPv6")
			}
		}
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		<-l.Done()
	}
}
