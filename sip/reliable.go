package sip

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/sip/sdp"
)

// reliable is a provisional response of ours that is repeated until its PRACK
// comes (RFC 3262 §3). There is at most one at a time.
type reliable struct {
	res       *gosip.Response
	rseq      uint32
	described bool // it holds our description: an offer, which the PRACK must answer,
	offered   bool // or else the answer to theirs
	interval  time.Duration
	next      time.Time
	deadline  time.Time
	acked     chan struct{} // closed by the PRACK or the end of the wait
}

// requires says whether a message names an option tag in a header.
func requires(m gosip.Message, header, option string) bool {
	for _, t := range headerTokens(m, header) {
		if strings.EqualFold(t, option) {
			return true
		}
	}
	return false
}

// requiresReliable says that the caller wants all our provisional responses
// reliable; knowsReliable that it would take one.
func (l *Leg) requiresReliable() bool { return requires(l.invite, "Require", "100rel") }

func (l *Leg) knowsReliable() bool {
	return l.requiresReliable() || requires(l.invite, "Supported", "100rel")
}

// provisional sends a provisional response to the INVITE, with a description if
// there is one: reliably where the caller asks for that and, where they know it,
// when they are to hear us. With a late offer the first reliable response must hold
// our offer (RFC 3261 §13.2.1). l.mu is held.
func (l *Leg) provisional(status int, reason string, description []byte) {
	reliably := l.requiresReliable() || l.early && l.knowsReliable()
	if reliably && l.reliable != nil { // one at a time: the far end has not acknowledged the last one
		return
	}
	if description == nil && reliably && l.offer == nil && l.rseq == 0 {
		if m := l.openMedia(); m != nil {
			l.local.Port = m.LocalPort()
			description = sdp.Offer(l.local)
		}
	}
	res := response(l.invite, status, reason, l.localTag, l.contactHeader(), gosip.NewHeader("Allow", allow))
	if reliably {
		if l.rseq++; l.rseq == 1 {
			l.rseq = 1 + rand.Uint32N(1<<16)
		}
		res.AppendHeader(gosip.NewHeader("Require", "100rel"))
		res.AppendHeader(gosip.NewHeader("RSeq", strconv.FormatUint(uint64(l.rseq), 10)))
	}
	if description != nil {
		res.AppendHeader(gosip.NewHeader("Content-Type", "application/sdp"))
		res.SetBody(description)
	}
	if reliably {
		now := time.Now()
		l.reliable = &reliable{
			res: res, rseq: l.rseq, described: description != nil, offered: description != nil && l.offer == nil,
			interval: t1, next: now.Add(t1), deadline: now.Add(ackLimit), acked: make(chan struct{}),
		}
		if !l.requiresReliable() {
			l.reliable.deadline = now.Add(t2)
		}
	}
	l.sendResponse(l.tx, res)
}

// repeatReliable is due's part for a reliable response: when to look again.
// l.mu is held.
func (l *Leg) repeatReliable(at func(time.Time) bool) {
	r := l.reliable
	switch {
	case r == nil:
	case l.state != legNew && l.state != legRinging:
		l.settleReliable()
	case at(r.deadline) && !l.requiresReliable(): // it says that it knows 100rel, and does not
		l.settleReliable()
	case at(r.deadline): // RFC 3262 §3: the INVITE is refused with a 5xx
		l.settleReliable()
		l.refuseLocked(504, "Server Time-out", contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 504, Q850: 102, Why: "the phone never acknowledged that it rings"})
	case at(r.next):
		r.interval *= 2
		r.next = time.Now().Add(r.interval)
		l.sendResponse(l.tx, r.res)
		at(r.next)
	}
}

// settleReliable ends the wait for a PRACK. l.mu is held.
func (l *Leg) settleReliable() {
	if l.reliable != nil {
		close(l.reliable.acked)
		l.reliable = nil
	}
}

// awaitPRACK waits while a reliable response that must be is not acknowledged, and
// says whether the leg may still be answered then: a second one, and a 200 after a
// description, may not be sent before (RFC 3262 §3). l.mu is held, given back
// meanwhile, and held again.
func (l *Leg) awaitPRACK(ctx context.Context, what string, must func(*reliable) bool) error {
	for l.reliable != nil && must(l.reliable) {
		acked := l.reliable.acked
		l.mu.Unlock()
		var err error
		select {
		case <-acked:
		case <-l.done:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		l.mu.Lock()
		if err != nil {
			return fmt.Errorf("%s: wait for the PRACK: %w", what, err)
		}
	}
	return l.unanswered(what)
}

// onPrack acknowledges a reliable response of ours (RFC 3262 §3).
func (l *Leg) onPrack(req *gosip.Request, tx gosip.ServerTransaction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.poke()
	rseq, cseq, ok := parseRAck(headerValue(req, "RAck"))
	r := l.reliable
	switch {
	case !ok:
		l.respond(tx, req, 400, "Bad RAck")
		return
	case l.outbound || r == nil || rseq != r.rseq || cseq != l.invite.CSeq().SeqNo:
		l.respond(tx, req, 481, "Call/Transaction Does Not Exist")
		return
	}
	l.dialog.remoteSeq = max(l.dialog.remoteSeq, req.CSeq().SeqNo)
	if !r.offered {
		l.pracked(r, req, tx)
		return
	}
	var agreed sdp.Agreed
	s, err := sdp.Parse(req.Body())
	if err == nil {
		agreed, err = sdp.Accept(s, l.local)
	}
	if err != nil {
		bad := incompatible(err)
		l.respond(tx, req, bad.status, bad.reason, bad.headers...)
		l.settleReliable()
		l.refuseLocked(488, "Not Acceptable Here", contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 488, Q850: 88, Why: "the phone's answer had no usable audio"})
		return
	}
	l.offer, l.lastOrigin = s, s.Origin
	l.lastAnswer = r.res.Body()
	l.answeredEarly = true
	l.apply(agreed)
	l.settleReliable()
	l.respond(tx, req, 200, "OK")
}

// pracked takes the PRACK of a response without an offer of ours. It may hold
// another offer once theirs is answered (RFC 3262 §5). l.mu is held.
func (l *Leg) pracked(r *reliable, req *gosip.Request, tx gosip.ServerTransaction) {
	answered := l.answeredEarly || r.described
	if len(req.Body()) == 0 {
		l.answeredEarly = answered
		l.settleReliable()
		l.respond(tx, req, 200, "OK")
		return
	}
	bad := verdict{status: 488, reason: "Not Acceptable Here"} // theirs is in the INVITE, and not answered yet
	var body []byte
	var agreed sdp.Agreed
	if answered {
		body, agreed, bad = l.reAnswer(req.Body())
	}
	if bad.status != 0 {
		l.respond(tx, req, bad.status, bad.reason, bad.headers...)
		return
	}
	l.answeredEarly, l.earlyAnswer = true, nil
	l.apply(agreed)
	l.settleReliable()
	l.sendResponse(tx, l.okWithSDP(req, body))
}

// parseRAck reads "776656 1 INVITE" (RFC 3262 §7.2).
func parseRAck(v string) (rseq, cseq uint32, ok bool) {
	f := strings.Fields(v)
	if len(f) != 3 || !strings.EqualFold(f[2], "INVITE") {
		return 0, 0, false
	}
	a, err1 := strconv.ParseUint(f[0], 10, 32)
	b, err2 := strconv.ParseUint(f[1], 10, 32)
	return uint32(a), uint32(b), err1 == nil && err2 == nil
}

// acknowledge sends the PRACK of a reliable provisional response (RFC 3262 §4),
// if it is the next one of its early dialog: repetitions and such that overtook
// another are not acknowledged, and then come again. fresh says whether the
// response may be heeded. l.mu is held.
func (l *Leg) acknowledge(f *earlyDialog, res *gosip.Response) (fresh bool) {
	if f == nil || !requires(res, "Require", "100rel") {
		return true
	}
	n, err := strconv.ParseUint(headerValue(res, "RSeq"), 10, 32)
	if err != nil || n == 0 {
		return true // not reliable after all
	}
	rseq := uint32(n)
	if f.rseq != 0 && rseq != f.rseq+1 {
		return false
	}
	f.rseq = rseq
	d := l.dialog
	d.remoteTag, d.target, d.routes = f.remoteTag, f.target, f.routes
	l.dialog.localSeq++
	prack := l.requestIn(&d, gosip.PRACK, l.dialog.localSeq)
	prack.AppendHeader(gosip.NewHeader("RAck", fmt.Sprintf("%d %d INVITE", rseq, res.CSeq().SeqNo)))
	l.s.wg.Go(func() {
		defer l.s.recovered("PRACK")
		if _, err := l.transact(l.s.ctx, prack); err != nil {
			l.log.Debug("PRACK not answered", "error", err)
		}
	})
	return true
}
