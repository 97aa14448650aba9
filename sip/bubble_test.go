package sip_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/media"
	"callfloor/sip"
)

func TestWholeCallInFakeTime(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		phone := w.server("10.0.0.2:5060", nil, nil)
		answered := make(chan *sip.Leg, 1)
		go func() {
			l := <-w.calls
			_ = l.Ring()
			time.Sleep(3 * time.Second)
			if err := l.Answer(context.Background()); err != nil {
				t.Error(err)
			}
			answered <- l
		}()
		start := time.Now()
		out, err := phone.Dial(context.Background(), "sip:1000@10.0.0.1", sip.DialOptions{From: "13800138000"})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 3*time.Second || took > 3100*time.Millisecond {
			t.Errorf("answered after %v", took)
		}
		in := <-answered
		if in.Called() != "1000" || in.Caller() != "13800138000" || in.Codec().String() != "PCMU" || out.Codec() != in.Codec() {
			t.Errorf("called %q, caller %q, codecs %v and %v", in.Called(), in.Caller(), in.Codec(), out.Codec())
		}
		var heard atomic.Int64
		var sink media.SinkFunc = func(p *media.Packet) {
			if len(p.Payload) > 0 {
				heard.Add(1)
			}
		}
		out.Source().Attach(&sink)
		in.Sender().Fill(in.Codec())
		if err := out.Sender().SendDigit('5', 100*time.Millisecond); err != nil {
			t.Error(err)
		}
		if d := <-in.Digits(); d.Key != '5' {
			t.Errorf("digit %q", d.Key)
		}
		time.Sleep(10 * time.Minute)
		if n := heard.Load(); n < 10*60*50-100 {
			t.Errorf("%d packets in ten minutes", n)
		}
		out.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Why: "done"})
		wantCause(t, in, contact.Customer, contact.EndCompleted, 0)
		wantCause(t, out, contact.System, contact.EndCompleted, 0)
		w.close(phone)
	})
}

func TestOneCallOfRepeatedINVITE(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("again")
		for range 3 {
			p.RequestBranch("INVITE", 1, "z9hG4bKsame", siptest.SDP)
		}
		l := <-w.calls
		p.RequestBranch("INVITE", 1, "z9hG4bKother", siptest.SDP)
		p.Expect("SIP/2.0 482")
		p.RequestBranch("ACK", 1, "z9hG4bKother", "")
		if err := l.Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		p.Expect("SIP/2.0 200")
		p.Request("ACK", 1, "")
		settle()
		if n := w.srv.Calls(); n != 1 || len(w.calls) != 0 {
			t.Errorf("%d legs, %d more calls", n, len(w.calls))
		}
	})
}

func TestNoACK(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("noack")
		p.Request("INVITE", 1, siptest.SDP)
		l := <-w.calls
		if err := l.Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		start, answers := time.Now(), 0
		for {
			m := p.Read()
			if strings.HasPrefix(m.Start, "BYE") {
				p.Reply(m, "200 OK", "")
				break
			}
			if strings.HasPrefix(m.Start, "SIP/2.0 200") {
				answers++
			}
		}
		if took := time.Since(start); took < 31*time.Second || took > 33*time.Second || answers < 8 {
			t.Errorf("BYE after %v and %d answers", took, answers)
		}
		wantCause(t, l, contact.System, contact.EndFailed, 0)
	})
}

func TestHangupBeforeACKWaitsForIt(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("early")
		p.Request("INVITE", 1, siptest.SDP)
		l := <-w.calls
		if err := l.Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 31})
		p.Expect("SIP/2.0 200")
		p.Request("ACK", 1, "")
		bye := p.Expect("BYE")
		if r := bye.Header("Reason"); r != "Q.850;cause=31" {
			t.Errorf("Reason %q", r)
		}
		p.Reply(bye, "200 OK", "")
	})
}

func TestCANCEL(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("cancel")
		p.RequestBranch("INVITE", 1, "z9hG4bKc", siptest.SDP)
		l := <-w.calls
		if err := l.Ring(); err != nil {
			t.Fatal(err)
		}
		p.Expect("SIP/2.0 180")
		ringing := p.ToTag
		p.RequestBranch("CANCEL", 1, "z9hG4bKc", "")
		ok := p.Expect("SIP/2.0 200")
		if via := ok.Header("Via"); !strings.Contains(via, "branch=z9hG4bKc;") && !strings.HasSuffix(via, "branch=z9hG4bKc") {
			t.Errorf("the branch of the CANCEL's answer is changed: %s", via)
		}
		if p.ToTag != ringing {
			t.Error("the CANCEL is answered under another To tag (RFC 3261 §9.2)")
		}
		p.Expect("SIP/2.0 487")
		if p.ToTag != ringing {
			t.Error("the 487 has another To tag than the 180")
		}
		p.RequestBranch("ACK", 1, "z9hG4bKc", "")
		wantCause(t, l, contact.Customer, contact.EndAbandoned, 487)
		if err := l.Answer(context.Background()); err == nil {
			t.Error("a cancelled call can be answered")
		}
	})
}

func TestLateCANCELChangesNothing(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("late")
		p.RequestBranch("INVITE", 1, "z9hG4bKl", siptest.SDP)
		l := <-w.calls
		_ = l.Answer(context.Background())
		p.Expect("SIP/2.0 200")
		p.RequestBranch("ACK", 1, "z9hG4bKl", "") // with the INVITE's branch, as some do
		p.RequestBranch("CANCEL", 1, "z9hG4bKl", "")
		p.Expect("SIP/2.0 200")
		settle()
		select {
		case <-l.Done():
			t.Errorf("the call is gone: %v", l.Cause())
		default:
		}
		time.Sleep(40 * time.Second) // the ACK counted, too
		select {
		case <-l.Done():
			t.Errorf("the call is gone: %v", l.Cause())
		default:
		}
	})
}

func TestTraceTellsTheWholeStory(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p, l := w.talking("trace")
		p.Request("BYE", 2, "")
		p.Expect("SIP/2.0 200")
		<-l.Done()
		settle()
		var got []string
		l.OnTrace(func(e sip.Trace) {
			dir := "<"
			if e.Sent {
				dir = ">"
			}
			got = append(got, dir+e.Summary)
		})
		settle()
		want := "<INVITE >100 Trying (INVITE) >200 OK (INVITE) <ACK <BYE >200 OK (BYE)"
		if s := strings.Join(got, " "); s != want {
			t.Errorf("trace %s\nwanted %s", s, want)
		}
	})
}
