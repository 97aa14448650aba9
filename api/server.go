package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callfloor/contact"
)

// Limits of the HTTP servers. Writing has no limit of its own beyond idle
// connections for the seat socket, which lives for a shift.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 30 * time.Second
	bigReadTimeout = 5 * time.Minute // of sounds, flows and lists, whose senders are known
	writeTimeout   = time.Minute
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
	maxConnections = 10_000
)

// Line is a line as the sign-in page lists it.
type Line struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Trouble is one reason why the server is not ready.
type Trouble struct {
	Part string `json:"part" doc:"what is in trouble: sip, webrtc, database, recordings"`
	Why  string `json:"why"`
}

// DemoCall is a call that the built-in test phone shall make.
type DemoCall struct {
	Line string
	Keys string        // "1@4s,1@7s"
	Play string        // "tone:440"; "" is silence
	For  time.Duration // counted from the answer
}

// Options are what New needs. Calls, Recordings, Seats and Pages are the rooms
// behind the routes.
type Options struct {
	Log      *slog.Logger
	Config   Config
	Version  string
	DataDir  string // run.json and a self-made certificate go there
	Accounts *Accounts
	Audit    *Audit
	Lines    []Line
	// Tags are the groups of tags of wrap-ups.
	Tags []contact.TagGroup
	// Demo shows the people of the demo with one-click sign-in and lets the
	// built-in test phone be started; the server then answers to localhost only.
	Demo     bool
	DemoCall func(context.Context, DemoCall) error

	Calls      Calls
	Recordings Recordings
	Flows      Flows      // nil: no routes
	Prompts    Prompts    // nil: no routes
	FlowCalls  FlowCalls  // nil: no routes
	Outbound   Outbound   // nil: no routes
	Registered Registered // nil: no routes
	Bans       Bans       // nil: no routes
	Tasks      Tasks      // nil: no routes
	Staffing   Staffing   // nil: no routes
	Customers  Customers  // nil: no routes
	Knowledge  Knowledge  // nil: no routes
	Figures    Figures    // nil: no routes
	Webhooks   Webhooks   // nil: no routes
	// PageOrigin is the origin of the CRM's page that the pages may frame, or, if
	// PageInWindow, open in a window and speak with; "": none.
	PageOrigin   string
	PageInWindow bool
	Seats        http.Handler // the seat socket
	Pages        http.Handler // the browser app
	// Targets says where a call of user can go; q is a part of a name, or "".
	Targets func(user, q string) Targets
	// SignOut ends the seat of a user whose sessions are over; but for one that it
	// keeps, as Accounts.Watch says.
	SignOut func(user, keep string)
	// Troubles says what keeps the server from being ready; empty is ready.
	Troubles func(context.Context) []Trouble
	Metrics  interface {
		prometheus.Gatherer
		prometheus.Registerer
	}
}

// Server is the HTTP side of the house.
type Server struct {
	log      *slog.Logger
	opts     Options
	demo     bool
	accounts *Accounts
	audit    *Audit
	panics   prometheus.Counter
	plays    *playLog
	handler  http.Handler
	policies policies

	mu        sync.Mutex // guards what follows
	listeners map[string]net.Listener
	servers   []*http.Server
	running   sync.WaitGroup
}

// New makes the server; it listens from Start on.
func New(o Options) (*Server, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		log: o.Log, opts: o, demo: o.Demo, accounts: o.Accounts, audit: o.Audit, plays: newPlayLog(), listeners: map[string]net.Listener{},
		panics: prometheus.NewCounter(prometheus.CounterOpts{Name: "callfloor_http_panics_total", Help: "HTTP requests that ended in a panic."}),
	}
	if err := o.Metrics.Register(s.panics); err != nil {
		return nil, fmt.Errorf("register the HTTP metrics: %w", err)
	}
	o.Accounts.Watch(o.SignOut, nil)
	s.policies = policiesFor(o.PageOrigin, o.PageInWindow)
	s.handler = s.secure(s.routes())
	return s, nil
}

// ServeHTTP serves one request, without a listener.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Start binds the addresses, serves them, and writes run.json. The error names
// the address that could not be had.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.opts.Config
	var plain http.Handler = s
	if c.HTTPS != "" {
		source, err := s.openHTTPS()
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", c.HTTPS)
		if err != nil {
			return fmt.Errorf("listen for HTTPS on %s (http.https, --https): %w; stop what uses the port or give another address", c.HTTPS, err)
		}
		s.serve("https", l, source.TLS(), s.secureHandler(source))
		plain = s.plainHandler(source)
	}
	if c.Listen != "" {
		l, err := net.Listen("tcp", c.Listen)
		if err != nil {
			err = fmt.Errorf("listen for HTTP on %s (http.listen, --http): %w; stop what uses the port or give another address", c.Listen, err)
			return errors.Join(err, s.stop(context.Background()))
		}
		s.serve("http", l, nil, plain)
	}
	if err := WriteRunFile(s.opts.DataDir, RunFile{URL: s.url(), Token: s.accounts.LocalToken()}); err != nil {
		return errors.Join(err, s.stop(context.Background()))
	}
	return nil
}

// serve starts one HTTP server on l; the caller holds mu. Close waits for it.
func (s *Server) serve(scheme string, l net.Listener, conf *tls.Config, h http.Handler) {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.listeners[scheme] = l
	s.servers = append(s.servers, srv)
	l = capped(l, maxConnections)
	if conf != nil {
		l = tls.NewListener(l, conf)
	}
	s.running.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("http server stopped", "scheme", scheme, "error", err)
		}
	})
}

// Addr returns the bound address of scheme "http" or "https"; zero when it is
// not served.
func (s *Server) Addr(scheme string) netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr(scheme)
}

func (s *Server) addr(scheme string) netip.AddrPort {
	l, ok := s.listeners[scheme]
	if !ok {
		return netip.AddrPort{}
	}
	ap, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// URL is where a program on this machine reaches the server.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url()
}

func (s *Server) url() string {
	scheme := "http"
	a := s.addr(scheme)
	if !a.IsValid() {
		scheme = "https"
		a = s.addr(scheme)
	}
	host := a.Addr()
	if host.IsUnspecified() {
		host = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return scheme + "://" + netip.AddrPortFrom(host, a.Port()).String()
}

// Close removes run.json, stops listening and waits for running requests until
// ctx is done; then it cuts them off.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(RemoveRunFile(s.opts.DataDir), s.stop(ctx))
}

func (s *Server) stop(ctx context.Context) error {
	var errs []error
	for _, srv := range s.servers {
		if err := srv.Shutdown(ctx); err != nil {
			errs = append(errs, err, srv.Close())
		}
	}
	s.servers = nil
	s.running.Wait()
	return errors.Join(errs...)
}
