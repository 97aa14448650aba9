package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/media"
	"callfloor/sip"
	"callfloor/web"
)

// TestTransferByTheTrunk: a trunk with transfer: refer is asked to call the number
// itself, after the rules; where the number is busy the customer comes back, and
// a trunk that refuses is helped by our own bridge.
func TestTransferByTheTrunk(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	a := startOut(t, c, "  - {id: far, group: far, hosts: [\"127.0.0.1:9\"], from: [127.0.0.1], transfer: refer, domain: far.example, format: e164}\n", transferRule)
	s := sit(t, a, "alice")
	do(t, s, web.Command{Do: web.DoState, State: contact.AgentAvailable})

	pacer := media.NewPacer()
	ports, err := media.NewPorts(18800, 18899)
	must(t, err)
	cfg := sip.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	asked := make(chan string, 8)
	far, err := sip.New(cfg, sip.Options{Pacer: pacer, Ports: ports, OnRefer: func(r *sip.Referral) {
		asked <- r.Target
		switch {
		case strings.HasSuffix(r.User, "02"):
			_ = r.Accept()
			r.Progress(486, "Busy Here")
		case strings.HasSuffix(r.User, "07"):
			_ = r.Refuse(403, "Forbidden")
		default:
			_ = r.Accept()
			r.Progress(180, "Ringing")
			r.Progress(200, "OK")
		}
	}})
	must(t, err)
	must(t, far.Start())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = far.Close(ctx)
		pacer.Close()
	})
	dial := func() *sip.Leg {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		l, err := far.Dial(ctx, "sip:1002@"+a.Addrs().SIP.String(), sip.DialOptions{})
		must(t, err)
		l.Sender().Fill(l.Codec())
		return l
	}
	over := func(l *sip.Leg) {
		t.Helper()
		select {
		case <-l.Done():
		case <-time.After(20 * time.Second):
			t.Fatal("the customer's leg stays")
		}
	}

	first := dial()
	takes(t, s)
	do(t, s, web.Command{Do: web.DoTransfer, To: number("13800000002")})
	back := see(t, s, "busy: it comes back", phaseIs(web.PhaseRinging))
	if got := <-asked; got != "sip:8613800000002@far.example" || back.Handover == nil || back.Handover.Kind != "return" {
		t.Errorf("asked for %s, the seat says %+v", got, back.Handover)
	}
	v := takes(t, s)
	do(t, s, web.Command{Do: web.DoTransfer, To: number("13800000001")})
	see(t, s, "alice wraps up", phaseIs(web.PhaseWrapUp))
	over(first)
	if got := <-asked; got != "sip:8613800000001@far.example" {
		t.Errorf("asked for %s", got)
	}
	if len(c.calls) != 0 {
		t.Error("the number was called by us, too")
	}
	waitFor(t, "the call is over", func() bool { _, live := a.house.call(v.Contact); return !live })
	var d call.Detail
	waitFor(t, "the call is written", func() bool {
		d, err = a.journal.Show(t.Context(), v.Contact)
		return err == nil && d.Ended != nil
	})
	if d.End.Class != contact.EndCompleted || !strings.Contains(texts(d), "the customer's trunk handed the call to a number outside") {
		t.Errorf("the record: %+v\n%s", d.End, texts(d))
	}
	do(t, s, web.Command{Do: web.DoWrapUpDone, Contact: v.Contact})

	second := dial()
	v = takes(t, s)
	do(t, s, web.Command{Do: web.DoTransfer, To: number("13800000007")})
	select {
	case <-c.calls:
	case <-time.After(20 * time.Second):
		t.Fatal("the trunk refused, and nobody called the number")
	}
	waitFor(t, "the bridge joins them", func() bool {
		live, ok := a.house.call(v.Contact)
		return ok && live.Second() != nil && live.Second().State == call.SecondJoined
	})
	if got := <-asked; got != "sip:8613800000007@far.example" {
		t.Errorf("asked for %s", got)
	}
	do(t, s, web.Command{Do: web.DoWrapUpDone, Contact: v.Contact})
	second.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 16})
	over(second)

	third := dial()
	v = takes(t, s)
	do(t, s, web.Command{Do: web.DoTransfer, To: number("+4930123456")}) // no rule allows it
	see(t, s, "refused: it comes back", phaseIs(web.PhaseRinging))
	if len(asked) != 0 {
		t.Errorf("a trunk was asked for a number that no rule allows: %s", <-asked)
	}
	third.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 16})
	over(third)
}
