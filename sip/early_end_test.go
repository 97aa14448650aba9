package sip_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/sip"
)

// A CANCEL, a refusal and the limit end it, and the media with it.
func TestEarlyMediaEnds(t *testing.T) {
	for _, tt := range []struct {
		name, header string
		end          func(*world, *siptest.Peer, *sip.Leg)
		status       string
		by           contact.Party
		after        time.Duration
	}{
		{name: "cancelled", end: func(_ *world, p *siptest.Peer, _ *sip.Leg) {
			p.RequestBranch("CANCEL", 1, "z9hG4bKearlyend", "")
			p.Expect("SIP/2.0 200")
		}, status: "487 Request Terminated", by: contact.Customer},
		{name: "cancelled with a PRACK due", header: "Supported: 100rel", end: func(_ *world, p *siptest.Peer, _ *sip.Leg) {
			p.RequestBranch("CANCEL", 1, "z9hG4bKearlyend", "")
			p.Expect("SIP/2.0 200")
		}, status: "487 Request Terminated", by: contact.Customer},
		{name: "refused", end: func(_ *world, _ *siptest.Peer, l *sip.Leg) {
			l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndRejected, SIP: 486})
		}, status: "486 Busy Here", by: contact.System},
		{name: "unknown numbers of flows are no guesses", end: func(_ *world, _ *siptest.Peer, l *sip.Leg) {
			l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndRejected, SIP: 404})
		}, status: "404 Not Found", by: contact.System},
		{name: "nobody there", status: "480 Temporarily Unavailable", by: contact.System, after: 32 * time.Second},
		{name: "too long", header: "Supported: 100rel", end: func(_ *world, p *siptest.Peer, _ *sip.Leg) {
			p.Request("PRACK", 2, "", "RAck: "+p.Expect("SIP/2.0 183").Header("RSeq")+" 1 INVITE")
			p.Expect("SIP/2.0 200")
		}, status: "480 Temporarily Unavailable", by: contact.System, after: 3 * time.Minute},
		{name: "too long for who speaks", end: func(w *world, _ *siptest.Peer, _ *sip.Leg) { w.speaksTo(0) },
			status: "480 Temporarily Unavailable", by: contact.System, after: 3 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(c *sip.Config) { c.BanAfter = 1 }, func(w *world) {
				p := w.peer("earlyend")
				headers := []string{"Subject: x"}
				if tt.header != "" {
					headers = append(headers, tt.header)
				}
				p.RequestBranch("INVITE", 1, "z9hG4bKearlyend", siptest.SDP, headers...)
				l := <-w.calls
				start := time.Now()
				early(t, l)
				l.Sender().Fill(l.Codec())
				if tt.end != nil {
					tt.end(w, p, l)
				}
				p.Expect("SIP/2.0 " + tt.status)
				if took := time.Since(start); took < tt.after || took > tt.after+2*time.Second {
					t.Errorf("after %v, want %v", took, tt.after)
				}
				p.RequestBranch("ACK", 1, "z9hG4bKearlyend", "")
				<-l.Done()
				settle()
				if c := l.Cause(); c.By != tt.by || !strings.HasPrefix(tt.status, fmt.Sprint(int(c.SIP))) {
					t.Errorf("cause %+v", c)
				}
				sent := l.Quality().Sent
				time.Sleep(time.Second)
				if n := l.Quality().Sent; n != sent || w.srv.Calls() != 0 {
					t.Errorf("%d packets after the end, %d calls", n-sent, w.srv.Calls())
				}
				q := w.peer("another") // nobody was shut out
				q.Request("OPTIONS", 1, "")
				q.Expect("SIP/2.0 200")
			})
		})
	}
}

// The 183 is sent again once a minute, so that proxies keep the call.
func TestEarlyMediaIsSaidAgain(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("earlyagain")
		p.Request("INVITE", 1, siptest.SDP)
		l := <-w.calls
		early(t, l)
		w.speaksTo(0)
		said := 0
		for {
			m := p.Read()
			if strings.HasPrefix(m.Start, "SIP/2.0 480") {
				break
			}
			if strings.HasPrefix(m.Start, "SIP/2.0 183") && strings.Contains(m.Body, "m=audio") {
				said++
			}
		}
		if said != 3 {
			t.Errorf("183 was sent %d times in three minutes", said)
		}
	})
}

// Whoever sends a request with our tag is there, and is spoken to past the time that a
// stranger has to show that; their call is no half-open one any more.
func TestEarlyMediaOfWhoIsThere(t *testing.T) {
	for name, shows := range map[string]func(*siptest.Peer, siptest.Message){
		"PRACK": func(p *siptest.Peer, progress siptest.Message) {
			p.Request("PRACK", 2, "", "RAck: "+progress.Header("RSeq")+" 1 INVITE")
		},
		"INFO":   func(p *siptest.Peer, _ siptest.Message) { p.Request("INFO", 2, "5", "Content-Type: application/dtmf") },
		"UPDATE": func(p *siptest.Peer, _ siptest.Message) { p.Request("UPDATE", 2, "") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(c *sip.Config) { c.CallsPerSource = 1 }, func(w *world) {
				p := w.peer("there")
				header := "Subject: x"
				if name == "PRACK" {
					header = "Supported: 100rel"
				}
				p.RequestBranch("INVITE", 1, "z9hG4bKthere", siptest.SDP, header)
				l := <-w.calls
				early(t, l)
				shows(p, p.Expect("SIP/2.0 183"))
				p.Expect("SIP/2.0 200")
				settle()
				another := w.peer("another")
				another.RequestBranch("INVITE", 1, "z9hG4bKanother", siptest.SDP)
				select {
				case o := <-w.calls:
					_ = o.Reject(486, "Busy Here")
				case <-time.After(time.Second):
					t.Error("there is no room for another call of theirs")
				}
				another.RequestBranch("ACK", 1, "z9hG4bKanother", "")
				time.Sleep(time.Minute)
				select {
				case <-l.Done():
					t.Errorf("it ended: %+v", l.Cause())
				default:
				}
				l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndRejected, SIP: 486})
				p.Expect("SIP/2.0 486")
				p.RequestBranch("ACK", 1, "z9hG4bKthere", "")
				settle()
			})
		})
	}
}

// The sound of a caller makes room for another call of theirs once it was looked for.
func TestEarlyMediaOfWhoSpeaks(t *testing.T) {
	inBubble(t, func(c *sip.Config) { c.CallsPerSource = 1 }, func(w *world) {
		w.peer("speaks").Request("INVITE", 1, siptest.SDP)
		early(t, <-w.calls)
		w.speaksTo(0)
		time.Sleep(40 * time.Second)
		w.peer("another").Request("INVITE", 1, siptest.SDP)
		select {
		case <-w.calls:
		case <-time.After(time.Second):
			t.Error("there is no room for another call of theirs")
		}
	})
}

// A caller who gives up while the answer waits for their PRACK is why it fails.
func TestCancelledBeforeThePRACK(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("gaveup")
		p.RequestBranch("INVITE", 1, "z9hG4bKgaveup", siptest.SDP, "Supported: 100rel")
		l := <-w.calls
		early(t, l)
		answered := make(chan error, 1)
		go func() { answered <- l.Answer(context.Background()) }()
		settle()
		p.RequestBranch("CANCEL", 1, "z9hG4bKgaveup", "")
		err := <-answered
		if cause, ok := errors.AsType[contact.EndCause](err); !ok || cause.By != contact.Customer || !errors.Is(err, sip.ErrGone) {
			t.Errorf("it failed with %v", err)
		}
		p.Expect("SIP/2.0 200")
		p.Expect("SIP/2.0 487")
		p.RequestBranch("ACK", 1, "z9hG4bKgaveup", "")
		settle()
	})
}

// Both sides hang up at once, and the phone is gone: nobody waits for its answer.
func TestBothHangUpAtOnce(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p, l := w.talking("crossing")
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		p.Expect("BYE")
		p.Request("BYE", 2, "")
		p.Expect("SIP/2.0 200")
		settle()
		if n := w.srv.Calls(); n != 0 {
			t.Errorf("%d calls", n)
		}
		wantCause(t, l, contact.System, contact.EndCompleted, 0)
	})
}
