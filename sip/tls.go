package sip

import (
	"crypto/tls"
	"errors"
	"fmt"
)

// SetTLS sets what makes the configuration of the TLS and WSS listeners, where
// there are any. Call it before Start.
func (s *Server) SetTLS(make func() (*tls.Config, error)) { s.makeTLS = make }

// serverTLS is the configuration of TLS and WSS listeners.
func (s *Server) serverTLS() (*tls.Config, error) {
	if s.makeTLS == nil {
		return nil, errors.New("SIP over TLS needs a certificate")
	}
	c, err := s.makeTLS()
	if err != nil {
		return nil, fmt.Errorf("SIP over TLS (sip.certificate, sip.key): %w", err)
	}
	c = c.Clone()
	c.NextProtos = nil // those of HTTPS
	return c, nil
}

// clientTLS is the configuration of a connection of ours to name.
func (s *Server) clientTLS(name string) *tls.Config {
	return &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12, RootCAs: s.opt.Roots}
}
