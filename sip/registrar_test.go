package sip_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/sip"
)

// book is a few passwords of telephones.
type book map[string]string

func (b book) HA1(user, algorithm string) (string, bool) {
	p, ok := b[user]
	return sip.HA1(algorithm, user, p), ok
}

const registrarAddr = "10.0.0.3:5060"

// registrar is a further server in the world, where phones may register; news
// is what OnPhone was told.
func (w *world) registrar(change func(*sip.Config)) (srv *sip.Server, news *[]string) {
	w.t.Helper()
	conn, err := w.net.Listen(registrarAddr)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := sip.DefaultConfig()
	cfg.Registrar.Keepalive = 0
	if change != nil {
		change(&cfg)
	}
	news = &[]string{}
	srv, err = sip.New(cfg, sip.Options{
		Conn: conn, Pacer: w.pacer, Phones: book{"alice": "open sesame", "bob": "swordfish"},
		OpenMedia: func(c sip.MediaConfig) (sip.Media, error) { return siptest.OpenSession(w.net, c.IP, w.pacer) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	srv.WatchPhones(func(user string, on bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		*news = append(*news, fmt.Sprint(user, " ", on))
	})
	if err := srv.Start(); err != nil {
		w.t.Fatal(err)
	}
	return srv, news
}

// phone is a scripted telephone of the registrar.
type phone struct {
	*siptest.Peer
	t    *testing.T
	user string
	pass string
	seq  int
	auth digest.Options
	chal *digest.Challenge
}

func (w *world) phone(user, pass string) *phone {
	w.t.Helper()
	conn, err := w.net.Listen("10.0.0.9:0")
	if err != nil {
		w.t.Fatal(err)
	}
	return &phone{Peer: siptest.NewPeer(w.t, conn, addr(registrarAddr), user+conn.LocalAddr().String()), t: w.t, user: user, pass: pass}
}

// ask sends one REGISTER and returns the answer.
func (p *phone) ask(contactHeader string, headers ...string) siptest.Message {
	p.t.Helper()
	p.seq++
	lines := []string{
		"REGISTER sip:{to} SIP/2.0", fmt.Sprintf("Via: SIP/2.0/UDP {me};branch=z9hG4bK{callid}%d;rport", p.seq), "Max-Forwards: 70",
		"From: <sip:" + p.user + "@{to}>;tag=f", "To: <sip:" + p.user + "@{to}>", "Call-ID: {callid}", fmt.Sprintf("CSeq: %d REGISTER", p.seq),
	}
	if contactHeader != "" {
		lines = append(lines, "Contact: "+contactHeader)
	}
	lines = append(append(lines, headers...), "Content-Length: 0", "", "")
	p.Send(strings.Join(lines, "\r\n"))
	return p.Expect("SIP/2.0")
}

// register asks, answers the challenge, and returns the second answer.
func (p *phone) register(contactHeader string, headers ...string) siptest.Message {
	p.t.Helper()
	m := p.ask(contactHeader, headers...)
	if !strings.HasPrefix(m.Start, "SIP/2.0 401") {
		return m
	}
	return p.ask(contactHeader, append(headers, p.proof(m, 1))...)
}

func (p *phone) proof(challenge siptest.Message, count int) string {
	p.t.Helper()
	c, err := digest.ParseChallenge(challenge.Header("WWW-Authenticate"))
	if err != nil {
		p.t.Fatal(err)
	}
	cred, err := digest.Digest(c, digest.Options{Method: "REGISTER", URI: "sip:" + registrarAddr, Username: p.user, Password: p.pass, Count: count})
	if err != nil {
		p.t.Fatal(err)
	}
	return "Authorization: " + cred.String()
}

func TestRegister(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		srv, news := w.registrar(nil)
		defer w.close(srv)
		p := w.phone("alice", "open sesame")
		m := p.register("<sip:alice@10.0.0.9:5062>;expires=120")
		if !strings.HasPrefix(m.Start, "SIP/2.0 200") || !strings.Contains(m.Header("Contact"), "<sip:alice@10.0.0.9:5062>;expires=120") || m.Header("Date") == "" {
			t.Fatalf("%s", m.Raw)
		}
		got := srv.Registered("alice")
		if len(got) != 1 || got[0].URI != "sip:alice@10.0.0.9:5062" || got[0].Flow.Addr().String() != "10.0.0.9" || got[0].Transport != "UDP" {
			t.Errorf("registered: %+v", got)
		}
		if m := p.ask(""); !strings.HasPrefix(m.Start, "SIP/2.0 401") {
			t.Errorf("a question without a password: %s", m.Start)
		}
		if m := p.register(""); !strings.Contains(m.Header("Contact"), "sip:alice@10.0.0.9:5062") { // a query
			t.Errorf("the list: %s", m.Raw)
		}
		if m := p.register("<sip:alice@10.0.0.9:5062>;expires=59"); !strings.HasPrefix(m.Start, "SIP/2.0 423") || m.Header("Min-Expires") != "60" {
			t.Errorf("too short: %s", m.Raw)
		}
		if m := p.register("<sip:alice@10.0.0.9:5062>", "Expires: 999999"); !strings.Contains(m.Header("Contact"), "expires=3600") {
			t.Errorf("too long: %s", m.Raw)
		}
		time.Sleep(time.Hour + 2*time.Second)
		if got := srv.Registered("alice"); len(got) != 0 {
			t.Errorf("after its time: %+v", got)
		}
		p.register("<sip:alice@10.0.0.9:5062>")
		p.register("<sip:alice@10.0.0.9:5064>")
		if m := p.register("*", "Expires: 60"); !strings.HasPrefix(m.Start, "SIP/2.0 400") {
			t.Errorf("* without Expires: 0: %s", m.Start)
		}
		if m := p.register("*", "Expires: 0"); !strings.HasPrefix(m.Start, "SIP/2.0 200") || m.Header("Contact") != "" {
			t.Errorf("*: %s", m.Raw)
		}
		settle()
		if want := []string{"alice true", "alice false", "alice true", "alice false"}; fmt.Sprint(*news) != fmt.Sprint(want) {
			t.Errorf("told %q", *news)
		}
	})
}

func TestRegisterPlaces(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		srv, _ := w.registrar(nil)
		defer w.close(srv)
		p := w.phone("alice", "open sesame")
		for i := range 7 {
			p.register(fmt.Sprintf("<sip:alice@10.0.0.9:%d>", 6000+i))
		}
		if got := srv.Registered("alice"); len(got) != 5 || got[0].URI != "sip:alice@10.0.0.9:6006" || got[4].URI != "sip:alice@10.0.0.9:6002" {
			t.Errorf("of seven phones: %+v", got)
		}
		p.register("*", "Expires: 0")
		same := `;+sip.instance="<urn:uuid:1>";reg-id=1`
		p.register("<sip:alice@10.0.0.9:6100>"+same, "Supported: path, outbound")
		m := p.register("<sip:alice@10.0.0.9:6200>"+same, "Supported: path, outbound", "Path: <sip:edge.example;lr>, <sip:two.example;lr>")
		if got := srv.Registered("alice"); len(got) != 1 || got[0].URI != "sip:alice@10.0.0.9:6200" || got[0].Instance != "urn:uuid:1" || len(got[0].Path) != 2 {
			t.Errorf("one phone after a restart of its own: %+v", got)
		}
		if m.Header("Require") != "outbound" || !strings.Contains(m.Header("Contact"), "reg-id=1") || !strings.Contains(m.Header("Path"), "edge.example") {
			t.Errorf("%s", m.Raw)
		}
		// Another user's password opens nobody else's place.
		thief := w.phone("alice", "swordfish")
		c := thief.ask("<sip:x@10.0.0.66>")
		proof := thief.proof(c, 1)
		if m := thief.ask("<sip:x@10.0.0.66>", strings.Replace(proof, `username="alice"`, `username="bob"`, 1)); !strings.HasPrefix(m.Start, "SIP/2.0 401") {
			t.Errorf("%s", m.Start)
		}
		if m := p.ask("<sip:a@10.0.0.9>", "Require: path, teleport"); !strings.HasPrefix(m.Start, "SIP/2.0 420") || m.Header("Unsupported") != "teleport" {
			t.Errorf("%s", m.Raw)
		}
	})
}

var varies = regexp.MustCompile(`nonce="[^"]*"|tag=[^;\r]*|branch=[^;\r]*|rport=[0-9]*|[Aa]lice|nobody|user[0-9]|[0-9.]+:[0-9]+`)

// TestRegisterTellsNothing: a user that there is and one that there is not get
// the same answers, byte for byte but for what must differ.
func TestRegisterTellsNothing(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		srv, _ := w.registrar(nil)
		defer w.close(srv)
		var told []string
		for _, user := range []string{"alice", "nobody"} {
			p := w.phone(user, "wrong")
			text := ""
			for range 5 { // the lock begins after three
				text += varies.ReplaceAllString(p.register("<sip:x@10.0.0.9>").Raw, "…")
			}
			told = append(told, text)
		}
		if told[0] != told[1] {
			t.Errorf("known and unknown users differ:\n%s\n%s", told[0], told[1])
		}
		if !strings.Contains(told[0], "403 Forbidden") {
			t.Error("guessing is not slowed")
		}
		other := w.phone("alice", "open sesame") // the same address waits too, the user elsewhere does not
		if m := other.register("<sip:x@10.0.0.9>"); !strings.HasPrefix(m.Start, "SIP/2.0 403") {
			t.Errorf("%s", m.Start)
		}
		time.Sleep(61 * time.Second)
		if m := other.register("<sip:x@10.0.0.9>"); !strings.HasPrefix(m.Start, "SIP/2.0 200") {
			t.Errorf("after the lock: %s", m.Start)
		}
	})
}

// TestAnothersPlaceTellsNothing: who guesses a user's password in requests for other
// users, which the user's own lock does not count, is not told when it is right, not
// even by "stale", and not by what becomes of the nonce either.
func TestAnothersPlaceTellsNothing(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		srv, _ := w.registrar(nil)
		defer w.close(srv)
		right, wrong := w.phone("alice", "open sesame"), w.phone("alice", "wrong")
		told := map[*phone]string{}
		for n, knows := range []*phone{right, wrong} {
			for i := range 3 { // the second repeats the first, the third has no nonce of ours
				thief := w.phone(fmt.Sprint("user", 2*i+n), "")
				c := thief.ask("<sip:x@10.0.0.66>")
				if i == 2 {
					c.Raw = strings.Replace(c.Raw, `nonce="`, `nonce="A`, 1)
				}
				proof := knows.proof(c, 1)
				told[knows] += varies.ReplaceAllString(thief.ask("<sip:x@10.0.0.66>", proof).Raw, "…")
				told[knows] += varies.ReplaceAllString(thief.ask("<sip:x@10.0.0.66>", proof).Raw, "…")
			}
		}
		if told[right] != told[wrong] || strings.Contains(told[right], "stale") {
			t.Errorf("a right password in another's place:\n%s\na wrong one:\n%s", told[right], told[wrong])
		}
		for _, knows := range []*phone{right, wrong} { // with an account of one's own the nonce is still good
			thief := w.phone("bob", "swordfish")
			c := thief.ask("<sip:bob@10.0.0.9>")
			other := w.phone("user9", "")
			other.ask("<sip:x@10.0.0.66>", knows.proof(c, 1))
			if m := thief.ask("<sip:bob@10.0.0.9>", thief.proof(c, 1)); !strings.HasPrefix(m.Start, "SIP/2.0 200") {
				t.Errorf("one's own right password after that of %s as %q:\n%s", knows.user, knows.pass, m.Raw)
			}
		}
	})
}

func TestRegisteredPhoneRings(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		srv, _ := w.registrar(nil)
		defer w.close(srv)
		// Behind a NAT: its Contact leads nowhere, the flow does.
		desk, soft := w.phone("alice", "open sesame"), w.phone("alice", "open sesame")
		desk.register("<sip:alice@192.168.1.7:5060>")
		soft.register("<sip:alice@192.168.1.8:5060>")
		legs := make(chan *sip.Leg, 1)
		go func() {
			l, err := srv.DialPhone(context.Background(), "alice", sip.DialOptions{From: "13800138000"})
			if err != nil {
				t.Error(err)
			}
			legs <- l
		}()
		ring := desk.Expect("INVITE sip:alice@192.168.1.7:5060 SIP/2.0")
		other := soft.Expect("INVITE sip:alice@192.168.1.8:5060 SIP/2.0")
		desk.Reply(ring, "180 Ringing", "")
		soft.Reply(other, "180 Ringing", "")
		desk.Reply(ring, "200 OK", siptest.SDP, "Contact: <sip:alice@192.168.1.7:5060>")
		desk.Expect("ACK")
		soft.Reply(soft.Expect("CANCEL"), "200 OK", "")
		soft.Reply(other, "487 Request Terminated", "")
		soft.Expect("ACK")
		l := <-legs
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		desk.Reply(desk.Expect("BYE sip:alice@192.168.1.7:5060"), "200 OK", "")
		if _, err := srv.DialPhone(context.Background(), "bob", sip.DialOptions{}); err == nil {
			t.Error("somebody without a phone was rung")
		}
	})
}

func TestPhonesAreAsked(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		srv, news := w.registrar(func(c *sip.Config) { c.Registrar.Keepalive = 30 * time.Second })
		defer w.close(srv)
		p := w.phone("alice", "open sesame")
		p.register("<sip:alice@10.0.0.9>")
		for range 3 {
			p.Reply(p.Expect("OPTIONS"), "200 OK", "")
		}
		time.Sleep(5 * time.Minute) // and then it says nothing any more
		if len(srv.Registered("alice")) != 0 {
			t.Error("a phone that does not answer is still registered")
		}
		if want := "[alice true alice false]"; fmt.Sprint(*news) != want {
			t.Errorf("told %q", *news)
		}
	})
}

func TestRestoredRegistrations(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		srv, _ := w.registrar(nil)
		defer w.close(srv)
		p := w.phone("alice", "open sesame")
		p.register("<sip:alice@10.0.0.9>", "Path: <sip:edge.example;lr>")
		kept := append(srv.Contacts(), sip.Contact{User: "bob", URI: "sip:bob@x", Transport: "TCP", Expires: time.Now().Add(time.Hour)},
			sip.Contact{User: "bob", URI: "sip:bob@x", Transport: "UDP", Expires: time.Now()})
		srv.Unregister("alice")
		if n := len(srv.Contacts()); n != 0 {
			t.Errorf("%d registrations are left", n)
		}
		if err := srv.Restore(kept); err != nil {
			t.Error(err)
		}
		if got := srv.Contacts(); len(got) != 1 || got[0].User != "alice" || len(got[0].Path) != 1 {
			t.Errorf("%+v", got)
		}
	})
}
