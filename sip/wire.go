package sip

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// The transports, as Via names them (RFC 3261 §20.42, RFC 7118).
const (
	wireUDP = "UDP"
	wireTCP = "TCP"
	wireTLS = "TLS"
	wireWS  = "WS"
	wireWSS = "WSS"
)

// network is the transport of sipgo's that a message goes by: the front gives
// it connections of every kind as TCP.
func network(wire string) string {
	if wire == wireUDP || wire == "" {
		return wireUDP
	}
	return wireTCP
}

// wireOf is the transport that a request came by.
func (s *Server) wireOf(req *gosip.Request) string {
	if wire, ok := s.front.wire(req.Source()); ok && !strings.EqualFold(req.Transport(), wireUDP) {
		return wire
	}
	return strings.ToUpper(req.Transport())
}

// secure says whether a transport is encrypted, so that sips URIs and secrets
// may go by it.
func secure(wire string) bool { return wire == wireTLS || wire == wireWSS }

// port is the port of ours that a far end reaches us at by a transport.
func (s *Server) port(wire string) int {
	if at, ok := s.listening[wire]; ok {
		return int(at.Port())
	}
	return int(s.addr.Port())
}

// Listening are the addresses that are bound, by transport: UDP, TCP, TLS, WS,
// WSS.
func (s *Server) Listening() map[string]netip.AddrPort {
	out := map[string]netip.AddrPort{}
	for k, v := range s.listening {
		out[k] = v
	}
	return out
}

var errFlowGone = errors.New("the connection that the far end came by is gone")

// reach sees to it that there is a connection for the leg's requests, before
// sipgo would open one of its own, without TLS. To those who came to us there
// is none but theirs.
func (l *Leg) reach(ctx context.Context) error {
	l.mu.Lock()
	d := &l.dialog
	wire, at, name, ours := d.transport, d.flow, d.peerName, l.outbound && !d.pinned
	l.mu.Unlock()
	if wire == wireUDP {
		return nil
	}
	if ours {
		return l.s.connect(ctx, wire, at, name) // an old one, if it is for this name
	}
	if _, ok := l.s.front.wire(at.String()); !ok {
		return errFlowGone
	}
	return nil
}
