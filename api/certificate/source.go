// Package certificate gives HTTPS its certificates: from files, which are read
// again when they change; from a certification authority by ACME (RFC 8555),
// such as Let's Encrypt; or from an authority of the house's own, whose
// certificate people install once, for networks that no outside authority
// knows. Browsers give a page the microphone over HTTPS or on localhost only.
package certificate

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// Config says where the certificates come from: Certificate and Key, or ACME,
// or else the house's own authority.
type Config struct {
	// Certificate and Key are PEM files.
	Certificate string
	Key         string
	ACME        ACME
	// Names are further names and addresses for the own authority's certificate,
	// beside this machine's.
	Names []string
}

// ACME asks an outside authority for certificates; without Domains it is off.
type ACME struct {
	// Domains are the names to ask for; the authority must reach this server by
	// each, on port 80 or 443.
	Domains []string `yaml:"domains"`
	// Email is told to the authority, which writes to it before a certificate
	// ends; may be empty.
	Email string `yaml:"email"`
	// Directory is the authority's address; "" is Let's Encrypt's.
	Directory string `yaml:"directory"`
}

// Validate names what is wrong, each with its key below http.
func (c Config) Validate() error {
	var errs []error
	if (c.Certificate == "") != (c.Key == "") {
		errs = append(errs, errors.New("certificate: certificate and key belong together; give both files or none"))
	}
	if c.Certificate != "" && len(c.ACME.Domains) > 0 {
		errs = append(errs, errors.New("acme.domains: there is a certificate file too; take either the file or ACME"))
	}
	for _, d := range c.ACME.Domains {
		if _, err := netip.ParseAddr(d); err == nil || !domain(d) {
			errs = append(errs, fmt.Errorf("acme.domains: %q is no public name; write one such as calls.example.org", d))
		}
	}
	if d := c.ACME.Directory; d != "" && !strings.HasPrefix(d, "https://") {
		errs = append(errs, fmt.Errorf("acme.directory: %q is not an https address", d))
	}
	for _, n := range c.Names {
		if _, err := netip.ParseAddr(n); err != nil && !host(n) {
			errs = append(errs, fmt.Errorf("names: %q is neither a name nor an address", n))
		}
	}
	return errors.Join(errs...)
}

// domain says whether a name has the form that an authority signs.
func domain(s string) bool { return host(s) && strings.Contains(s, ".") }

func host(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// Source gives the certificates. It is safe for concurrent use.
type Source struct {
	acme      *autocert.Manager
	files     *files
	authority *authority
}

// New reads or makes what is needed and keeps what it makes in dir. The error
// names the file or the setting.
func New(dir string, c Config, log *slog.Logger) (*Source, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	switch {
	case c.Certificate != "":
		f := &files{cert: c.Certificate, key: c.Key, log: log}
		_, err := f.get(nil)
		return &Source{files: f}, err
	case len(c.ACME.Domains) > 0:
		m := &autocert.Manager{
			Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(filepath.Join(dir, "acme")), Email: c.ACME.Email,
			HostPolicy: autocert.HostWhitelist(c.ACME.Domains...),
		}
		if c.ACME.Directory != "" {
			m.Client = &acme.Client{DirectoryURL: c.ACME.Directory}
		}
		return &Source{acme: m}, nil
	}
	a, err := openAuthority(dir, c.Names)
	if err != nil {
		return nil, fmt.Errorf("make a certificate in %s: %w", dir, err)
	}
	return &Source{authority: a}, nil
}

// TLS is the configuration for the listener.
func (s *Source) TLS() *tls.Config {
	if s.acme != nil {
		c := s.acme.TLSConfig()
		c.MinVersion, c.NextProtos = tls.VersionTLS12, []string{"http/1.1", acme.ALPNProto}
		return c
	}
	get := func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return s.files.get(h) }
	if s.authority != nil {
		get = s.authority.get
	}
	return &tls.Config{GetCertificate: get, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
}

// Plain stands before the handler of plain HTTP and answers the questions of an
// ACME authority (RFC 8555 §8.3).
func (s *Source) Plain(next http.Handler) http.Handler {
	if s.acme == nil {
		return next
	}
	return s.acme.HTTPHandler(next)
}

// Root returns the certificate of the own authority, in DER, for people to
// install; false if certificates come from elsewhere.
func (s *Source) Root() ([]byte, bool) {
	if s.authority == nil {
		return nil, false
	}
	return s.authority.root.Raw, true
}

// Fingerprint is the SHA-256 of the own authority's certificate as browsers
// write it, for people to compare; "" without one.
func (s *Source) Fingerprint() string {
	root, own := s.Root()
	if !own {
		return ""
	}
	sum := sha256.Sum256(root)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// local is the address at which a client has reached us; invalid if not known.
func local(h *tls.ClientHelloInfo) netip.Addr {
	if h == nil || h.Conn == nil {
		return netip.Addr{}
	}
	a, ok := h.Conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr().Unmap().WithZone("")
}
