package sip_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"

	"callfloor/internal/siptest"
	"callfloor/sip"
)

// pbxLogin is a trunk that proves itself by a password.
func pbxLogin(t *testing.T, from ...string) sip.TrunkConfig {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return sip.TrunkConfig{ID: "pbx", Hosts: []string{"10.0.1.1"}, From: from, Login: sip.LoginConfig{User: "pbx", PasswordFile: file}}
}

// peerAt is a peer at an address of its own.
func (w *world) peerAt(ip, id string) *siptest.Peer {
	w.t.Helper()
	conn, err := w.net.Listen(ip + ":0")
	if err != nil {
		w.t.Fatal(err)
	}
	return siptest.NewPeer(w.t, conn, addr(serverAddr), id)
}

// challenges are the values of a 401's headers, in their order.
func challengesOf(m siptest.Message) (all []string) {
	for line := range strings.SplitSeq(m.Raw, "\r\n") {
		if v, ok := strings.CutPrefix(line, "WWW-Authenticate: "); ok {
			all = append(all, v)
		}
	}
	return all
}

func answerTo(t *testing.T, challenge, user, password string, count int) string {
	t.Helper()
	c, err := digest.ParseChallenge(challenge)
	if err != nil {
		t.Fatal(err)
	}
	cred, err := digest.Digest(c, digest.Options{Method: "INVITE", URI: "sip:1000@" + serverAddr, Username: user, Password: password, Count: count})
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: " + cred.String()
}

// invite sends an INVITE and returns the final answer, acknowledged, or the 100.
func invite(p *siptest.Peer, seq int, headers ...string) siptest.Message {
	p.Request("INVITE", seq, siptest.SDP, headers...)
	m := p.Read()
	if !strings.HasPrefix(m.Start, "SIP/2.0 1") {
		p.RequestBranch("ACK", seq, branchOf(m), "")
		p.ToTag = "" // what comes next begins a dialog anew
	}
	return m
}

func branchOf(m siptest.Message) string {
	_, branch, _ := strings.Cut(m.Header("Via"), "branch=")
	branch, _, _ = strings.Cut(branch, ";")
	return branch
}

// TestTrunkProvesItself: an INVITE of a trunk with a login is challenged with
// SHA-256 and MD5, in this order; either answer makes the call the trunk's, and
// what it says of its caller is believed.
func TestTrunkProvesItself(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.trunks(nil, func(*sip.Trunks) {
			for i, algorithm := range []string{sip.SHA256, sip.MD5} {
				p := w.peerAt("10.0.1.9", fmt.Sprint("login", i))
				refused := invite(p, 1)
				list := challengesOf(refused)
				if !strings.HasPrefix(refused.Start, "SIP/2.0 401") || len(list) != 2 || !strings.Contains(list[0], "algorithm=SHA-256") || !strings.Contains(list[1], "algorithm=MD5") {
					t.Fatalf("%s", refused.Raw)
				}
				m := invite(p, 2, answerTo(t, list[i], "pbx", "s3cret", 1), "P-Asserted-Identity: <sip:+861012345678@pbx>")
				if !strings.HasPrefix(m.Start, "SIP/2.0 100") {
					t.Fatalf("%s: %s", algorithm, m.Raw)
				}
				l := <-w.calls
				if l.Trunk() != "pbx" || !l.Trusted() || l.Caller() != "+861012345678" {
					t.Errorf("%s: trunk %q, trusted %v, caller %q", algorithm, l.Trunk(), l.Trusted(), l.Caller())
				}
				_ = l.Reject(486, "Busy Here")
				p.Expect("SIP/2.0 486")
				p.RequestBranch("ACK", 2, branchOf(m), "")
				p.ToTag = ""
				if again := invite(p, 3, answerTo(t, list[i], "pbx", "s3cret", 1)); !strings.Contains(again.Raw, "stale=true") {
					t.Errorf("a replay:\n%s", again.Raw)
				}
				if m := invite(p, 4, answerTo(t, list[i], "pbx", "s3cret", 2)); !strings.HasPrefix(m.Start, "SIP/2.0 100") {
					t.Errorf("the next count:\n%s", m.Raw)
				}
				_ = (<-w.calls).Reject(486, "Busy Here")
				p.Expect("SIP/2.0 486")
			}
			time.Sleep(time.Minute)
		}, pbxLogin(t, "10.0.1.0/24"))
	})
}

// TestLoginsAreBound: an answer is good from the address that was asked alone,
// and a trunk's password from the trunk's networks alone.
func TestLoginsAreBound(t *testing.T) {
	two := pbxLogin(t)
	two.ID, two.Hosts, two.Login.User = "two", []string{"10.0.2.1"}, "two"
	inBubble(t, func(c *sip.Config) { c.Strangers = sip.StrangersChallenged }, func(w *world) {
		w.trunks(nil, func(*sip.Trunks) {
			asked, other, outside := w.peerAt("10.0.1.9", "asked"), w.peerAt("10.0.1.8", "other"), w.peerAt("10.0.9.9", "outside")
			ch := challengesOf(invite(asked, 1))[0]
			if m := invite(other, 1, answerTo(t, ch, "pbx", "s3cret", 1)); !strings.HasPrefix(m.Start, "SIP/2.0 401") || !strings.Contains(m.Raw, "stale=true") {
				t.Errorf("another address with the answer:\n%s", m.Raw)
			}
			ch = challengesOf(invite(outside, 1))[0]
			if m := invite(outside, 2, answerTo(t, ch, "pbx", "s3cret", 1)); !strings.HasPrefix(m.Start, "SIP/2.0 401") || strings.Contains(m.Raw, "stale") {
				t.Errorf("the trunk's password from outside:\n%s", m.Raw)
			}
			// Nor does the nonce tell that it was right: it is still good for a login of one's own.
			if m := invite(outside, 3, answerTo(t, ch, "two", "s3cret", 1)); !strings.HasPrefix(m.Start, "SIP/2.0 100") {
				t.Fatalf("another trunk's password after it:\n%s", m.Raw)
			}
			_ = (<-w.calls).Reject(486, "Busy Here")
			outside.Expect("SIP/2.0 486")
			time.Sleep(time.Minute)
		}, pbxLogin(t, "10.0.1.0/24"), two)
	})
}

// TestStrangersAreChallenged: scanners get one and the same answer for users and
// lines that there are and are not; a telephone of the house gets through, and is
// no trunk.
func TestStrangersAreChallenged(t *testing.T) {
	inBubble(t, func(c *sip.Config) { c.Strangers, c.Algorithms = sip.StrangersChallenged, []string{sip.MD5} }, func(w *world) {
		w.trunks(nil, func(*sip.Trunks) {
			var answers []string
			for i, line := range []string{"1000", "nobody"} {
				p := w.peerAt(fmt.Sprintf("10.0.9.%d", i+1), fmt.Sprint("scan", i))
				p.RequestLine = line
				first := invite(p, 1)
				ch := challengesOf(first)
				if len(ch) != 1 {
					t.Fatalf("%d challenges where MD5 is wanted:\n%s", len(ch), first.Raw)
				}
				shape := first.Start
				for n, user := range []string{"pbx", "nobody", "pbx"} {
					m := invite(p, n+2, answerTo(t, challengesOf(first)[0], user, "guess", n+1))
					shape += "|" + m.Start + fmt.Sprint(len(challengesOf(m)), strings.Contains(m.Raw, "stale"))
				}
				answers = append(answers, shape)
			}
			if answers[0] != answers[1] || strings.Contains(answers[0], "404") {
				t.Errorf("they can tell them apart:\n%s\n%s", answers[0], answers[1])
			}
			p := w.peerAt("10.0.8.1", "three")
			for n := range 3 {
				ch := challengesOf(invite(p, 2*n+1))[0]
				invite(p, 2*n+2, answerTo(t, ch, "pbx", "guess", 1))
			}
			if m := invite(p, 7, answerTo(t, challengesOf(invite(p, 6))[0], "pbx", "s3cret", 1)); !strings.HasPrefix(m.Start, "SIP/2.0 403") {
				t.Errorf("the right password after three wrong ones:\n%s", m.Raw)
			}
			time.Sleep(time.Minute)
		}, pbxLogin(t))
	})
	telephone := func(o *sip.Options) { o.Phones = book{"alice": "open sesame"} }
	inBubble(t, nil, func(w *world) {
		w.options = telephone
		calls := make(chan *sip.Leg, 1)
		srv := w.server(registrarAddr, func(c *sip.Config) { c.Strangers = sip.StrangersChallenged }, func(l *sip.Leg) { calls <- l })
		defer w.close(srv)
		conn, err := w.net.Listen("10.0.7.1:0")
		if err != nil {
			t.Fatal(err)
		}
		p := siptest.NewPeer(w.t, conn, addr(registrarAddr), "alice")
		if m := invite(p, 2, answerTo(t, challengesOf(invite(p, 1))[0], "alice", "open sesame", 1)); !strings.HasPrefix(m.Start, "SIP/2.0 100") {
			t.Fatalf("%s", m.Raw)
		}
		l := <-calls
		if l.Trusted() || l.Trunk() != "" {
			t.Errorf("a telephone's call is a trunk's: %q", l.Trunk())
		}
		_ = l.Reject(486, "Busy Here")
		p.Expect("SIP/2.0 486")
		time.Sleep(time.Minute)
	})
}

// TestOptionalSRTPOfTrunks: a trunk with srtp: optional is offered keys with
// plain RTP (RFC 8643); whether it answers with a key decides.
func TestOptionalSRTPOfTrunks(t *testing.T) {
	for name, answer := range map[string]string{
		"plain": siptest.SDP, "keys": siptest.SDP + "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" + phonesKey + "\r\n",
	} {
		inBubble(t, nil, func(w *world) {
			c := w.carrier("10.0.1.1:5060", func(_ *carrier, m siptest.Message) []string {
				if !strings.HasPrefix(m.Start, "INVITE") {
					return []string{"200 OK"}
				}
				body := answer
				for line := range strings.SplitSeq(m.Body, "\r\n") { // the tag is ours
					if tag, suite, ok := strings.Cut(line, " "); ok && strings.HasPrefix(suite, "AES_CM_128_HMAC_SHA1_80") {
						body = strings.Replace(body, "a=crypto:2", tag, 1)
					}
				}
				return []string{"200 OK\r\nContact: <sip:carrier@10.0.1.1:5060>\r\n\r\n" + body}
			})
			defer c.close()
			w.trunks(nil, func(tr *sip.Trunks) {
				l, err := tr.Dial(context.Background(), sip.TrunkCall{Number: sip.TrunkNumber{E164: "+8613800138000"}})
				if err != nil {
					t.Fatal(err)
				}
				offer := c.got("INVITE")[0].Body
				if !strings.Contains(offer, " RTP/AVP ") || !strings.Contains(offer, "a=crypto:1 ") {
					t.Errorf("the offer:\n%s", offer)
				}
				r := w.session(0).Remotes()
				if got := r[len(r)-1].Protection; got.Send.Valid() != (name == "keys") || name == "keys" && got.Receive.Inline() != phonesKey {
					t.Errorf("%s: the media was told %+v", name, got)
				}
				l.Hangup(done)
				time.Sleep(time.Minute)
			}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, SRTP: "optional"})
		})
	}
}
