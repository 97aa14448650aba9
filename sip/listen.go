package sip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"callfloor/media"
)

// bind opens the UDP socket and the TCP listener on one port. With port 0 it
// looks for a port that is free on both.
func bind(listen string) (net.PacketConn, net.Listener, error) {
	at, err := splitListen(listen)
	if err != nil {
		return nil, nil, fmt.Errorf("open the SIP port: %w", err)
	}
	var last error
	for range 20 {
		u, t, err := bindOnce(at)
		if err == nil {
			return u, t, nil
		}
		last = err
		if at.Port() != 0 || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return nil, nil, last
}

func bindOnce(at netip.AddrPort) (net.PacketConn, net.Listener, error) {
	addr := at.String()
	if at.Addr() == netip.IPv6Unspecified() {
		addr = fmt.Sprintf(":%d", at.Port()) // both families where there are two
	}
	u, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, nil, taken("UDP", addr, err)
	}
	addr = netip.AddrPortFrom(at.Addr(), addrPort(u.LocalAddr()).Port()).String()
	if at.Addr() == netip.IPv6Unspecified() {
		addr = fmt.Sprintf(":%d", addrPort(u.LocalAddr()).Port())
	}
	t, err := net.Listen("tcp", addr)
	if err != nil {
		_ = u.Close()
		return nil, nil, taken("TCP", addr, err)
	}
	return u, t, nil
}

func taken(network, addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("open the SIP port: %s %s is taken by another program; stop it or choose another address with --sip: %w", network, addr, err)
	}
	return fmt.Errorf("open the SIP port: %s %s: %w", network, addr, err)
}

// addrPort is a's address, without the zone and the IPv4-in-IPv6 form.
func addrPort(a net.Addr) netip.AddrPort {
	if a == nil {
		return netip.AddrPort{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
}

// Limits of TCP connections: sipgo keeps whatever is opened, for ever.
const (
	maxConns     = 2048
	firstMessage = 32 * time.Second // to say something
	idleTimeout  = 2 * time.Hour    // between messages; calls keep their flow
)

// boundedListener caps the number of connections and gives each a read
// deadline, so that connections which say nothing go away.
type boundedListener struct {
	net.Listener
	dscp int // of what is sent; 0: no mark
	open atomic.Int64
}

// Accept waits for a connection; past the cap it closes what comes.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) > maxConns {
			l.open.Add(-1)
			_ = c.Close()
			continue
		}
		if l.dscp != 0 {
			media.MarkDSCP(c, l.dscp)
		}
		_ = c.SetReadDeadline(time.Now().Add(firstMessage))
		return &boundedConn{Conn: c, l: l}, nil
	}
}

type boundedConn struct {
	net.Conn
	l      *boundedListener
	closed atomic.Bool
}

// Read moves the deadline on with everything that comes.
func (c *boundedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		_ = c.SetReadDeadline(time.Now().Add(idleTimeout))
	}
	return n, err
}

// Write never waits longer than 5 s for a peer that does not read.
func (c *boundedConn) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
	return c.Conn.Write(b)
}

// Close gives the connection's place back.
func (c *boundedConn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.l.open.Add(-1)
	}
	return c.Conn.Close()
}
