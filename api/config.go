package api

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"callfloor/api/certificate"
)

// Config is the HTTP part of the configuration.
type Config struct {
	// Listen is the address for plain HTTP; "" switches it off.
	Listen string `yaml:"listen"`
	// HTTPS is the address for HTTPS; "" switches it off. Browsers give a page
	// the microphone only over HTTPS or on the same machine.
	HTTPS string `yaml:"https"`
	// Certificate and Key are PEM files for HTTPS, read again when they change.
	// Without them and ACME the server is an authority of its own, whose
	// certificate people install once (/install).
	Certificate string           `yaml:"certificate"`
	Key         string           `yaml:"key"`
	ACME        certificate.ACME `yaml:"acme"`
	// Names are further names and addresses for the own authority's certificate.
	Names []string `yaml:"names"`
	// Redirect sends plain HTTP to HTTPS where there is HTTPS.
	Redirect bool `yaml:"redirect"`
	// Proxies are the reverse proxies whose X-Forwarded-For and X-Forwarded-Proto
	// are believed.
	Proxies []netip.Prefix `yaml:"proxies"`
}

// DefaultConfig returns the defaults of callfloor.example.yaml.
func DefaultConfig() Config {
	return Config{
		Listen: ":8080", Proxies: []netip.Prefix{}, Names: []string{}, Redirect: true, ACME: certificate.ACME{Domains: []string{}},
	}
}

// Validate names what is wrong, each with the key.
func (c Config) Validate() error {
	var errs []error
	for _, a := range []struct{ key, value string }{{"listen", c.Listen}, {"https", c.HTTPS}} {
		if a.value == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(a.value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is not an address; write HOST:PORT or :PORT, for example :8080", a.key, a.value))
		}
	}
	if c.Listen == "" && c.HTTPS == "" {
		errs = append(errs, errors.New("listen: both listen and https are empty, so nobody could reach the server; give one of them an address"))
	}
	return errors.Join(append(errs, c.certificates().Validate())...)
}

// certificates is what HTTPS gets its certificates from.
func (c Config) certificates() certificate.Config {
	return certificate.Config{Certificate: c.Certificate, Key: c.Key, ACME: c.ACME, Names: c.Names}
}
