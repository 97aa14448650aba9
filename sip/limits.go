package sip

import (
	"net/netip"

	gosip "github.com/emiago/sipgo/sip"
)

// admit gives a leg its place, or says why there is none. The caps are per
// source, because one cap for all lets one stranger keep everybody out.
func (s *Server) admit(l *Leg) verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	later := func(limit, seconds string) verdict {
		s.metrics.limited.WithLabelValues(limit).Inc()
		return verdict{503, "Service Unavailable", []gosip.Header{gosip.NewHeader("Retry-After", seconds)}}
	}
	if s.state != serverOpen {
		return later("draining", "60")
	}
	if !l.outbound {
		if s.initial[initialKey(l.invite)] != nil {
			return verdict{status: 482, reason: "Loop Detected"}
		}
		if len(s.legs) >= s.cfg.MaxCalls {
			return later("calls", "10")
		}
		if s.halfOpen[l.source] >= s.share(l.source) {
			return later("source", "5")
		}
		s.halfOpen[l.source]++
		l.half = true
		s.invites[inviteKey(l.invite)] = l
		s.initial[initialKey(l.invite)] = l
	}
	s.legs[dialogKey{l.dialog.callID, l.localTag}] = l
	s.metrics.calls.Inc()
	s.wg.Go(l.run)
	return verdict{}
}

// share is how many half-open calls a source may have.
func (s *Server) share(ip netip.Addr) int {
	if ip == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || ip == netip.IPv6Loopback() {
		return max(s.cfg.CallsPerSource, s.cfg.MaxCalls/2)
	}
	return s.cfg.CallsPerSource
}

// settle gives back the place among the half-open calls: the far end has
// acknowledged, so it is no forged address.
func (s *Server) settle(l *Leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !l.half {
		return
	}
	l.half = false
	if s.halfOpen[l.source]--; s.halfOpen[l.source] <= 0 {
		delete(s.halfOpen, l.source)
	}
}

// forget drops a leg of which nothing is left to do.
func (s *Server) forget(l *Leg) {
	s.settle(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.legs, dialogKey{l.dialog.callID, l.localTag})
	if !l.outbound {
		delete(s.invites, inviteKey(l.invite))
		delete(s.initial, initialKey(l.invite))
	}
	s.metrics.calls.Dec()
}
