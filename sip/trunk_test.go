package sip_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/sip"
)

// carrier is the far end of a trunk: it answers every request as a function
// says, and remembers what came.
type carrier struct {
	t    *testing.T
	conn net.PacketConn
	done chan struct{}

	mu   sync.Mutex
	came []siptest.Message
	from map[string]net.Addr
	// answer returns the responses to a request: "100 Trying", or with headers
	// and a body after the first line. An ACK is never answered.
	answer func(c *carrier, m siptest.Message) []string
}

func (w *world) carrier(addr string, answer func(*carrier, siptest.Message) []string) *carrier {
	w.t.Helper()
	conn, err := w.net.Listen(addr)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &carrier{t: w.t, conn: conn, done: make(chan struct{}), answer: answer}
	go c.serve()
	return c
}

func (c *carrier) close() { _ = c.conn.Close(); <-c.done }

func (c *carrier) serve() {
	defer close(c.done)
	buf := make([]byte, 65536)
	for {
		n, from, err := c.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m siptest.Message
		m.Raw = string(buf[:n])
		m.Start, _, _ = strings.Cut(m.Raw, "\r\n")
		_, m.Body, _ = strings.Cut(m.Raw, "\r\n\r\n")
		c.mu.Lock()
		c.came = append(c.came, m)
		c.mu.Unlock()
		if strings.HasPrefix(m.Start, "SIP/2.0") || strings.HasPrefix(m.Start, "ACK") {
			continue
		}
		for i, r := range c.answer(c, m) {
			if i > 0 {
				time.Sleep(50 * time.Millisecond) // they do not overtake each other
			}
			_, _ = c.conn.WriteTo([]byte(response(m, r)), from)
		}
	}
}

// response builds a response from "STATUS REASON\r\nHeader: …\r\n\r\nbody".
func response(m siptest.Message, r string) string {
	head, body, _ := strings.Cut(r, "\r\n\r\n")
	var b strings.Builder
	status, headers, _ := strings.Cut(head, "\r\n")
	b.WriteString("SIP/2.0 " + status + "\r\n")
	request, _, _ := strings.Cut(m.Raw, "\r\n\r\n")
	for line := range strings.SplitSeq(request, "\r\n") {
		switch k, _, _ := strings.Cut(line, ":"); strings.ToLower(k) {
		case "to":
			if !strings.Contains(line, "tag=") && !strings.HasPrefix(status, "100") {
				line += ";tag=carrier"
			}
			b.WriteString(line + "\r\n")
		case "via", "from", "call-id", "cseq":
			b.WriteString(line + "\r\n")
		}
	}
	if headers != "" {
		b.WriteString(headers + "\r\n")
	}
	if body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}

// got are the requests of a method that came, repetitions left out.
func (c *carrier) got(method string) []siptest.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []siptest.Message
	seen := map[string]bool{}
	for _, m := range c.came {
		if id := m.Header("Via"); strings.HasPrefix(m.Start, method+" ") && !seen[id] {
			seen[id] = true
			out = append(out, m)
		}
	}
	return out
}

const answered = "200 OK\r\nContact: <sip:carrier@10.0.1.1:5060>\r\n\r\n" + siptest.SDP

// takes is a carrier that answers every call.
func takes(_ *carrier, m siptest.Message) []string {
	if strings.HasPrefix(m.Start, "INVITE") {
		return []string{"100 Trying", "180 Ringing", answered}
	}
	return []string{"200 OK"}
}

// trunks are the trunks of the world's server, closed at the end of fn.
func (w *world) trunks(ask sip.Lookup, fn func(*sip.Trunks), list ...sip.TrunkConfig) {
	w.t.Helper()
	for i := range list {
		if list[i].OptionsEvery == 0 {
			list[i].OptionsEvery = time.Hour
		}
	}
	t, err := sip.NewTrunks(w.srv, list, ask)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := t.Start(); err != nil {
		w.t.Fatal(err)
	}
	fn(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := t.Close(ctx); err != nil {
		w.t.Error(err)
	}
}

func to(number string) sip.TrunkCall {
	return sip.TrunkCall{Number: sip.TrunkNumber{E164: number, Dialled: number}, Caller: "+861065529988"}
}

var done = contact.EndCause{By: contact.System, Class: contact.EndCompleted, Why: "done"}

// TestTrunkCarriesACall: the number and the caller as the trunk wants them, and
// what it offers.
func TestTrunkCarriesACall(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		c := w.carrier("10.0.1.1:5060", takes)
		defer c.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			var progress []int
			var prepared int
			call := to("+8613812345678")
			call.Progress = func(status int, _ bool) { progress = append(progress, status) }
			call.Prepare = func(*sip.Leg) { prepared++ }
			l, err := tr.Dial(context.Background(), call)
			if err != nil {
				t.Fatal(err)
			}
			invite := c.got("INVITE")[0]
			if invite.Start != "INVITE sip:0013812345678@10.0.1.1 SIP/2.0" || !strings.Contains(invite.Header("From"), "sip:+861065529988@10.0.0.1") {
				t.Errorf("%s from %s", invite.Start, invite.Header("From"))
			}
			if !strings.Contains(invite.Body, "RTP/AVP 8 101") || prepared != 1 || len(progress) != 1 || progress[0] != 180 || l.Trunk() != "one" {
				t.Errorf("prepared %d times, progress %v, trunk %q, offer\n%s", prepared, progress, l.Trunk(), invite.Body)
			}
			if s := tr.Status()[0]; s.Calls != 1 || s.Placed != 1 {
				t.Errorf("status %+v", s)
			}
			l.Hangup(done)
			time.Sleep(time.Second)
			if s := tr.Status()[0]; s.Calls != 0 || len(c.got("BYE")) != 1 {
				t.Errorf("after the call %+v, %d BYEs", s, len(c.got("BYE")))
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, Codecs: []string{"PCMA"}, Strip: "+86", Add: "00"})
	})
}

func TestNumbersOfTrunks(t *testing.T) {
	for _, tt := range []struct {
		c    sip.TrunkConfig
		n    sip.TrunkNumber
		want string
	}{
		{sip.TrunkConfig{}, sip.TrunkNumber{E164: "+8613812345678"}, "+8613812345678"},
		{sip.TrunkConfig{Format: "e164"}, sip.TrunkNumber{E164: "+8613812345678"}, "8613812345678"},
		{sip.TrunkConfig{Format: "e164", Add: "00"}, sip.TrunkNumber{E164: "+8613812345678"}, "008613812345678"},
		{sip.TrunkConfig{Format: "national"}, sip.TrunkNumber{E164: "+861065529988", National: "01065529988"}, "01065529988"},
		{sip.TrunkConfig{Format: "national", Strip: "0", Add: "9"}, sip.TrunkNumber{E164: "+861065529988", National: "01065529988"}, "91065529988"},
		{sip.TrunkConfig{Format: "dialled"}, sip.TrunkNumber{E164: "+8613812345678", Dialled: "13812345678"}, "13812345678"},
		{sip.TrunkConfig{}, sip.TrunkNumber{Dialled: "110"}, "110"},
		{sip.TrunkConfig{Rewrite: []sip.RewriteConfig{{Match: `^\+86(1[3-9].*)$`, To: "0$1"}, {Match: ".", To: "x"}}}, sip.TrunkNumber{E164: "+8613812345678"}, "013812345678"},
		{sip.TrunkConfig{Rewrite: []sip.RewriteConfig{{Match: "^.*$", To: "1009"}}}, sip.TrunkNumber{E164: "+8613812345678"}, "1009"},
	} {
		inBubble(t, nil, func(w *world) {
			c := w.carrier("10.0.1.1:5060", func(*carrier, siptest.Message) []string { return []string{"486 Busy Here"} })
			defer c.close()
			tt.c.ID, tt.c.Hosts = "one", []string{"10.0.1.1"}
			w.trunks(nil, func(tr *sip.Trunks) {
				_, err := tr.Dial(context.Background(), sip.TrunkCall{Number: tt.n})
				if e, ok := errors.AsType[*sip.RejectedError](err); !ok || e.Status != 486 {
					t.Errorf("%v", err)
				}
				if got := c.got("INVITE"); len(got) != 1 || !strings.HasPrefix(got[0].Start, "INVITE sip:"+tt.want+"@") {
					t.Errorf("%+v: %q, want %s", tt.c, got, tt.want)
				}
			}, tt.c)
		})
	}
}

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

// TestNextTrunk: a trunk that is dead, one that fails and one that is full
// leave the call to the next, within four seconds each; the answer of the dead
// one, should it come late, is ended.
func TestNextTrunk(t *testing.T) {
	late := make(chan siptest.Message, 1)
	for name, first := range map[string]func(*carrier, siptest.Message) []string{
		"silent": func(_ *carrier, m siptest.Message) []string {
			if strings.HasPrefix(m.Start, "INVITE") {
				select {
				case late <- m:
				default:
				}
				return nil
			}
			return []string{"200 OK"}
		},
		"500": func(*carrier, siptest.Message) []string { return []string{"500 Server Internal Error"} },
		"503": func(*carrier, siptest.Message) []string {
			return []string{"503 Service Unavailable\r\nRetry-After: 300"}
		},
		"full": takes,
	} {
		inBubble(t, nil, func(w *world) {
			a, b := w.carrier("10.0.1.1:5060", first), w.carrier("10.0.1.2:5060", takes)
			defer a.close()
			defer b.close()
			w.trunks(nil, func(tr *sip.Trunks) {
				if name == "full" {
					if _, err := tr.Dial(context.Background(), to("+8613812345678")); err != nil {
						t.Fatal(err)
					}
				}
				start := time.Now()
				l, err := tr.Dial(context.Background(), to("+8613812345678"))
				if err != nil {
					t.Fatal(name, err)
				}
				if took := time.Since(start); took > 4*time.Second || l.Trunk() != "two" {
					t.Errorf("%s: %s over %s", name, took, l.Trunk())
				}
				if name == "silent" {
					m := <-late
					_, _ = a.conn.WriteTo([]byte(response(m, answered)), addr(serverAddr))
					time.Sleep(time.Second)
					if len(a.got("ACK")) != 1 || len(a.got("BYE")) != 1 || len(b.got("BYE")) != 0 {
						t.Errorf("a late answer: %d ACKs, %d BYEs; %d BYEs to the right one", len(a.got("ACK")), len(a.got("BYE")), len(b.got("BYE")))
					}
				}
				if name == "503" {
					if s := tr.Status()[0]; s.State != sip.TrunkResting || s.Failed != 1 {
						t.Errorf("%+v", s)
					}
					before := len(a.got("INVITE"))
					if _, err := tr.Dial(context.Background(), to("+8613812345678")); err != nil || len(a.got("INVITE")) != before {
						t.Errorf("it was asked while it rests: %v", err)
					}
				}
			}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, MaxCalls: 1}, sip.TrunkConfig{ID: "two", Order: 1, Hosts: []string{"10.0.1.2"}})
		})
	}
}

// TestRefusedNumberIsNotTriedAgain: what is the number's fault is no trunk's.
func TestRefusedNumberIsNotTriedAgain(t *testing.T) {
	for _, status := range []string{"404 Not Found", "486 Busy Here", "603 Decline", "403 Forbidden"} {
		inBubble(t, nil, func(w *world) {
			a, b := w.carrier("10.0.1.1:5060", func(*carrier, siptest.Message) []string { return []string{status} }), w.carrier("10.0.1.2:5060", takes)
			defer a.close()
			defer b.close()
			w.trunks(nil, func(tr *sip.Trunks) {
				_, err := tr.Dial(context.Background(), to("+8613812345678"))
				if _, ok := errors.AsType[*sip.RejectedError](err); !ok || len(b.got("INVITE")) != 0 || tr.Status()[0].Failed != 0 {
					t.Errorf("%s: %v, %d INVITEs elsewhere", status, err, len(b.got("INVITE")))
				}
			}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}}, sip.TrunkConfig{ID: "two", Order: 1, Hosts: []string{"10.0.1.2"}})
		})
	}
}

// TestTrunkDown: three questions without an answer and it is down; one with,
// and it is up.
func TestTrunkDown(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		var mu sync.Mutex
		alive := true
		c := w.carrier("10.0.1.1:5060", func(*carrier, siptest.Message) []string {
			mu.Lock()
			defer mu.Unlock()
			if alive {
				return []string{"404 Not Found"}
			}
			return nil
		})
		defer c.close()
		set := func(on bool) { mu.Lock(); alive = on; mu.Unlock() }
		w.trunks(nil, func(tr *sip.Trunks) {
			time.Sleep(10 * time.Second)
			if s := tr.Status()[0]; s.State != sip.TrunkUp {
				t.Errorf("%+v", s)
			}
			set(false)
			time.Sleep(60 * time.Second)
			if s := tr.Status()[0]; s.State != sip.TrunkUp {
				t.Errorf("down after two misses: %+v", s)
			}
			time.Sleep(60 * time.Second)
			if s := tr.Status()[0]; s.State != sip.TrunkDown || s.Error == nil {
				t.Errorf("%+v", s)
			}
			if _, err := tr.Dial(context.Background(), to("+8613812345678")); !errors.Is(err, sip.ErrNoTrunk) || len(c.got("INVITE")) != 0 {
				t.Errorf("%v", err)
			}
			set(true)
			time.Sleep(40 * time.Second)
			if s := tr.Status()[0]; s.State != sip.TrunkUp {
				t.Errorf("%+v", s)
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, OptionsEvery: 30 * time.Second})
	})
}

// TestRedirects: a 3xx is followed over our own trunk, and only where the rule
// says so; never to the host that it names, never for ever.
func TestRedirects(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		c := w.carrier("10.0.1.1:5060", func(_ *carrier, m siptest.Message) []string {
			if strings.HasPrefix(m.Start, "INVITE sip:+8610@") {
				return []string{"302 Moved Temporarily\r\nContact: <sip:+8612@10.0.66.6>"}
			}
			return takes(nil, m)
		})
		evil := w.carrier("10.0.66.6:5060", takes)
		defer c.close()
		defer evil.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			var asked []string
			call := to("+8610")
			call.Redirect = func(_ context.Context, user string) (sip.TrunkNumber, error) {
				asked = append(asked, user)
				return sip.TrunkNumber{E164: user}, nil
			}
			l, err := tr.Dial(context.Background(), call)
			if err != nil || len(asked) != 1 || asked[0] != "+8612" || len(evil.got("INVITE")) != 0 {
				t.Fatalf("asked for %v, %v; %d INVITEs to a stranger", asked, err, len(evil.got("INVITE")))
			}
			l.Hangup(done)
			refuse := contact.Errorf(contact.OutboundRefused, "no")
			call.Redirect = func(context.Context, string) (sip.TrunkNumber, error) { return sip.TrunkNumber{}, refuse }
			if _, err := tr.Dial(context.Background(), call); contact.ErrorCode(err) != contact.OutboundRefused {
				t.Errorf("refused by the rule: %v", err)
			}
			call.Redirect = nil
			if _, err := tr.Dial(context.Background(), call); err == nil {
				t.Error("followed without a rule")
			}
			loop := to("+8610")
			loop.Redirect = func(context.Context, string) (sip.TrunkNumber, error) { return sip.TrunkNumber{E164: "+8610"}, nil }
			before := len(c.got("INVITE"))
			if _, err := tr.Dial(context.Background(), loop); err == nil || len(c.got("INVITE"))-before > 4 {
				t.Errorf("a loop: %v after %d INVITEs", err, len(c.got("INVITE"))-before)
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}})
	})
}

// TestGivingUpBetweenTrunks: who stops waiting while the second trunk rings
// leaves nothing behind.
func TestGivingUpBetweenTrunks(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		a := w.carrier("10.0.1.1:5060", func(*carrier, siptest.Message) []string { return nil })
		b := w.carrier("10.0.1.2:5060", func(_ *carrier, m siptest.Message) []string {
			if strings.HasPrefix(m.Start, "INVITE") {
				return []string{"180 Ringing"}
			}
			return []string{"200 OK"}
		})
		defer a.close()
		defer b.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if _, err := tr.Dial(ctx, to("+8613812345678")); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			time.Sleep(2 * time.Minute)
			if len(b.got("CANCEL")) != 1 || w.srv.Calls() != 0 || tr.Status()[1].Calls != 0 {
				t.Errorf("%d CANCELs, %d legs, %+v", len(b.got("CANCEL")), w.srv.Calls(), tr.Status())
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}}, sip.TrunkConfig{ID: "two", Order: 1, Hosts: []string{"10.0.1.2"}})
	})
}

// TestCapsOfTrunks: calls at once and calls per second; an urgent call passes.
func TestCapsOfTrunks(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		c := w.carrier("10.0.1.1:5060", takes)
		defer c.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			ok := 0
			for range 5 {
				if _, err := tr.Dial(context.Background(), to("+8613812345678")); err == nil {
					ok++
				}
			}
			if ok != 2 {
				t.Errorf("%d calls in one second", ok)
			}
			time.Sleep(2 * time.Second)
			_, err := tr.Dial(context.Background(), to("+8613812345678"))
			if _, again := tr.Dial(context.Background(), to("+8613812345678")); err != nil || !errors.Is(again, sip.ErrNoTrunk) {
				t.Errorf("third: %v, fourth: %v", err, again)
			}
			urgent := to("110")
			urgent.Urgent = true
			if _, err := tr.Dial(context.Background(), urgent); err != nil {
				t.Errorf("urgent: %v", err)
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, MaxCalls: 3, CallsPerSecond: 2})
	})
}

// TestWhoseCallItIs: calls from a trunk's network are the trunk's.
func TestWhoseCallItIs(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.trunks(nil, func(*sip.Trunks) {
			for from, want := range map[string]string{"10.0.1.7": "one", "10.0.9.9": "", "::ffff:10.0.1.7": "one"} {
				if got := w.srv.TrunkOf(netip.MustParseAddr(from)); got != want {
					t.Errorf("%s is of %q, want %q", from, got, want)
				}
			}
			conn, err := w.net.Listen("10.0.1.9:0")
			if err != nil {
				t.Fatal(err)
			}
			p := siptest.NewPeer(w.t, conn, addr(serverAddr), "in")
			p.Request("INVITE", 1, siptest.SDP)
			l := <-w.calls
			if l.Trunk() != "one" || l.TrunkLine() != "2000" { // the trunk's user was called
				t.Errorf("trunk %q, line %q", l.Trunk(), l.TrunkLine())
			}
			_ = l.Reject(404, "Not Found")
			p.Expect("SIP/2.0 404")
			p.Request("ACK", 1, "")
			time.Sleep(time.Minute)
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, From: []string{"10.0.1.0/24"}, User: "1000", Line: "2000"})
	})
}
