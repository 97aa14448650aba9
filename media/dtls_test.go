package media

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/media/codec"
)

func mustIdentity(t *testing.T) *Identity {
	t.Helper()
	i, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// crossed is a socket of a bubble whose datagrams arrive at another.
type crossed struct {
	*fakeSocket
	self  netip.AddrPort
	other *crossed
}

func (c *crossed) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if to == c.other.self {
		select {
		case c.other.in <- datagram{append([]byte(nil), b...), c.self}:
		default:
		}
	}
	return c.fakeSocket.WriteToUDPAddrPort(b, to)
}

// dtlsLeg is one end of a pair that shakes hands.
type dtlsLeg struct {
	*Session
	identity *Identity
	socket   *crossed
	heard    *listener
	failed   chan error
}

// dtlsPair is two legs whose sockets are joined. Nothing is agreed on yet.
func dtlsPair(t *testing.T) (a, b *dtlsLeg) {
	t.Helper()
	pacer := NewPacer()
	open := func(at string) *dtlsLeg {
		l := &dtlsLeg{identity: mustIdentity(t), heard: &listener{}, failed: make(chan error, 4)}
		l.socket = &crossed{fakeSocket: newFakeSocket(), self: netip.MustParseAddrPort(at)}
		c := SessionConfig{Pacer: pacer, Name: at, Identity: l.identity, Log: slog.New(slog.DiscardHandler)}
		l.Session = newSession(c, goEngine{log: c.Log}, sockets{rtp: l.socket, rtcp: newFakeSocket(), port: 4000})
		l.Source().Attach(l.heard)
		l.OnInsecure(func(err error) { l.failed <- err })
		l.Sender().Fill(codec.PCMU)
		return l
	}
	a, b = open("203.0.113.1:4000"), open("203.0.113.2:4000")
	a.socket.other, b.socket.other = b.socket, a.socket
	t.Cleanup(func() { a.Close(); b.Close(); pacer.Close() })
	return a, b
}

// agree makes l take what the other announced.
func (l *dtlsLeg) agree(other *dtlsLeg, active bool, f ...Fingerprint) {
	r := legRemote
	r.Addr, r.Mux = other.socket.self, true
	r.Protection = Protection{DTLS: &Handshake{Active: active, Fingerprints: f}}
	l.SetRemote(r)
}

func TestDTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := dtlsPair(t)
		a.agree(b, false, Fingerprint{"sha-1", "00:11"}, b.identity.Fingerprint())
		b.agree(a, true, a.identity.Fingerprint())
		time.Sleep(4 * time.Second)
		synctest.Wait()
		for _, l := range []*dtlsLeg{a, b} {
			if n := l.heard.count(); n < 100 {
				t.Errorf("%d packets heard", n)
			}
			q := l.Quality()
			if q.SRTP == nil || *q.SRTP != "AEAD_AES_128_GCM (DTLS)" || q.Refused > 2 || q.Lost > 0 {
				t.Errorf("quality: %+v", q)
			}
		}
		seal := a.protector.Load().seal
		a.agree(b, false, Fingerprint{"sha-1", "00:11"}, b.identity.Fingerprint()) // a refresh
		if a.protector.Load().seal != seal {
			t.Error("a refresh made the handshake anew")
		}
		if len(a.failed)+len(b.failed) > 0 {
			t.Error("a failure was told")
		}
	})
}

// Gate 6: somebody else than announced shakes hands.
func TestWrongCertificate(t *testing.T) {
	for _, active := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a, b := dtlsPair(t)
			start := time.Now()
			a.agree(b, active, mustIdentity(t).Fingerprint())
			b.agree(a, !active, a.identity.Fingerprint())
			err := <-a.failed
			if !errors.Is(err, ErrCertificate) {
				t.Errorf("told %v", err)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("told after %v, want 5 s at most", d)
			}
			time.Sleep(3 * time.Second)
			if q := a.Quality(); a.heard.count() != 0 || q.SRTP != nil || q.Received != 0 {
				t.Errorf("%d packets heard, %+v", a.heard.count(), q)
			}
			for _, d := range a.socket.take() {
				if !isDTLS(d.b) {
					t.Fatal("media was sent")
				}
			}
		})
	}
}

// Gates 3 and 9: a stranger's ClientHello gets no answer, and the phone's
// handshake is made all the same.
func TestStrangersHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := dtlsPair(t)
		a.agree(b, false, b.identity.Fingerprint())
		hello := make([]byte, 80)
		copy(hello, []byte{22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 67, 1, 0, 0, 55})
		for range 1000 { // 500 a second, for less than the time that the SDP's address has
			a.socket.in <- datagram{hello, stranger}
			a.socket.in <- datagram{[]byte{22, 0xFE, 0xFF}, stranger}
		}
		synctest.Wait()
		time.Sleep(handshakeHead - time.Millisecond)
		b.agree(a, true, a.identity.Fingerprint())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if a.Quality().SRTP == nil || a.heard.count() < 50 {
			t.Errorf("no call: %+v", a.Quality())
		}
		for _, d := range a.socket.take() {
			if d.from != b.socket.self {
				t.Fatalf("%d octets were sent to the stranger", len(d.b))
			}
		}
		if q := a.Quality(); q.Strangers != 2000 {
			t.Errorf("quality: %+v", q)
		}
	})
}

// Behind a NAT the phone's handshake comes from elsewhere; a stranger that was
// faster fails and is forgotten.
func TestHandshakeBehindNAT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := dtlsPair(t)
		behind := legRemote
		behind.Addr, behind.Mux = netip.MustParseAddrPort("192.168.1.5:4000"), true
		behind.Protection = Protection{DTLS: &Handshake{Fingerprints: []Fingerprint{b.identity.Fingerprint()}}}
		a.SetRemote(behind)
		b.agree(a, true, a.identity.Fingerprint())
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if a.heard.count() < 50 || b.heard.count() < 50 {
			t.Errorf("%d and %d packets heard", a.heard.count(), b.heard.count())
		}
	})
}

func TestNoHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := dtlsPair(t)
		start := time.Now()
		a.agree(b, true, b.identity.Fingerprint())
		if err := <-a.failed; !errors.Is(err, ErrHandshake) || time.Since(start) > handshakeLimit+time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		a.agree(b, false, b.identity.Fingerprint()) // the next agreement tries again
		b.agree(a, true, a.identity.Fingerprint())
		time.Sleep(2 * time.Second)
		if a.heard.count() == 0 {
			t.Error("no call after the second agreement")
		}
	})
}

func TestPipeDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(newFakeSocket())
		b := make([]byte, 10)
		_ = p.SetReadDeadline(time.Now().Add(time.Second))
		if _, _, err := p.ReadFrom(b); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("at the deadline: %v", err)
		}
		_ = p.SetReadDeadline(time.Time{})
		p.put([]byte("x"))
		if n, _, err := p.ReadFrom(b); n != 1 || err != nil {
			t.Errorf("after it was taken away: %d, %v", n, err)
		}
		_ = p.SetReadDeadline(time.Unix(0, 0))
		if _, _, err := p.ReadFrom(b); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a deadline in the past: %v", err)
		}
		for range 2 * pipeRoom {
			p.put([]byte("x")) // more than it holds: dropped
		}
		_ = p.Close()
		if _, _, err := p.ReadFrom(b); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		if _, err := p.WriteTo(b, nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

func TestFingerprints(t *testing.T) {
	i := mustIdentity(t)
	der := i.certificate.Certificate
	for _, hash := range []string{"sha-1", "SHA-256", "sha-384", "sha-512"} {
		h := Handshake{Fingerprints: []Fingerprint{{hash, fingerprintOf(hash, der[0])}}}
		if err := h.verify(der); err != nil {
			t.Errorf("%s: %v", hash, err)
		}
	}
	for _, f := range [][]Fingerprint{nil, {{"md5", ""}}, {{"md5", fingerprintOf("md5", der[0])}}, {{"sha-256", ""}}, {mustIdentity(t).Fingerprint()}} {
		h := Handshake{Fingerprints: f}
		if h.verify(der) == nil {
			t.Errorf("%v was taken", f)
		}
	}
	if (&Handshake{Fingerprints: []Fingerprint{i.Fingerprint()}}).verify(nil) == nil {
		t.Error("no certificate was taken")
	}
}
