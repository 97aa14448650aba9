package sip_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
)

func TestHoldByReINVITEAndUPDATE(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("hold")
		p.Request("INVITE", 1, siptest.SDP)
		l := <-w.calls
		var holds []bool
		l.OnHold(func(on bool) { holds = append(holds, on) })
		_ = l.Answer(context.Background())
		p.Expect("SIP/2.0 200")
		p.Request("ACK", 1, "")
		seq := 1
		for _, c := range []struct{ method, offered, answered string }{
			{"INVITE", "sendonly", "recvonly"}, {"INVITE", "inactive", "inactive"}, {"INVITE", "sendrecv", "sendrecv"},
			{"UPDATE", "sendonly", "recvonly"}, {"UPDATE", "sendrecv", "sendrecv"},
		} {
			seq++
			body := strings.Replace(strings.Replace(siptest.SDP, "sendrecv", c.offered, 1), "o=- 1 1", "o=- 1 "+string(rune('0'+seq)), 1)
			p.Request(c.method, seq, body)
			var m siptest.Message
			for {
				m = p.Expect("SIP/2.0 200")
				if strings.HasSuffix(m.Header("CSeq"), c.method) && strings.HasPrefix(m.Header("CSeq"), string(rune('0'+seq))) {
					break
				}
			}
			if !strings.Contains(m.Body, "a="+c.answered+"\r\n") || m.Header("Contact") == "" {
				t.Errorf("%s %s answered\n%s", c.method, c.offered, m.Raw)
			}
			if c.method == "INVITE" {
				p.Request("ACK", seq, "")
			}
		}
		settle()
		want := []bool{true, false, true, false}
		if len(holds) != len(want) {
			t.Fatalf("holds %v, wanted %v", holds, want)
		}
		r := w.session(0).Remotes()
		if r[1].Receives || !r[1].Sends || r[2].Receives || r[2].Sends || !r[3].Receives {
			t.Errorf("the media was told %+v", r)
		}
		if w.session(0).Held() {
			t.Error("the media is still held")
		}
	})
}

func TestLateOffer(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("lateoffer")
		p.Request("INVITE", 1, "")
		l := <-w.calls
		_ = l.Answer(context.Background())
		m := p.Expect("SIP/2.0 200")
		if !strings.Contains(m.Body, "PCMU/8000") || !strings.Contains(m.Body, "PCMA/8000") || !strings.Contains(m.Body, "telephone-event") {
			t.Errorf("offer %q", m.Body)
		}
		pcma := strings.Replace(siptest.SDP, "RTP/AVP 0 8 101", "RTP/AVP 8 101", 1)
		p.Request("ACK", 1, pcma, "Content-Type: application/sdp")
		settle()
		if l.Codec().String() != "PCMA" || len(w.session(0).Remotes()) != 1 {
			t.Errorf("codec %v, remotes %v", l.Codec(), w.session(0).Remotes())
		}
	})
}

func TestLateOfferWithoutAnswerEndsTheCall(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("noanswer")
		p.Request("INVITE", 1, "")
		l := <-w.calls
		_ = l.Answer(context.Background())
		p.Expect("SIP/2.0 200")
		p.Request("ACK", 1, "")
		p.Reply(p.Expect("BYE"), "200 OK", "")
		wantCause(t, l, contact.System, contact.EndFailed, 0)
	})
}

func TestINFO(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p, l := w.talking("info")
		for i, c := range []struct{ kind, body, want string }{
			{"application/dtmf-relay", "Signal=9\r\nDuration=160\r\n", "200"},
			{"application/dtmf-relay", "Signal= *\r\nDuration= 100\r\n", "200"},
			{"application/dtmf", "11", "200"},
			{"application/media_control+xml", "<x/>", "415"},
			{"text/html", "<x/>", "415"},
		} {
			time.Sleep(time.Second)
			p.Request("INFO", 2+i, c.body, "Content-Type: "+c.kind)
			p.Expect("SIP/2.0 " + c.want)
		}
		for _, want := range "9*#" {
			if d := <-l.Digits(); d.Key != want || d.Via != "info" {
				t.Errorf("digit %+v, wanted %q", d, want)
			}
		}
		if len(l.Digits()) != 0 {
			t.Error("there are more digits than were sent")
		}
	})
}

func TestSessionTimer(t *testing.T) {
	t.Run("TheyRefresh", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			p, l := w.talking("timer", "Supported: timer", "Session-Expires: 300;refresher=uac")
			time.Sleep(200 * time.Second)
			p.Request("UPDATE", 2, "", "Supported: timer", "Session-Expires: 300;refresher=uac")
			m := p.Expect("SIP/2.0 200")
			if m.Header("Session-Expires") != "300;refresher=uac" || m.Header("Require") != "timer" {
				t.Errorf("answer\n%s", m.Raw)
			}
			start := time.Now()
			bye := p.Expect("BYE")
			p.Reply(bye, "200 OK", "")
			if took := time.Since(start); took < 260*time.Second || took > 275*time.Second {
				t.Errorf("BYE %v after the last refresh", took)
			}
			wantCause(t, l, contact.System, contact.EndFailed, 0)
		})
	})
	t.Run("WeRefresh", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			p, l := w.talking("timer", "Supported: timer", "Session-Expires: 300;refresher=uas", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE")
			for range 3 {
				m := p.Expect("UPDATE")
				if m.Header("Session-Expires") != "300;refresher=uac" {
					t.Errorf("refresh\n%s", m.Raw)
				}
				p.Reply(m, "200 OK", "", "Session-Expires: 300;refresher=uac")
			}
			p.Request("BYE", 2, "")
			p.Expect("SIP/2.0 200")
			wantCause(t, l, contact.Customer, contact.EndCompleted, 0)
		})
	})
	t.Run("WeRefreshByReINVITEWithGlare", func(t *testing.T) {
		inBubble(t, nil, func(w *world) {
			p, _ := w.talking("glare", "Session-Expires: 200")
			m := p.Expect("INVITE")
			p.Request("INVITE", 2, siptest.SDP) // crosses ours
			p.Expect("SIP/2.0 491")
			p.Request("ACK", 2, "")
			p.Reply(m, "491 Request Pending", "")
			p.Expect("ACK")
			again := p.Expect("INVITE")
			p.Reply(again, "200 OK", siptest.SDP, "Contact: <sip:x@10.0.0.9>")
			p.Expect("ACK")
		})
	})
}
