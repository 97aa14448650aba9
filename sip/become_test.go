package sip_test

import (
	"context"
	"strings"
	"testing"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/sip"
)

// A far end asks for a transfer, and we do it by our own bridge: the new far end
// is re-INVITEd to the call's sound, the old one is told and let go, and both legs
// end together.
func TestBecomeAnotherFarEnd(t *testing.T) {
	referrals := make(chan *sip.Referral, 1)
	withServer(t, func(o *sip.Options) {
		o.OnRefer = func(r *sip.Referral) { _ = r.Accept(); referrals <- r }
	}, func(w *world) {
		p, l := w.talking("transferor")
		p.Request("REFER", 2, "", "Refer-To: <sip:+49301234@10.0.0.1>")
		p.Expect("SIP/2.0 202")
		r := <-referrals
		p.Reply(p.Expect("NOTIFY"), "200 OK", "") // 100 Trying
		q := w.farEnd()
		legs, errs := dialing(w, context.Background(), sip.DialOptions{})
		q.Reply(tagged(q.Expect("INVITE"), "target"), "200 OK", siptest.SDP, "Contact: <sip:bob@10.0.0.9>")
		q.Expect("ACK")
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
		out := <-legs
		another := make(chan struct{}, 2)
		l.OnAnother(func() { another <- struct{}{} })
		out.OnAnother(func() { t.Error("who called the number is told that it is another one") })
		done := make(chan error, 1)
		go func() { done <- l.Become(context.Background(), out) }()
		m := q.Expect("INVITE sip:bob@10.0.0.9")
		if !strings.Contains(m.Header("To"), "tag=target") {
			t.Errorf("re-INVITE\n%s", m.Raw)
		}
		q.Reply(m, "200 OK", strings.Replace(siptest.SDP, "audio 4000", "audio 4900", 1), "Contact: <sip:bob@10.0.0.9>")
		q.Expect("ACK")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if <-another; len(another) != 0 {
			t.Error("another phone, twice")
		}
		r.Progress(200, "OK")
		last := p.Expect("NOTIFY")
		if !strings.HasPrefix(last.Body, "SIP/2.0 200") {
			t.Errorf("NOTIFY\n%s", last.Raw)
		}
		p.Reply(last, "200 OK", "")
		<-r.Told()
		out.Part()
		p.Reply(p.Expect("BYE"), "200 OK", "")
		settle()
		select {
		case <-l.Done():
			t.Fatalf("the call has ended: %v", l.Cause())
		case <-out.Done():
			t.Fatalf("the call out is not counted any more: %v", out.Cause())
		default:
		}
		if r := w.session(0).Remotes(); r[len(r)-1].Addr.Port() != 4900 {
			t.Errorf("the sound goes to %v", r[len(r)-1].Addr)
		}
		out.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted}) // whoever counts calls out
		q.Reply(q.Expect("BYE"), "200 OK", "")
		wantCause(t, l, contact.System, contact.EndCompleted, 0)
		p.SilentFor(t, 40*1e9)
		if n := w.srv.Calls(); n != 0 {
			t.Errorf("%d legs are left", n)
		}
	})
}
