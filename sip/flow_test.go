package sip_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"callfloor/contact"
	"callfloor/internal/siptest"
)

// TestRequestsTakeTheDialogsFlow: over UDP what we send in a dialog goes to where the
// far end's packets come from, if its Contact is an address that they do not come from (a
// NAT); to its Contact, if that is another port of the same address; and through the
// proxy whose Record-Route says so.
func TestRequestsTakeTheDialogsFlow(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		for i, c := range []struct{ contact, more, via, uri string }{
			{"sip:phone@192.168.178.20:5060", "", "10.0.0.9", "sip:phone@192.168.178.20:5060"},
			{"sip:phone@10.0.0.9:7070", "", "10.0.0.9:7070", "sip:phone@10.0.0.9:7070"},
			{"sip:phone@10.0.0.77:7071", "Record-Route: <sip:10.0.0.9:7072;lr>\r\n", "10.0.0.9:7072", "sip:phone@10.0.0.77:7071"},
		} {
			p := w.peer(fmt.Sprintf("flow%d", i))
			other := p
			if _, port, found := strings.Cut(c.via, ":"); found {
				conn, err := w.net.Listen("10.0.0.9:" + port)
				if err != nil {
					t.Fatal(err)
				}
				other = siptest.NewPeer(w.t, conn, addr(serverAddr), p.CallID)
			}
			p.Send("INVITE sip:1000@{to} SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.178.20:5060;branch=z9hG4bKflow{callid};rport\r\n" + c.more +
				"Max-Forwards: 70\r\nFrom: <sip:phone@192.168.178.20>;tag=far{callid}\r\nTo: <sip:1000@{to}>\r\nCall-ID: {callid}\r\nCSeq: 1 INVITE\r\n" +
				"Contact: <" + c.contact + ">\r\nContent-Type: application/sdp\r\nContent-Length: " + fmt.Sprint(len(siptest.SDP)) + "\r\n\r\n" + siptest.SDP)
			l := <-w.calls
			if err := l.Answer(context.Background()); err != nil {
				t.Fatal(err)
			}
			p.Expect("SIP/2.0 200")
			p.Request("ACK", 1, "")
			settle()
			l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
			m := other.Expect("BYE " + c.uri + " ")
			other.Reply(m, "200 OK", "")
			<-l.Done()
			settle()
		}
	})
}
