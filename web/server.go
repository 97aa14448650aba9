package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"callfloor/contact"
	"callfloor/media"

	"github.com/prometheus/client_golang/prometheus"
)

// Identity is who signed in.
type Identity struct {
	User string
	Name string
	Role contact.Role
	// Session names the session, and is no secret; Ends is when it is over, zero:
	// never.
	Session string
	Ends    time.Time
}

// House is what the seats need from the rest of Callfloor. Its methods are
// called without any lock held, for one seat one at a time and in order.
type House interface {
	// SeatUp says that the seat's phone tab has a socket: the first one, a new
	// one after a reload, or that of another tab that took over.
	SeatUp(s *Seat)
	// SeatMedia says whether the seat can talk now. Otherwise why says what is
	// missing: "connection" or "microphone".
	SeatMedia(s *Seat, ready bool, why string)
	// SeatDown says that the phone tab's socket is gone. Its audio may go on
	// for a while, and other tabs may still be there to look at the document.
	SeatDown(s *Seat)
	// Do carries out a command; ctx ends after 5 s. What it returns is shown to
	// the user as contact.ErrorMessage has it.
	Do(ctx context.Context, s *Seat, c Command) error
}

// Options are the parts that a Server works with.
type Options struct {
	// Log defaults to slog.Default().
	Log *slog.Logger
	// Pacer drives the silence of the tracks. Needed.
	Pacer *media.Pacer
	// Engine is that of the phones; nil for none. With it the media port is
	// read and written in batches.
	Engine *media.Engine
	// House is told of seats and commands. Needed.
	House House
	// Authenticate says who is there: by the token of Hello or, when that is
	// empty, by the cookie or header of the request. Needed. Its error ends the
	// socket.
	Authenticate func(r *http.Request, token string) (Identity, error)
	// AllowOrigin lists the origins ("https://desk.example") that may open a
	// seat socket besides pages of the very host that they talk to.
	AllowOrigin []string
	// Metrics takes the counters; nil for none.
	Metrics prometheus.Registerer
}

// Server is the edge towards browsers. ServeHTTP is the seat socket.
type Server struct {
	cfg     Config
	opts    Options
	log     *slog.Logger
	metrics *metrics
	engine  *engine

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup // sockets, peers, the janitor

	mu      sync.Mutex
	state   serverState
	seats   map[string]*Seat
	sockets map[*socket]struct{}
}

type serverState int

const (
	serverNew serverState = iota
	serverRunning
	serverClosed
)

// maxSockets caps the sockets of everyone together, said Hello or not.
const maxSockets = 20000

// seatKept is how long a seat without any socket is remembered.
const seatKept = 10 * time.Minute

// New checks the configuration and makes a Server. It opens nothing yet.
func New(cfg Config, opts Options) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("webrtc: %w", err)
	}
	if opts.Pacer == nil || opts.House == nil || opts.Authenticate == nil {
		return nil, errors.New("web: Options need Pacer, House and Authenticate")
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	s := &Server{cfg: cfg, opts: opts, log: opts.Log, seats: map[string]*Seat{}, sockets: map[*socket]struct{}{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	var err error
	s.metrics, err = newMetrics(opts.Metrics)
	return s, err
}

// Start opens the media port. Its error names the port that is taken.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != serverNew {
		return errors.New("web: the server was started already")
	}
	engine, err := newEngine(s.cfg, s.opts.Engine, s.log)
	if err != nil {
		return err
	}
	if s.cfg.TURN != "" {
		seated := func(user string) bool { _, ok := s.Seat(user); return ok }
		if engine.relay, err = newRelay(s.cfg, engine.mux, seated, s.metrics, s.log); err != nil {
			return errors.Join(err, engine.close())
		}
		// Before the media port, so that nothing is relayed to a closed one.
		engine.closers = append([]io.Closer{engine.relay}, engine.closers...)
	}
	s.run(engine)
	return nil
}

// run begins with an engine; the caller holds the lock.
func (s *Server) run(e *engine) {
	s.engine, s.state = e, serverRunning
	s.work.Go(s.janitor)
}

// Addr returns the address of the media port, with the port that was taken
// where the configuration said 0. The IP is unspecified for every interface.
func (s *Server) Addr() netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine == nil {
		return netip.AddrPort{}
	}
	return s.engine.addr
}

// TURN returns the address of the embedded TURN server, with the port that was
// taken where the configuration said 0; the zero address if there is none.
func (s *Server) TURN() netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine == nil || s.engine.relay == nil {
		return netip.AddrPort{}
	}
	return s.engine.relay.addr
}

// Close says goodbye to every browser, ends all media and waits for it, at
// most until ctx ends.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	started := s.engine
	s.state = serverClosed
	seats := make([]*Seat, 0, len(s.seats))
	for _, seat := range s.seats {
		seats = append(seats, seat)
	}
	for k := range s.sockets {
		k.bye(contact.Busy, "the server is going down", true)
	}
	s.mu.Unlock()
	s.stop()
	for _, seat := range seats {
		seat.retire()
	}
	done := make(chan struct{})
	go func() { s.work.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		return fmt.Errorf("web: closing seats: %w", context.Cause(ctx))
	}
	if started != nil {
		return started.close()
	}
	return nil
}

// Seat returns the seat of a user, if there is one.
func (s *Server) Seat(user string) (*Seat, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seat, ok := s.seats[user]
	return seat, ok
}

// SignOut ends the seat of a user: every tab is told and closed, media ends.
func (s *Server) SignOut(user string) {
	s.mu.Lock()
	seat, ok := s.seats[user]
	delete(s.seats, user)
	s.mu.Unlock()
	if ok {
		seat.signOut()
	}
}

// SignOutOthers closes the tabs of a user that are of another session than the one
// named, and ends their media. The seat stays, with what that session's tabs do.
func (s *Server) SignOutOthers(user, session string) {
	if seat, ok := s.Seat(user); ok {
		seat.part(func(who Identity) bool { return who.Session != session })
	}
}

// seat returns the seat of who, a new one if there is none.
func (s *Server) seat(who Identity) (*Seat, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != serverRunning {
		return nil, contact.Errorf(contact.Busy, "the server is going down")
	}
	if seat, ok := s.seats[who.User]; ok {
		return seat, nil
	}
	seat := newSeat(s, who)
	s.seats[who.User] = seat
	return seat, nil
}

// add counts a socket in; false if there are too many or the server is closed.
func (s *Server) add(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != serverRunning || len(s.sockets) >= maxSockets {
		return false
	}
	s.sockets[k] = struct{}{}
	s.work.Add(1)
	return true
}

func (s *Server) remove(k *socket) {
	s.mu.Lock()
	delete(s.sockets, k)
	s.mu.Unlock()
	s.work.Done()
}

// janitor forgets seats that nobody used for long and peer connections that
// failed and were not replaced.
func (s *Server) janitor() {
	tick := time.NewTicker(15 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case now := <-tick.C:
			s.sweep(now)
		}
	}
}

func (s *Server) sweep(now time.Time) {
	var old, kept []*Seat
	s.mu.Lock()
	for user, seat := range s.seats {
		if seat.sweep(now) {
			delete(s.seats, user)
			old = append(old, seat)
		} else {
			kept = append(kept, seat)
		}
	}
	s.mu.Unlock()
	for _, seat := range old {
		seat.retire()
	}
	for _, seat := range kept {
		seat.notices.run()
	}
}

// recovered keeps a panic in one browser's goroutine from ending every call.
// Use it with defer; then, if not nil, runs after a panic.
func (s *Server) recovered(what string, then func()) {
	if p := recover(); p != nil {
		s.metrics.panics.Inc()
		s.log.Error("web: a goroutine panicked; only its browser is cut off", "goroutine", what, "panic", fmt.Sprint(p), "stack", stack())
		if then != nil {
			then()
		}
	}
}
