package sip

import (
	gosip "github.com/emiago/sipgo/sip"

	"callfloor/media/codec"
	"callfloor/sip/sdp"
)

// replaced finds the leg whose dialog an INVITE wants to take the place of (RFC
// 3891 §3); nil, and no verdict, where it wants none. trusted: a trunk sends it.
func (s *Server) replaced(req *gosip.Request, trusted bool) (*Leg, verdict) {
	hs := req.GetHeaders("Replaces")
	if len(hs) == 0 {
		return nil, verdict{}
	}
	if len(hs) > 1 {
		return nil, verdict{status: 400, reason: "Several Replaces"}
	}
	r, err := parseReplaces(hs[0].Value())
	if err != nil {
		return nil, verdict{status: 400, reason: "Bad Replaces"}
	}
	s.mu.Lock()
	l := s.legs[dialogKey{r.CallID, r.ToTag}]
	s.mu.Unlock()
	if l == nil || !l.peerIs(r.FromTag) {
		return nil, verdict{status: 481, reason: "Call/Transaction Does Not Exist"}
	}
	flow, err := parseFlow(req.Source())
	if err != nil {
		return nil, verdict{status: 400, reason: "Bad Source"}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	// Whoever may replace can take a call over: only the other end of it, and a
	// trunk that speaks for the other end.
	case flow.Addr() != l.dialog.flow.Addr() && !trusted:
		s.metrics.refused.WithLabelValues("403").Inc()
		l.log.Warn("security: a stranger wanted to take a call over by Replaces", "source", flow.Addr())
		return nil, verdict{status: 403, reason: "Forbidden"}
	case l.state == legEnded:
		return nil, verdict{status: 603, reason: "Declined"}
	case l.state != legConfirmed: // an early dialog that is not ours to give
		return nil, verdict{status: 481, reason: "Call/Transaction Does Not Exist"}
	case r.EarlyOnly:
		return nil, verdict{status: 486, reason: "Busy Here"}
	}
	return l, verdict{}
}

// takeOver gives the leg old the dialog of the INVITE that made fresh, and fresh
// the dialog that old had, which it then ends (RFC 3891 §3): the call that old
// belongs to goes on with its sound and its user, who is told by OnAnother, and talks to
// somebody else. fresh has no user and no media.
func (s *Server) takeOver(old, fresh *Leg) verdict {
	old.mu.Lock()
	fresh.mu.Lock()
	if old.state != legConfirmed || old.offering || old.pending != nil || old.media == nil || fresh.state != legNew {
		fresh.mu.Unlock()
		old.mu.Unlock()
		return later()
	}
	// Their offer is answered with our media and the codec that is spoken, if
	// they have it.
	was := old.local
	local := was
	local.Addr, local.ID, local.Version, local.Direction = fresh.local.Addr, fresh.local.ID, fresh.local.Version, ""
	local.Security = fresh.local.Security
	body, agreed, err := answerWith(fresh.offer, local, old.agreed.Codec)
	if err != nil {
		fresh.mu.Unlock()
		old.mu.Unlock()
		return incompatible(err)
	}
	old.swapDialog(fresh)
	fresh.timer = sessionTimer{}
	old.state, fresh.state, old.another = legAnswered, legConfirmed, true
	old.local, fresh.local = local, was
	s.reindex(old, fresh)

	if agreed.Codec != codec.None {
		if now := old.agreed.Codec; now != codec.None && now != agreed.Codec {
			old.recodecs = append(old.recodecs, agreed.Codec)
		}
		old.apply(agreed)
	}
	old.lastAnswer = body
	if old.offer != nil {
		old.lastOrigin = old.offer.Origin
	}
	res := old.okWithSDP(old.invite, body, old.timer.headers()...)
	old.await(old.tx, res, old.invite.CSeq().SeqNo, old.offer == nil, true)
	fresh.end(transferred(), true)
	fresh.mu.Unlock()
	old.log.Info("the call goes on with another phone (Replaces)")
	old.mu.Unlock()
	old.poke()
	return verdict{}
}

// answerWith answers an offer with the codec that is spoken if they have it; a
// late offer is an offer of ours.
func answerWith(offer *sdp.Session, local sdp.Local, spoken codec.ID) ([]byte, sdp.Agreed, error) {
	one := local
	if spoken != codec.None {
		one.Codecs = []codec.ID{spoken}
	}
	if offer == nil {
		return sdp.Offer(one), sdp.Agreed{}, nil
	}
	if body, a, err := sdp.Answer(offer, one); err == nil {
		return body, a, nil
	}
	return sdp.Answer(offer, local)
}

// reindex makes the dialogs and transactions of two legs that were exchanged be
// found again. Both legs are locked.
func (s *Server) reindex(a, b *Leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range []*Leg{a, b} {
		s.legs[dialogKey{l.dialog.callID, l.localTag}] = l
		if !l.outbound {
			s.invites[inviteKey(l.invite)] = l
			s.initial[initialKey(l.invite)] = l
		}
	}
	inA, inB := s.unhalf(a), s.unhalf(b)
	a.source, b.source = b.source, a.source
	if inB {
		s.halve(a)
	}
	if inA {
		s.halve(b)
	}
	a.trunk, b.trunk = b.trunk, a.trunk
}

// replace serves an INVITE with Replaces.
func (s *Server) replace(old *Leg, req *gosip.Request, tx gosip.ServerTransaction, who caller) verdict {
	fresh, bad := s.newInbound(req, tx, who)
	if bad.status == 0 {
		bad = s.admit(fresh)
	}
	if bad.status != 0 {
		return bad
	}
	old.traceRequest(req, false)
	if bad = s.takeOver(old, fresh); bad.status != 0 {
		fresh.mu.Lock()
		fresh.refuseLocked(bad.status, bad.reason, transferred())
		fresh.mu.Unlock()
	}
	return verdict{}
}
