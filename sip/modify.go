package sip

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/media/codec"
	"callfloor/sip/sdp"
)

// onModify is a re-INVITE or an UPDATE (RFC 3261 §14.2, RFC 3311): hold and
// its end, a new address, a refresh of the session.
func (l *Leg) onModify(req *gosip.Request, tx gosip.ServerTransaction) {
	l.mu.Lock()
	bad := l.mayModify(req)
	if bad.status != 0 {
		l.respond(tx, req, bad.status, bad.reason, bad.headers...)
		l.mu.Unlock()
		return
	}
	if bad = l.modify(req, tx); bad.status != 0 {
		l.respond(tx, req, bad.status, bad.reason, bad.headers...)
	}
	l.mu.Unlock()
	l.poke()
}

// mayModify is everything but the offer. l.mu is held.
func (l *Leg) mayModify(req *gosip.Request) verdict {
	seq := req.CSeq().SeqNo
	switch {
	case l.state == legEnded || !l.is(req):
		return verdict{status: 481, reason: "Call/Transaction Does Not Exist"}
	case seq <= l.dialog.remoteSeq:
		return later()
	}
	l.dialog.remoteSeq = seq
	if bad := checkBody(req); bad.status != 0 {
		return bad
	}
	if bad := l.mayOffer(req); bad.status != 0 {
		return bad
	}
	_, bad := l.s.offeredTimer(req)
	return bad
}

// later refuses what comes while an offer or an INVITE of theirs is not
// answered (RFC 3261 §14.2, RFC 3311 §5.2).
func later() verdict {
	return verdict{500, "Server Internal Error", []gosip.Header{gosip.NewHeader("Retry-After", fmt.Sprint(rand.IntN(11)))}}
}

// mayOffer says whether an offer, or an INVITE that asks for one, may come now:
// 491 where it crosses ours, 500 where it overtakes our answer to theirs. An
// UPDATE without a description is always welcome. l.mu is held.
func (l *Leg) mayOffer(req *gosip.Request) verdict {
	invite := req.Method == gosip.INVITE
	if !invite && len(req.Body()) == 0 {
		return verdict{}
	}
	pending := verdict{status: 491, reason: "Request Pending"}
	early := l.state == legNew || l.state == legRinging
	switch {
	case l.offering, l.pending != nil && l.pending.offered, l.reliable != nil && l.reliable.offered:
		return pending
	case early && l.outbound && (invite || l.agreed.Codec == codec.None):
		return pending // our INVITE, or the offer in it, is not answered
	case early && !l.outbound && (invite || !l.answeredEarly):
		return later() // theirs is not
	}
	return verdict{}
}

// modify answers the offer, if there is one, and makes it so. l.mu is held.
func (l *Leg) modify(req *gosip.Request, tx gosip.ServerTransaction) (bad verdict) {
	var body []byte
	if len(req.Body()) > 0 {
		var agreed sdp.Agreed
		if body, agreed, bad = l.reAnswer(req.Body()); bad.status != 0 {
			return bad
		}
		l.earlyAnswer = nil
		l.apply(agreed)
	} else if req.Method == gosip.INVITE {
		body = l.reOffer() // the answer comes with the ACK
	}
	if c := req.Contact(); c != nil {
		l.dialog.target = c.Address // target refresh, RFC 3261 §12.2.2
	}
	l.timer, _ = l.s.offeredTimer(req) // any re-INVITE or UPDATE is a refresh; none turns the timer off
	l.timer.start(time.Now())
	res := l.okWithSDP(req, body, l.timer.headers()...)
	if req.Method == gosip.INVITE {
		if l.state == legAnswered {
			l.move(legConfirmed) // whoever re-INVITEs has our 200, if not our trust in its ACK
		}
		l.await(tx, res, req.CSeq().SeqNo, len(req.Body()) == 0, false)
	} else {
		l.sendResponse(tx, res)
	}
	return verdict{}
}

// reAnswer answers a new offer with the codec that is spoken, as long as they
// have it: the call's other side has been told which that is, and is told of
// another one by OnCodec. l.mu is held.
func (l *Leg) reAnswer(body []byte) ([]byte, sdp.Agreed, verdict) {
	offer, err := sdp.Parse(body)
	if err != nil {
		return nil, sdp.Agreed{}, verdict{status: 400, reason: "Bad Session Description"}
	}
	local := l.local
	local.Version++
	if c := l.agreed.Codec; c != codec.None {
		local.Codecs = []codec.ID{c}
	}
	if offer.Origin == l.lastOrigin && l.lastAnswer != nil {
		local.Version = l.local.Version // nothing new: a refresh (RFC 3264 §8)
	}
	answer, agreed, err := sdp.Answer(offer, local)
	if errors.Is(err, sdp.ErrNoCodec) { // they have left it: another one then
		local.Codecs = l.local.Codecs
		answer, agreed, err = sdp.Answer(offer, local)
	}
	if err != nil {
		return nil, sdp.Agreed{}, incompatible(err)
	}
	l.local.Version, l.lastAnswer, l.lastOrigin = local.Version, answer, offer.Origin
	return answer, agreed, verdict{}
}

// reOffer is our side of things as an offer. l.mu is held.
func (l *Leg) reOffer() []byte {
	local := l.local
	if c := l.agreed.Codec; c != codec.None {
		local.Codecs = []codec.ID{c}
	}
	local.Version++
	l.local.Version = local.Version
	return sdp.Offer(local)
}
