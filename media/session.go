package media

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"callfloor/media/codec"
)

// SessionConfig is what a Session is made of; every field but Log and Engine is needed.
type SessionConfig struct {
	IP    netip.Addr // the address to bind, IPv4 or IPv6; unspecified: all
	Ports *Ports
	Pacer *Pacer
	Name  string // for logs: "customer"
	Log   *slog.Logger
	// Engine reads the sockets; nil: a goroutine for each.
	Engine *Engine
	// Identity is the certificate for DTLS-SRTP, needed where that is agreed on.
	Identity *Identity
	// DSCP marks what is sent (RFC 2474), 46 is usual for audio; 0: no mark.
	DSCP int
}

// Remote is what offer and answer said of the far end.
type Remote struct {
	Addr netip.AddrPort // its RTP address in SDP; unspecified (0.0.0.0): send nothing
	// RTCP is its RTCP address; zero: the port after Addr's (RFC 3605).
	RTCP        netip.AddrPort
	Mux         bool // RTCP on the RTP port (RFC 5761)
	Codec       codec.ID
	PayloadType uint8
	Events      uint8 // telephone-event's payload type; 0: none, keys are listened for in the sound
	EventsRate  int   // its clock rate in Hz; 0: 8000
	// PTimeMS is what it would like a packet to hold. 10 to 60 ms are taken as
	// they come, whatever it says; players send 20 ms.
	PTimeMS  int
	Sends    bool // its direction: sendrecv or sendonly
	Receives bool // its direction: sendrecv or recvonly
	// Protection is how the media is encrypted.
	Protection Protection
	// ICE, if there, finds the address instead of Addr.
	ICE *ICE
}

// Session is a phone's media: a UDP socket pair, symmetric RTP (see
// latch), RTCP, digits and figures. Until SetRemote it sends nothing
// and hears nobody.
type Session struct {
	config   SessionConfig
	log      *slog.Logger
	socks    sockets
	cname    string
	ssrc     uint32
	sender   *Sender
	receiver *Receiver

	target    atomic.Pointer[netip.AddrPort] // where RTP goes
	opened    atomic.Bool                    // the latch knows that we send
	strangers atomic.Uint64
	refused   atomic.Uint64             // failed authentication, or came twice
	protector atomic.Pointer[protector] // nil: plain RTP
	out       [maxDatagram]byte         // guarded by the sender: one Write at a time

	mu       sync.Mutex // guards all below; never held while something is called
	remote   Remote
	latch    latch
	reports  reportState
	watch    silenceWatch
	ice      iceState
	watching atomic.Bool // the keeper is in OnSilence's function
	secured

	closing sync.Once
	stop    chan struct{}
	readers sync.WaitGroup
	keeper  chan struct{} // closed when the keeper is gone
}

// OpenSession binds a pair of ports and starts to read them. Close gives them
// back. The error says which port or setting was at fault.
func OpenSession(c SessionConfig) (*Session, error) {
	if !c.IP.IsValid() || c.Ports == nil || c.Pacer == nil {
		return nil, errors.New("open media session: IP, Ports and Pacer are needed")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	e := c.Engine.of(c.Log)
	socks, err := bindPair(e, c.IP, c.Ports)
	if err != nil {
		return nil, fmt.Errorf("open media session %q: %w", c.Name, err)
	}
	if c.DSCP != 0 {
		MarkDSCP(socks.rtp, c.DSCP)
		MarkDSCP(socks.rtcp, c.DSCP)
	}
	return newSession(c, e, socks), nil
}

func newSession(c SessionConfig, e engine, socks sockets) *Session {
	s := &Session{
		config:   c,
		log:      c.Log,
		socks:    socks,
		cname:    fmt.Sprintf("%016x", rand.Uint64()), // RFC 7022 §4.2
		ssrc:     rand.Uint32(),
		sender:   NewSender(c.Pacer, c.Name),
		receiver: NewReceiver(c.Name),
		stop:     make(chan struct{}),
		keeper:   make(chan struct{}),
	}
	s.readers.Add(2)
	e.serve(socks.rtp, s.handleRTP, s.readers.Done)
	e.serve(socks.rtcp, s.handleRTCPSocket, s.readers.Done)
	go s.keep()
	return s
}

// LocalPort returns the RTP port; RTCP is the one after it.
func (s *Session) LocalPort() int { return s.socks.port }

// Source returns what the far end says.
func (s *Session) Source() *Source { return s.receiver.Source() }

// Sender returns the stream to the far end.
func (s *Session) Sender() *Sender { return s.sender }

// OnDigit makes f be called for each key the far end presses; see
// Receiver.OnDigit. f must not call Close.
func (s *Session) OnDigit(f func(Digit)) { s.receiver.OnDigit(f) }

// SetRemote takes what offer and answer agreed on: the first time, and each
// time later. It opens the latch anew.
func (s *Session) SetRemote(r Remote) {
	r.Addr = unmap(r.Addr)
	r.RTCP = unmap(r.RTCP)
	now := time.Now()
	s.mu.Lock()
	r = s.withICE(r)
	s.protect(r.Protection, r.Addr)
	s.remote = r
	s.latch.reset(r.Addr, now)
	if !r.Receives {
		s.latch.open(now) // we shall not send: its own packets open it
	}
	s.opened.Store(!s.latch.opened.IsZero())
	s.reports.learned = netip.AddrPort{}
	s.watch.restart(now)
	s.aim()
	s.mu.Unlock()

	types := map[uint8]codec.ID{comfortNoise: codec.ComfortNoise, r.PayloadType: r.Codec}
	if r.Events != 0 {
		types[r.Events] = codec.TelephoneEvent
	}
	s.receiver.SetPayloadTypes(types)
	s.receiver.SetEventRate(r.EventsRate)
	s.receiver.SetInBand(r.Events == 0 && r.Codec.Audio())
	s.sender.SetOutput(s.output(r))
}

// comfortNoise is the static payload type of RFC 3389. We never agree to it;
// phones that send it all the same are understood to be silent.
const comfortNoise = 13

func unmap(a netip.AddrPort) netip.AddrPort {
	if !a.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// output is how we send to r; the zero Output if it does not receive.
func (s *Session) output(r Remote) Output {
	if !r.Receives || !sendable(r.Addr) || r.Codec == codec.None {
		return Output{}
	}
	return Output{
		SSRC:         s.ssrc,
		PayloadTypes: map[codec.ID]uint8{r.Codec: r.PayloadType},
		Events:       r.Events,
		EventsRate:   r.EventsRate,
		Write:        s.send,
	}
}

// sendable says whether a is an address of one host and a port. 0.0.0.0 was
// hold in RFC 2543.
func sendable(a netip.AddrPort) bool {
	return a.IsValid() && !a.Addr().IsUnspecified() && !a.Addr().IsMulticast() && a.Port() != 0
}

// aim tells the sending side where RTP goes. s.mu is held.
func (s *Session) aim() {
	to := s.latch.target()
	s.target.Store(&to)
}

// send writes one RTP packet; the Sender calls it, one at a time.
func (s *Session) send(h *rtp.Header, payload []byte) error {
	to := s.target.Load()
	if to == nil || !sendable(*to) {
		return errNowhere
	}
	n, err := h.MarshalTo(s.out[:])
	if err != nil {
		return err
	}
	if n+len(payload) > len(s.out) {
		return errTooLong
	}
	n += copy(s.out[n:], payload)
	switch p := s.protector.Load(); {
	case p == nil:
		_, err = s.socks.rtp.WriteToUDPAddrPort(s.out[:n], *to)
	case p.seal == nil:
		return errNoKeys
	default:
		err = p.seal.sendRTP(s.socks.rtp, s.out[:n], *to)
	}
	if err == nil && !s.opened.Load() {
		s.openLatch()
	}
	return err
}

var (
	errNowhere = errors.New("send RTP: the far end has no address")
	errTooLong = errors.New("send RTP: the packet is too long")
)

func (s *Session) openLatch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latch.open(time.Now())
	s.opened.Store(true)
}

// handleRTP takes a datagram of the RTP port.
func (s *Session) handleRTP(b []byte, from netip.AddrPort, at time.Time) {
	p := s.protector.Load()
	switch {
	case isSTUN(b):
		s.handleSTUN(b, from, at)
		return
	case p != nil && isDTLS(b):
		s.handleDTLS(b, from, at)
		return
	case isRTCP(b):
		s.handleRTCP(b, from, at, true)
		return
	case p != nil:
		if b = s.openRTP(p, b, from, at); b == nil {
			return
		}
	}
	w, err := parseRTP(b)
	if err != nil {
		s.handleGarbage(b, from, at)
		return
	}
	s.mu.Lock()
	v := s.latch.judge(from, w.ssrc, w.seq, at)
	if v.moved {
		s.aim()
	}
	if v.accept {
		s.watch.heard(at)
	}
	s.mu.Unlock()
	if !v.accept {
		s.strangers.Add(1)
		return
	}
	if v.moved {
		s.strangers.Add(-v.pardon)
		s.log.Debug("media address found", "leg", s.config.Name, "port", from.Port())
	}
	_ = s.receiver.WriteRTP(b, at) // it was parsed: no error is left
}

// handleGarbage counts what is no RTP: as bad if it is the leg's, otherwise as
// a stranger's.
func (s *Session) handleGarbage(b []byte, from netip.AddrPort, at time.Time) {
	s.mu.Lock()
	own := from == s.latch.chosen
	s.mu.Unlock()
	if !own {
		s.strangers.Add(1)
		return
	}
	_ = s.receiver.WriteRTP(b, at) // counts it and returns the parser's error
}

// Quality returns the leg's figures so far.
func (s *Session) Quality() Quality {
	sent, got := s.sender.Stats(), s.receiver.Stats()
	s.mu.Lock()
	q := Quality{Codec: s.remote.Codec.String(), RTTMS: s.reports.roundTripMS()}
	c := s.remote.Codec
	s.reports.far.fill(&q)
	s.mu.Unlock()
	q.Sent, q.Received, q.Lost = sent.Packets, got.Packets, got.Lost
	if all := got.Packets + got.Lost; all > 0 {
		q.LossPercent = 100 * float64(got.Lost) / float64(all)
	}
	q.JitterMS = float64(got.Jitter) / float64(time.Millisecond)
	var delay float64
	if q.RTTMS != nil {
		delay = *q.RTTMS / 2
	}
	q.Strangers, q.Refused = s.strangers.Load(), s.refused.Load()
	if p := s.protector.Load(); p != nil && p.seal != nil {
		q.SRTP = &p.name
	}
	q.Score = 1
	if got.Packets > 0 {
		q.Score = Score(c, q.LossPercent, q.JitterMS, delay)
	}
	return q
}

// Close says goodbye (RTCP BYE), stops sending and reading, waits for the
// session's goroutines and gives the ports back to rest. It may be called
// again, and from OnSilence's function.
func (s *Session) Close() {
	s.closing.Do(func() {
		s.sender.Close()
		close(s.stop)
		if !s.watching.Load() { // the keeper cannot wait for itself
			<-s.keeper
		}
		s.goodbye(time.Now())
		s.endDTLS()
		_ = s.socks.rtp.Close()
		_ = s.socks.rtcp.Close()
		s.readers.Wait()
		s.receiver.SetInBand(false)
		if s.config.Ports != nil {
			s.config.Ports.give(s.socks.port, time.Now())
		}
	})
}
