package sip_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/sip"
)

// early makes a leg speak before the answer.
func early(t *testing.T, l *sip.Leg) (heard bool) {
	t.Helper()
	heard, err := l.Early(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return heard
}

// speaksTo sends a packet of the caller's to the i-th media session.
func (w *world) speaksTo(i int) {
	w.t.Helper()
	conn, err := w.net.Listen("10.0.0.9:4000")
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	rtp := append([]byte{0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 7}, make([]byte, 160)...)
	if _, err := conn.WriteTo(rtp, addr(fmt.Sprintf("10.0.0.1:%d", w.session(i).LocalPort()))); err != nil {
		w.t.Fatal(err)
	}
	settle()
}

// A caller who knows no reliable responses gets a plain 183 with the answer, hears
// us, is heard, and gets the same answer in the 200.
func TestEarlyMedia(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("early")
		p.Request("INVITE", 1, siptest.SDP)
		l := <-w.calls
		if !early(t, l) || !early(t, l) { // twice is once
			t.Fatal("nothing can be heard")
		}
		progress := p.Expect("SIP/2.0 183 Session Progress")
		if progress.Header("RSeq") != "" || !strings.Contains(progress.Body, "m=audio") || progress.Header("Contact") == "" {
			t.Errorf("progress\n%s", progress.Raw)
		}
		if l.Codec() != codec.PCMU {
			t.Errorf("codec %v", l.Codec())
		}
		l.Sender().Fill(l.Codec())
		time.Sleep(2 * time.Second)
		if n := l.Quality().Sent; n < 90 {
			t.Errorf("%d packets in two seconds before the answer", n)
		}
		p.Request("UPDATE", 2, siptest.SDP) // the offer in the INVITE is not answered for good
		p.Expect("SIP/2.0 500")
		if err := l.Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		ok := p.Expect("SIP/2.0 200")
		if ok.Body != progress.Body {
			t.Errorf("another description in the 200:\n%s\nthan in the 183:\n%s", ok.Body, progress.Body)
		}
		p.Request("ACK", 1, "")
		settle()
		if n := len(w.session(0).Remotes()); n != 1 {
			t.Errorf("the media was set up %d times", n)
		}
		if _, err := l.Early(context.Background()); err == nil {
			t.Error("an answered call speaks early")
		}
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		p.Reply(p.Expect("BYE"), "200 OK", "")
	})
}

// A caller who supports reliable responses gets a reliable one; the 200 waits for
// its PRACK, and UPDATE and PRACK may make another offer meanwhile.
func TestEarlyMediaReliable(t *testing.T) {
	pcma := strings.Replace(strings.Replace(siptest.SDP, "RTP/AVP 0 8 101", "RTP/AVP 8 101", 1), "o=- 1 1", "o=- 1 2", 1)
	for _, tt := range []struct {
		name, inPRACK, inUPDATE string
		codec                   codec.ID
	}{
		{"plain", "", "", codec.PCMU}, {"another offer in the PRACK", pcma, "", codec.PCMA}, {"an UPDATE", "", pcma, codec.PCMA},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) {
				p := w.peer("earlyrel")
				p.Request("INVITE", 1, siptest.SDP, "k: timer, 100rel")
				l := <-w.calls
				var recoded []codec.ID
				l.OnCodec(func(c codec.ID) { recoded = append(recoded, c) })
				early(t, l)
				progress := p.Expect("SIP/2.0 183")
				if progress.Header("Require") != "100rel" || !strings.Contains(progress.Body, "m=audio") {
					t.Fatalf("progress\n%s", progress.Raw)
				}
				answered := make(chan error, 1)
				go func() { answered <- l.Answer(context.Background()) }()
				for until := time.Now().Add(3 * time.Second); ; {
					m, ok := p.ReadWithin(time.Until(until))
					if !ok {
						break
					}
					if strings.HasPrefix(m.Start, "SIP/2.0 200") {
						t.Fatal("answered before the PRACK (RFC 3262 §3)")
					}
				}
				if tt.inUPDATE != "" { // before the PRACK it is too early
					p.Request("UPDATE", 2, tt.inUPDATE)
					p.Expect("SIP/2.0 500")
				}
				p.Request("PRACK", 3, tt.inPRACK, "RAck: "+progress.Header("RSeq")+" 1 INVITE")
				answers := map[string]siptest.Message{}
				for len(answers) < 2 {
					m := p.Expect("SIP/2.0 200")
					answers[m.Header("CSeq")] = m
				}
				if err := <-answered; err != nil {
					t.Fatal(err)
				}
				want := progress.Body
				if tt.inPRACK != "" {
					want = ""
					if !strings.Contains(answers["3 PRACK"].Body, "m=audio") {
						t.Errorf("the offer in the PRACK is not answered:\n%s", answers["3 PRACK"].Raw)
					}
				}
				if got := answers["1 INVITE"].Body; got != want {
					t.Errorf("the 200 has\n%s\nwant\n%s", got, want)
				}
				p.Request("ACK", 1, "")
				settle()
				if tt.inUPDATE != "" {
					p.Request("UPDATE", 4, tt.inUPDATE)
					p.Expect("SIP/2.0 200")
					settle()
				}
				if l.Codec() != tt.codec || (len(recoded) == 1) != (tt.codec == codec.PCMA) {
					t.Errorf("codec %v, told %v", l.Codec(), recoded)
				}
				l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
				p.Reply(p.Expect("BYE"), "200 OK", "")
			})
		})
	}
}

// An UPDATE changes what was agreed on before the answer, which then has no
// description: ours of before would be taken for another offer.
func TestEarlyMediaChangedByUPDATE(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("earlyupd")
		p.Request("INVITE", 1, siptest.SDP, "Require: 100rel")
		l := <-w.calls
		early(t, l)
		p.Request("PRACK", 2, "", "RAck: "+p.Expect("SIP/2.0 183").Header("RSeq")+" 1 INVITE")
		p.Expect("SIP/2.0 200")
		p.Request("UPDATE", 3, strings.NewReplacer("audio 4000", "audio 4002", "o=- 1 1", "o=- 1 2").Replace(siptest.SDP))
		if m := p.Expect("SIP/2.0 200"); m.Header("CSeq") != "3 UPDATE" || !strings.Contains(m.Body, "m=audio") {
			t.Errorf("UPDATE\n%s", m.Raw)
		}
		if r := w.session(0).Remotes(); r[len(r)-1].Addr.Port() != 4002 {
			t.Errorf("audio goes to %v", r[len(r)-1].Addr)
		}
		_ = l.Answer(context.Background())
		if m := p.Expect("SIP/2.0 200"); m.Header("CSeq") != "1 INVITE" || m.Body != "" {
			t.Errorf("answer\n%s", m.Raw)
		}
		p.Request("ACK", 1, "")
		settle()
	})
}

// A caller who says that it knows 100rel, and never sends a PRACK, loses the
// reliability and not the call.
func TestEarlyMediaWithoutPRACK(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("earlylies")
		p.Request("INVITE", 1, siptest.SDP, "Supported: 100rel")
		l := <-w.calls
		early(t, l)
		progress := p.Expect("SIP/2.0 183")
		start := time.Now()
		if err := l.Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("answered after %v", took)
		}
		if ok := p.Expect("SIP/2.0 200"); ok.Body != progress.Body {
			t.Errorf("the 200 has\n%s", ok.Body)
		}
		p.Request("ACK", 1, "")
		settle()
	})
}

// Without an offer in the INVITE, ours is in the reliable 183 and their answer in
// the PRACK; where there is no reliable 183 nothing can be heard early.
func TestEarlyMediaOfALateOffer(t *testing.T) {
	for _, header := range []string{"Supported: 100rel", "Require: 100rel"} {
		inBubble(t, nil, func(w *world) {
			p := w.peer("earlylate")
			p.Request("INVITE", 1, "", header)
			l := <-w.calls
			heard := make(chan bool, 1)
			go func() { heard <- early(t, l) }()
			progress := p.Expect("SIP/2.0 183")
			if !strings.Contains(progress.Body, "m=audio") {
				t.Fatalf("no offer in\n%s", progress.Raw)
			}
			pcma := strings.Replace(siptest.SDP, "RTP/AVP 0 8 101", "RTP/AVP 8 101", 1)
			p.Request("PRACK", 2, pcma, "RAck: "+progress.Header("RSeq")+" 1 INVITE")
			if !<-heard || l.Codec() != codec.PCMA {
				t.Errorf("codec %v", l.Codec())
			}
			p.Expect("SIP/2.0 200")
			_ = l.Answer(context.Background())
			if m := p.Expect("SIP/2.0 200"); m.Body != "" {
				t.Errorf("a description in\n%s", m.Raw)
			}
			p.Request("ACK", 1, "")
			settle()
		})
	}
	for _, header := range []string{"Subject: no reliable responses", "Supported: 100rel"} {
		inBubble(t, nil, func(w *world) {
			p := w.peer("earlylate")
			p.Request("INVITE", 1, "", header)
			l := <-w.calls
			if early(t, l) {
				t.Error("heard without a description of theirs")
			}
			if err := l.Answer(context.Background()); err != nil {
				t.Fatal(err)
			}
			if m := p.Expect("SIP/2.0 200"); !strings.Contains(m.Body, "m=audio") {
				t.Errorf("no offer in\n%s", m.Raw)
			}
			p.Request("ACK", 1, siptest.SDP)
			settle()
			if l.Codec() != codec.PCMU {
				t.Errorf("codec %v", l.Codec())
			}
		})
	}
}

// After a reliable 180 the 183 waits for its PRACK: there is one at a time.
func TestEarlyMediaAfterRinging(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("earlyring")
		p.Request("INVITE", 1, siptest.SDP, "Require: 100rel")
		l := <-w.calls
		_ = l.Ring()
		ringing := p.Expect("SIP/2.0 180")
		heard := make(chan bool, 1)
		go func() { heard <- early(t, l) }()
		settle()
		p.Request("PRACK", 2, "", "RAck: "+ringing.Header("RSeq")+" 1 INVITE")
		progress := p.Expect("SIP/2.0 200")
		if progress = p.Expect("SIP/2.0 183"); progress.Header("RSeq") == ringing.Header("RSeq") || !strings.Contains(progress.Body, "m=audio") {
			t.Errorf("progress\n%s", progress.Raw)
		}
		p.Request("PRACK", 3, "", "RAck: "+progress.Header("RSeq")+" 1 INVITE")
		p.Expect("SIP/2.0 200")
		if !<-heard {
			t.Error("not heard")
		}
	})
}

// Keys are heard before the answer.
func TestKeysInEarlyMedia(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		phone := w.server("10.0.0.2:5060", nil, nil)
		defer w.close(phone)
		key := make(chan rune, 1)
		go func() {
			l := <-w.calls
			early(t, l)
			l.Sender().Fill(l.Codec())
			key <- (<-l.Digits()).Key
			l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndRejected, SIP: 603})
		}()
		var heard atomic.Int64
		var sink media.SinkFunc = func(*media.Packet) { heard.Add(1) }
		up := make(chan *sip.Leg, 1)
		_, err := phone.Dial(context.Background(), "sip:1000@10.0.0.1", sip.DialOptions{
			Prepare: func(l *sip.Leg) { l.Source().Attach(&sink); up <- l },
			Progress: func(_ int, media bool) {
				if l := <-up; media {
					go func() {
						time.Sleep(time.Second)
						_ = l.Sender().SendDigit('7', 100*time.Millisecond)
					}()
				}
			},
		})
		if err == nil || !strings.Contains(err.Error(), "603 Decline") {
			t.Errorf("the call was not declined: %v", err)
		}
		if k := <-key; k != '7' || heard.Load() < 50 {
			t.Errorf("key %c, %d packets heard", k, heard.Load())
		}
	})
}
