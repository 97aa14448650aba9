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

func TestRefusals(t *testing.T) {
	video := "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 97\r\na=rtpmap:97 EVS/16000\r\n"
	cases := []struct {
		name, method, body, header string
		want                       string
		check                      string // header that must be there
	}{
		{"no common codec", "INVITE", video, "Subject: x", "SIP/2.0 488", "Warning"},
		{"no description", "INVITE", "hello", "Content-Type: text/plain", "SIP/2.0 415", "Accept"},
		{"packed description", "INVITE", siptest.SDP, "e: gzip", "SIP/2.0 415", "Accept-Encoding"},
		{"broken description", "INVITE", "v=0\r\nm=audio 70000 RTP/AVP 0\r\n", "Subject: x", "SIP/2.0 400", ""},
		{"unknown option", "INVITE", siptest.SDP, "Require: 100rel, foo", "SIP/2.0 420", "Unsupported"},
		{"short session", "INVITE", siptest.SDP, "Supported: timer\r\nSession-Expires: 30", "SIP/2.0 422", "Min-SE"},
		{"unknown method", "FOO", "", "Subject: x", "SIP/2.0 501", "Allow"},
		{"method not served", "SUBSCRIBE", "", "Event: presence", "SIP/2.0 405", "Allow"},
		{"registrar", "REGISTER", "", "Expires: 60", "SIP/2.0 405", "Allow"},
		{"BYE of no call", "BYE", "", "Subject: x", "SIP/2.0 481", ""},
		{"options", "OPTIONS", "", "Accept: application/sdp", "SIP/2.0 200", "Allow"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) {
				p := w.peer("refuse")
				p.RequestBranch(c.method, 1, "z9hG4bKr", c.body, c.header)
				m := p.Expect(c.want)
				if c.check != "" && m.Header(c.check) == "" {
					t.Errorf("no %s in\n%s", c.check, m.Raw)
				}
				if c.method == "INVITE" {
					p.RequestBranch("ACK", 1, "z9hG4bKr", "")
				}
				if len(w.calls) != 0 || w.srv.Calls() != 0 {
					t.Error("a refused request made a call")
				}
			})
		})
	}
}

func TestReject(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("reject")
		p.RequestBranch("INVITE", 1, "z9hG4bKj", siptest.SDP)
		l := <-w.calls
		if err := l.Reject(200, "OK"); err == nil {
			t.Error("a call can be rejected with 200")
		}
		if err := l.Reject(404, "Not Found"); err != nil {
			t.Fatal(err)
		}
		p.Expect("SIP/2.0 404 Not Found")
		p.RequestBranch("ACK", 1, "z9hG4bKj", "")
		wantCause(t, l, contact.System, contact.EndRejected, 404)
	})
}

func TestLimits(t *testing.T) {
	inBubble(t, func(c *sip.Config) { c.CallsPerSource, c.MaxCalls = 3, 5 }, func(w *world) {
		for i := range 3 {
			p := w.peer("half" + string(rune('a'+i)))
			p.Request("INVITE", 1, siptest.SDP)
			<-w.calls
		}
		over := w.peer("over")
		over.Request("INVITE", 1, siptest.SDP)
		if m := over.Expect("SIP/2.0 503"); m.Header("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		// Another source is not touched by that.
		conn, _ := w.net.Listen("10.0.0.8:0")
		honest := siptest.NewPeer(w.t, conn, addr(serverAddr), "honest")
		honest.Request("INVITE", 1, siptest.SDP)
		l := <-w.calls
		_ = l.Answer(context.Background())
		honest.Expect("SIP/2.0 200")
		honest.Request("ACK", 1, "")
		settle()
		if n := w.srv.Calls(); n != 4 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestDraining(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.srv.SetDraining(true)
		p := w.peer("drain")
		p.RequestBranch("INVITE", 1, "z9hG4bKd", siptest.SDP)
		if m := p.Expect("SIP/2.0 503"); m.Header("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		p.RequestBranch("ACK", 1, "z9hG4bKd", "")
		p.ToTag = ""
		p.Request("OPTIONS", 2, "")
		p.Expect("SIP/2.0 503")
		p.ToTag = ""
		w.srv.SetDraining(false)
		p.Request("OPTIONS", 3, "")
		p.Expect("SIP/2.0 200")
	})
}

func TestSilenceEndsTheCall(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p, l := w.talking("silent")
		w.session(0).FireSilence(time.Minute, true)
		p.Reply(p.Expect("BYE"), "200 OK", "")
		wantCause(t, l, contact.System, contact.EndFailed, 0)
	})
}

func TestRingLimit(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("ring")
		p.RequestBranch("INVITE", 1, "z9hG4bKring", siptest.SDP)
		l := <-w.calls
		_ = l.Ring()
		rung := 0
		for {
			m := p.Read()
			if strings.HasPrefix(m.Start, "SIP/2.0 480") {
				break
			}
			if strings.HasPrefix(m.Start, "SIP/2.0 180") {
				rung++
			}
		}
		p.RequestBranch("ACK", 1, "z9hG4bKring", "")
		if rung != 5 {
			t.Errorf("180 was sent %d times in five minutes", rung)
		}
		wantCause(t, l, contact.System, contact.EndFailed, 480)
	})
}
