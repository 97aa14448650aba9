package sip

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Auto is the value of Config.External that asks a STUN server.
const Auto = "auto"

// How often the public address is asked for: again and again, since it may
// change, and sooner while it is not known.
const (
	stunAgain = 5 * time.Minute
	stunRetry = 15 * time.Second
	stunWait  = 3 * time.Second
)

const (
	stunRequest  = 0x0001
	stunResponse = 0x0101
	stunCookie   = 0x2112A442
	stunMapped   = 0x0001
	stunXMapped  = 0x0020
)

// askSTUN asks a STUN server (RFC 8489) which address we have outside.
func askSTUN(ctx context.Context, server string) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, stunWait)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", server)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("ask the STUN server %s: %w", server, err)
	}
	defer c.Close() //nolint:errcheck // it was only read
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	req := make([]byte, 20)
	binary.BigEndian.PutUint16(req, stunRequest)
	binary.BigEndian.PutUint32(req[4:], stunCookie)
	_, _ = rand.Read(req[8:]) // never fails
	buf := make([]byte, 1500)
	for wait := 500 * time.Millisecond; ctx.Err() == nil; wait *= 2 { // RFC 8489 §6.2.1
		if _, err := c.Write(req); err != nil {
			return netip.Addr{}, fmt.Errorf("ask the STUN server %s: %w", server, err)
		}
		again := time.Now().Add(wait)
		for {
			if ctx.Err() == nil {
				_ = c.SetReadDeadline(again)
			}
			n, err := c.Read(buf)
			if err != nil {
				break // time to ask again, or a port that is closed yet
			}
			if addr, err := parseSTUN(buf[:n], req[8:]); err == nil {
				return addr, nil
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(again)):
		}
	}
	return netip.Addr{}, fmt.Errorf("the STUN server %s did not answer: %w", server, context.Cause(ctx))
}

var errSTUN = errors.New("no answer to our STUN request")

// parseSTUN reads the mapped address of a binding response to the request with
// this transaction ID.
func parseSTUN(b, id []byte) (netip.Addr, error) {
	if len(b) < 20 || binary.BigEndian.Uint16(b) != stunResponse || string(b[8:20]) != string(id) {
		return netip.Addr{}, errSTUN
	}
	head, attrs := b[4:20], b[20:]
	if n := int(binary.BigEndian.Uint16(b[2:])); n < len(attrs) {
		attrs = attrs[:n]
	}
	var plain netip.Addr
	for len(attrs) >= 4 {
		kind, n := binary.BigEndian.Uint16(attrs), int(binary.BigEndian.Uint16(attrs[2:]))
		attrs = attrs[4:]
		if n > len(attrs) {
			return netip.Addr{}, errSTUN
		}
		v := attrs[:n]
		attrs = attrs[min((n+3)&^3, len(attrs)):]
		if kind != stunMapped && kind != stunXMapped || n != 8 && n != 20 {
			continue
		}
		ip := append([]byte(nil), v[4:]...)
		if kind == stunXMapped {
			for i := range ip { // with the cookie and the transaction ID
				ip[i] ^= head[i]
			}
		}
		addr, ok := netip.AddrFromSlice(ip)
		switch {
		case ok && kind == stunXMapped:
			return addr.Unmap(), nil
		case ok:
			plain = addr.Unmap()
		}
	}
	if !plain.IsValid() {
		return netip.Addr{}, errSTUN
	}
	return plain, nil
}

// watchExternal asks for our public address until ctx ends, and keeps the last
// one that was told: a STUN server that is down changes nothing.
func (s *Server) watchExternal(ctx context.Context) {
	defer s.recovered("public address")
	for {
		wait := stunAgain
		addr, err := askSTUN(ctx, s.cfg.STUN)
		switch old := s.external.Load(); {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = stunRetry
			s.log.Warn("the public address could not be asked for; the one known last is used", "error", err, "known", old != nil)
		case old == nil || *old != addr:
			s.external.Store(&addr)
			s.log.Info("the public address is known", "address", addr)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// outside is the address that far ends beyond our network reach us at, if it
// is not our own.
func (s *Server) outsideAddr() (netip.Addr, bool) {
	if s.cfg.External == Auto {
		if a := s.external.Load(); a != nil {
			return *a, true
		}
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s.cfg.External)
	return a, err == nil
}

// near says whether a far end is in a network of our own: it reaches us at the
// address that packets to it leave from.
func near(remote, ours netip.Addr) bool {
	local := func(a netip.Addr) bool { return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() }
	return remote.IsLoopback() || local(remote) && local(ours)
}
