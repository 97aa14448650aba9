package api

import (
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"callfloor/api/certificate"
)

// openHTTPS opens the source of the certificates; the caller holds mu.
func (s *Server) openHTTPS() (*certificate.Source, error) {
	c := s.opts.Config
	source, err := certificate.New(filepath.Join(s.opts.DataDir, "tls"), c.certificates(), s.log)
	if err != nil {
		return nil, err
	}
	if _, own := source.Root(); own {
		s.log.Warn("https uses an authority of its own; people install its certificate once", "page", certificate.PagePath, "sha256", source.Fingerprint())
	}
	return source, nil
}

// plainHandler is what plain HTTP answers where there is HTTPS too: pages and
// programs are sent there, because a browser gives no microphone here and
// passwords would be readable. What watches the server, what this machine asks
// itself, and what helps to install the certificate stay.
func (s *Server) plainHandler(source *certificate.Source) http.Handler {
	pages := source.Pages(func(r *http.Request) string { return s.secureURL(r.Host) + "/" })
	return source.Plain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case certificate.Public(r.URL.Path):
			s.secure(pages).ServeHTTP(w, r)
		case !s.opts.Config.Redirect, localHost(r.Host), s.fromProxy(r),
			slices.Contains([]string{"/healthz", "/readyz", "/metrics"}, r.URL.Path):
			s.ServeHTTP(w, r)
		default:
			http.Redirect(w, r, s.secureURL(r.Host)+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		}
	}))
}

// secureHandler is what HTTPS answers.
func (s *Server) secureHandler(source *certificate.Source) http.Handler {
	pages := source.Pages(func(r *http.Request) string { return s.secureURL(r.Host) + "/" })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if certificate.Public(r.URL.Path) {
			s.secure(pages).ServeHTTP(w, r)
			return
		}
		s.ServeHTTP(w, r)
	})
}

// secureURL is HTTPS at the name by which somebody has asked.
func (s *Server) secureURL(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		host = "[" + host + "]"
	}
	if port := s.Addr("https").Port(); port != 443 {
		return "https://" + host + ":" + strconv.Itoa(int(port))
	}
	return "https://" + host
}

// cameSecure says whether a browser came by HTTPS, as far as is known: to us, or
// to a proxy of ours that says so.
func (s *Server) cameSecure(r *http.Request) bool {
	return r.TLS != nil || s.fromProxy(r) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// fromProxy says whether a proxy of ours asks.
func (s *Server) fromProxy(r *http.Request) bool {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && slices.ContainsFunc(s.opts.Config.Proxies, func(p netip.Prefix) bool { return p.Contains(ap.Addr().Unmap()) })
}
