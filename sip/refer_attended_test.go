package sip_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/sip"
)

// TestAttendedTransferNamesAnotherCall: the phone's other call is found by its
// Call-ID and its tags in their order; nobody else's is, nor one that is over, not
// answered yet, or meant early only.
func TestAttendedTransferNamesAnotherCall(t *testing.T) {
	type found struct {
		leg *sip.Leg
		err error
	}
	looks := make(chan found, 1)
	withServer(t, func(o *sip.Options) {
		o.OnRefer = func(r *sip.Referral) {
			l, err := r.Replaced()
			looks <- found{l, err}
			if e, refused := errors.AsType[*sip.RejectedError](err); refused {
				_ = r.Refuse(e.Status, e.Reason)
				return
			}
			_ = r.Refuse(488, "Only A Look")
		}
	}, func(w *world) {
		p, _ := w.talking("first")
		second, other := w.talking("second")
		early := w.peer("early")
		early.Request("INVITE", 1, siptest.SDP)
		ringing := <-w.calls
		if err := ringing.Ring(); err != nil {
			t.Fatal(err)
		}
		early.Expect("SIP/2.0 180")
		gone, _ := w.talking("gone")
		gone.Request("BYE", 2, "")
		gone.Expect("SIP/2.0 200")
		conn, err := w.net.Listen("10.0.0.8:0")
		if err != nil {
			t.Fatal(err)
		}
		stranger := siptest.NewPeer(w.t, conn, addr(serverAddr), "stranger")
		stranger.Request("INVITE", 1, siptest.SDP)
		if err := (<-w.calls).Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		stranger.Expect("SIP/2.0 200")
		stranger.Request("ACK", 1, "")
		settle()

		seq := 1
		for _, c := range []struct {
			name, replaces string
			want           int
		}{
			{"another call of the phone", "second;to-tag=" + second.ToTag + ";from-tag=farsecond", 488},
			{"with the tags the wrong way round", "second;to-tag=farsecond;from-tag=" + second.ToTag, 481},
			{"with a tag that is guessed", "second;to-tag=" + second.ToTag + ";from-tag=guess", 481},
			{"of nobody", "nothing;to-tag=a;from-tag=b", 481},
			{"itself", "first;to-tag=" + p.ToTag + ";from-tag=farfirst", 400},
			{"of another phone", "stranger;to-tag=" + stranger.ToTag + ";from-tag=farstranger", 403},
			{"that has ended", "gone;to-tag=" + gone.ToTag + ";from-tag=fargone", 481},
			{"that only rings, at us", "early;to-tag=" + early.ToTag + ";from-tag=farearly", 481},
			{"early only, and answered", "second;to-tag=" + second.ToTag + ";from-tag=farsecond;early-only", 486},
		} {
			seq++
			p.Request("REFER", seq, "", "Refer-To: <sip:1002@10.0.0.1?Replaces="+url.QueryEscape(c.replaces)+">")
			p.Expect(fmt.Sprintf("SIP/2.0 %d", c.want))
			if got := <-looks; (got.err == nil) != (c.want == 488) || got.err == nil && got.leg != other {
				t.Errorf("%s: %v, %v", c.name, got.leg, got.err)
			}
		}
		for _, l := range []*siptest.Peer{p, second, stranger} {
			l.Request("BYE", 90, "")
			l.Expect("SIP/2.0 200")
		}
		ringing.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		early.Expect("SIP/2.0 480")
		early.Request("ACK", 1, "")
	})
}

// TestLastNoticeBeforeBYE: a transfer that was carried out ends the call that asked
// for it; the phone is told first, then let go. One who never hears of it is let go
// two seconds later, and who hangs up is told nothing more.
func TestLastNoticeBeforeBYE(t *testing.T) {
	referrals := make(chan *sip.Referral, 1)
	over := contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 16}
	withServer(t, func(o *sip.Options) {
		o.OnRefer = func(r *sip.Referral) {
			if r.User == "9" { // ends the call before it says that it will
				r.Leg.Hangup(over)
			}
			_ = r.Accept()
			referrals <- r
		}
	}, func(w *world) {
		for user, hungUp := range map[string]bool{"2": false, "9": true} {
			p, l := w.talking("told" + user)
			p.Request("REFER", 2, "", "Refer-To: <sip:"+user+"@10.0.0.1>")
			p.Expect("SIP/2.0 202")
			r := <-referrals
			p.Reply(p.Expect("NOTIFY"), "200 OK", "") // 100 Trying
			if !hungUp {
				l.Hangup(over)
			}
			settle()
			r.Progress(200, "OK")
			m := p.Expect("NOTIFY")
			if !strings.HasPrefix(m.Body, "SIP/2.0 200") {
				t.Errorf("NOTIFY\n%s", m.Raw)
			}
			p.Reply(m, "200 OK", "")
			p.Reply(p.Expect("BYE"), "200 OK", "")
		}

		p, l := w.talking("untold")
		p.Request("REFER", 2, "", "Refer-To: <sip:2@10.0.0.1>")
		p.Expect("SIP/2.0 202")
		<-referrals
		p.Reply(p.Expect("NOTIFY"), "200 OK", "")
		began := time.Now()
		l.Hangup(over)
		p.Reply(p.Expect("BYE"), "200 OK", "")
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the BYE came after %s", took)
		}

		p, _ = w.talking("leaves")
		p.Request("REFER", 2, "", "Refer-To: <sip:2@10.0.0.1>")
		p.Expect("SIP/2.0 202")
		r := <-referrals
		p.Reply(p.Expect("NOTIFY"), "200 OK", "")
		p.Request("BYE", 3, "")
		p.Expect("SIP/2.0 200")
		settle()
		r.Progress(200, "OK")
		p.SilentFor(t, 40*time.Second)
	})
}
