package sip

import (
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// The transports, as Via names them.
const wireUDP = "UDP"

// wireOf is the transport that a request came by.
func (s *Server) wireOf(req *gosip.Request) string { return strings.ToUpper(req.Transport()) }
