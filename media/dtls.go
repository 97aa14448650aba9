package media

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/srtp/v3"
)

// The limits of a handshake.
const (
	// handshakeLimit is how long it may take, waiting for its begin included.
	handshakeLimit = 15 * time.Second
	// handshakeTries is how many may fail that did not come from the
	// description's address before the leg's does.
	handshakeTries = 8
	// handshakeHead is how long the description's address may begin before
	// another may: the first repetition of a ClientHello comes after a second.
	handshakeHead = latchTime / 2
	// flightInterval is when a lost flight is sent again the first time; RFC
	// 6347 asks for a second, which is a second of silence in a call.
	flightInterval = 250 * time.Millisecond
)

// ErrHandshake says that no DTLS handshake was made.
var ErrHandshake = errors.New("the phone made no DTLS handshake")

// isDTLS tells DTLS from RTP and STUN on one port (RFC 7983 §7).
func isDTLS(b []byte) bool { return len(b) > 0 && b[0] >= 20 && b[0] <= 63 }

// association is a leg's DTLS: the handshake that gives the keys, and what is
// said afterwards (nothing but alerts and repeated flights).
type association struct {
	want  Handshake
	began time.Time
	stop  context.CancelFunc

	// The session's lock guards these.
	pipe *pipe
	peer netip.AddrPort // whose datagrams are taken; zero: nobody has begun
	done bool
}

// admits says whether a datagram from there belongs to the handshake. The
// address of the description comes first; another one only where that cannot
// speak or has not spoken for handshakeHead (see latch), since it has to show the
// certificate anyway. The session's lock is held.
func (a *association) admits(from, sdp netip.AddrPort, now time.Time) bool {
	switch {
	case a.peer.IsValid():
		return from == a.peer
	case a.want.Active:
		return false
	case from == sdp, unreachable(sdp.Addr()) && !unreachable(from.Addr()), now.Sub(a.began) >= handshakeHead:
		a.peer = from
		a.pipe.setPeer(from)
		return true
	}
	return false
}

// startDTLS begins a handshake. s.mu is held.
func (s *Session) startDTLS(want Handshake, to netip.AddrPort) {
	ctx, cancel := context.WithCancel(context.Background())
	a := &association{want: want, began: time.Now(), stop: cancel, pipe: newPipe(s.socks.rtp)}
	if want.Active {
		a.peer = to
		a.pipe.setPeer(to)
	}
	s.dtls = a
	s.handshakes.Go(func() { s.runDTLS(ctx, a) })
}

// stopDTLS ends the handshake or what is left of it. s.mu is held.
func (s *Session) stopDTLS() {
	if s.dtls != nil {
		s.dtls.stop()
		s.dtls = nil
	}
}

// handleDTLS takes a datagram of the handshake.
func (s *Session) handleDTLS(b []byte, from netip.AddrPort, at time.Time) {
	s.mu.Lock()
	a := s.dtls
	if a == nil || !a.admits(from, s.remote.Addr, at) {
		s.mu.Unlock()
		s.strangers.Add(1)
		return
	}
	p := a.pipe
	s.mu.Unlock()
	p.put(b)
}

// runDTLS makes the handshake and stays for the association's life.
func (s *Session) runDTLS(ctx context.Context, a *association) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("a DTLS handshake made the server fail", "panic", r, "stack", string(debug.Stack()))
			s.failDTLS(a, ErrHandshake)
		}
	}()
	limit, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	for try := 0; ; try++ {
		conn, err := s.shake(limit, a)
		if err == nil {
			err = s.useDTLS(a, conn)
			if err == nil {
				attend(ctx, conn)
				return
			}
			_ = conn.Close()
		}
		switch {
		case ctx.Err() != nil:
			return
		case limit.Err() == nil && try < handshakeTries && s.forgetPeer(a):
			continue
		case limit.Err() != nil:
			err = ErrHandshake
		}
		s.failDTLS(a, err)
		return
	}
}

// shake makes one handshake.
func (s *Session) shake(ctx context.Context, a *association) (*dtls.Conn, error) {
	if s.config.Identity == nil {
		return nil, fmt.Errorf("%w: the session has no certificate", ErrHandshake)
	}
	s.mu.Lock()
	p := a.pipe
	s.mu.Unlock()
	var refused error // verify's word; pion wraps it or not
	c := &dtls.Config{
		Certificates:       []tls.Certificate{s.config.Identity.certificate},
		InsecureSkipVerify: true, // nobody signs such certificates: the fingerprint decides
		ClientAuth:         dtls.RequireAnyClientCert,
		VerifyPeerCertificate: func(certificates [][]byte, _ [][]*x509.Certificate) error {
			refused = a.want.verify(certificates)
			return refused
		},
		SRTPProtectionProfiles: []dtls.SRTPProtectionProfile{
			dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AES128_CM_HMAC_SHA1_32,
		},
		FlightInterval: flightInterval,
		LoggerFactory:  &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled},
	}
	open := dtls.Server
	if a.want.Active {
		open = dtls.Client
	}
	conn, err := open(p, &net.UDPAddr{}, c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	if err = conn.HandshakeContext(ctx); err == nil {
		return conn, nil
	}
	_ = conn.Close()
	if refused != nil {
		return nil, refused
	}
	return nil, fmt.Errorf("%w: %w", ErrHandshake, err)
}

// forgetPeer makes a ready for another handshake, if the one that failed was
// not with the description's address: a stranger's failure is not the leg's.
func (s *Session) forgetPeer(a *association) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dtls != a || a.want.Active || !a.peer.IsValid() || a.peer == s.remote.Addr {
		return false
	}
	s.strangers.Add(1)
	a.peer, a.pipe = netip.AddrPort{}, newPipe(s.socks.rtp)
	return true
}

// useDTLS takes the keys of a handshake into use (RFC 5764 §4.2). Where the
// description's address cannot be reached, media goes to whom we shook hands
// with.
func (s *Session) useDTLS(a *association, conn *dtls.Conn) error {
	p, err := dtlsProtector(conn, a.want.Active)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dtls != a {
		return nil // a newer agreement took its place
	}
	a.done = true
	s.protector.Store(p)
	now := time.Now()
	if a.peer != s.latch.target() && !s.latch.deaf(a.peer, now) {
		s.latch.choose(a.peer, now, 0)
		s.aim()
	}
	return nil
}

// dtlsProtector exports the keys of a finished handshake.
func dtlsProtector(conn *dtls.Conn, client bool) (*protector, error) {
	profile, ok := conn.SelectedSRTPProtectionProfile()
	state, known := conn.ConnectionState()
	if !ok || !known {
		return nil, errors.New("no SRTP profile was agreed on")
	}
	suite := suiteOf(srtp.ProtectionProfile(profile))
	c := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := c.ExtractSessionKeysFromDTLS(&state, client); err != nil {
		return nil, fmt.Errorf("export the keys: %w", err)
	}
	ours, err := NewKey(suite, append(c.Keys.LocalMasterKey, c.Keys.LocalMasterSalt...), nil)
	if err != nil {
		return nil, err
	}
	theirs, err := NewKey(suite, append(c.Keys.RemoteMasterKey, c.Keys.RemoteMasterSalt...), nil)
	if err != nil {
		return nil, err
	}
	p := &protector{name: string(suite) + " (DTLS)", muxed: true}
	if p.seal, err = NewSealer(ours); err != nil {
		return nil, err
	}
	p.open, err = NewOpener(theirs)
	return p, err
}

func suiteOf(p srtp.ProtectionProfile) Suite {
	for _, s := range Suites() {
		if s.profile() == p {
			return s
		}
	}
	return ""
}

// attend reads what comes after the handshake (a flight that was lost is asked
// for again) until ctx ends, and says goodbye then.
func attend(ctx context.Context, conn *dtls.Conn) {
	var reading sync.WaitGroup
	reading.Go(func() {
		b := make([]byte, maxDatagram)
		for {
			if _, err := conn.Read(b); err != nil {
				return
			}
		}
	})
	<-ctx.Done()
	_ = conn.Close()
	reading.Wait()
}

// failDTLS tells why there will be no media.
func (s *Session) failDTLS(a *association, err error) {
	s.mu.Lock()
	current, notify := s.dtls == a, s.onInsecure
	s.mu.Unlock()
	if !current {
		return
	}
	s.log.Warn("security: a media handshake failed", "leg", s.config.Name, "err", err)
	if notify != nil {
		notify(err)
	}
}

// OnInsecure makes fn be called, once at most for each agreement, when the
// handshake that the leg's media needs has failed: with ErrCertificate if
// somebody else than announced shook hands, otherwise with ErrHandshake. Nothing
// is heard and nothing sent then. fn must not call Close.
func (s *Session) OnInsecure(fn func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onInsecure = fn
}
