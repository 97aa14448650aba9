package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icholy/digest"
	"pgregory.net/rapid"
)

// book is a few passwords.
type book map[string]string

func (b book) HA1(user, algorithm string) (string, bool) {
	p, ok := b[user]
	if !ok {
		return "", false
	}
	return HA1(algorithm, user, p), true
}

// here is where the phones of these tests are.
var here = netip.MustParseAddr("192.0.2.7")

// prove answers a challenge as a phone does, with another library's digest.
func prove(t *testing.T, challenge, user, password string, count int) string {
	t.Helper()
	c, err := digest.ParseChallenge(challenge)
	if err != nil {
		t.Fatal(err)
	}
	cred, err := digest.Digest(c, digest.Options{Method: "REGISTER", URI: "sip:x", Username: user, Password: password, Count: count})
	if err != nil {
		t.Fatal(err)
	}
	return cred.String()
}

func TestDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDigestServer(book{"alice": "open sesame"}, []string{MD5, SHA256}, time.Minute)
		check := func(header string) judgement {
			t.Helper()
			c, err := parseAuthorization(header)
			if err != nil {
				return digestBroken
			}
			return d.check(c, true, "REGISTER", here, time.Now())
		}
		for i, algorithm := range []string{MD5, SHA256} {
			ch := d.challenges(here, time.Now(), false)[i]
			if !strings.Contains(ch, "algorithm="+algorithm) || !strings.Contains(ch, `qop="auth"`) {
				t.Fatalf("challenge %s", ch)
			}
			for name, c := range map[string]struct {
				header string
				want   judgement
			}{
				"wrong password":    {prove(t, ch, "alice", "no", 1), digestWrong},
				"unknown user":      {prove(t, ch, "mallory", "open sesame", 1), digestWrong},
				"foreign nonce":     {prove(t, strings.Replace(ch, `nonce="`, `nonce="A`, 1), "alice", "open sesame", 1), digestStale},
				"no hash of ours":   {strings.Replace(prove(t, ch, "alice", "open sesame", 1), "algorithm="+algorithm, "algorithm=SHA-512", 1), digestBroken},
				"a count too short": {strings.Replace(prove(t, ch, "alice", "open sesame", 1), "nc=00000001", "nc=1", 1), digestBroken},
			} {
				if got := check(c.header); got != c.want {
					t.Errorf("%s, %s: %d, wanted %d", algorithm, name, got, c.want)
				}
			}
			for n, want := range []judgement{digestRight, digestRight} {
				if got := check(prove(t, ch, "alice", "open sesame", n+1)); got != want {
					t.Errorf("%s, use %d: %d", algorithm, n+1, got)
				}
			}
			if got := check(prove(t, ch, "alice", "open sesame", 2)); got != digestStale {
				t.Errorf("%s: a replay is %d", algorithm, got)
			}
		}
		ch := d.challenges(here, time.Now(), false)[0]
		time.Sleep(time.Minute + time.Second)
		if got := check(prove(t, ch, "alice", "open sesame", 1)); got != digestStale {
			t.Errorf("an old nonce is %d", got)
		}
		if got := check(prove(t, ch, "alice", "wrong", 1)); got != digestWrong {
			t.Errorf("an old nonce and a wrong password are %d: stale would tell that the password is right", got)
		}
		if ch := d.challenges(here, time.Now(), true)[0]; !strings.Contains(ch, "stale=true") {
			t.Errorf("challenge %s", ch)
		}
	})
}

// hashed is a book that has hashes, as the house's has, and counts how often it is
// opened.
type hashed struct {
	ha1    map[[2]string]string // by user and algorithm
	opened int
}

func (h *hashed) HA1(user, algorithm string) (string, bool) {
	h.opened++
	ha1, ok := h.ha1[[2]string{user, algorithm}]
	return ha1, ok
}

// TestUnknownUsersCostTheSame: a wrong password of a user that there is, and any of
// one that there is not, are judged with as many look-ups and with as many pieces of
// memory, since the same hashes of as many octets are made; whatever the nonce.
func TestUnknownUsersCostTheSame(t *testing.T) {
	phones := &hashed{ha1: map[[2]string]string{}}
	d := newDigestServer(phones, []string{MD5, SHA256}, time.Minute)
	now := time.Now()
	for i, a := range d.algorithms {
		ha1 := HA1(a, "alice", "open sesame")
		phones.ha1[[2]string{"alice", a}] = ha1
		if len(d.nobody[a]) != len(ha1) {
			t.Errorf("%s: what stands for nobody's hash has %d octets, a user's %d", a, len(d.nobody[a]), len(ha1))
		}
		ours := d.challenges(here, now, false)[i]
		for what, ch := range map[string]string{"our nonce": ours, "another nonce": strings.Replace(ours, `nonce="`, `nonce="A`, 1)} {
			cost := map[string]string{}
			for _, user := range []string{"alice", "carol"} {
				c, err := parseAuthorization(prove(t, ch, user, "guess", 1))
				if err != nil {
					t.Fatal(err)
				}
				phones.opened = 0
				if got := d.check(c, true, "REGISTER", here, now); got != digestWrong {
					t.Errorf("%s, %s of %s: %d", a, what, user, got)
				}
				cost[user] = fmt.Sprintf("%d look-ups, ", phones.opened)
				cost[user] += fmt.Sprintf("%.0f pieces of memory", testing.AllocsPerRun(100, func() { d.check(c, true, "REGISTER", here, now) }))
			}
			if cost["alice"] != cost["carol"] {
				t.Errorf("%s, %s: a known user costs %s, an unknown one %s", a, what, cost["alice"], cost["carol"])
			}
		}
	}
}

func TestDigestForgetsOldNonces(t *testing.T) {
	d := newDigestServer(book{}, []string{MD5}, time.Minute)
	now := time.Now()
	for i := range 1000 {
		d.count(fmt.Sprint(i), 1, now.Add(time.Duration(i)*time.Second))
	}
	if n := len(d.used) + len(d.before); n > 130 {
		t.Errorf("%d nonces are kept of two lives of 60", n)
	}
}

func TestParseAuthorization(t *testing.T) {
	good := `Digest username="a\"b", realm="callfloor" , nonce=abc,uri="sip:x;y=1", response="r", QOP=auth, nc=00000001, cnonce="c,d", unknown="x"`
	c, err := parseAuthorization(good)
	if err != nil || c.username != `a"b` || c.nonce != "abc" || c.uri != "sip:x;y=1" || c.cnonce != "c,d" || c.qop != "auth" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []string{
		"Digest", "Digest ", "Digest x", `Digest username="a`, `Digest username="a", realm="r", nonce="n", uri="u"`,
		`Digest username="a", username="b", realm="r", nonce="n", uri="u", response="r"`,
		`Digest username="a" realm="r", nonce="n", uri="u", response="r"`,
		`Digest username="a", realm="r", nonce="n", uri="u", response="r", x="` + strings.Repeat("y", 64<<10) + `"`,
		`Digest ="a"`, `Digest a b="c"`,
	} {
		if _, err := parseAuthorization(bad); err != errBadDigest {
			t.Errorf("%.60s: %v", bad, err)
		}
	}
	if _, err := parseAuthorization("NoOneKnowsThisScheme opaque-data=here"); err != errNotDigest {
		t.Errorf("another scheme: %v", err)
	}
}

// TestDigestOfAnyPassword: whatever the names and passwords, the right answer is
// taken and no other.
func TestDigestOfAnyPassword(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		user := rapid.StringMatching(`[a-z0-9._-]{1,32}`).Draw(r, "user")
		password := rapid.String().Draw(r, "password")
		other := rapid.String().Filter(func(s string) bool { return s != password }).Draw(r, "other")
		algorithm := rapid.SampledFrom([]string{MD5, SHA256}).Draw(r, "algorithm")
		d := newDigestServer(book{user: password}, []string{algorithm}, time.Minute)
		now := time.Now()
		ch := d.challenges(here, now, false)[0]
		for pass, want := range map[string]judgement{password: digestRight, other: digestWrong} {
			c, err := parseAuthorization(prove(t, ch, user, pass, 1))
			if err != nil {
				r.Fatal(err)
			}
			if got := d.check(c, true, "REGISTER", here, now); got != want {
				r.Fatalf("%q: %d", pass, got)
			}
		}
	})
}

func FuzzDigest(f *testing.F) {
	d := newDigestServer(book{"alice": "open sesame"}, []string{MD5, SHA256}, time.Minute)
	f.Add(`Digest username="alice", realm="callfloor", nonce="n", uri="sip:x", response="r", qop=auth, nc=00000001, cnonce="c"`)
	f.Add(`Digest username="a\"b", realm=callfloor,, nonce="" , uri="`)
	f.Add("Digest \t,=\"\\")
	f.Fuzz(func(t *testing.T, header string) {
		c, err := parseAuthorization(header)
		if err != nil {
			return
		}
		if d.check(c, true, "REGISTER", here, time.Unix(1_700_000_000, 0)) == digestRight {
			t.Error("let in without the password")
		}
	})
}
