package sip_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/media"
	"callfloor/sip"
	"callfloor/sip/sdp"
)

const phonesKey = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"

// secureSDP is the peer's description over another protocol.
func secureSDP(proto string, lines ...string) string {
	return strings.Replace(siptest.SDP, "RTP/AVP", proto, 1) + strings.Join(append(lines, ""), "\r\n")
}

func TestSecureCall(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		p := w.peer("secure")
		p.Request("INVITE", 1, secureSDP("RTP/SAVP", "a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:"+phonesKey))
		l := <-w.calls
		if err := l.Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		first := p.Expect("SIP/2.0 200").Body
		if !strings.Contains(first, " RTP/SAVP 0") || !strings.Contains(first, "a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:") {
			t.Errorf("the answer:\n%s", first)
		}
		p.Request("ACK", 1, "")
		settle()
		r := w.session(0).Remotes()
		if got := r[len(r)-1].Protection; got.Receive.Inline() != phonesKey || !strings.Contains(first, got.Send.Inline()) {
			t.Errorf("the media was told %+v", got)
		}
		p.Request("INVITE", 2, strings.Replace(secureSDP("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+phonesKey), "s=-", "s=-\r\na=inactive", 1))
		second := p.Expect("SIP/2.0 200").Body
		_, before, _ := strings.Cut(first, "inline:")
		_, after, _ := strings.Cut(second, "inline:")
		if before[:40] != after[:40] {
			t.Error("a re-INVITE changed our key")
		}
		p.Request("ACK", 2, "")
		settle()
		for _, e := range traces(l) {
			if strings.Contains(fmt.Sprintf("%+v", e), phonesKey[:8]) || strings.Contains(fmt.Sprintf("%+v", e), before[:8]) {
				t.Errorf("a key is in the timeline: %+v", e)
			}
		}
	})
}

func traces(l *sip.Leg) (all []sip.Trace) {
	l.OnTrace(func(e sip.Trace) { all = append(all, e) })
	settle()
	return all
}

func TestSRTPPolicies(t *testing.T) {
	for policy, want := range map[sdp.Policy][2]string{
		sdp.Optional: {"SIP/2.0 100", "SIP/2.0 100"}, sdp.Require: {"SIP/2.0 488", "SIP/2.0 100"}, sdp.Off: {"SIP/2.0 100", "SIP/2.0 488"},
	} {
		inBubble(t, func(c *sip.Config) { c.SRTP = policy }, func(w *world) {
			for i, body := range []string{siptest.SDP, secureSDP("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+phonesKey)} {
				p := w.peer(fmt.Sprint("policy", i))
				p.Request("INVITE", 1, body)
				if m := p.Read(); !strings.HasPrefix(m.Start, want[i]) {
					t.Errorf("%s, offer %d: %s", policy, i, m.Start)
				} else if strings.HasPrefix(m.Start, "SIP/2.0 488") && !strings.Contains(m.Raw, "encrypt") {
					t.Errorf("%s: the refusal does not say why:\n%s", policy, m.Raw)
				}
			}
			settle()
			for len(w.calls) > 0 {
				_ = (<-w.calls).Reject(486, "Busy Here")
			}
			settle()
		})
	}
}

// Gate 6: the call is cleared at once, with a cause that says why.
func TestInsecureCallIsCleared(t *testing.T) {
	for _, tt := range []struct {
		err  error
		q850 int
		why  string
	}{
		{media.ErrCertificate, 57, "certificate"},
		{errors.Join(media.ErrHandshake, errors.New("no suite")), 58, "handshake"},
	} {
		inBubble(t, nil, func(w *world) {
			p := w.peer("mitm")
			p.Request("INVITE", 1, secureSDP("UDP/TLS/RTP/SAVP", "a=fingerprint:sha-256 AA:BB", "a=setup:actpass", "a=rtcp-mux"))
			l := <-w.calls
			if err := l.Answer(context.Background()); err != nil {
				t.Fatal(err)
			}
			answer := p.Expect("SIP/2.0 200").Body
			if !strings.Contains(answer, "a=setup:passive") || !strings.Contains(answer, "a=fingerprint:sha-256 ") {
				t.Errorf("the answer:\n%s", answer)
			}
			p.Request("ACK", 1, "")
			settle()
			start := time.Now()
			w.session(0).FailHandshake(tt.err)
			bye := p.Expect("BYE ")
			if !strings.Contains(bye.Raw, fmt.Sprintf("Q.850;cause=%d", tt.q850)) || time.Since(start) > time.Second {
				t.Errorf("after %v:\n%s", time.Since(start), bye.Raw)
			}
			p.Reply(bye, "200 OK", "")
			wantCause(t, l, contact.System, contact.EndFailed, 0)
			if c := l.Cause(); c.Q850 != tt.q850 || !strings.Contains(c.Why, tt.why) {
				t.Errorf("cause: %+v", c)
			}
		})
	}
}
