package sip

import (
	"net/netip"
	"slices"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
)

// admit gives a leg its place, or says why there is none. The caps are per
// source, because one cap for all lets one stranger keep everybody out, and a
// quarter of all places is for trunks alone.
func (s *Server) admit(l *Leg) verdict {
	trusted := !l.outbound && (l.trusted || s.trusted(l.source))
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
		if len(s.legs) >= s.cfg.MaxCalls || !trusted && s.strange >= s.forStrangers() {
			return later("calls", "10")
		}
		if s.fullSource(l, trusted) {
			return later("source_calls", "10")
		}
		if k := l.from; k != nil && k.cfg.MaxCallsIn > 0 && s.legsIn(func(o *Leg) bool { return o.from == k }) >= k.cfg.MaxCallsIn {
			s.metrics.limited.WithLabelValues("trunk").Inc()
			return verdict{status: 486, reason: "Busy Here"} // a 503 would rest the carrier's whole trunk
		}
		if !trusted && len(s.halfOpen[source(l.source)]) >= s.share(l.source) && !s.makeRoom(source(l.source)) {
			return later("source", "5")
		}
		l.strange = !trusted
		s.halve(l)
		if l.strange {
			s.strange++
		}
		s.invites[inviteKey(l.invite)] = l
		s.initial[initialKey(l.invite)] = l
	}
	s.legs[dialogKey{l.dialog.callID, l.localTag}] = l
	s.metrics.calls.Inc()
	s.wg.Go(l.run)
	return verdict{}
}

// fullSource says whether a stranger has all the calls that one address may
// have. s.mu is held.
func (s *Server) fullSource(l *Leg, trusted bool) bool {
	if trusted || s.cfg.MaxCallsPerSource == 0 || l.source.Unmap().IsLoopback() {
		return false
	}
	src := source(l.source)
	return s.legsIn(func(o *Leg) bool { return o.strange && source(o.source) == src }) >= s.cfg.MaxCallsPerSource
}

// legsIn counts the calls that came in and are of a kind. s.mu is held.
func (s *Server) legsIn(of func(*Leg) bool) (n int) {
	for _, l := range s.legs {
		if !l.outbound && of(l) {
			n++
		}
	}
	return n
}

// forStrangers is how many legs there may be from addresses that are no trunk's:
// all where no trunk calls us.
func (s *Server) forStrangers() int {
	t := s.trunks.Load()
	called := t != nil && slices.ContainsFunc(t.list, func(k *trunk) bool { return len(k.from) > 0 || k.loginHA1 != nil })
	if !called && s.opt.Trusted == nil || s.cfg.MaxCalls < 4 {
		return s.cfg.MaxCalls
	}
	return s.cfg.MaxCalls * 3 / 4
}

// share is how many half-open calls a source may have.
func (s *Server) share(ip netip.Addr) int {
	if ip.Unmap().IsLoopback() {
		return max(s.cfg.CallsPerSource, s.cfg.MaxCalls/2)
	}
	return s.cfg.CallsPerSource
}

// honestACK is how soon an honest caller acknowledges an answer, on any network.
const honestACK = 250 * time.Millisecond

// makeRoom ends the oldest call of a source whose answer was never acknowledged:
// in a flood of INVITEs honest calls from the same address (a carrier's, a
// proxy's) take the places of those that only pretend. s.mu is held.
func (s *Server) makeRoom(src netip.Addr) bool {
	now := time.Now()
	for i, l := range s.halfOpen[src] {
		if now.Sub(l.invited) < honestACK {
			return false // and the rest is younger
		}
		if at := l.answeredAt.Load(); at != 0 && now.Sub(time.Unix(0, at)) >= honestACK {
			s.halfOpen[src] = slices.Delete(s.halfOpen[src], i, i+1)
			l.half = false
			s.metrics.limited.WithLabelValues("unacknowledged").Inc()
			s.wg.Go(l.abandon)
			return true
		}
	}
	return false
}

// abandon ends a leg whose answer nobody acknowledged, without a word: there is
// nobody to hear it.
func (l *Leg) abandon() {
	defer l.s.recovered("room for another call")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != legAnswered {
		return
	}
	l.pending = nil
	l.end(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 102, Why: "the phone never acknowledged the answer, and others needed the place"}, false)
}

// settle gives back the place among the half-open calls: the far end has
// acknowledged, or sent what needs our tag, so it is no forged address.
func (s *Server) settle(l *Leg) {
	s.mu.Lock()
	was := s.unhalf(l)
	s.mu.Unlock()
	if was {
		s.front.known.add(l.source)
	}
}

// heard gives back the place of a caller whose sound comes. Their address is not
// known by that: anybody may send sound to a port.
func (s *Server) heard(l *Leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unhalf(l)
}

// halve counts a leg among the half-open ones. s.mu is held.
func (s *Server) halve(l *Leg) {
	l.half = true
	s.halfOpen[source(l.source)] = append(s.halfOpen[source(l.source)], l)
}

// unhalf takes a leg from the half-open ones; false if it was none. s.mu is held.
func (s *Server) unhalf(l *Leg) bool {
	if !l.half {
		return false
	}
	l.half = false
	src := source(l.source)
	list := s.halfOpen[src]
	if i := slices.Index(list, l); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	if len(list) == 0 {
		delete(s.halfOpen, src)
	} else {
		s.halfOpen[src] = list
	}
	return true
}

// forget drops a leg of which nothing is left to do.
func (s *Server) forget(l *Leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unhalf(l)
	delete(s.legs, dialogKey{l.dialog.callID, l.localTag})
	if l.strange {
		s.strange--
	}
	if !l.outbound {
		delete(s.invites, inviteKey(l.invite))
		delete(s.initial, initialKey(l.invite))
	}
	s.metrics.calls.Dec()
}
