package sip_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/sip"
)

// Our calls ask for a session timer, take the far end's terms (422), refresh by
// UPDATE where it takes that, and end when it has forgotten the call.
func TestSessionTimerOfOurCalls(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.farEnd()
		legs, errs := dialing(w, context.Background(), sip.DialOptions{})
		first := p.Expect("INVITE")
		if first.Header("Session-Expires") != "1800" || first.Header("Min-SE") != "90" || !strings.Contains(first.Header("Supported"), "timer") {
			t.Errorf("INVITE\n%s", first.Raw)
		}
		p.Reply(tagged(first, "a"), "422 Session Interval Too Small", "", "Min-SE: 3600")
		p.Expect("ACK")
		second := p.Expect("INVITE")
		if second.Header("Session-Expires") != "3600" || second.Header("Min-SE") != "3600" || second.Header("CSeq") != "2 INVITE" ||
			second.Header("Call-ID") != first.Header("Call-ID") || strings.Contains(second.Header("To"), "tag") {
			t.Errorf("the second INVITE\n%s", second.Raw)
		}
		p.Reply(tagged(second, "b"), "200 OK", siptest.SDP, "Contact: <sip:bob@10.0.0.9>\r\nRequire: timer\r\nSession-Expires: 3600;refresher=uac\r\nAllow: INVITE, ACK, BYE, UPDATE")
		p.Expect("ACK")
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		p.Reply(p.ExpectSilentFor(t, 29*time.Minute, "UPDATE"), "422 Session Interval Too Small", "", "Min-SE: 4000")
		again := p.Expect("UPDATE")
		if again.Header("Session-Expires") != "4000;refresher=uac" || again.Header("Min-SE") != "4000" {
			t.Errorf("refresh\n%s", again.Raw)
		}
		p.Reply(again, "200 OK", "", "Session-Expires: 4000;refresher=uac\r\nContact: <sip:moved@10.0.0.9>")
		if took := time.Since(start); took < 30*time.Minute || took > 31*time.Minute {
			t.Errorf("refreshed after %v", took)
		}
		p.Reply(p.ExpectSilentFor(t, 33*time.Minute, "UPDATE sip:moved@10.0.0.9"), "481 Call/Transaction Does Not Exist", "")
		l := <-legs
		wantCause(t, l, contact.System, contact.EndFailed, 0)
		p.Reply(p.Expect("BYE"), "481 Call/Transaction Does Not Exist", "")
	})
}

// A caller who knows session timers gets one though it did not ask, and we do the
// refreshing; one who does not know them gets none.
func TestSessionTimerThatNobodyAskedFor(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("offers")
		p.Request("INVITE", 1, siptest.SDP, "Supported: timer, replaces", "Min-SE: 2000")
		l := <-w.calls
		_ = l.Answer(context.Background())
		if m := p.Expect("SIP/2.0 200"); m.Header("Session-Expires") != "2000;refresher=uas" {
			t.Errorf("answer\n%s", m.Raw)
		}
		p.Request("ACK", 1, "")
		p.Reply(p.ExpectSilentFor(t, 16*time.Minute, "INVITE"), "200 OK", siptest.SDP)
		p.Expect("ACK")
		p.Request("BYE", 2, "")
		p.Expect("SIP/2.0 200")

		q, other := w.talking("plain")
		q.SilentFor(t, 2*time.Hour)
		other.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		q.Reply(q.Expect("BYE"), "200 OK", "")
	})
}
