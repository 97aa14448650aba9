package media

import (
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
)

// ICE is what offer and answer said of connectivity checks (RFC 8445). We are
// the lite side: the far end asks from wherever it may be, we answer, and the
// audio goes where it asked from.
type ICE struct {
	// Ufrag and Pwd are ours: who asks names the one and signs with the other.
	Ufrag, Pwd string
	// RemoteUfrag is the far end's name.
	RemoteUfrag string
}

// iceState is a session's. The session's lock guards it.
type iceState struct {
	found netip.AddrPort // where a signed question came from; zero: none did yet
}

// isSTUN tells STUN from DTLS and RTP on one port (RFC 7983 §7).
func isSTUN(b []byte) bool { return len(b) >= 20 && b[0] <= 3 && stun.IsMessage(b) }

// withICE is r with the address that ICE found, none before it has found one:
// what the description names is a guess. s.mu is held.
func (s *Session) withICE(r Remote) Remote {
	if r.ICE == nil {
		s.ice.found = netip.AddrPort{}
		return r
	}
	if old := s.remote.ICE; old == nil || *old != *r.ICE { // begun, or restarted
		s.ice.found = netip.AddrPort{}
	}
	r.Addr, r.RTCP = s.ice.found, netip.AddrPort{}
	return r
}

// handleSTUN answers a connectivity check. Whoever does not know the password
// gets nothing and moves nothing.
func (s *Session) handleSTUN(b []byte, from netip.AddrPort, at time.Time) {
	s.mu.Lock()
	ice := s.remote.ICE
	s.mu.Unlock()
	if ice == nil {
		s.strangers.Add(1)
		return
	}
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	var name stun.Username
	key := stun.NewShortTermIntegrity(ice.Pwd)
	if m.Decode() != nil || m.Type != stun.BindingRequest || name.GetFrom(m) != nil ||
		name.String() != ice.Ufrag+":"+ice.RemoteUfrag || key.Check(m) != nil {
		s.strangers.Add(1)
		return
	}
	s.foundByICE(from, m.Contains(stun.AttrUseCandidate), at)
	mapped := &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}
	answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess, mapped, key, stun.Fingerprint)
	if err == nil {
		_, _ = s.socks.rtp.WriteToUDPAddrPort(answer.Raw, from) // asked again if it is lost
	}
}

// foundByICE directs the audio to an address that showed the password: to the
// first one, and to each that the far end decides for (USE-CANDIDATE).
func (s *Session) foundByICE(from netip.AddrPort, nominated bool, at time.Time) {
	s.mu.Lock()
	if s.ice.found == from || s.ice.found.IsValid() && !nominated {
		s.mu.Unlock()
		return
	}
	s.ice.found = from
	s.remote.Addr, s.remote.RTCP = from, netip.AddrPort{}
	s.latch.reset(from, at)
	if a := s.dtls; a != nil && (a.want.Active || a.peer.IsValid()) {
		a.peer = from
		a.pipe.setPeer(from)
	}
	s.aim()
	r := s.remote
	s.mu.Unlock()
	s.log.Debug("media address found by ICE", "leg", s.config.Name, "port", from.Port())
	s.sender.SetOutput(s.output(r))
}
