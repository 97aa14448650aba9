package media

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// pipeRoom is how many DTLS datagrams wait for the handshake; more are dropped,
// as UDP may, and sent again by the far end.
const pipeRoom = 32

// pipe is the net.PacketConn that a handshake reads and writes. What it writes
// goes out by the leg's RTP socket; what it reads is put in by put.
type pipe struct {
	in     chan []byte
	out    datagrams
	local  net.Addr
	closed chan struct{}
	once   sync.Once

	mu      sync.Mutex
	peer    netip.AddrPort
	expired chan struct{} // closed while the read deadline is over
	timer   *time.Timer
}

func newPipe(out datagrams) *pipe {
	return &pipe{
		in: make(chan []byte, pipeRoom), out: out, local: &net.UDPAddr{},
		closed: make(chan struct{}), expired: make(chan struct{}),
	}
}

// put hands b to the reader, or drops it.
func (p *pipe) put(b []byte) {
	select {
	case p.in <- bytes.Clone(b):
	default:
	}
}

func (p *pipe) setPeer(a netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peer = a
}

// ReadFrom implements net.PacketConn.
func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	p.mu.Lock()
	expired := p.expired
	p.mu.Unlock()
	select {
	case <-p.closed:
		return 0, nil, net.ErrClosed
	case <-expired:
		return 0, nil, os.ErrDeadlineExceeded
	default:
	}
	select {
	case d := <-p.in:
		return copy(b, d), p.local, nil
	case <-p.closed:
		return 0, nil, net.ErrClosed
	case <-expired:
		return 0, nil, os.ErrDeadlineExceeded
	}
}

// WriteTo implements net.PacketConn; the address is the peer's, whatever it says.
func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	select {
	case <-p.closed:
		return 0, net.ErrClosed
	default:
	}
	p.mu.Lock()
	to := p.peer
	p.mu.Unlock()
	if !sendable(to) {
		return len(b), nil // nobody to say it to yet
	}
	return p.out.WriteToUDPAddrPort(b, to)
}

// Close implements net.PacketConn. It does not close the socket.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.SetReadDeadline(time.Time{})
}

// LocalAddr implements net.PacketConn.
func (p *pipe) LocalAddr() net.Addr { return p.local }

// SetDeadline implements net.PacketConn; writes never wait.
func (p *pipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetWriteDeadline implements net.PacketConn; writes never wait.
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.PacketConn.
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	select {
	case <-p.expired:
		p.expired = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return nil
	}
	expired := p.expired
	if d := time.Until(t); d > 0 {
		p.timer = time.AfterFunc(d, func() { closeOnce(&p.mu, expired) })
		return nil
	}
	close(expired)
	return nil
}

// closeOnce closes c, which only who holds mu closes, unless it is closed.
func closeOnce(mu *sync.Mutex, c chan struct{}) {
	mu.Lock()
	defer mu.Unlock()
	select {
	case <-c:
	default:
		close(c)
	}
}
