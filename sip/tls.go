package sip

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// certificates is the server's certificate, read again when its files change,
// so that a renewal needs no restart and drops no call.
type certificates struct {
	cert, key string

	mu     sync.Mutex
	pair   *tls.Certificate
	change time.Time // of the files read last
	looked time.Time
}

// lookAgain is how often the files are looked at.
const lookAgain = 10 * time.Second

// serverTLS is the configuration of TLS and WSS listeners.
func (s *Server) serverTLS() (*tls.Config, error) {
	cert, key := s.cfg.Certificate, s.cfg.Key
	if cert == "" {
		if s.opt.OwnCertificate == nil {
			return nil, errors.New("SIP over TLS needs a certificate; set sip.certificate and sip.key")
		}
		var err error
		if cert, key, err = s.opt.OwnCertificate(); err != nil {
			return nil, fmt.Errorf("SIP over TLS: %w", err)
		}
	}
	c := &certificates{cert: cert, key: key}
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12}, nil
}

func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.pair == nil || now.Sub(c.looked) > lookAgain {
		c.looked = now
		if err := c.read(); err != nil && c.pair == nil { // the old one is better than none
			return nil, err
		}
	}
	return c.pair, nil
}

// read reads the files if they changed. mu is held.
func (c *certificates) read() error {
	info, err := os.Stat(c.cert)
	if err == nil && c.pair != nil && info.ModTime().Equal(c.change) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("load the certificate %s and its key %s (sip.certificate, sip.key): %w", c.cert, c.key, err)
	}
	c.pair = &pair
	if info != nil {
		c.change = info.ModTime()
	}
	return nil
}

// clientTLS is the configuration of a connection of ours to name.
func (s *Server) clientTLS(name string) *tls.Config {
	return &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12, RootCAs: s.opt.Roots}
}
