package sip_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/media/codec"
	"callfloor/sip"
)

// farEnd is a scripted callee at 10.0.0.9:5060.
func (w *world) farEnd() *siptest.Peer {
	w.t.Helper()
	conn, err := w.net.Listen("10.0.0.9:5060")
	if err != nil {
		w.t.Fatal(err)
	}
	return siptest.NewPeer(w.t, conn, addr(serverAddr), "callee")
}

const callee = "sip:bob@10.0.0.9"

func dialing(w *world, ctx context.Context, o sip.DialOptions) (<-chan *sip.Leg, <-chan error) {
	legs, errs := make(chan *sip.Leg, 1), make(chan error, 1)
	go func() {
		l, err := w.srv.Dial(ctx, callee, o)
		legs <- l
		errs <- err
	}()
	return legs, errs
}

func TestDialRejected(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.farEnd()
		_, errs := dialing(w, context.Background(), sip.DialOptions{})
		p.Reply(p.Expect("INVITE"), "486 Busy Here", "")
		p.Expect("ACK")
		var refused *sip.RejectedError
		if err := <-errs; !errors.As(err, &refused) || refused.Status != 486 {
			t.Errorf("%v", err)
		}
	})
}

func TestDialNobodyThere(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		start := time.Now()
		if _, err := w.srv.Dial(context.Background(), callee, sip.DialOptions{}); err == nil {
			t.Error("a call to nobody is answered")
		}
		if took := time.Since(start); took < 31*time.Second || took > 34*time.Second {
			t.Errorf("given up after %v", took)
		}
	})
}

func TestDialCancelled(t *testing.T) {
	for _, crossing := range []bool{false, true} {
		name := "Terminated"
		if crossing {
			name = "AnswerCrossesTheCANCEL"
		}
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) {
				p := w.farEnd()
				ctx, cancel := context.WithCancel(context.Background())
				_, errs := dialing(w, ctx, sip.DialOptions{})
				invite := p.Expect("INVITE")
				tagged := invite
				tagged.Raw = strings.Replace(invite.Raw, "To: <sip:bob@10.0.0.9>", "To: <sip:bob@10.0.0.9>;tag=bob", 1)
				p.Reply(tagged, "180 Ringing", "")
				settle()
				cancel()
				if err := <-errs; !errors.Is(err, context.Canceled) {
					t.Errorf("%v", err)
				}
				m := p.Expect("CANCEL")
				if m.Header("Via") != invite.Header("Via") || m.Header("CSeq") != "1 CANCEL" {
					t.Errorf("CANCEL\n%s", m.Raw)
				}
				p.Reply(m, "200 OK", "")
				if crossing {
					p.Reply(tagged, "200 OK", siptest.SDP, "Contact: <sip:bob@10.0.0.9>")
					p.Expect("ACK")
					p.Reply(p.Expect("BYE"), "200 OK", "")
				} else {
					p.Reply(tagged, "487 Request Terminated", "")
					p.Expect("ACK")
				}
				settle()
				if n := w.srv.Calls(); n != 0 {
					t.Errorf("%d legs are left", n)
				}
			})
		})
	}
}

// A caller may give up before anything has come; the CANCEL then waits for a
// provisional response (RFC 3261 §9.1).
func TestDialCancelWaitsForProvisional(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.farEnd()
		ctx, cancel := context.WithCancel(context.Background())
		_, errs := dialing(w, ctx, sip.DialOptions{})
		invite := p.Expect("INVITE")
		cancel()
		<-errs
		if m, ok := p.ReadWithin(100 * time.Millisecond); ok {
			t.Errorf("%s came before any response", m.Start)
		}
		p.Reply(invite, "100 Trying", "")
		p.Reply(p.Expect("CANCEL"), "200 OK", "")
		p.Reply(invite, "487 Request Terminated", "")
		p.Expect("ACK")
	})
}

func TestDialEarlyMediaAndRepeatedAnswer(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.farEnd()
		var prepared atomic.Bool
		legs, errs := dialing(w, context.Background(), sip.DialOptions{Codecs: []codec.ID{codec.PCMA}, Prepare: func(*sip.Leg) { prepared.Store(true) }})
		invite := p.Expect("INVITE")
		if !prepared.Load() || !strings.Contains(invite.Body, "RTP/AVP 8 101\r\n") {
			t.Errorf("prepared %v, offer\n%s", prepared.Load(), invite.Body)
		}
		invite.Raw = strings.Replace(invite.Raw, "To: <sip:bob@10.0.0.9>", "To: <sip:bob@10.0.0.9>;tag=bob", 1)
		p.Reply(invite, "183 Session Progress", siptest.SDP)
		settle()
		if r := w.session(0).Remotes(); len(r) != 1 {
			t.Errorf("early media: %v", r)
		}
		contacts := "Contact: <sip:bob@10.0.0.9>\r\nRecord-Route: <sip:10.0.0.77;lr>, <sip:10.0.0.9:5060;lr;p=1>"
		p.Reply(invite, "200 OK", siptest.SDP, contacts)
		for range 2 { // the second is for the repeated 200
			ack := p.Expect("ACK sip:bob@10.0.0.9")
			if !strings.Contains(ack.Raw, "Route: <sip:10.0.0.9:5060;lr;p=1>\r\nRoute: <sip:10.0.0.77;lr>") {
				t.Errorf("route set\n%s", ack.Raw)
			}
			p.Reply(invite, "200 OK", siptest.SDP, contacts)
		}
		<-errs
		l := <-legs
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
	})
}

// Lost datagrams delay a call and do not break it.
func TestCallOverALossyNetwork(t *testing.T) {
	for seed := range uint64(20) {
		inBubble(t, nil, func(w *world) {
			r := rand.New(rand.NewPCG(seed, 1))
			var mu sync.Mutex
			w.net.Lose = func(_, _ netip.AddrPort, b []byte) bool {
				mu.Lock()
				defer mu.Unlock()
				return len(b) > 0 && b[0] >= 'A' && b[0] <= 'Z' && r.IntN(100) < 30
			}
			phone := w.server("10.0.0.2:5060", nil, nil)
			go func() {
				for l := range w.calls {
					_ = l.Ring()
					_ = l.Answer(context.Background())
				}
			}()
			out, err := phone.Dial(context.Background(), "sip:1000@10.0.0.1", sip.DialOptions{})
			if err != nil {
				t.Errorf("seed %d: %v", seed, err)
			} else {
				time.Sleep(40 * time.Second)
				select {
				case <-out.Done():
					t.Errorf("seed %d: %v", seed, out.Cause())
				default:
				}
				out.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
			}
			w.close(phone)
			close(w.calls)
			synctest.Wait()
		})
	}
}

// CANCEL and answer at one moment: whichever wins, both sides agree.
func TestCANCELAgainstAnswer(t *testing.T) {
	for range 40 {
		inBubble(t, nil, func(w *world) {
			p := w.peer("race")
			p.RequestBranch("INVITE", 1, "z9hG4bKrace", siptest.SDP)
			l := <-w.calls
			p.RequestBranch("CANCEL", 1, "z9hG4bKrace", "")
			time.Sleep(5 * time.Millisecond) // it arrives now
			err := l.Answer(context.Background())
			final := ""
			for final == "" {
				m := p.Read()
				if strings.HasSuffix(m.Header("CSeq"), "INVITE") && !strings.HasPrefix(m.Start, "SIP/2.0 1") {
					final = m.Start
				}
			}
			p.Request("ACK", 1, "")
			p.RequestBranch("ACK", 1, "z9hG4bKrace", "")
			if (err == nil) != strings.HasPrefix(final, "SIP/2.0 200") {
				t.Errorf("Answer says %v, the wire says %s", err, final)
			}
			if err != nil {
				wantCause(t, l, contact.Customer, contact.EndAbandoned, 487)
			}
			for {
				m, ok := p.ReadWithin(time.Minute)
				if !ok {
					break
				}
				if strings.HasSuffix(m.Header("CSeq"), "INVITE") && m.Start != final {
					t.Errorf("a second final response: %s after %s", m.Start, final)
				}
			}
		})
	}
}

func TestCloseSaysGoodbye(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p, l := w.talking("bye")
		done := make(chan error, 1)
		go func() { done <- w.srv.Close(context.Background()) }()
		p.Reply(p.Expect("BYE"), "200 OK", "")
		if err := <-done; err != nil {
			t.Error(err)
		}
		wantCause(t, l, contact.System, contact.EndFailed, 503)
	})
}
