package api

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"

	"callfloor/contact"
)

// maxBody bounds a request's body for whoever reads it: the largest that an
// operation takes. Each has a limit of its own.
const maxBody = maxPromptBody

// contentPolicy lets a page load what this server serves and nothing else; the
// app injects no styles and no scripts. 'wasm-unsafe-eval' lets it compile
// WebAssembly, which the noise suppression is; eval stays forbidden.
const contentPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// policies are the headers that depend on the CRM's page.
type policies struct{ content, opener string }

// policiesFor lets the pages frame origin, or, where that opens in a window of
// its own, keep hold of the window: same-origin would cut the two apart.
func policiesFor(origin string, inWindow bool) policies {
	p := policies{content: contentPolicy, opener: "same-origin"}
	switch {
	case origin == "":
	case inWindow:
		p.opener = "same-origin-allow-popups"
	default:
		p.content += "; frame-src " + origin
	}
	return p
}

// secure puts every request behind the same headers and limits: security
// headers, the size of the body, cross-origin protection, recovery.
func (s *Server) secure(next http.Handler) http.Handler {
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, contact.Errorf(contact.Forbidden, "a page of another origin sent this request"))
	}))
	protected := csrf.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.recovered(w, r)
		h := w.Header()
		h.Set("Content-Security-Policy", s.policies.content)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", s.policies.opener)
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "microphone=(self), camera=(self), geolocation=(), payment=(), usb=()")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		if s.demo && !localHost(r.Host) {
			writeError(w, contact.Errorf(contact.Forbidden, "the demo answers to localhost only; open http://localhost instead of %q", r.Host))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		protected.ServeHTTP(w, r)
	})
}

// recovered keeps a panic of one handler from ending the process and its calls.
func (s *Server) recovered(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.panics.Inc()
	s.log.ErrorContext(r.Context(), "request failed: panic", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", slog.StringValue(string(debug.Stack())))
	writeError(w, contact.Errorf(contact.Internal, "something went wrong on the server; its log has the details"))
}

// localHost says whether a Host header names this machine. The demo has known
// passwords, so a foreign page must not reach it by pointing a name of its own
// at 127.0.0.1 (DNS rebinding).
func localHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// clientAddr is the address that a request comes from: the peer's, or, where the
// peer is one of our proxies, the last one in X-Forwarded-For that is not.
func clientAddr(r *http.Request, proxies []netip.Prefix) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := ap.Addr().Unmap()
	isProxy := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && isProxy(addr); i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = a.Unmap()
	}
	return addr
}

// fromThisMachine says whether a request comes straight from this machine, and
// not through a proxy on it.
func fromThisMachine(r *http.Request) bool {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && ap.Addr().Unmap().IsLoopback() &&
		r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}
