package sip_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"

	"callfloor/internal/siptest"
	"callfloor/sip"
)

// challenged answers 407 until a request carries the right answer.
type challenged struct {
	algorithm, realm, password string
	nonce                      int
	always                     bool // a new nonce each time
	counts                     []string
}

func (d *challenged) answer(_ *carrier, m siptest.Message) []string {
	method, _, _ := strings.Cut(m.Start, " ")
	if method == "CANCEL" || method == "BYE" || method == "OPTIONS" {
		return []string{"200 OK"}
	}
	name, status := "Proxy-Authorization", "407 Proxy Authentication Required\r\nProxy-Authenticate: "
	if method == "REGISTER" {
		name, status = "Authorization", "401 Unauthorized\r\nWWW-Authenticate: "
	}
	cred, err := digest.ParseCredentials(m.Header(name))
	if err == nil && !d.always && cred.Nonce == fmt.Sprint("nonce", d.nonce) {
		want, err := digest.Digest(&digest.Challenge{Realm: d.realm, Nonce: cred.Nonce, Algorithm: d.algorithm, QOP: []string{"auth"}},
			digest.Options{Method: method, URI: cred.URI, Username: "user", Password: d.password, Count: cred.Nc, Cnonce: cred.Cnonce})
		if err == nil && want.Response == cred.Response {
			d.counts = append(d.counts, fmt.Sprint(cred.Nc))
			if method == "REGISTER" {
				return []string{"200 OK\r\nContact: " + m.Header("Contact") + ";expires=" + m.Header("Expires")}
			}
			return []string{answered}
		}
	}
	d.nonce++
	return []string{fmt.Sprintf(`%sDigest realm="%s", nonce="nonce%d", algorithm=%s, qop="auth"`, status, d.realm, d.nonce, d.algorithm)}
}

func secret(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestTrunkChallenges: MD5 and SHA-256, the next call with the next count and
// without another challenge; a wrong password, another realm and a trunk that
// asks for ever get two tries at most.
func TestTrunkChallenges(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		file := secret(t, "secret")
		inBubble(t, nil, func(w *world) {
			d := &challenged{algorithm: algorithm, realm: "carrier", password: "secret"}
			c := w.carrier("10.0.1.1:5060", d.answer)
			defer c.close()
			w.trunks(nil, func(tr *sip.Trunks) {
				for range 2 {
					l, err := tr.Dial(context.Background(), to("+8613812345678"))
					if err != nil {
						t.Fatal(algorithm, err)
					}
					l.Hangup(done)
					time.Sleep(time.Second)
				}
				invites := c.got("INVITE")
				if len(invites) != 3 || strings.Join(d.counts, " ") == "1 1" {
					t.Errorf("%d INVITEs, counts %v", len(invites), d.counts)
				}
			}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, User: "user", PasswordFile: file})
		})
	}
	for name, d := range map[string]*challenged{
		"wrong password": {algorithm: "MD5", realm: "carrier", password: "other"},
		"other realm":    {algorithm: "MD5", realm: "elsewhere", password: "secret"},
		"for ever":       {algorithm: "MD5", realm: "carrier", password: "secret", always: true},
		"unknown":        {algorithm: "AKAv1-MD5", realm: "carrier", password: "secret"},
	} {
		file := secret(t, "secret")
		inBubble(t, nil, func(w *world) {
			c := w.carrier("10.0.1.1:5060", d.answer)
			defer c.close()
			w.trunks(nil, func(tr *sip.Trunks) {
				_, err := tr.Dial(context.Background(), to("+8613812345678"))
				if e, ok := errors.AsType[*sip.RejectedError](err); !ok || e.Status != 407 {
					t.Errorf("%s: %v", name, err)
				}
				n := 0
				for _, m := range c.got("INVITE") {
					if m.Header("Proxy-Authorization") != "" {
						n++
					}
				}
				want := 1
				if name == "other realm" || name == "unknown" {
					want = 0
				}
				if n != want || len(c.got("INVITE")) > 2 {
					t.Errorf("%s: %d INVITEs with an answer, %d in all", name, n, len(c.got("INVITE")))
				}
			}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, User: "user", PasswordFile: file, Realm: "carrier"})
		})
	}
}

// TestStrangersChallenge: credentials are for the trunk's own addresses alone
// (CVE-2021-41158): a challenge that comes from another host is not answered,
// nor one to a call that has nothing to do with the trunk.
func TestStrangersChallenge(t *testing.T) {
	file := secret(t, "secret")
	inBubble(t, nil, func(w *world) {
		stranger, err := w.net.Listen("10.0.66.6:5060")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = stranger.Close() }()
		const challenge = `407 Proxy Authentication Required` + "\r\n" + `Proxy-Authenticate: Digest realm="carrier", nonce="x", algorithm=MD5, qop="auth"`
		c := w.carrier("10.0.1.1:5060", func(_ *carrier, m siptest.Message) []string {
			if strings.HasPrefix(m.Start, "INVITE") {
				_, _ = stranger.WriteTo([]byte(response(m, challenge)), addr(serverAddr))
			}
			return nil
		})
		defer c.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			if _, err := tr.Dial(context.Background(), to("+8613812345678")); err == nil {
				t.Error("answered")
			}
			other := w.carrier("10.0.66.7:5060", func(*carrier, siptest.Message) []string { return []string{challenge} })
			defer other.close()
			if _, err := w.srv.Dial(context.Background(), "sip:1@10.0.66.7", sip.DialOptions{}); err == nil {
				t.Error("answered")
			}
			for _, m := range append(c.got("INVITE"), other.got("INVITE")...) {
				if strings.Contains(m.Raw, "Authorization") {
					t.Errorf("a stranger was answered:\n%s", m.Raw)
				}
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, User: "user", PasswordFile: file})
	})
}

// TestRegistration: a challenge, a 423, a refresh in time, and the end.
func TestRegistration(t *testing.T) {
	file := secret(t, "secret")
	inBubble(t, nil, func(w *world) {
		d := &challenged{algorithm: "SHA-256", realm: "carrier", password: "secret"}
		c := w.carrier("10.0.1.1:5060", func(c *carrier, m siptest.Message) []string {
			if e := m.Header("Expires"); strings.HasPrefix(m.Start, "REGISTER") && m.Header("Authorization") != "" && e == "60" {
				return []string{"423 Interval Too Brief\r\nMin-Expires: 300"}
			}
			return d.answer(c, m)
		})
		defer c.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			time.Sleep(time.Second)
			s := tr.Status()[0]
			if s.State != sip.TrunkUp || s.Registered == nil || time.Until(*s.Registered) > 5*time.Minute {
				t.Fatalf("%+v", s)
			}
			before := len(c.got("REGISTER"))
			for range 20 {
				time.Sleep(time.Minute)
				if s := tr.Status()[0]; s.Registered == nil {
					t.Fatalf("the registration has run out: %+v", s)
				}
			}
			if n := len(c.got("REGISTER")) - before; n < 4 || n > 40 {
				t.Errorf("%d refreshes in 20 minutes", n)
			}
			last := c.got("REGISTER")[before]
			if !regexp.MustCompile(`^<sip:callfloor@10\.0\.0\.1:5060>`).MatchString(last.Header("Contact")) || !strings.Contains(last.Header("To"), "sip:user@10.0.1.1") {
				t.Errorf("%s", last.Raw)
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, User: "user", PasswordFile: file, Register: true, Expires: time.Minute})
		all := c.got("REGISTER")
		if all[len(all)-1].Header("Expires") != "0" {
			t.Errorf("it was not ended: %s", all[len(all)-1].Raw)
		}
	})
}

// TestRegistrationRefused: a wrong password is tried no oftener than four times
// an hour and shows; a dead registrar with a growing pause.
func TestRegistrationRefused(t *testing.T) {
	file := secret(t, "wrong")
	inBubble(t, nil, func(w *world) {
		d := &challenged{algorithm: "MD5", realm: "carrier", password: "secret"}
		c := w.carrier("10.0.1.1:5060", d.answer)
		dead := w.carrier("10.0.1.2:5060", func(*carrier, siptest.Message) []string { return nil })
		defer c.close()
		defer dead.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			time.Sleep(time.Hour)
			if s := tr.Status(); s[0].State != sip.TrunkRefused || s[0].Error == nil || s[1].State != sip.TrunkDown && s[1].State != sip.TrunkUnknown {
				t.Errorf("%+v", s)
			}
			if n := len(c.got("REGISTER")); n < 3 || n > 10 {
				t.Errorf("%d tries with a wrong password in an hour", n)
			}
			if n := len(dead.got("REGISTER")); n < 8 || n > 40 {
				t.Errorf("%d tries at a dead registrar in an hour", n)
			}
			if _, err := tr.Dial(context.Background(), to("+8613812345678")); !errors.Is(err, sip.ErrNoTrunk) {
				t.Errorf("%v", err)
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, User: "user", PasswordFile: file, Register: true},
			sip.TrunkConfig{ID: "two", Group: "two", Hosts: []string{"10.0.1.2"}, User: "user", PasswordFile: file, Register: true})
	})
}
