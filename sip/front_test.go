package sip

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/media"
)

// octets is a connection that has sent what it holds and is then closed.
type octets struct {
	net.Conn
	in  io.Reader
	out bytes.Buffer
}

func (c *octets) Read(b []byte) (int, error)       { return c.in.Read(b) }
func (c *octets) Write(b []byte) (int, error)      { return c.out.Write(b) }
func (c *octets) SetReadDeadline(time.Time) error  { return nil }
func (c *octets) SetWriteDeadline(time.Time) error { return nil }

func testStream(s *Server, in []byte, ws bool) (*stream, *octets) {
	c := &octets{in: bytes.NewReader(in)}
	return &stream{Conn: c, f: s.front, wire: wireTCP, remote: netip.MustParseAddrPort("192.0.2.77:5060"), ws: ws, closed: make(chan struct{})}, c
}

func TestStreamsAreFramed(t *testing.T) {
	s := handlerServer(t)
	one := strings.ReplaceAll(goodInvite, "{n}", "one")
	two := strings.ReplaceAll(goodInvite, "{n}", "two")
	st, c := testStream(s, []byte("\r\n\r\n"+one+"\r\n"+two), false)
	for i, want := range []string{"one@x", "two@x"} {
		m, err := st.message()
		if err != nil || m.CallID().Value() != want {
			t.Fatalf("message %d: %v, %v", i, m, err)
		}
	}
	if c.out.String() != "\r\n" {
		t.Errorf("a ping is answered %q", c.out.String())
	}
	for name, in := range map[string]string{
		"400": strings.Replace(one, "Content-Length: 95", "Content-Length: 95\r\nContent-Length: 90", 1),
		"513": strings.Replace(one, "Content-Length: 95", "Content-Length: 99999999", 1),
	} {
		st, c := testStream(s, []byte(in), false)
		if _, err := st.message(); err == nil || !strings.HasPrefix(c.out.String(), "SIP/2.0 "+name) {
			t.Errorf("wanted %s: %q, %v", name, c.out.String(), err)
		}
	}
	long, c := testStream(s, []byte("INVITE sip:1000@x SIP/2.0\r\nVia: SIP/2.0/TCP x\r\nX: "+strings.Repeat("y", 100_000)), false)
	if _, err := long.message(); err == nil || !strings.HasPrefix(c.out.String(), "SIP/2.0 513") || len(long.buf) > maxHeaders+8192 {
		t.Errorf("endless headers: %q, %v, %d octets are kept", c.out.String(), err, len(long.buf))
	}
}

func TestWebSocketFrames(t *testing.T) {
	s := handlerServer(t)
	one := []byte(strings.ReplaceAll(goodInvite, "{n}", "one"))
	in := bytes.Join([][]byte{
		maskedFrame(wsPing, true, []byte("are you there")), maskedFrame(wsText, false, one[:10]), maskedFrame(wsPing, true, nil),
		maskedFrame(wsContinuation, true, one[10:]), maskedFrame(wsBinary, true, []byte("\r\n\r\n")), maskedFrame(wsBinary, true, one),
	}, nil)
	st, c := testStream(s, in, true)
	for range 2 {
		if m, err := st.message(); err != nil || m.CallID().Value() != "one@x" {
			t.Fatalf("%v, %v", m, err)
		}
	}
	if want := "\x8a\x0dare you there\x8a\x00\x81\x02\r\n"; c.out.String() != want {
		t.Errorf("answered %q", c.out.String())
	}
	for name, in := range map[string][]byte{
		"unmasked": {0x81, 0x00}, "reserved bits": {0xc1, 0x80, 0, 0, 0, 0}, "an endless ping": {0x89, 0xfe, 0xff, 0xff},
		"a claim of 2^63 octets": {0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "no beginning": maskedFrame(wsContinuation, true, one),
	} {
		st, c := testStream(s, in, true)
		if _, err := st.message(); err == nil || !bytes.HasPrefix(c.out.Bytes(), []byte{0x88, 2}) {
			t.Errorf("%s: %v, answered %q", name, err, c.out.Bytes())
		}
	}
}

// A ping is answered however long ago the last message went out, and a message in
// pieces must be whole in time, however many pings and pieces come.
func TestWebSocketTimes(t *testing.T) {
	s := handlerServer(t)
	one := []byte(strings.ReplaceAll(goodInvite, "{n}", "one"))
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		st := &stream{Conn: near, f: s.front, wire: wireWS, remote: netip.MustParseAddrPort("192.0.2.77:5060"), ws: true, closed: make(chan struct{})}
		got := make(chan error, 1)
		read := func() {
			_, err := st.message()
			got <- err
		}
		var back bytes.Buffer
		done := make(chan struct{})
		go func() { defer close(done); _, _ = io.Copy(&back, far) }()
		send := func(op byte, fin bool, b []byte) {
			_ = far.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := far.Write(maskedFrame(op, fin, b)); err != nil {
				t.Errorf("nobody reads any more: %v", err)
			}
		}
		go read()
		send(wsText, true, one)
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		_, _ = st.Write([]byte("x"))
		go read()
		time.Sleep(time.Minute)
		send(wsPing, true, []byte("there?"))
		send(wsText, true, one)
		if err := <-got; err != nil {
			t.Errorf("after a ping: %v", err)
		}
		go read()
		start := time.Now()
		send(wsText, false, one[:10])
		for len(got) == 0 && time.Since(start) < time.Minute {
			time.Sleep(s.wholeMessage / 3)
			_ = far.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = far.Write(maskedFrame(wsContinuation, false, nil))
		}
		if took := time.Since(start); took > 2*s.wholeMessage {
			t.Errorf("a message that is never whole is waited for %s", took)
		}
		_, _ = near.Close(), far.Close()
		<-done
		if !strings.Contains(back.String(), "\x8a\x06there?") {
			t.Errorf("sent back %q", back.String())
		}
	})
}

func TestWebSocketHandshake(t *testing.T) {
	s := wireServer(t)
	at := s.Listening()[wireWS].String()
	host, _, _ := strings.Cut(at, ":")
	for origin, want := range map[string]string{"": "101", "http://" + host + ":8080": "101", "https://evil.example": "403", "null": "403"} {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() //nolint:errcheck // it was only read
		if got := handshakeWS(t, c, at, origin); !strings.HasPrefix(got, "HTTP/1.1 "+want) {
			t.Errorf("origin %q: %q", origin, got)
		}
	}
}

func TestBudgetAndBans(t *testing.T) {
	now := time.Now()
	stranger, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:0:1::1")
	b := newBudget(10)
	passed := 0
	for range 1000 {
		if b.take(stranger, now) {
			passed++
		}
	}
	if passed != 20 || !b.take(other, now) || b.take(netip.MustParseAddr("2001:db8::2"), now) || !b.take(stranger, now.Add(time.Second)) {
		t.Errorf("%d of 1000 at once, by /64, and again after a second", passed)
	}
	x := newBans(3, time.Minute)
	for i := range 3 {
		if began := x.bad(stranger, BannedPassword, now); began != (i == 2) {
			t.Errorf("bad request %d", i)
		}
	}
	if !x.banned(stranger, now) || x.banned(other, now) || x.banned(stranger, now.Add(61*time.Second)) {
		t.Error("the ban is wrong")
	}
	for i := range 3 { // spread over time they are none
		x.bad(other, BannedNumber, now.Add(time.Duration(i)*50*time.Second))
	}
	if x.banned(other, now.Add(100*time.Second)) {
		t.Error("three in two minutes are a ban")
	}
	for i := range 2 * maxKept {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		b.take(a, now)
		x.bad(a, BannedScanner, now)
	}
	if len(b.buckets) > maxKept || len(x.list) > maxKept {
		t.Errorf("%d budgets and %d bans are kept of a flood of addresses", len(b.buckets), len(x.list))
	}
}

// TestBansAreListed: who is shut out now, since when, for how long and why, how much
// that has kept out, and each can be let in again.
func TestBansAreListed(t *testing.T) {
	s := handlerServer(t)
	scanner, guesser := netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("2001:db8::7")
	s.front.bad(guesser, BannedNumber)
	if len(s.Bans()) != 0 {
		t.Error("one wrong number is a ban")
	}
	for range s.cfg.BanAfter - 1 {
		s.front.bad(guesser, BannedPassword)
	}
	s.front.bad(scanner, BannedScanner)
	for range 3 {
		s.front.admit(netip.MustParseAddr("2001:db8::8")) // of the same network
	}
	list := s.Bans()
	if len(list) != 2 || list[0].Source.String() != "192.0.2.77/32" || list[0].Why != BannedScanner || list[0].Dropped != 0 {
		t.Fatalf("%+v", list)
	}
	if b := list[1]; b.Source.String() != "2001:db8::/64" || b.Why != BannedPassword || b.Bad != s.cfg.BanAfter || b.Dropped != 3 || b.Until.Sub(b.Since) != s.cfg.BanFor || time.Since(b.Since) > time.Minute {
		t.Errorf("%+v", b)
	}
	if !s.LiftBan(netip.MustParseAddr("2001:db8::9")) || s.LiftBan(guesser) || !s.front.admit(guesser) || s.front.admit(scanner) || len(s.Bans()) != 1 {
		t.Errorf("after one was lifted: %+v", s.Bans())
	}
	s.front.bad(guesser, BannedPassword)
	if len(s.Bans()) != 1 {
		t.Error("what was lifted is remembered")
	}
}

// TestScannersGetNothing: neither an answer nor a second look.
func TestScannersGetNothing(t *testing.T) {
	s := handlerServer(t)
	src := netip.MustParseAddrPort("192.0.2.77:5060")
	raw := strings.Replace(strings.ReplaceAll(goodInvite, "{n}", "scan"), "Supported:", "User-Agent: friendly-scanner\r\nSupported:", 1)
	if msg, answer := s.front.take([]byte(raw), src, wireUDP); msg != nil || answer != nil {
		t.Errorf("%v, %q", msg, answer)
	}
	if s.front.admit(src.Addr()) || !s.front.admit(netip.MustParseAddr("192.0.2.78")) {
		t.Error("the scanner's address is not shut out, or another is")
	}
	s.front.known.add(netip.MustParseAddr("192.0.2.79"))
	for range 100 {
		s.front.bad(netip.MustParseAddr("192.0.2.79"), BannedNumber)
		s.front.bad(netip.MustParseAddr("127.0.0.1"), BannedScanner)
	}
	if !s.front.admit(netip.MustParseAddr("192.0.2.79")) || !s.front.admit(netip.MustParseAddr("127.0.0.1")) {
		t.Error("who was good, or this machine, is shut out by what was sent in their name")
	}
}

// TestGuessingIsABan: twenty wrong numbers or passwords in a minute shut an
// address out.
func TestGuessingIsABan(t *testing.T) {
	s := wireServer(t)
	wrong := `Digest username="alice", realm="callfloor", nonce="n", uri="sip:x", response="r", qop=auth, nc=00000001, cnonce="c"`
	for name, raw := range map[string]string{
		"192.0.2.80:5060": strings.Replace(goodInvite, "sip:1000@", "sip:nobody@", 1),
		"192.0.2.81:5060": strings.Replace(strings.ReplaceAll(goodInvite, "INVITE", "REGISTER"), "Supported:", "Authorization: "+wrong+"\r\nSupported:", 1),
	} {
		src := netip.MustParseAddrPort(name)
		for i := range 20 {
			if !s.front.admit(src.Addr()) {
				t.Fatalf("%s is shut out after %d", name, i)
			}
			msg, _ := s.front.take([]byte(strings.ReplaceAll(raw, "{n}", fmt.Sprint(name, i))), src, wireUDP)
			req := msg.(*gosip.Request)
			s.beforeTransactions(req)
			tx := newFakeTx()
			s.handle(req, tx)
			for deadline := time.Now().Add(20 * time.Second); tx.final() == 0 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond) // between two looks; the condition decides
			}
		}
		if s.front.admit(src.Addr()) {
			t.Errorf("%s is not shut out", name)
		}
	}
}

// TestConnectionsGiveTheirPlacesBack opens many of every kind, half of them
// never finish their handshake, and looks at what is left.
func TestConnectionsGiveTheirPlacesBack(t *testing.T) {
	s := wireServer(t)
	for range 10 {
		for _, wire := range []string{wireTCP, wireTLS, wireWS, wireWSS} {
			c, err := net.Dial("tcp", s.Listening()[wire].String())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = c.Write([]byte("x"))
			_ = c.Close()
			_ = dialWire(t, s, wire).Close()
		}
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s.places.mu.Lock()
		all, sources := s.places.all, len(s.places.bySrc)
		s.places.mu.Unlock()
		s.front.mu.Lock()
		streams := len(s.front.streams)
		s.front.mu.Unlock()
		if all == 0 && sources == 0 && streams == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d places of %d sources are taken, %d streams are known", all, sources, streams)
		}
	}
}

// TestTLSPeerIsChecked: our own connections want a certificate for the name.
func TestTLSPeerIsChecked(t *testing.T) {
	cert, key, roots := testCertificate(t)
	far, stop := startWires(t, cert, key)
	defer stop()
	pacer := media.NewPacer()
	defer pacer.Close()
	for name, good := range map[string]bool{"localhost": true, "": true, "sip.example.com": false} {
		cfg := DefaultConfig()
		cfg.Listen = "127.0.0.1:0"
		s, err := New(cfg, Options{Pacer: pacer, Roots: roots})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		if err := s.connect(t.Context(), wireTLS, far.Listening()[wireTLS], name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
		// Over a connection that is open for another name, the same.
		if err := s.connect(t.Context(), wireTLS, far.Listening()[wireTLS], "localhost"); err != nil {
			t.Errorf("localhost after %q: %v", name, err)
		}
		if err := s.connect(t.Context(), wireTLS, far.Listening()[wireTLS], name); (err == nil) != good {
			t.Errorf("%q over the connection of localhost: %v", name, err)
		}
		_ = s.Close(context.Background())
	}
}

func FuzzStream(f *testing.F) {
	one := []byte(strings.ReplaceAll(goodInvite, "{n}", "one"))
	f.Add(one, false)
	f.Add([]byte("\r\n\r\n\r\nOPTIONS sip:x SIP/2.0\r\nl: 3\r\nl : 3\r\n\r\nabc"), false)
	f.Add(maskedFrame(wsText, true, one), true)
	f.Add(append(maskedFrame(wsText, false, one[:9]), maskedFrame(wsClose, true, []byte{3, 232})...), true)
	s := handlerServer(f)
	f.Fuzz(func(t *testing.T, in []byte, ws bool) {
		before := readCounter(s.metrics.panics)
		st, _ := testStream(s, in, ws)
		for range 100 {
			s.front.bans.list = map[netip.Addr]*offender{} // by this target alone
			s.front.budget.buckets = map[netip.Addr]bucket{}
			if _, err := st.message(); err != nil {
				break
			}
		}
		if readCounter(s.metrics.panics) != before {
			t.Error("a fault was caught")
		}
	})
}
