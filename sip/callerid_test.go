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
		{"a number is no name", true, []string{`P-Asserted-Identity: "+49 30 1234" <sip:+49301234@carrier>`}, "+49301234", "Test Caller", true, false, "", sip.TrustTrunk},
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
