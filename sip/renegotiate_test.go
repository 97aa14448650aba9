package sip_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/media/codec"
	"callfloor/sip"
)

// An offer of ours that crosses theirs is made again after the wait of RFC 3261
// §14.1: up to 2 s by who did not make the Call-ID, 2.1 to 4 s by who did.
func TestGlareOfHolds(t *testing.T) {
	for _, outbound := range []bool{false, true} {
		name, least, most := "TheyCalled", time.Duration(0), 2100*time.Millisecond
		if outbound {
			name, least, most = "WeCalled", 2100*time.Millisecond, 4100*time.Millisecond
		}
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) {
				var p *siptest.Peer
				var l *sip.Leg
				if outbound {
					p = w.farEnd()
					legs, errs := dialing(w, context.Background(), sip.DialOptions{})
					p.Reply(tagged(p.Expect("INVITE"), "bob"), "200 OK", siptest.SDP, "Contact: <sip:bob@10.0.0.9>")
					p.Expect("ACK")
					if err := <-errs; err != nil {
						t.Fatal(err)
					}
					l = <-legs
				} else {
					p, l = w.talking("glare2")
				}
				held := make(chan error, 1)
				go func() { held <- l.Hold(context.Background(), true) }()
				m := p.Expect("INVITE")
				if !strings.Contains(m.Body, "a=sendonly\r\n") {
					t.Errorf("offer\n%s", m.Body)
				}
				p.Reply(m, "491 Request Pending", "")
				start := time.Now()
				p.Expect("ACK")
				again := p.Expect("INVITE")
				if took := time.Since(start); took < least || took > most {
					t.Errorf("again after %v", took)
				}
				p.Reply(again, "200 OK", strings.Replace(siptest.SDP, "sendrecv", "recvonly", 1), "Contact: <sip:new@{me}>")
				p.Expect("ACK sip:new@10.0.0.9")
				if err := <-held; err != nil {
					t.Error(err)
				}
				l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
				p.Reply(p.Expect("BYE sip:new@10.0.0.9"), "200 OK", "")
			})
		})
	}
}

// While we hold them, their own offer is answered sendonly, and ours to take them
// back is sendrecv.
func TestHoldOutlivesTheirOffer(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p, l := w.talking("held")
		done := make(chan error, 1)
		go func() { done <- l.Hold(context.Background(), true) }()
		p.Reply(p.Expect("INVITE"), "200 OK", strings.Replace(siptest.SDP, "sendrecv", "recvonly", 1))
		p.Expect("ACK")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		p.Request("INVITE", 2, strings.Replace(siptest.SDP, "o=- 1 1", "o=- 1 2", 1))
		if m := p.Expect("SIP/2.0 200"); !strings.Contains(m.Body, "a=sendonly\r\n") {
			t.Errorf("answered\n%s", m.Body)
		}
		p.Request("ACK", 2, "")
		settle()
		go func() { done <- l.Hold(context.Background(), false) }()
		m := p.Expect("INVITE")
		if !strings.Contains(m.Body, "a=sendrecv\r\n") {
			t.Errorf("offer\n%s", m.Body)
		}
		p.Reply(m, "488 Not Acceptable Here", "", "Retry-After: 7")
		p.Expect("ACK")
		var refused *sip.RejectedError
		if err := <-done; !errors.As(err, &refused) || refused.Status != 488 || refused.RetryAfter != 7*time.Second {
			t.Errorf("%v", err)
		}
		p.Request("BYE", 3, "")
		p.Expect("SIP/2.0 200")
	})
}

// A phone that leaves the codec in mid-call gets another one, and the leg's user
// is told.
func TestCodecChangeByReINVITE(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("recode")
		p.Request("INVITE", 1, siptest.SDP)
		l := <-w.calls
		told := make(chan codec.ID, 4)
		l.OnCodec(func(c codec.ID) { told <- c })
		_ = l.Answer(context.Background())
		p.Expect("SIP/2.0 200")
		p.Request("ACK", 1, "")
		both := strings.Replace(strings.Replace(siptest.SDP, "RTP/AVP 0 8 101", "RTP/AVP 8 0 101", 1), "o=- 1 1", "o=- 1 2", 1)
		p.Request("INVITE", 2, both)
		if m := p.Expect("SIP/2.0 200"); !strings.Contains(m.Body, "RTP/AVP 0 101") {
			t.Errorf("the codec that is spoken was left without need:\n%s", m.Body)
		}
		p.Request("ACK", 2, "")
		alaw := strings.Replace(strings.Replace(siptest.SDP, "RTP/AVP 0 8 101", "RTP/AVP 8 101", 1), "o=- 1 1", "o=- 1 3", 1)
		p.Request("INVITE", 3, alaw)
		if m := p.Expect("SIP/2.0 200"); !strings.Contains(m.Body, "RTP/AVP 8 101") {
			t.Errorf("answer\n%s", m.Body)
		}
		p.Request("ACK", 3, "")
		settle()
		if l.Codec() != codec.PCMA || len(told) != 1 || <-told != codec.PCMA {
			t.Errorf("codec %v, told %d times", l.Codec(), len(told))
		}
		none := strings.Replace(strings.Replace(siptest.SDP, "RTP/AVP 0 8 101", "RTP/AVP 18", 1), "o=- 1 1", "o=- 1 4", 1)
		p.Request("INVITE", 4, none)
		p.Expect("SIP/2.0 488")
		p.Request("ACK", 4, "")
		settle()
		if l.Codec() != codec.PCMA {
			t.Errorf("a refused offer changed the codec to %v", l.Codec())
		}
		p.Request("BYE", 5, "")
		p.Expect("SIP/2.0 200")
	})
}

// A re-INVITE without an offer gets ours, and until the ACK answers that one
// another offer must wait (491); so must one that overtakes our first answer (500).
func TestOffersThatOvertake(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("overtake")
		p.Request("INVITE", 1, siptest.SDP)
		l := <-w.calls
		_ = l.Ring()
		p.Expect("SIP/2.0 180")
		p.Request("INVITE", 2, siptest.SDP)
		if m := p.Expect("SIP/2.0 500"); m.Header("Retry-After") == "" {
			t.Errorf("no Retry-After\n%s", m.Raw)
		}
		p.Request("UPDATE", 3, siptest.SDP)
		p.Expect("SIP/2.0 500")
		p.Request("UPDATE", 4, "", "Contact: <sip:13800138000@10.0.0.9:1;moved=1>")
		p.Expect("SIP/2.0 200")
		_ = l.Answer(context.Background())
		for !strings.HasPrefix(p.Expect("SIP/2.0 200").Header("CSeq"), "1 ") {
		}
		p.Request("ACK", 1, "")
		p.Request("INVITE", 5, "")
		offer := p.Expect("SIP/2.0 200")
		if !strings.Contains(offer.Body, "m=audio") {
			t.Errorf("no offer\n%s", offer.Raw)
		}
		p.Request("UPDATE", 6, siptest.SDP)
		p.Expect("SIP/2.0 491")
		p.Request("ACK", 5, strings.Replace(siptest.SDP, "audio 4000", "audio 4444", 1), "Content-Type: application/sdp")
		settle()
		r := w.session(0).Remotes()
		if r[len(r)-1].Addr.Port() != 4444 {
			t.Errorf("the answer in the ACK was not taken: %v", r)
		}
		p.Request("INVITE", 4, siptest.SDP) // an old number
		p.Expect("SIP/2.0 500")
		p.Request("BYE", 7, "")
		p.Expect("SIP/2.0 200")
	})
}
