package sip_test

import (
	"strings"
	"testing"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/sip"
)

// A PBX transfers its caller to us: the new phone's INVITE takes the place of the
// dialog of the old one, whose BYE we send. The call's leg stays the same.
func TestINVITEWithReplaces(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p, l := w.talking("consult")
		source := l.Source()
		ours := p.ToTag
		another := make(chan struct{}, 2)
		l.OnAnother(func() { another <- struct{}{} })
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
		if len(another) != 1 {
			t.Errorf("told %d times of another phone", len(another))
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

// However many calls of an address are taken over, their places among those that are
// not answered come back.
func TestReplacesGivesItsPlaceBack(t *testing.T) {
	inBubble(t, func(c *sip.Config) { c.CallsPerSource = 2 }, func(w *world) {
		for i := range 4 {
			id := "round" + string(rune('a'+i))
			p, l := w.talking(id)
			boss := w.peer("boss" + id)
			boss.Request("INVITE", 1, siptest.SDP, "Replaces: "+id+";to-tag="+p.ToTag+";from-tag=far"+id)
			boss.Expect("SIP/2.0 200")
			boss.Request("ACK", 1, "")
			p.Reply(p.Expect("BYE"), "200 OK", "")
			boss.Request("BYE", 2, "")
			boss.Expect("SIP/2.0 200")
			<-l.Done()
			settle()
		}
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
