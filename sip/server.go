package sip

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/sip/hep"
	"callfloor/sip/stir"
)

// Options are what a Server is given beside its configuration.
type Options struct {
	Log *slog.Logger // nil: discard
	// Pacer and Ports are what media sessions are opened with; not needed
	// where OpenMedia is set.
	Pacer *media.Pacer
	Ports *media.Ports
	// Engine reads their sockets; nil: a goroutine for each.
	Engine *media.Engine
	// OnCall is handed each new call on a goroutine of its own; it may return
	// when it likes. A call for which it returns without an answer is refused
	// with 480. nil: every call is refused with 404.
	OnCall func(*Leg)
	// OnRefer is handed each REFER that comes within a call, on a goroutine of its
	// own, and must Accept or Refuse it within 20 s; when it returns without that,
	// and where it is nil, the REFER is refused with 403.
	OnRefer func(*Referral)
	// Trusted says whether a peer, beside the trunks, is believed when it says who
	// calls (P-Asserted-Identity, Privacy, Diversion; RFC 3325) and may replace
	// calls. nil: nobody is. It must not block.
	Trusted func(peer netip.AddrPort) bool
	// Fetch gets signers' certificates (Config.STIR); nil: none are fetched.
	Fetch   stir.Fetcher
	Metrics prometheus.Registerer // nil: none
	// Phones are the passwords of users' telephones; nil: there is no registrar.
	Phones Phones

	// Roots are who vouches for the far ends of our own TLS connections; nil:
	// the system's.
	Roots *x509.CertPool

	// Conn is a UDP socket that is already bound, instead of Config.Listen;
	// there is no TCP then. Tests pass one end of an in-memory network.
	Conn net.PacketConn
	// OpenMedia opens a leg's media; nil: a media.Session.
	OpenMedia func(MediaConfig) (Media, error)
}

// Media is a leg's media session; *media.Session is one.
type Media interface {
	LocalPort() int
	SetRemote(media.Remote)
	Source() *media.Source
	Sender() *media.Sender
	OnDigit(func(media.Digit))
	OnInsecure(func(error))
	OnSilence(warn, end time.Duration, fn func(silent time.Duration, ended bool))
	SetHeld(bool)
	Quality() media.Quality
	Close()
}

// MediaConfig is what OpenMedia is told.
type MediaConfig struct {
	IP   netip.Addr // where to bind
	Name string     // for logs
}

// Server is the SIP port: it takes calls and places them.
type Server struct {
	cfg     Config
	opt     Options
	log     *slog.Logger
	metrics *metrics
	// identity is the certificate for DTLS-SRTP.
	identity *media.Identity
	vouching vouching
	hep      *hep.Sender // nil: no copies of messages go anywhere
	// originID names us in the signatures of our calls (RFC 8588 §5).
	originID string
	tpl      *gosip.TransportLayer
	txl      *gosip.TransactionLayer
	// registrar is nil where no phone may register; callers asks who calls.
	registrar *registrar
	callers   gate

	// Static after Start.
	conn      net.PacketConn
	addr      netip.AddrPort            // UDP and TCP
	listening map[string]netip.AddrPort // by transport
	lns       []net.Listener
	front     *front
	makeTLS   func() (*tls.Config, error)
	external  atomic.Pointer[netip.Addr] // told by STUN
	places    places
	// wholeMessage is how long a message may take to come in by a connection.
	wholeMessage time.Duration

	// ctx ends when Close gives up waiting; every goroutine of the server
	// heeds it and is in wg.
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	trunks atomic.Pointer[Trunks] // see NewTrunks
	exit   exit
	deaf   chan struct{} // closed when the UDP socket is not read any more

	mu       sync.Mutex // guards what follows
	state    serverState
	legs     map[dialogKey]*Leg
	invites  map[string]*Leg       // by the key of their INVITE transaction
	initial  map[string]*Leg       // by Call-ID, From tag, CSeq: merged requests
	halfOpen map[netip.Addr][]*Leg // unanswered or unacknowledged, by source, oldest first
	strange  int                   // legs from addresses that are not trusted
}

type serverState int

const (
	serverNew serverState = iota
	serverOpen
	serverDraining
	serverClosed
)

// prepareSipgo sets the two package variables of sipgo's that must be set
// before any traffic: the limit of 1,300 octets on UDP, above which it sends
// nothing and says nothing (an answer behind several proxies is longer), and
// the logger of its connections.
var prepareSipgo = sync.OnceFunc(func() {
	gosip.UDPMTUSize = 65_000
	gosip.SetDefaultLogger(slog.New(demoted{slog.Default().Handler()}))
})

// New checks cfg and prepares a server; nothing is bound before Start.
func New(cfg Config, opt Options) (*Server, error) {
	prepareSipgo()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("sip configuration: %w", err)
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(opt.Metrics)
	if err != nil {
		return nil, err
	}
	identity, err := media.NewIdentity()
	if err != nil {
		return nil, fmt.Errorf("prepare SIP: %w", err)
	}
	s := &Server{
		cfg: cfg, opt: opt, log: opt.Log, metrics: m, identity: identity,
		legs: map[dialogKey]*Leg{}, invites: map[string]*Leg{}, initial: map[string]*Leg{},
		halfOpen: map[netip.Addr][]*Leg{}, listening: map[string]netip.AddrPort{}, wholeMessage: wholeMessage,
		places: places{bySrc: map[netip.Addr]int{}},
	}
	s.front = newFront(s)
	s.registrar = newRegistrar(s, opt)
	s.callers = newGate(s, passwords{s}, cfg.Algorithms, cfg.Registrar.NonceLife)
	if s.opt.OpenMedia == nil {
		s.opt.OpenMedia = s.openSession
	}
	if s.vouching, err = newVouching(cfg.STIR, opt.Fetch); err != nil {
		return nil, err
	}
	if cfg.HEP.To != "" {
		if s.hep, err = hep.Dial(cfg.HEP.To, uint32(cfg.HEP.ID), cfg.HEP.Password); err != nil {
			return nil, fmt.Errorf("sip.hep.to: %w", err)
		}
	}
	s.originID = newUUID()
	s.ctx, s.stop = context.WithCancel(context.Background())
	quiet := slog.New(demoted{opt.Log.Handler()})
	s.tpl = gosip.NewTransportLayer(net.DefaultResolver, s.front.parser, nil, gosip.WithTransportLayerLogger(quiet))
	s.tpl.OnMessage(s.beforeTransactions) // before the transaction layer adds itself
	s.txl = gosip.NewTransactionLayer(s.tpl, gosip.WithTransactionLayerLogger(quiet),
		gosip.WithTransactionLayerUnhandledResponseHandler(func(*gosip.Response) {}))
	s.txl.OnRequest(func(req *gosip.Request, tx *gosip.ServerTx) { s.handle(req, tx) })
	return s, nil
}

// Start binds every address and begins to serve. The error names the port that
// is taken.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != serverNew {
		return errors.New("start the SIP server: it was started before")
	}
	var tcp net.Listener
	if s.opt.Conn != nil {
		s.conn = s.opt.Conn
	} else {
		var err error
		if s.conn, tcp, err = bind(s.cfg.Listen); err != nil {
			return err
		}
		s.lns = append(s.lns, tcp)
	}
	if s.cfg.DSCP != 0 {
		media.MarkDSCP(s.conn, s.cfg.DSCP)
	}
	s.addr = addrPort(s.conn.LocalAddr())
	s.listening[wireUDP] = s.addr
	streams := []func(){}
	if tcp != nil {
		s.listening[wireTCP] = s.addr
		streams = append(streams, func() { s.serveStreams(tcp, wireTCP, nil) })
		more, err := s.bindStreams()
		if err != nil {
			_ = s.conn.Close()
			for _, ln := range s.lns {
				_ = ln.Close()
			}
			return err
		}
		streams = append(streams, more...)
	}
	s.state = serverOpen
	// sipgo adds the socket to its pool when its reader begins; a Dial before
	// that would open a second socket.
	local := s.conn.LocalAddr().String()
	pool := s.tpl.Pool("udp")
	c := &gosip.UDPConnection{PacketConn: s.conn, PacketAddr: local, Listener: true}
	pool.Add(local, c)
	s.front.udp = newUDPFront(s.front, s.conn, pool, c)
	s.deaf = make(chan struct{})
	s.wg.Go(func() { defer close(s.deaf); _ = s.tpl.ServeUDP(s.front.udp) })
	s.wg.Go(func() { _ = s.tpl.ServeTCP(s.front.accept) })
	if s.registrar != nil {
		s.wg.Go(func() { s.registrar.run(s.ctx) })
	}
	if s.cfg.External == Auto {
		s.wg.Go(func() { s.watchExternal(s.ctx) })
	}
	for _, serve := range streams {
		s.wg.Go(serve)
	}
	return nil
}

// bindStreams opens the listeners beside the SIP port: TLS, WS, WSS. It returns
// what serves them. s.mu is held.
func (s *Server) bindStreams() ([]func(), error) {
	var conf *tls.Config
	if s.cfg.TLS != "" || s.cfg.WSS != "" {
		var err error
		if conf, err = s.serverTLS(); err != nil {
			return nil, err
		}
	}
	var out []func()
	for _, l := range []struct{ wire, listen, setting string }{
		{wireTLS, s.cfg.TLS, "sip.tls"}, {wireWS, s.cfg.WS, "sip.ws"}, {wireWSS, s.cfg.WSS, "sip.wss"},
	} {
		if l.listen == "" {
			continue
		}
		at, err := splitListen(l.listen)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.setting, err)
		}
		ln, err := listenTCP(at, l.wire, l.setting)
		if err != nil {
			return nil, err
		}
		s.lns = append(s.lns, ln)
		s.listening[l.wire] = addrPort(ln.Addr())
		out = append(out, func() { s.serveStreams(ln, l.wire, conf) })
	}
	return out, nil
}

// Addr is the address that is bound, the same port for UDP and TCP.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Calls is how many legs there are.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.legs)
}

// SetDraining refuses new calls, and OPTIONS, with 503 while on; calls that
// are there go on.
func (s *Server) SetDraining(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case on && s.state == serverOpen:
		s.state = serverDraining
	case !on && s.state == serverDraining:
		s.state = serverOpen
	}
}

func (s *Server) accepting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == serverOpen
}

// Close ends all legs with a BYE or a final response, waits until that is
// done or ctx is, and closes the sockets. It joins every goroutine of the
// server.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	was := s.state
	s.state = serverClosed
	legs := make([]*Leg, 0, len(s.legs))
	for _, l := range s.legs {
		legs = append(legs, l)
	}
	s.mu.Unlock()
	if was == serverClosed {
		return nil
	}
	for _, l := range legs {
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 503, Q850: 31, Why: "the server stops"})
	}
	err := s.await(ctx, legs)
	s.stop()
	for _, l := range legs { // before sipgo forgets our socket: it would open one for a last BYE
		<-l.gone
	}
	s.exit.close()
	s.txl.Close()
	if s.conn != nil { // first: to what still came in sipgo would open a socket to answer by
		_ = s.conn.Close()
		if s.deaf != nil { // nil: Start failed
			<-s.deaf
		}
	}
	// sipgo's pool is not closed: what is still being handled would open a socket
	// to answer by, and all of its sockets are ours and closed here.
	for _, ln := range s.lns {
		_ = ln.Close()
	}
	s.front.close()
	s.wg.Wait()
	if s.hep != nil {
		s.hep.Close()
	}
	return err
}

func (s *Server) await(ctx context.Context, legs []*Leg) error {
	for i, l := range legs {
		select {
		case <-l.gone:
		case <-ctx.Done():
			return fmt.Errorf("close the SIP server: %d calls were not ended cleanly in time: %w", len(legs)-i, context.Cause(ctx))
		}
	}
	return nil
}
