// Package simnet is an in-memory network of UDP-like sockets for tests. All
// waiting in it is on channels and timers, so that whole calls run in a
// testing/synctest bubble, hours in milliseconds.
package simnet

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// queue is how many datagrams a socket holds; more are lost, as on a network.
const queue = 4096

// Network carries datagrams between its sockets. The zero value of its fields
// loses and delays nothing.
type Network struct {
	// Latency is how long a datagram takes.
	Latency time.Duration
	// Lose says whether a datagram is lost; nil: none is. It is called on the
	// sender's goroutine.
	Lose func(from, to netip.AddrPort, b []byte) bool

	mu    sync.Mutex
	socks map[netip.AddrPort]*Conn
	next  uint16
	under map[netip.AddrPort][]datagram // on their way, oldest first
}

// New returns an empty network. Set its fields before the first datagram.
func New() *Network {
	return &Network{socks: map[netip.AddrPort]*Conn{}, under: map[netip.AddrPort][]datagram{}, next: 40000}
}

// Listen opens a socket at "IP:PORT"; port 0 takes a free one.
func (n *Network) Listen(addr string) (*Conn, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen on the test network at %q: %w", addr, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for at.Port() == 0 || n.socks[at] != nil {
		if at.Port() != 0 && at.Port() < 40000 {
			return nil, fmt.Errorf("listen on the test network at %s: taken", at)
		}
		n.next += 2
		at = netip.AddrPortFrom(at.Addr(), n.next)
	}
	c := &Conn{net: n, addr: at, in: make(chan datagram, queue), closed: make(chan struct{}), deadline: make(chan struct{})}
	n.socks[at] = c
	return c, nil
}

type datagram struct {
	from netip.AddrPort
	b    []byte
}

func (n *Network) send(from, to netip.AddrPort, b []byte) {
	if n.Lose != nil && n.Lose(from, to, b) {
		return
	}
	d := datagram{from, append([]byte(nil), b...)}
	if n.Latency == 0 {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.put(to, d)
		return
	}
	// Two timers of one instant fire in any order, so each takes the oldest.
	n.mu.Lock()
	n.under[to] = append(n.under[to], d)
	n.mu.Unlock()
	time.AfterFunc(n.Latency, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		oldest := n.under[to][0]
		n.under[to] = n.under[to][1:]
		n.put(to, oldest)
	})
}

// put hands a datagram to its socket. n.mu is held.
func (n *Network) put(to netip.AddrPort, d datagram) {
	c := n.socks[to]
	if c == nil {
		return
	}
	select {
	case c.in <- d:
	default:
	}
}

// Conn is one socket; it is a net.PacketConn.
type Conn struct {
	net  *Network
	addr netip.AddrPort
	in   chan datagram
	once sync.Once

	closed chan struct{}

	mu       sync.Mutex
	timer    *time.Timer
	deadline chan struct{} // closed when the read deadline is over
}

// ReadFrom waits for a datagram, the deadline or Close.
func (c *Conn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.mu.Lock()
	late := c.deadline
	c.mu.Unlock()
	select {
	case d := <-c.in:
		return copy(b, d.b), net.UDPAddrFromAddrPort(d.from), nil
	case <-c.closed:
		return 0, nil, net.ErrClosed
	case <-late:
	}
	select {
	case <-c.closed: // that both are over means closed
		return 0, nil, net.ErrClosed
	default:
		return 0, nil, os.ErrDeadlineExceeded
	}
}

// WriteTo sends a datagram; nobody at addr is no error.
func (c *Conn) WriteTo(b []byte, addr net.Addr) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	to, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return 0, fmt.Errorf("send on the test network: %w", err)
	}
	c.net.send(c.addr, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()), b)
	return len(b), nil
}

// Close closes the socket and wakes its reader.
func (c *Conn) Close() error {
	c.once.Do(func() {
		c.net.mu.Lock()
		delete(c.net.socks, c.addr)
		c.net.mu.Unlock()
		close(c.closed)
	})
	return nil
}

// LocalAddr is the socket's address.
func (c *Conn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.addr) }

// SetDeadline sets the read deadline; writing never waits.
func (c *Conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline does nothing: writing never waits.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline sets the time after which reading fails; zero: never. A
// reader that already waits keeps the deadline that it began with.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	late := make(chan struct{})
	c.deadline = late
	if !t.IsZero() {
		c.timer = time.AfterFunc(time.Until(t), func() { close(late) })
	}
	return nil
}
