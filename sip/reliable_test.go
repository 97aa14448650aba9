package sip_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/media/codec"
	"callfloor/sip"
)

// tagged is an INVITE of ours as the branch with this tag answers it.
func tagged(m siptest.Message, tag string) siptest.Message {
	m.Raw = strings.Replace(m.Raw, "To: <sip:bob@10.0.0.9>", "To: <sip:bob@10.0.0.9>;tag="+tag, 1)
	return m
}

// A caller who requires reliable responses gets them, repeated until the PRACK
// (RFC 3262 §3); one with a wrong number is answered 481.
func TestReliableRinging(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("rel")
		p.Request("INVITE", 1, siptest.SDP, "Require: 100rel")
		l := <-w.calls
		_ = l.Ring()
		ringing := p.Expect("SIP/2.0 180")
		if ringing.Header("Require") != "100rel" || ringing.Header("RSeq") == "" || ringing.Header("Contact") == "" {
			t.Errorf("ringing\n%s", ringing.Raw)
		}
		if again := p.Expect("SIP/2.0 180"); again.Header("RSeq") != ringing.Header("RSeq") {
			t.Errorf("a repetition with another number: %s", again.Header("RSeq"))
		}
		p.Request("PRACK", 2, "", "RAck: 1 1 INVITE")
		p.Expect("SIP/2.0 481")
		p.Request("PRACK", 3, "", "RAck: nonsense")
		p.Expect("SIP/2.0 400")
		p.Request("PRACK", 4, "", "RAck: "+ringing.Header("RSeq")+" 1 INVITE")
		p.Expect("SIP/2.0 200")
		if m, ok := p.ReadWithin(20 * time.Second); ok {
			t.Errorf("%s after the PRACK", m.Start)
		}
		if err := l.Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		p.Expect("SIP/2.0 200")
		p.Request("ACK", 1, "")
		settle()
		if l.Codec() != codec.PCMU {
			t.Errorf("codec %v", l.Codec())
		}
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		p.Reply(p.Expect("BYE"), "200 OK", "")
	})
}

// Without an offer in the INVITE the reliable response has ours, and the 200
// waits for the PRACK that answers it.
func TestReliableRingingWithALateOffer(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("rellate")
		p.Request("INVITE", 1, "", "Require: 100rel")
		l := <-w.calls
		_ = l.Ring()
		ringing := p.Expect("SIP/2.0 180")
		if !strings.Contains(ringing.Body, "m=audio") {
			t.Fatalf("no offer in\n%s", ringing.Raw)
		}
		answered := make(chan error, 1)
		go func() { answered <- l.Answer(context.Background()) }()
		for {
			m, ok := p.ReadWithin(time.Second)
			if !ok {
				break
			}
			if strings.HasPrefix(m.Start, "SIP/2.0 200") {
				t.Fatal("answered before the PRACK")
			}
		}
		pcma := strings.Replace(siptest.SDP, "RTP/AVP 0 8 101", "RTP/AVP 8 101", 1)
		p.Request("PRACK", 2, pcma, "RAck: "+ringing.Header("RSeq")+" 1 INVITE")
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
		for i := 0; i < 2; {
			m := p.Expect("SIP/2.0 200")
			if strings.HasSuffix(m.Header("CSeq"), "INVITE") && m.Body != "" {
				t.Errorf("a description in the 200 after the PRACK has answered:\n%s", m.Raw)
			}
			i++
		}
		p.Request("ACK", 1, "")
		settle()
		if l.Codec() != codec.PCMA {
			t.Errorf("codec %v", l.Codec())
		}
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		p.Reply(p.Expect("BYE"), "200 OK", "")
	})
}

func TestReliableRingingNeverAcknowledged(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("relgone")
		p.RequestBranch("INVITE", 1, "z9hG4bKrelgone", siptest.SDP, "Require: 100rel")
		l := <-w.calls
		start := time.Now()
		_ = l.Ring()
		p.Expect("SIP/2.0 504")
		p.RequestBranch("ACK", 1, "z9hG4bKrelgone", "")
		if took := time.Since(start); took < 32*time.Second || took > 33*time.Second {
			t.Errorf("given up after %v", took)
		}
		wantCause(t, l, contact.System, contact.EndFailed, 504)
	})
}

// Reliable responses of a far end are acknowledged in order, once each, and the
// early media in them is heard.
func TestDialAcknowledgesReliableResponses(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.farEnd()
		var told []int
		legs, errs := dialing(w, context.Background(), sip.DialOptions{Progress: func(status int, early bool) {
			if early {
				status += 1000
			}
			told = append(told, status)
		}})
		invite := tagged(p.Expect("INVITE"), "bob")
		if !strings.Contains(invite.Header("Supported"), "100rel") {
			t.Errorf("Supported: %s", invite.Header("Supported"))
		}
		rel := func(n string) string { return "Require: 100rel\r\nRSeq: " + n + "\r\nContact: <sip:bob@10.0.0.9;x=1>" }
		p.Reply(invite, "183 Session Progress", siptest.SDP, rel("71"))
		prack := p.Expect("PRACK sip:bob@10.0.0.9;x=1")
		if prack.Header("RAck") != "71 1 INVITE" || prack.Header("CSeq") != "2 PRACK" {
			t.Errorf("PRACK\n%s", prack.Raw)
		}
		p.Reply(prack, "200 OK", "")
		p.Reply(invite, "183 Session Progress", siptest.SDP, rel("71")) // again
		p.Reply(invite, "180 Ringing", "", rel("73"))                   // 72 is lost
		if m, ok := p.ReadWithin(time.Second); ok {
			t.Errorf("%s for a repetition, or for one out of order", m.Start)
		}
		p.Reply(invite, "180 Ringing", "", rel("72"))
		p.Reply(p.Expect("PRACK"), "200 OK", "")
		// Both ends may change what was agreed on before the answer (RFC 3311).
		p.Send("UPDATE sip:callfloor@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bKupd\r\nMax-Forwards: 70\r\n" +
			"From: <sip:bob@10.0.0.9>;tag=bob\r\nTo: " + invite.Header("From") + "\r\nCall-ID: " + invite.Header("Call-ID") +
			"\r\nCSeq: 1 UPDATE\r\nContact: <sip:bob@10.0.0.9;x=2>\r\nContent-Type: application/sdp\r\nContent-Length: 0\r\n\r\n")
		p.Expect("SIP/2.0 200")
		p.Reply(invite, "200 OK", siptest.SDP, "Contact: <sip:bob@10.0.0.9;x=3>")
		ack := p.Expect("ACK sip:bob@10.0.0.9;x=3")
		if ack.Header("CSeq") != "1 ACK" {
			t.Errorf("the ACK after PRACKs has CSeq %s", ack.Header("CSeq"))
		}
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
		l := <-legs
		if len(told) != 2 || told[0] != 1183 || told[1] != 180 {
			t.Errorf("told %v", told)
		}
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		p.Reply(p.Expect("BYE sip:bob@10.0.0.9;x=3"), "200 OK", "")
	})
}

// The answer to our offer may come in a reliable response, and then not again in the
// 200 (RFC 3262 §5).
func TestDialAnsweredByAReliableResponse(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.farEnd()
		legs, errs := dialing(w, context.Background(), sip.DialOptions{})
		invite := tagged(p.Expect("INVITE"), "bob")
		p.Reply(invite, "183 Session Progress", siptest.SDP, "Require: 100rel\r\nRSeq: 5\r\nContact: <sip:bob@10.0.0.9>")
		p.Reply(p.Expect("PRACK"), "200 OK", "")
		p.Reply(invite, "200 OK", "", "Contact: <sip:bob@10.0.0.9>")
		p.Expect("ACK")
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
		l := <-legs
		if l.Codec() != codec.PCMU {
			t.Errorf("codec %v", l.Codec())
		}
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		p.Reply(p.Expect("BYE"), "200 OK", "")
	})
}

// Several phones ring: early media of the one that sent it last is heard, the
// first answer wins, and a second one is acknowledged and hung up on.
func TestForkedINVITE(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.farEnd()
		legs, errs := dialing(w, context.Background(), sip.DialOptions{})
		invite := p.Expect("INVITE")
		port := func(n string) string { return strings.Replace(siptest.SDP, "audio 4000", "audio "+n, 1) }
		// Responses are handled concurrently: each waits for the one before.
		for _, r := range []struct{ tag, status, body string }{
			{"one", "180 Ringing", ""}, {"two", "183 Session Progress", port("5002")}, {"three", "183 Session Progress", port("5004")}, {"one", "180 Ringing", ""},
		} {
			p.Reply(tagged(invite, r.tag), r.status, r.body, "Contact: <sip:"+r.tag+"@10.0.0.9>")
			settle()
		}
		r := w.session(0).Remotes()
		if len(r) < 2 || r[len(r)-1].Addr.Port() != 5004 {
			t.Errorf("early media %v", r)
		}
		p.Reply(tagged(invite, "two"), "200 OK", port("5002"), "Contact: <sip:two@10.0.0.9>")
		p.Expect("ACK sip:two@10.0.0.9")
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
		for range 2 { // its answer is repeated; one BYE is enough
			p.Reply(tagged(invite, "one"), "200 OK", port("5006"), "Contact: <sip:one@10.0.0.9>")
			if ack := p.Expect("ACK sip:one@10.0.0.9"); !strings.Contains(ack.Header("To"), "tag=one") {
				t.Errorf("ACK to %s", ack.Header("To"))
			}
			if m, ok := p.ReadWithin(100 * time.Millisecond); ok {
				if !strings.HasPrefix(m.Start, "BYE sip:one@10.0.0.9") || !strings.Contains(m.Header("To"), "tag=one") {
					t.Errorf("%s", m.Raw)
				}
				p.Reply(m, "200 OK", "")
			}
		}
		l := <-legs
		if r := w.session(0).Remotes(); r[len(r)-1].Addr.Port() != 5002 {
			t.Errorf("after the answer the audio goes to %v", r[len(r)-1].Addr)
		}
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		bye := p.Expect("BYE sip:two@10.0.0.9")
		p.Reply(bye, "200 OK", "")
	})
}
