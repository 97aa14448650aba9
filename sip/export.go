package sip

import (
	"fmt"
	"math"
	"net"

	"callfloor/sip/hep"
)

// HEP is the configuration of the export of SIP messages to a collector like
// Homer (HEPv3 over UDP).
type HEP struct {
	// To is the collector, HOST:PORT; "": none.
	To string `yaml:"to"`
	// ID is the number that the collector knows us by.
	ID int `yaml:"id"`
	// Password is the collector's, "" for none.
	Password string `yaml:"password"`
}

func (h HEP) validate() error {
	if h.ID < 0 || h.ID > math.MaxInt32 {
		return fmt.Errorf("sip.hep.id: %d; it must be 0 or more, 2001 is usual", h.ID)
	}
	if h.To == "" {
		return nil
	}
	if host, port, err := net.SplitHostPort(h.To); err != nil || host == "" || port == "" {
		return fmt.Errorf("sip.hep.to: %q is not HOST:PORT; write homer.example.org:9060, for example", h.To)
	}
	return nil
}

// export hands a message of a leg to the collector, if there is one.
func (s *Server) export(l *Leg, e Trace) {
	if s.hep == nil || e.Text == "" {
		return
	}
	s.hep.Send(hep.Packet{At: e.At, From: e.From, To: e.To, Transport: e.Transport, Call: l.traceID, Text: e.Text})
}
