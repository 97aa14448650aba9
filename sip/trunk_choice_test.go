package sip_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/sip"
)

// TestNextTrunk: a trunk that is dead, one that fails and one that is full
// leave the call to the next, within four seconds each; the answer of the dead
// one, should it come late, is ended.
func TestNextTrunk(t *testing.T) {
	late := make(chan siptest.Message, 1)
	for name, first := range map[string]func(*carrier, siptest.Message) []string{
		"silent": func(_ *carrier, m siptest.Message) []string {
			if strings.HasPrefix(m.Start, "INVITE") {
				select {
				case late <- m:
				default:
				}
				return nil
			}
			return []string{"200 OK"}
		},
		"500": func(*carrier, siptest.Message) []string { return []string{"500 Server Internal Error"} },
		"503": func(*carrier, siptest.Message) []string {
			return []string{"503 Service Unavailable\r\nRetry-After: 300"}
		},
		"full": takes,
	} {
		inBubble(t, nil, func(w *world) {
			a, b := w.carrier("10.0.1.1:5060", first), w.carrier("10.0.1.2:5060", takes)
			defer a.close()
			defer b.close()
			w.trunks(nil, func(tr *sip.Trunks) {
				if name == "full" {
					if _, err := tr.Dial(context.Background(), to("+8613812345678")); err != nil {
						t.Fatal(err)
					}
				}
				start := time.Now()
				l, err := tr.Dial(context.Background(), to("+8613812345678"))
				if err != nil {
					t.Fatal(name, err)
				}
				if took := time.Since(start); took > 4*time.Second || l.Trunk() != "two" {
					t.Errorf("%s: %s over %s", name, took, l.Trunk())
				}
				if name == "silent" {
					m := <-late
					_, _ = a.conn.WriteTo([]byte(response(m, answered)), addr(serverAddr))
					time.Sleep(time.Second)
					if len(a.got("ACK")) != 1 || len(a.got("BYE")) != 1 || len(b.got("BYE")) != 0 {
						t.Errorf("a late answer: %d ACKs, %d BYEs; %d BYEs to the right one", len(a.got("ACK")), len(a.got("BYE")), len(b.got("BYE")))
					}
				}
				if name == "503" {
					if s := tr.Status()[0]; s.State != sip.TrunkResting || s.Failed != 1 {
						t.Errorf("%+v", s)
					}
					before := len(a.got("INVITE"))
					if _, err := tr.Dial(context.Background(), to("+8613812345678")); err != nil || len(a.got("INVITE")) != before {
						t.Errorf("it was asked while it rests: %v", err)
					}
				}
			}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, MaxCalls: 1}, sip.TrunkConfig{ID: "two", Order: 1, Hosts: []string{"10.0.1.2"}})
		})
	}
}

// TestRefusedNumberIsNotTriedAgain: what is the number's fault is no trunk's.
func TestRefusedNumberIsNotTriedAgain(t *testing.T) {
	for _, status := range []string{"404 Not Found", "486 Busy Here", "603 Decline", "403 Forbidden"} {
		inBubble(t, nil, func(w *world) {
			a, b := w.carrier("10.0.1.1:5060", func(*carrier, siptest.Message) []string { return []string{status} }), w.carrier("10.0.1.2:5060", takes)
			defer a.close()
			defer b.close()
			w.trunks(nil, func(tr *sip.Trunks) {
				_, err := tr.Dial(context.Background(), to("+8613812345678"))
				if _, ok := errors.AsType[*sip.RejectedError](err); !ok || len(b.got("INVITE")) != 0 || tr.Status()[0].Failed != 0 {
					t.Errorf("%s: %v, %d INVITEs elsewhere", status, err, len(b.got("INVITE")))
				}
			}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}}, sip.TrunkConfig{ID: "two", Order: 1, Hosts: []string{"10.0.1.2"}})
		})
	}
}

// TestTrunkDown: three questions without an answer and it is down; one with,
// and it is up.
func TestTrunkDown(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		var mu sync.Mutex
		alive := true
		c := w.carrier("10.0.1.1:5060", func(*carrier, siptest.Message) []string {
			mu.Lock()
			defer mu.Unlock()
			if alive {
				return []string{"404 Not Found"}
			}
			return nil
		})
		defer c.close()
		set := func(on bool) { mu.Lock(); alive = on; mu.Unlock() }
		w.trunks(nil, func(tr *sip.Trunks) {
			time.Sleep(10 * time.Second)
			if s := tr.Status()[0]; s.State != sip.TrunkUp {
				t.Errorf("%+v", s)
			}
			set(false)
			time.Sleep(60 * time.Second)
			if s := tr.Status()[0]; s.State != sip.TrunkUp {
				t.Errorf("down after two misses: %+v", s)
			}
			time.Sleep(60 * time.Second)
			if s := tr.Status()[0]; s.State != sip.TrunkDown || s.Error == nil {
				t.Errorf("%+v", s)
			}
			if _, err := tr.Dial(context.Background(), to("+8613812345678")); !errors.Is(err, sip.ErrNoTrunk) || len(c.got("INVITE")) != 0 {
				t.Errorf("%v", err)
			}
			set(true)
			time.Sleep(40 * time.Second)
			if s := tr.Status()[0]; s.State != sip.TrunkUp {
				t.Errorf("%+v", s)
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, OptionsEvery: 30 * time.Second})
	})
}

// TestRedirects: a 3xx is followed over our own trunk, and only where the rule
// says so; never to the host that it names, never for ever.
func TestRedirects(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		c := w.carrier("10.0.1.1:5060", func(_ *carrier, m siptest.Message) []string {
			if strings.HasPrefix(m.Start, "INVITE sip:+8610@") {
				return []string{"302 Moved Temporarily\r\nContact: <sip:+8612@10.0.66.6>"}
			}
			return takes(nil, m)
		})
		evil := w.carrier("10.0.66.6:5060", takes)
		defer c.close()
		defer evil.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			var asked []string
			call := to("+8610")
			call.Redirect = func(_ context.Context, user string) (sip.TrunkNumber, error) {
				asked = append(asked, user)
				return sip.TrunkNumber{E164: user}, nil
			}
			l, err := tr.Dial(context.Background(), call)
			if err != nil || len(asked) != 1 || asked[0] != "+8612" || len(evil.got("INVITE")) != 0 {
				t.Fatalf("asked for %v, %v; %d INVITEs to a stranger", asked, err, len(evil.got("INVITE")))
			}
			l.Hangup(done)
			refuse := contact.Errorf(contact.OutboundRefused, "no")
			call.Redirect = func(context.Context, string) (sip.TrunkNumber, error) { return sip.TrunkNumber{}, refuse }
			if _, err := tr.Dial(context.Background(), call); contact.ErrorCode(err) != contact.OutboundRefused {
				t.Errorf("refused by the rule: %v", err)
			}
			call.Redirect = nil
			if _, err := tr.Dial(context.Background(), call); err == nil {
				t.Error("followed without a rule")
			}
			loop := to("+8610")
			loop.Redirect = func(context.Context, string) (sip.TrunkNumber, error) { return sip.TrunkNumber{E164: "+8610"}, nil }
			before := len(c.got("INVITE"))
			if _, err := tr.Dial(context.Background(), loop); err == nil || len(c.got("INVITE"))-before > 4 {
				t.Errorf("a loop: %v after %d INVITEs", err, len(c.got("INVITE"))-before)
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}})
	})
}

// TestGivingUpBetweenTrunks: who stops waiting while the second trunk rings
// leaves nothing behind.
func TestGivingUpBetweenTrunks(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		a := w.carrier("10.0.1.1:5060", func(*carrier, siptest.Message) []string { return nil })
		b := w.carrier("10.0.1.2:5060", func(_ *carrier, m siptest.Message) []string {
			if strings.HasPrefix(m.Start, "INVITE") {
				return []string{"180 Ringing"}
			}
			return []string{"200 OK"}
		})
		defer a.close()
		defer b.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if _, err := tr.Dial(ctx, to("+8613812345678")); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			time.Sleep(2 * time.Minute)
			if len(b.got("CANCEL")) != 1 || w.srv.Calls() != 0 || tr.Status()[1].Calls != 0 {
				t.Errorf("%d CANCELs, %d legs, %+v", len(b.got("CANCEL")), w.srv.Calls(), tr.Status())
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}}, sip.TrunkConfig{ID: "two", Order: 1, Hosts: []string{"10.0.1.2"}})
	})
}

// TestCapsOfTrunks: calls at once and calls per second; an urgent call passes.
func TestCapsOfTrunks(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		c := w.carrier("10.0.1.1:5060", takes)
		defer c.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			ok := 0
			for range 5 {
				if _, err := tr.Dial(context.Background(), to("+8613812345678")); err == nil {
					ok++
				}
			}
			if ok != 2 {
				t.Errorf("%d calls in one second", ok)
			}
			time.Sleep(2 * time.Second)
			_, err := tr.Dial(context.Background(), to("+8613812345678"))
			if _, again := tr.Dial(context.Background(), to("+8613812345678")); err != nil || !errors.Is(again, sip.ErrNoTrunk) {
				t.Errorf("third: %v, fourth: %v", err, again)
			}
			urgent := to("110")
			urgent.Urgent = true
			if _, err := tr.Dial(context.Background(), urgent); err != nil {
				t.Errorf("urgent: %v", err)
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, MaxCalls: 3, CallsPerSecond: 2})
	})
}
