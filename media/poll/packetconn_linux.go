package poll

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// PacketConn is one UDP socket with many far ends, such as all browsers. While
// packets are few it reads and writes each at once; while they are many it
// reads once a millisecond, and what is written waits until Flush, at most a
// millisecond. It is a net.PacketConn without deadlines: reading ends with
// Close, writing never blocks. One goroutine at a time may read.
type PacketConn struct {
	sock    *Socket
	wait    *waiter
	gauge   gauge
	in      *batch
	marked  mark // of what WriteMarked sends; static
	closed  atomic.Bool
	reading sync.Mutex // held by a read, so that Close knows when the waiter is not used

	mu      sync.Mutex // guards all below
	out     *batch
	ticking bool
	written int // since the gauge was asked
	lost    uint64
}

// ListenPacket binds a PacketConn; see Listen.
func ListenPacket(addr netip.AddrPort, buffer int) (*PacketConn, error) {
	s, err := Listen(addr, buffer)
	if err != nil {
		return nil, err
	}
	w, err := newWaiter()
	if err == nil {
		err = w.add(s.fd, 0)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &PacketConn{sock: s, wait: w, in: newBatch(), out: newBatch()}, nil
}

// ReadFromAddrPort returns the next datagram; what does not fit b is cut off.
func (c *PacketConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	for c.in.at == c.in.n {
		if err := c.fetch(); err != nil {
			return 0, netip.AddrPort{}, err
		}
	}
	i := c.in.at
	c.in.at++
	n := copy(b, c.in.buffers[i][:c.in.headers[i].Len])
	return n, get(&c.in.names[i]), nil
}

// fetch fills the batch, or waits.
func (c *PacketConn) fetch() error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	n, err := c.in.receive(c.sock.fd)
	if n > 0 {
		return c.judge(n)
	}
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		return nil // a far end's ICMP message; the next call fetches what is behind it
	}
	c.Flush()
	if err := c.judge(0); err != nil {
		return err
	}
	events, err := c.wait.wait()
	for i := range events {
		if events[i].Fd == waker {
			c.wait.woken()
		}
	}
	if c.closed.Load() {
		return net.ErrClosed
	}
	return err
}

// judge counts and switches between the tick and at once.
func (c *PacketConn) judge(n int) error {
	c.mu.Lock()
	n += c.written
	c.written = 0
	c.mu.Unlock()
	tick := c.gauge.note(n, time.Now())
	if tick == c.wait.ticking {
		return nil
	}
	if err := c.wait.tick(tick); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticking = tick
	c.flush()
	return nil
}

// Mark says with which type of service (IPv4) or traffic class (IPv6) WriteMarked
// sends; 0: with the socket's own. To be called before the first one.
func (c *PacketConn) Mark(class int) {
	c.marked = nil
	if class != 0 {
		c.marked = newMark(c.sock.ip6, class)
	}
}

// WriteToAddrPort sends one datagram, or keeps it for Flush. As on any network
// it may be lost without an error.
func (c *PacketConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return c.write(b, to, nil)
}

// WriteMarked is WriteToAddrPort of a datagram that carries the mark of Mark.
func (c *PacketConn) WriteMarked(b []byte, to netip.AddrPort) (int, error) {
	return c.write(b, to, c.marked)
}

func (c *PacketConn) write(b []byte, to netip.AddrPort, m mark) (int, error) {
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	c.mu.Lock()
	c.written++
	if !c.ticking || len(b) > MaxDatagram {
		c.mu.Unlock()
		return c.sock.send(b, to, m)
	}
	defer c.mu.Unlock()
	i := c.out.n
	length, ok := c.sock.put(&c.out.names[i], to)
	if !ok {
		return 0, errFamily
	}
	copy(c.out.buffers[i][:], b)
	c.out.vectors[i].SetLen(len(b))
	c.out.headers[i].Hdr.Namelen = uint32(length)
	m.set(&c.out.headers[i].Hdr)
	c.out.n++
	if c.out.n == batchSize {
		c.flush()
	}
	return len(b), nil
}

// Flush sends what waits. Whoever wrote a number of packets on a tick of their
// own does well to call it.
func (c *PacketConn) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
}

// flush is Flush with the lock held. A batch lasts some 100 µs.
func (c *PacketConn) flush() {
	if c.out.n == 0 {
		return
	}
	c.sock.mu.RLock()
	defer c.sock.mu.RUnlock()
	if c.sock.fd < 0 {
		c.out.n = 0
		return
	}
	c.lost += uint64(c.out.send(c.sock.fd))
}

// ReadFrom implements net.PacketConn.
func (c *PacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteTo implements net.PacketConn.
func (c *PacketConn) WriteTo(b []byte, to net.Addr) (int, error) {
	u, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, errFamily
	}
	return c.WriteToAddrPort(b, u.AddrPort())
}

// LocalAddr implements net.PacketConn.
func (c *PacketConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.sock.local) }

// Close ends a read that waits and closes the socket. It may be called again.
func (c *PacketConn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.Flush()
	c.wait.wake()
	c.reading.Lock() // the reader has left, or will see closed
	defer c.reading.Unlock()
	c.wait.close()
	return c.sock.release()
}

// SetDeadline returns os.ErrNoDeadline.
func (c *PacketConn) SetDeadline(time.Time) error { return os.ErrNoDeadline }

// SetReadDeadline returns os.ErrNoDeadline.
func (c *PacketConn) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

// SetWriteDeadline does nothing: no write blocks.
func (c *PacketConn) SetWriteDeadline(time.Time) error { return nil }
