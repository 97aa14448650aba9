package media

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/media/codec"
)

// datagram is one on the fake network.
type datagram struct {
	b    []byte
	from netip.AddrPort
}

// fakeSocket is a UDP socket in a synctest bubble. Its queue holds 4096; more
// is a fault of the test.
type fakeSocket struct {
	in     chan datagram
	closed chan struct{}
	once   sync.Once
	mu     sync.Mutex
	out    []datagram // from is where it went
}

func newFakeSocket() *fakeSocket {
	return &fakeSocket{in: make(chan datagram, 4096), closed: make(chan struct{})}
}

func (f *fakeSocket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case d := <-f.in:
		return copy(b, d.b), d.from, nil
	case <-f.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (f *fakeSocket) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.out = append(f.out, datagram{bytes.Clone(b), to})
	return len(b), nil
}

func (f *fakeSocket) Close() error { f.once.Do(func() { close(f.closed) }); return nil }

func (f *fakeSocket) take() []datagram {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.out
	f.out = nil
	return got
}

// testLeg is a session on fake sockets.
type testLeg struct {
	*Session
	rtp, rtcp *fakeSocket
	heard     *listener
	digits    []Digit
	log       bytes.Buffer
	pacer     *Pacer
}

var legRemote = Remote{Addr: sdpAddr, Codec: codec.PCMU, Events: 101, PTimeMS: 20, Sends: true, Receives: true}

func newTestLeg(t *testing.T) *testLeg {
	l := &testLeg{rtp: newFakeSocket(), rtcp: newFakeSocket(), heard: &listener{}, pacer: NewPacer()}
	c := SessionConfig{Pacer: l.pacer, Name: "customer", Log: slog.New(slog.NewTextHandler(&l.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	l.Session = newSession(c, goEngine{log: c.Log}, sockets{rtp: l.rtp, rtcp: l.rtcp, port: 20000})
	l.Source().Attach(l.heard)
	l.OnDigit(func(d Digit) { l.digits = append(l.digits, d) })
	t.Cleanup(func() { l.Close(); l.pacer.Close() })
	return l
}

// talk sends n packets of 20 ms to the leg.
func (l *testLeg) talk(from netip.AddrPort, ssrc uint32, seq uint16, n int) {
	for i := range n {
		l.rtp.in <- datagram{rawRTP(0, seq+uint16(i), uint32(seq)*160+uint32(i)*160, ssrc, make([]byte, 160)), from}
		time.Sleep(frameTime)
	}
	synctest.Wait()
}
