package sip

import gosip "github.com/emiago/sipgo/sip"

// export hands a message to whoever collects them.
func (s *Server) export(*Leg, Trace) {}

// vouchFor signs the caller of our INVITE (RFC 8224) where a key is configured.
func (s *Server) vouchFor(*Leg, *gosip.Request) {}
