package media

import (
	"errors"
	"net/netip"
	"sync"
	"time"
)

// secured is what a Session keeps for its encryption. The session's lock guards
// it.
type secured struct {
	sealers    []*Sealer // every key we sent with
	dtls       *association
	onInsecure func(error)
	handshakes sync.WaitGroup // needs no lock
}

// endDTLS ends a handshake and waits for it.
func (s *Session) endDTLS() {
	s.mu.Lock()
	s.stopDTLS()
	s.mu.Unlock()
	s.handshakes.Wait()
}

// errNoKeys is why nothing is sent before a handshake is over.
var errNoKeys = errors.New("send RTP: the media has no keys yet")

// protect makes p the session's encryption. What is the same as before goes on:
// a packet number must never be used twice with one key. s.mu is held.
func (s *Session) protect(p Protection, to netip.AddrPort) {
	if p.DTLS == nil {
		s.stopDTLS()
	}
	switch {
	case p.DTLS != nil:
		if s.dtls != nil && s.dtls.want.equal(p.DTLS) {
			return
		}
		s.stopDTLS()
		s.protector.Store(&protector{muxed: true})
		s.startDTLS(*p.DTLS, to)
	case p.Send.Valid():
		n, err := s.sdes(p)
		if err != nil { // keys are checked where they are made
			s.log.Error("no encryption for a leg", "leg", s.config.Name, "err", err)
			n = &protector{}
		}
		s.protector.Store(n)
	default:
		s.protector.Store(nil)
	}
}

// sdes makes the protector of keys from the descriptions. s.mu is held.
func (s *Session) sdes(p Protection) (*protector, error) {
	n := &protector{name: string(p.Send.Suite) + " (SDES)"}
	for _, old := range s.sealers {
		if old.key.equal(p.Send) {
			n.seal = old
		}
	}
	if n.seal == nil {
		var err error
		if n.seal, err = NewSealer(p.Send); err != nil {
			return nil, err
		}
		s.sealers = append(s.sealers, n.seal)
	}
	if old := s.protector.Load(); old != nil && old.open != nil && old.open.key.equal(p.Receive) {
		n.open = old.open
		return n, nil
	}
	var err error
	n.open, err = NewOpener(p.Receive)
	return n, err
}

// openRTP decrypts a packet where it lies; nil if it is to be dropped. What
// cannot be the leg's by where it comes from costs no cryptography, so that a
// flood is cheap.
func (s *Session) openRTP(p *protector, b []byte, from netip.AddrPort, at time.Time) []byte {
	s.mu.Lock()
	deaf := s.latch.deaf(from, at)
	s.mu.Unlock()
	if deaf {
		s.strangers.Add(1)
		return nil
	}
	if p.open == nil {
		return nil
	}
	plain, err := p.open.RTP(b)
	if err != nil {
		s.refused.Add(1)
		return nil
	}
	return plain
}

// openRTCP decrypts a compound packet; nil if it is to be dropped.
func (s *Session) openRTCP(p *protector, b []byte) []byte {
	if p.open == nil {
		return nil
	}
	plain, err := p.open.RTCP(b)
	if err != nil {
		s.refused.Add(1)
		return nil
	}
	return plain
}
