package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// trust are the flags that say whom servers' certificates are believed from.
type trust struct {
	CA string `name:"ca" help:"Certificates to believe beside the system's, like the authority.crt of a server that is an authority of its own." env:"CALLFLOOR_CA" type:"existingfile" placeholder:"FILE"`
}

// config is how a server's certificate is checked; nil: as the system does it. own: a
// server on this machine has written its address into run.json, which only its owner
// reads. Its certificate is for the name by which others come; and what goes to an
// address of this machine leaves it as little as by plain HTTP.
func (f trust) config(own bool) (*tls.Config, error) {
	if own {
		return &tls.Config{InsecureSkipVerify: true}, nil //nolint:gosec // see above
	}
	if f.CA == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, usagef("--ca: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, usagef("--ca %s: there is no certificate in it; it must be a PEM file, like the authority.crt that the page /install gives", f.CA)
	}
	return &tls.Config{RootCAs: roots}, nil
}
