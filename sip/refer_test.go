package sip_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/sip"
)

// withServer is inBubble where the server's options are the test's to change.
func withServer(t *testing.T, change func(*sip.Options), fn func(*world)) {
	t.Helper()
	inBubble(t, nil, func(w *world) {
		w.close(w.srv)
		w.options = change
		w.srv = w.server(serverAddr, nil, func(l *sip.Leg) { w.calls <- l })
		defer w.close(w.srv)
		fn(w)
	})
}

func TestREFERIsToldUntilTheEnd(t *testing.T) {
	referrals := make(chan *sip.Referral, 1)
	withServer(t, func(o *sip.Options) {
		o.OnRefer = func(r *sip.Referral) {
			if r.User == "1900555" {
				_ = r.Refuse(603, "Decline")
				return
			}
			if err := r.Accept(); err != nil {
				t.Error(err)
			}
			referrals <- r
		}
	}, func(w *world) {
		p, l := w.talking("refer")
		p.Request("REFER", 2, "", "Refer-To: <sip:1900555@10.0.0.1>")
		p.Expect("SIP/2.0 603")
		p.Request("REFER", 3, "", "Refer-To: \"Sales\" <sip:1002@10.0.0.1;transport=udp?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2>", "Referred-By: <sip:bob@10.0.0.9>")
		p.Expect("SIP/2.0 202")
		r := <-referrals
		if r.Leg != l || r.User != "1002" || r.Host != "10.0.0.1" || r.Target != "sip:1002@10.0.0.1;transport=udp" || r.ReferredBy != "bob" {
			t.Errorf("%+v", r)
		}
		if r.Replaces == nil || *r.Replaces != (sip.Replaces{CallID: "abc@x", ToTag: "1", FromTag: "2"}) {
			t.Errorf("Replaces %+v", r.Replaces)
		}
		notified := func(want, state string) {
			t.Helper()
			m := p.Expect("NOTIFY")
			if m.Body != want || m.Header("Subscription-State") != state || m.Header("Event") != "refer;id=3" || !strings.HasPrefix(m.Header("Content-Type"), "message/sipfrag") {
				t.Errorf("NOTIFY\n%s", m.Raw)
			}
			p.Reply(m, "200 OK", "")
		}
		notified("SIP/2.0 100 Trying\r\n", "active;expires=180")
		p.Request("REFER", 4, "", "Refer-To: <sip:1001@10.0.0.1>")
		p.Expect("SIP/2.0 491") // one after the other
		r.Progress(180, "Ringing")
		notified("SIP/2.0 180 Ringing\r\n", "active;expires=180")
		r.Progress(486, "Busy Here")
		r.Progress(200, "OK") // too late
		notified("SIP/2.0 486 Busy Here\r\n", "terminated;reason=noresource")
		p.SilentFor(t, time.Minute)
		if err := r.Accept(); err == nil {
			t.Error("decided twice")
		}
		p.Request("BYE", 5, "")
		p.Expect("SIP/2.0 200")
	})
}

func TestREFERsThatAreRefused(t *testing.T) {
	withServer(t, func(o *sip.Options) { o.OnRefer = func(*sip.Referral) {} }, func(w *world) {
		p, _ := w.talking("badrefer")
		seq := 1
		for _, c := range []struct{ headers, want string }{
			{"Subject: none", "400"},
			{"Refer-To: <sip:a@b>\r\nRefer-To: <sip:c@d>", "400"},
			{"Refer-To: <", "400"},
			{"Refer-To: <http://example.org/>", "416"},
			{"Refer-To: <sip:a@b;method=BYE>", "501"},
			{"Refer-To: <sip:a@b?Replaces=nonsense>", "400"},
			{"Refer-To: <sip:1000@10.0.0.1>", "403"}, // the hook says nothing
		} {
			seq++
			p.Request("REFER", seq, "", c.headers)
			p.Expect("SIP/2.0 " + c.want)
		}
		p.Request("NOTIFY", seq+1, "", "Event: refer", "Subscription-State: active")
		p.Expect("SIP/2.0 481")
		p.Request("NOTIFY", seq+2, "", "Event: presence", "Subscription-State: active")
		p.Expect("SIP/2.0 489")
		p.Request("BYE", seq+3, "")
		p.Expect("SIP/2.0 200")
		out := w.peer("outside") // of any call
		out.Request("REFER", 1, "", "Refer-To: <sip:1000@10.0.0.1>")
		out.Expect("SIP/2.0 403")
	})
	inBubble(t, nil, func(w *world) { // no hook
		p, _ := w.talking("nohook")
		p.Request("REFER", 2, "", "Refer-To: <sip:1000@10.0.0.1>")
		p.Expect("SIP/2.0 403")
		p.Request("BYE", 3, "")
		p.Expect("SIP/2.0 200")
	})
}

func notify(p *siptest.Peer, seq int, state, body string) {
	p.Request("NOTIFY", seq, body, "Event: refer", "Subscription-State: "+state, "Content-Type: message/sipfrag")
}

func TestTransferByREFER(t *testing.T) {
	t.Run("Answered", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			p, l := w.talking("send", "Allow: INVITE, ACK, BYE, REFER, NOTIFY")
			var told []int
			done := make(chan error, 1)
			go func() {
				done <- l.Transfer(context.Background(), "sip:boss@example.org", sip.TransferOptions{Progress: func(s int) { told = append(told, s) }})
			}()
			m := p.Expect("REFER")
			if m.Header("Refer-To") != "<sip:boss@example.org>" || !strings.HasPrefix(m.Header("Referred-By"), "<sip:1000@") || m.Header("Contact") == "" {
				t.Errorf("REFER\n%s", m.Raw)
			}
			p.Reply(m, "202 Accepted", "")
			notify(p, 2, "active;expires=60", "SIP/2.0 100 Trying\r\n")
			p.Expect("SIP/2.0 200")
			notify(p, 3, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n")
			p.Expect("SIP/2.0 200")
			p.Reply(p.Expect("BYE"), "200 OK", "")
			if err := <-done; err != nil || len(told) != 1 || told[0] != 100 {
				t.Errorf("%v, told %v", err, told)
			}
			wantCause(t, l, contact.System, contact.EndCompleted, 0)
		})
	})
	t.Run("TheCallGoesOnWhereTheTargetIsBusy", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			p, l := w.talking("busy")
			done := make(chan error, 1)
			go func() { done <- l.Transfer(context.Background(), "tel:+4930123", sip.TransferOptions{}) }()
			p.Reply(p.Expect("REFER"), "202 Accepted", "")
			notify(p, 2, "terminated", "SIP/2.0 486 Busy Here\r\n")
			p.Expect("SIP/2.0 200")
			var refused *sip.RejectedError
			if err := <-done; !errors.As(err, &refused) || refused.Status != 486 || refused.Q850 != 17 {
				t.Errorf("%v", err)
			}
			select {
			case <-l.Done():
				t.Error("the call is gone")
			default:
			}
			p.Request("BYE", 3, "")
			p.Expect("SIP/2.0 200")
		})
	})
	t.Run("FarEndHangsUpWithoutALastWord", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			p, l := w.talking("mute")
			done := make(chan error, 1)
			go func() { done <- l.Transfer(context.Background(), "sip:boss@example.org", sip.TransferOptions{}) }()
			p.Reply(p.Expect("REFER"), "202 Accepted", "")
			p.Request("BYE", 2, "")
			p.Expect("SIP/2.0 200")
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("FallBack", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			p, l := w.talking("norefer", "Allow: INVITE, ACK, BYE")
			if err := l.Transfer(context.Background(), "sip:boss@example.org", sip.TransferOptions{}); !errors.Is(err, sip.ErrNoRefer) {
				t.Errorf("%v", err)
			}
			p.Request("BYE", 2, "")
			p.Expect("SIP/2.0 200")
			q, other := w.talking("silent")
			done := make(chan error, 1)
			go func() { done <- other.Transfer(context.Background(), "sip:boss@example.org", sip.TransferOptions{}) }()
			q.Reply(q.Expect("REFER"), "405 Method Not Allowed", "")
			if err := <-done; !errors.Is(err, sip.ErrNoRefer) {
				t.Errorf("%v", err)
			}
			if err := other.Transfer(context.Background(), "mailto:x", sip.TransferOptions{}); err == nil {
				t.Error("a transfer to a mail address")
			}
			q.Request("BYE", 2, "")
			q.Expect("SIP/2.0 200")
		})
	})
}

// An attended transfer connects two far ends of ours with each other: the one is
// told to take the place of our dialog with the other.
func TestAttendedTransferByREFER(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p, one := w.talking("one")
		q, two := w.talking("two")
		done := make(chan error, 1)
		go func() {
			done <- one.TransferTo(context.Background(), two, sip.TransferOptions{ReferredBy: "sip:alice@10.0.0.1"})
		}()
		m := p.Expect("REFER")
		to := m.Header("Refer-To")
		if !strings.HasPrefix(to, "<sip:13800138000@10.0.0.9:") || !strings.HasSuffix(to, "?Replaces=two%3Bto-tag%3Dfartwo%3Bfrom-tag%3D"+q.ToTag+">") {
			t.Errorf("Refer-To: %s", to)
		}
		p.Reply(m, "202 Accepted", "")
		notify(p, 2, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n")
		p.Expect("SIP/2.0 200")
		p.Reply(p.Expect("BYE"), "200 OK", "")
		q.Reply(q.Expect("BYE"), "200 OK", "")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
