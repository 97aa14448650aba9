package media

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"time"

	"callfloor/media/poll"
)

// maxDatagram is the largest datagram that is read.
const maxDatagram = poll.MaxDatagram

// socketBuffer is what the kernel may hold of a socket's packets: about a
// second of G.711 (the kernel doubles the figure and counts its own overhead).
// It bounds what a flood can take, and how old a packet can be that is still
// forwarded after the process was stopped.
const socketBuffer = 32 << 10

// maxReadErrors is how many errors in a row a socket may have before it is
// given up; the silence watch ends the call then.
const maxReadErrors = 1000

// datagrams is a UDP socket that is sent on; an engine reads it.
type datagrams interface {
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	Close() error
}

// handler takes a datagram; b is its own only while it runs.
type handler = func(b []byte, from netip.AddrPort, at time.Time)

// engine opens and reads sockets. serve hands every datagram of a socket that
// listen returned to handle until it is closed, then calls done.
type engine interface {
	listen(addr netip.AddrPort) (datagrams, error)
	serve(c datagrams, handle handler, done func())
}

// goEngine is a goroutine for each socket.
type goEngine struct{ log *slog.Logger }

// readable is a socket that a goroutine can wait for; *net.UDPConn is one.
type readable interface {
	datagrams
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
}

func (e goEngine) listen(addr netip.AddrPort) (datagrams, error) {
	network := "udp4"
	if addr.Addr().Is6() {
		network = "udp6"
	}
	c, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	_ = c.SetReadBuffer(socketBuffer) // as much as the kernel allows
	return c, nil
}

func (e goEngine) serve(socket datagrams, handle handler, done func()) {
	c := socket.(readable) // of listen, or of a test
	go func() {
		defer done()
		b := make([]byte, maxDatagram)
		for failed := 0; failed < maxReadErrors; {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // a far end's ICMP message for example: the socket goes on
				failed++
				continue
			}
			failed = 0
			e.handle(b[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), handle)
		}
		e.log.Error("a media socket cannot be read any more", "errors", maxReadErrors)
	}()
}

// handle keeps a fault over one datagram from ending the process.
func (e goEngine) handle(b []byte, from netip.AddrPort, f handler) {
	defer func() {
		if r := recover(); r != nil {
			e.log.Error("a media packet made the server fail and was dropped", "panic", r, "stack", string(debug.Stack()))
		}
	}()
	f(b, from, time.Now())
}

// portTries is how many pairs are tried if other programs hold the ports.
const portTries = 16

// sockets is a bound pair.
type sockets struct {
	rtp, rtcp datagrams
	port      int
}

// bindPair opens the two sockets of a pair that is free. A pair that another
// program holds rests and the next is tried.
func bindPair(e engine, ip netip.Addr, ports *Ports) (sockets, error) {
	var last error
	for range portTries {
		port, err := ports.take(time.Now())
		if err != nil {
			return sockets{}, errors.Join(err, last)
		}
		s, err := bind(e, ip, port)
		if err == nil {
			return s, nil
		}
		last = err
		ports.give(port, time.Now())
	}
	return sockets{}, fmt.Errorf("open RTP ports: %d pairs in a row could not be bound: %w", portTries, last)
}

func bind(e engine, ip netip.Addr, port int) (sockets, error) {
	rtp, err := e.listen(netip.AddrPortFrom(ip, uint16(port)))
	if err != nil {
		return sockets{}, fmt.Errorf("open RTP port: %w", err)
	}
	rtcp, err := e.listen(netip.AddrPortFrom(ip, uint16(port+1)))
	if err != nil {
		return sockets{}, errors.Join(fmt.Errorf("open RTCP port: %w", err), rtp.Close())
	}
	return sockets{rtp: rtp, rtcp: rtcp, port: port}, nil
}

var _ readable = (*net.UDPConn)(nil)
