package media

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"time"
)

// maxDatagram is the largest datagram that is read; media fits an Ethernet
// frame.
const maxDatagram = 2048

// maxReadErrors is how many errors in a row a socket may have before it is
// given up; the silence watch ends the call then.
const maxReadErrors = 1000

// datagrams is a UDP socket; *net.UDPConn is one.
type datagrams interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	Close() error
}

// engine reads sockets. serve hands every datagram of c to handle until c is
// closed, then calls done; b is handle's only while it runs. This one is a
// goroutine a socket; one that drains many sockets on a tick takes its place
// behind the same method.
type engine interface {
	serve(c datagrams, handle func(b []byte, from netip.AddrPort, at time.Time), done func())
}

// goEngine is a goroutine for each socket.
type goEngine struct{ log *slog.Logger }

func (e goEngine) serve(c datagrams, handle func([]byte, netip.AddrPort, time.Time), done func()) {
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
func (e goEngine) handle(b []byte, from netip.AddrPort, f func([]byte, netip.AddrPort, time.Time)) {
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
func bindPair(ip netip.Addr, ports *Ports) (sockets, error) {
	var last error
	for range portTries {
		port, err := ports.take(time.Now())
		if err != nil {
			return sockets{}, errors.Join(err, last)
		}
		s, err := bind(ip, port)
		if err == nil {
			return s, nil
		}
		last = err
		ports.give(port, time.Now())
	}
	return sockets{}, fmt.Errorf("open RTP ports: %d pairs in a row could not be bound: %w", portTries, last)
}

func bind(ip netip.Addr, port int) (sockets, error) {
	network := "udp4"
	if ip.Is6() {
		network = "udp6"
	}
	rtp, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))))
	if err != nil {
		return sockets{}, fmt.Errorf("open RTP port: %w", err)
	}
	rtcp, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port+1))))
	if err != nil {
		return sockets{}, errors.Join(fmt.Errorf("open RTCP port: %w", err), rtp.Close())
	}
	return sockets{rtp: rtp, rtcp: rtcp, port: port}, nil
}

var _ datagrams = (*net.UDPConn)(nil)
