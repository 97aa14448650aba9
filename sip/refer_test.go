package sip_test

import (
	"context"
	"errors"
	"net/netip"
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

// A PBX transfers its caller to us: the new phone's INVITE takes the place of the
// dialog of the old one, whose BYE we send. The call's leg stays the same.
func TestINVITEWithReplaces(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p, l := w.talking("consult")
		source := l.Source()
		ours := p.ToTag
		boss := w.peer("boss")
		boss.Request("INVITE", 1, strings.Replace(siptest.SDP, "audio 4000", "audio 4800", 1), "Require: replaces",
			"Replaces: consult;to-tag="+ours+";from-tag=farconsult")
		boss.Expect("SIP/2.0 200")
		boss.Request("ACK", 1, "")
		p.Reply(p.Expect("BYE"), "200 OK", "")
		settle()
		if len(w.calls) != 0 {
			t.Error("it is a new call")
		}
		select {
		case <-l.Done():
			t.Fatalf("the call has ended: %v", l.Cause())
		default:
		}
		r := w.session(0).Remotes()
		if r[len(r)-1].Addr.Port() != 4800 || l.Source() != source {
			t.Errorf("the sound goes to %v", r[len(r)-1].Addr)
		}
		if n := w.srv.Calls(); n != 1 {
			t.Errorf("%d legs", n)
		}
		boss.Request("INFO", 2, "5", "Content-Type: application/dtmf")
		boss.Expect("SIP/2.0 200")
		if d := <-l.Digits(); d.Key != '5' {
			t.Errorf("digit %q", d.Key)
		}
		boss.Request("INVITE", 3, strings.Replace(siptest.SDP, "o=- 1 1", "o=- 1 2", 1))
		boss.Expect("SIP/2.0 200")
		boss.Request("ACK", 3, "")
		p.Request("BYE", 9, "") // of the old dialog: nobody's
		p.Expect("SIP/2.0 481")
		boss.Request("BYE", 4, "")
		boss.Expect("SIP/2.0 200")
		wantCause(t, l, contact.Customer, contact.EndCompleted, 0)
	})
}

func TestReplacesThatAreRefused(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p, l := w.talking("mine")
		at := func(ip, id string) *siptest.Peer {
			conn, err := w.net.Listen(ip + ":0")
			if err != nil {
				t.Fatal(err)
			}
			return siptest.NewPeer(w.t, conn, addr(serverAddr), id)
		}
		tag := p.ToTag
		for i, c := range []struct{ ip, replaces, want string }{
			{"10.0.0.9", "nonsense", "400"},
			{"10.0.0.9", "mine;to-tag=" + tag + ";from-tag=other", "481"},
			{"10.0.0.9", "mine;to-tag=x;from-tag=farmine", "481"},
			{"10.0.0.9", "mine;to-tag=" + tag + ";from-tag=farmine;early-only", "486"},
			{"10.0.0.66", "mine;to-tag=" + tag + ";from-tag=farmine", "403"}, // a stranger
		} {
			q := at(c.ip, "thief"+string(rune('a'+i)))
			q.RequestBranch("INVITE", 1, "z9hG4bKthief", siptest.SDP, "Replaces: "+c.replaces)
			q.Expect("SIP/2.0 " + c.want)
			q.RequestBranch("ACK", 1, "z9hG4bKthief", "")
		}
		settle()
		if n := w.srv.Calls(); n != 1 || len(w.calls) != 0 {
			t.Errorf("%d legs, %d new calls", n, len(w.calls))
		}
		p.Request("BYE", 2, "")
		p.Expect("SIP/2.0 200")
		wantCause(t, l, contact.Customer, contact.EndCompleted, 0)
	})
}

func TestCallerIDFromTrustedPeersOnly(t *testing.T) {
	asserted := []string{`P-Asserted-Identity: "ACME, Inc." <sip:+49301234@carrier>`, "P-Asserted-Identity: <tel:+49301234>",
		`Diversion: <sip:5550@carrier>;reason=no-answer;counter=1, <sip:5500@carrier>;reason="user-busy"`}
	for _, c := range []struct {
		name     string
		trusted  bool
		headers  []string
		caller   string
		display  string
		asserted bool
		withheld bool
		diverted string
		trust    sip.Trust
	}{
		{"stranger", false, asserted, "13800138000", "Test Caller", false, false, "", sip.TrustUnknown},
		{"trunk", true, asserted, "+49301234", "ACME, Inc.", true, false, "5500 user-busy,5550 no-answer", sip.TrustTrunk},
		{"trunk without", true, nil, "13800138000", "Test Caller", false, false, "", sip.TrustTrunk},
		{"withheld", true, append([]string{"Privacy: id;critical"}, asserted...), "anonymous", "", true, true, "5500 user-busy,5550 no-answer", sip.TrustTrunk},
		{"privacy from a stranger", false, []string{"Privacy: id"}, "13800138000", "Test Caller", false, false, "", sip.TrustUnknown},
		{"history", true, []string{"History-Info: <sip:5500@carrier>;index=1, <sip:1000@carrier;cause=302>;index=1.1"}, "13800138000", "Test Caller", false, false, "5500 unconditional", sip.TrustTrunk},
		{"nonsense", true, []string{"P-Asserted-Identity: <<<", "Diversion: ;;;", "History-Info: <sip:@>", "Privacy: ;;"}, "13800138000", "Test Caller", false, false, "", sip.TrustTrunk},
	} {
		t.Run(c.name, func(t *testing.T) {
			withServer(t, func(o *sip.Options) {
				o.Trusted = func(p netip.AddrPort) bool { return c.trusted && p.Addr() == netip.MustParseAddr("10.0.0.9") }
			}, func(w *world) {
				p := w.peer("id")
				p.RequestBranch("INVITE", 1, "z9hG4bKid", siptest.SDP, c.headers...)
				l := <-w.calls
				var diverted []string
				for _, d := range l.Diverted() {
					diverted = append(diverted, d.From+" "+d.Reason)
				}
				if l.Caller() != c.caller || l.CallerName() != c.display || l.Asserted() != c.asserted || l.Withheld() != c.withheld || strings.Join(diverted, ",") != c.diverted {
					t.Errorf("caller %q, name %q, asserted %v, withheld %v, diverted %q", l.Caller(), l.CallerName(), l.Asserted(), l.Withheld(), diverted)
				}
				if v := l.Vouch(context.Background()); v.Trust != c.trust {
					t.Errorf("%+v", v)
				}
				_ = l.Reject(486, "Busy Here")
				p.Expect("SIP/2.0 486")
				p.RequestBranch("ACK", 1, "z9hG4bKid", "")
			})
		})
	}
}

// Reasons go both ways (RFC 3326), in BYE, CANCEL and refusals.
func TestReasons(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		for i, c := range []struct {
			reason string
			class  contact.EndClass
			q850   int
			why    string
		}{
			{`Reason: Q.850;cause=16;text="Terminated"`, contact.EndCompleted, 16, "hung up: Terminated"},
			{`Reason: SIP;cause=503, Q.850 ;cause=38 ;text="a, \"b\""`, contact.EndFailed, 38, `the far end's network cleared the call: a, "b"`},
			{"Reason: SIP;cause=486", contact.EndCompleted, 17, "hung up"},
			{"Reason: Q.850;cause=9999", contact.EndCompleted, 0, "hung up"},
			{"Subject: none", contact.EndCompleted, 0, "hung up"},
		} {
			p, l := w.talking("reason" + string(rune('a'+i)))
			p.Request("BYE", 2, "", c.reason)
			p.Expect("SIP/2.0 200")
			<-l.Done()
			if got := l.Cause(); got.Class != c.class || got.Q850 != c.q850 || got.Why != c.why {
				t.Errorf("%s: %+v", c.reason, got)
			}
		}
		p := w.peer("elsewhere")
		p.RequestBranch("INVITE", 1, "z9hG4bKe", siptest.SDP)
		l := <-w.calls
		p.RequestBranch("CANCEL", 1, "z9hG4bKe", "", `Reason: SIP;cause=200;text="Call completed elsewhere"`)
		p.Expect("SIP/2.0 200")
		p.Expect("SIP/2.0 487")
		p.RequestBranch("ACK", 1, "z9hG4bKe", "")
		<-l.Done()
		if l.Cause().Why != "the call was answered elsewhere" {
			t.Errorf("%+v", l.Cause())
		}
		q := w.peer("refused")
		q.RequestBranch("INVITE", 1, "z9hG4bKq", siptest.SDP)
		r := <-w.calls
		r.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 480, Q850: 19})
		if m := q.Expect("SIP/2.0 480"); m.Header("Reason") != "Q.850;cause=19" || m.Header("Retry-After") == "" {
			t.Errorf("refusal\n%s", m.Raw)
		}
		q.RequestBranch("ACK", 1, "z9hG4bKq", "")
	})
}

// What a refusal of our call says reaches who dialled.
func TestDialRefusalIsExplained(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.farEnd()
		for _, c := range []struct {
			status, headers string
			want            sip.RejectedError
		}{
			{"503 Service Unavailable", "Retry-After: 120 (down for a while);duration=60\r\nReason: Q.850;cause=42", sip.RejectedError{Status: 503, Reason: "Service Unavailable", Q850: 42, RetryAfter: 2 * time.Minute}},
			{"486 Busy Here", "Subject: x", sip.RejectedError{Status: 486, Reason: "Busy Here", Q850: 17}},
			{"302 Moved Temporarily", "Contact: <sip:a@10.0.0.7>;q=0.5\r\nContact: <sip:b@10.0.0.8>", sip.RejectedError{Status: 302, Reason: "Moved Temporarily", Contacts: []string{"sip:a@10.0.0.7", "sip:b@10.0.0.8"}}},
		} {
			_, errs := dialing(w, context.Background(), sip.DialOptions{})
			p.Reply(tagged(p.Expect("INVITE"), "x"), c.status, "", c.headers)
			p.Expect("ACK")
			var got *sip.RejectedError
			if err := <-errs; !errors.As(err, &got) || got.Status != c.want.Status || got.Reason != c.want.Reason || got.Q850 != c.want.Q850 ||
				got.RetryAfter != c.want.RetryAfter || strings.Join(got.Contacts, " ") != strings.Join(c.want.Contacts, " ") {
				t.Errorf("%+v, wanted %+v", got, c.want)
			}
		}
	})
}
