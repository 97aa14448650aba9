package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
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
	u, err := net.ListenPacket("udp", listenAddr(at))
	if err != nil {
		return nil, nil, taken("UDP", listenAddr(at), "--sip", err)
	}
	t, err := listenTCP(netip.AddrPortFrom(at.Addr(), addrPort(u.LocalAddr()).Port()), "TCP", "--sip")
	if err != nil {
		_ = u.Close()
		return nil, nil, err
	}
	return u, t, nil
}

// listenAddr writes an address for net.Listen: without a host it is both
// families where there are two.
func listenAddr(at netip.AddrPort) string {
	if at.Addr() == netip.IPv6Unspecified() {
		return fmt.Sprintf(":%d", at.Port())
	}
	return at.String()
}

func listenTCP(at netip.AddrPort, what, setting string) (net.Listener, error) {
	t, err := net.Listen("tcp", listenAddr(at))
	if err != nil {
		return nil, taken(what, listenAddr(at), setting, err)
	}
	return t, nil
}

func taken(network, addr, setting string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("open the SIP port: %s %s is taken by another program; stop it or choose another address with %s: %w", network, addr, setting, err)
	}
	return fmt.Errorf("open the SIP port: %s %s: %w", network, addr, err)
}

// addrPort is a's address, without the zone and the IPv4-in-IPv6 form.
func addrPort(a net.Addr) netip.AddrPort {
	if a == nil {
		return netip.AddrPort{}
	}
	if u, ok := a.(*net.UDPAddr); ok { // without a string for each datagram
		ap := u.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
}

// serveStreams accepts connections of one kind until the listener closes.
func (s *Server) serveStreams(ln net.Listener, wire string, conf *tls.Config) {
	for {
		c, err := ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || s.ctx.Err() != nil {
				return
			}
			s.log.Warn("a SIP connection could not be taken", "transport", wire, "error", err)
			select { // no descriptors, for example: they come back
			case <-time.After(100 * time.Millisecond):
			case <-s.ctx.Done():
			}
			continue
		}
		from := addrPort(c.RemoteAddr()).Addr()
		done, ok := s.places.take(from, from.IsLoopback() || s.trusted(from))
		if !ok || !s.front.admit(from) {
			if ok {
				done()
			}
			s.metrics.limited.WithLabelValues("connections").Inc()
			_ = c.Close()
			continue
		}
		s.wg.Go(func() { s.setUp(c, wire, conf, done) })
	}
}

// setUp makes a connection ready: TLS, WebSocket.
func (s *Server) setUp(c net.Conn, wire string, conf *tls.Config, done func()) {
	defer s.recovered("a new connection")
	if s.cfg.DSCP != 0 {
		media.MarkDSCP(c, s.cfg.DSCP)
	}
	stop := context.AfterFunc(s.ctx, func() { _ = c.Close() })
	rest, ready, err := handshake(s.ctx, c, wire, conf, s.cfg.Origins)
	stop()
	if err != nil {
		s.metrics.garbage.Inc()
		s.log.Debug("a SIP connection was not set up", "transport", wire, "error", err)
		_ = c.Close()
		done()
		return
	}
	if err := s.front.join(ready, wire, wire == wireWS || wire == wireWSS, rest, done); err != nil {
		s.log.Debug("a SIP connection came too late", "transport", wire, "error", err)
	}
}

func handshake(ctx context.Context, c net.Conn, wire string, conf *tls.Config, origins []string) (rest []byte, ready net.Conn, err error) {
	ready = c
	if secure(wire) {
		ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
		defer cancel()
		t := tls.Server(c, conf)
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, nil, fmt.Errorf("TLS handshake: %w", err)
		}
		ready = t
	}
	if wire == wireWS || wire == wireWSS {
		rest, err = upgrade(ready, origins)
	}
	return rest, ready, err
}

// places caps connections, in all and for each address.
type places struct {
	mu    sync.Mutex
	all   int
	bySrc map[netip.Addr]int
}

// take gives a connection its place; done gives it back.
func (p *places) take(from netip.Addr, friend bool) (done func(), ok bool) {
	from = source(from)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all >= maxConns || !friend && (p.bySrc[from] >= connsASource || p.all >= maxConns*3/4) {
		return nil, false
	}
	p.all++
	p.bySrc[from]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.all--
		if p.bySrc[from]--; p.bySrc[from] == 0 {
			delete(p.bySrc, from)
		}
	}, true
}

// connect returns when there is a connection to at, an old or a new one. For
// TLS, name is what its certificate must be for, "" the address itself.
func (s *Server) connect(ctx context.Context, wire string, at netip.AddrPort, name string) error {
	if name == "" {
		name = at.Addr().String()
	}
	if open, err := s.front.reuse(at, wire, name); open || err != nil {
		return err
	}
	done, ok := s.places.take(at.Addr(), true)
	if !ok {
		return errors.New("there are too many SIP connections")
	}
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", at.String())
	if err == nil && wire == wireTLS {
		t := tls.Client(c, s.clientTLS(name))
		if err = t.HandshakeContext(ctx); err != nil {
			_ = c.Close()
		}
		c = t
	}
	if err != nil {
		done()
		return fmt.Errorf("connect to %s by %s: %w", at, wire, err)
	}
	if s.cfg.DSCP != 0 {
		media.MarkDSCP(c, s.cfg.DSCP)
	}
	return s.front.join(c, wire, false, nil, done)
}
