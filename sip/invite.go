package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/sip/sdp"
)

// onInvite takes a new call.
func (s *Server) onInvite(req *gosip.Request, tx gosip.ServerTransaction) {
	who, bad := s.whoCalls(req)
	var old *Leg
	if bad.status == 0 {
		old, bad = s.replaced(req, who.trusted)
	}
	if old != nil {
		bad = s.replace(old, req, tx, who)
	}
	if old != nil && bad.status == 0 {
		return
	}
	var l *Leg
	if bad.status == 0 {
		l, bad = s.newInbound(req, tx, who)
	}
	if bad.status == 0 {
		bad = s.admit(l)
	}
	if bad.status != 0 {
		s.refuse(req, tx, bad.status, bad.reason, bad.headers...)
		return
	}
	l.traceRequest(req, false)
	l.mu.Lock()
	l.respond(l.tx, l.invite, 100, "Trying")
	l.mu.Unlock()
	l.log.Info("call came in", "transport", l.trace.transport)
	s.wg.Go(func() {
		defer func() {
			if r := recover(); r != nil {
				s.caught("call handler", r)
				l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 500, Why: "a fault in the server"})
			}
		}()
		if s.opt.OnCall == nil {
			_ = l.Reject(404, "Not Found")
			return
		}
		s.opt.OnCall(l)
	})
}

// newInbound makes a leg of an INVITE, or says why it cannot be one. Nothing
// is kept yet.
func (s *Server) newInbound(req *gosip.Request, tx gosip.ServerTransaction, who caller) (*Leg, verdict) {
	if bad := checkBody(req); bad.status != 0 {
		return nil, bad
	}
	timer, bad := s.offeredTimer(req)
	if bad.status != 0 {
		return nil, bad
	}
	flow, err := parseFlow(req.Source())
	if err != nil {
		return nil, verdict{status: 400, reason: "Bad Source"}
	}
	l := s.newLeg(req.CallID().Value(), s.wireOf(req), flow)
	l.invite, l.first = req, req
	l.tx, l.timer, l.source = tx, timer, flow.Addr()
	d := &l.dialog
	d.remoteTag, _ = req.From().Params.Get("tag")
	d.remoteSeq = req.CSeq().SeqNo
	d.us, d.them = req.To().Address, req.From().Address
	d.target = req.From().Address
	if c := req.Contact(); c != nil {
		d.target = c.Address
	}
	d.routes = routeSet(req, false)
	d.allowsUpdate, d.allows = allowsUpdate(req), methodsOf(req)
	l.trusted, l.from = who.trusted, who.trunk
	if who.trunk != nil {
		l.trunk = who.trunk.cfg.ID
	}
	l.who = readCaller(req, l.trusted)
	l.called, l.caller, l.callerName = userOf(req.Recipient), l.who.number, l.who.name
	if len(req.Body()) == 0 {
		return l, verdict{}
	}
	if l.offer, err = sdp.Parse(req.Body()); err != nil {
		return nil, verdict{status: 400, reason: "Bad Session Description"}
	}
	if _, _, err := sdp.Answer(l.offer, sdp.Local{Addr: d.advertise, Port: 9, Codecs: l.local.Codecs, OwnOrder: l.local.OwnOrder, Security: l.local.Security}); err != nil {
		return nil, incompatible(err)
	}
	return l, verdict{}
}

// newLeg makes a leg, for either direction.
func (s *Server) newLeg(callID, transport string, flow netip.AddrPort) *Leg {
	l := &Leg{
		s: s, localTag: newTag(), traceID: printable(callID, 128), invited: time.Now(),
		digits: make(chan media.Digit, 64), done: make(chan struct{}), gone: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	l.dialog = dialog{callID: callID, transport: transport, flow: flow}
	l.dialog.advertise, l.bindIP = s.localIP(flow)
	l.trace.transport, l.trace.far = l.dialog.transport, flow
	l.trace.near = netip.AddrPortFrom(l.dialog.advertise, s.addr.Port())
	l.log = s.log.With("sip_call", shortID(l.dialog.callID))
	now := uint64(l.invited.Unix())
	l.local = sdp.Local{Addr: l.dialog.advertise, Codecs: s.cfg.spoken(), OwnOrder: s.cfg.CodecOrder == OursFirst, ID: now, Version: now, Security: s.security(), ICE: newICE()}
	return l
}

// shortID is enough of a Call-ID to find it in a capture; the rest may hold
// anything.
func shortID(id string) string { return printable(id, 24) }

// checkBody refuses what is no session description (RFC 3261 §21.4.13).
func checkBody(req *gosip.Request) verdict {
	if len(req.Body()) == 0 {
		return verdict{}
	}
	kind, _, _ := strings.Cut(headerValue(req, "Content-Type"), ";")
	enc := headerValue(req, "Content-Encoding")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/sdp") || enc != "" && !strings.EqualFold(enc, "identity") {
		return verdict{415, "Unsupported Media Type", []gosip.Header{
			gosip.NewHeader("Accept", "application/sdp"), gosip.NewHeader("Accept-Encoding", "identity")}}
	}
	return verdict{}
}

// methodsOf are the methods of Allow, as far as they are needed.
func methodsOf(m gosip.Message) string {
	all := strings.ToUpper(strings.Join(headerTokens(m, "Allow"), " "))
	return all[:min(len(all), 256)]
}

func allowsUpdate(m gosip.Message) bool {
	for _, t := range headerTokens(m, "Allow") {
		if strings.EqualFold(t, "UPDATE") {
			return true
		}
	}
	return false
}

// respond sends a response on a transaction of the leg. l.mu is held.
func (l *Leg) respond(tx gosip.ServerTransaction, req *gosip.Request, status int, reason string, headers ...gosip.Header) {
	res := response(req, status, reason, l.localTag, headers...)
	l.sendResponse(tx, res)
}

func (l *Leg) sendResponse(tx gosip.ServerTransaction, res *gosip.Response) {
	if err := tx.Respond(res); err != nil {
		l.log.Debug("SIP response not sent", "status", res.StatusCode, "error", err)
	}
	l.traceResponse(res, true)
}

// Errors of Ring, Early, Answer and Reject.
var (
	// ErrGone says that the leg has ended; Cause says why, and so does the
	// contact.EndCause that comes with it.
	ErrGone = errors.New("the call has ended")
	// ErrAnswered says that the leg was answered before.
	ErrAnswered = errors.New("the call was answered before")
)

// unanswered says whether an inbound leg may still be answered or refused.
// l.mu is held.
func (l *Leg) unanswered(what string) error {
	switch {
	case l.outbound:
		return fmt.Errorf("%s: the call is our own", what)
	case l.state == legEnded:
		return fmt.Errorf("%s: %w: %w", what, ErrGone, l.cause)
	case l.state != legNew && l.state != legRinging:
		return fmt.Errorf("%s: %w", what, ErrAnswered)
	}
	return nil
}

// Ring sends 180. Once a minute it is sent again, so that proxies keep the
// call (RFC 3261 §13.3.1.1); after Config.RingLimit the call is refused with
// 480. Ringing twice is ringing once.
func (l *Leg) Ring() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.unanswered("ring"); err != nil {
		return err
	}
	if l.state == legRinging {
		return nil
	}
	l.ringFor(l.s.cfg.RingLimit)
	l.ringing()
	return nil
}

// Answer opens the media and sends the 200 with our description. It returns
// when that is sent; the 200 is repeated until it is acknowledged, and if that
// never happens the leg ends by itself after 32 s with a BYE (RFC 3261
// §13.3.1.4). It fails with ErrGone, ErrAnswered, or when no media port is
// free (the call is then refused with 503).
func (l *Leg) Answer(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// A 200 ends the wait for a PRACK, but for that of a description (RFC 3262 §3).
	if err := l.awaitPRACK(ctx, "answer", func(r *reliable) bool { return r.described }); err != nil {
		return err
	}
	l.settleReliable()
	m := l.openMedia()
	if m == nil {
		return l.noPort("answer")
	}
	l.local.Port = m.LocalPort()
	body, err := l.answerBody()
	if err != nil {
		return fmt.Errorf("answer: %w", err) // checked before OnCall
	}
	l.move(legAnswered)
	l.answeredAt.Store(time.Now().UnixNano())
	l.watchSilence()
	res := l.okWithSDP(l.invite, body, l.timer.headers()...)
	l.await(l.tx, res, l.invite.CSeq().SeqNo, l.offer == nil, true)
	l.timer.start(time.Now())
	return nil
}

// answerBody is the description in the 200: the answer to their offer, the same as
// in a 183 before it; our offer where they made none; nothing where a PRACK or an
// UPDATE has made another one good. l.mu is held.
func (l *Leg) answerBody() ([]byte, error) {
	switch {
	case l.earlyAnswer != nil:
		return l.earlyAnswer, nil
	case l.answeredEarly:
		return nil, nil
	case l.offer == nil:
		l.lastAnswer = sdp.Offer(l.local)
		return l.lastAnswer, nil
	}
	body, a, err := sdp.Answer(l.offer, l.local)
	if err != nil {
		return nil, err
	}
	l.apply(a)
	l.lastAnswer, l.lastOrigin = body, l.offer.Origin
	return body, nil
}

// okWithSDP builds a 200 that carries our description.
func (l *Leg) okWithSDP(req *gosip.Request, body []byte, headers ...gosip.Header) *gosip.Response {
	res := response(req, 200, "OK", l.localTag, l.contactHeader(), gosip.NewHeader("Allow", allow), gosip.NewHeader("Supported", supported))
	for _, h := range headers {
		res.AppendHeader(h)
	}
	if body != nil {
		res.AppendHeader(gosip.NewHeader("Content-Type", "application/sdp"))
		res.SetBody(body)
	}
	return res
}

// Reject refuses a call that was not answered, with a status from 300 to 699.
func (l *Leg) Reject(status int, reason string) error {
	if status < 300 || status > 699 {
		return fmt.Errorf("reject: %d is no final error; use 404, 486 or 603, for example", status)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.unanswered("reject"); err != nil {
		return err
	}
	if status == 404 {
		l.s.front.bad(l.source, BannedNumber)
	}
	l.refuseLocked(status, reason, contact.EndCause{By: contact.System, Class: contact.EndRejected, SIP: contact.SIPStatus(status), Why: reason})
	return nil
}

func (l *Leg) refuseLocked(status int, reason string, cause contact.EndCause) {
	var extra []gosip.Header
	switch status {
	case 503:
		extra = append(extra, gosip.NewHeader("Retry-After", "10"))
	case 480:
		extra = append(extra, gosip.NewHeader("Retry-After", "60"))
	}
	if cause.Q850 != 0 {
		extra = append(extra, gosip.NewHeader("Reason", reasonHeader(cause)))
	}
	l.settleReliable()
	l.respond(l.tx, l.invite, status, reason, extra...)
	l.s.metrics.refused.WithLabelValues(fmt.Sprint(status)).Inc()
	l.end(cause, false)
}

// cancelled is the caller's CANCEL: the INVITE is answered 487 unless it has
// its final response (RFC 3261 §9.2).
func (l *Leg) cancelled(req *gosip.Request, tx gosip.ServerTransaction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sendResponse(tx, response(req, 200, "OK", l.localTag))
	if l.state != legNew && l.state != legRinging {
		return
	}
	l.settleReliable()
	l.respond(l.tx, l.invite, 487, "Request Terminated")
	cause := contact.EndCause{By: contact.Customer, Class: contact.EndAbandoned, SIP: 487, Q850: q850Of(req), Why: "the caller gave up"}
	for _, r := range reasons(req) {
		if r.protocol == "sip" && r.cause == 200 { // RFC 3326 §3.1: another phone took it
			cause.Why = "the call was answered elsewhere"
		}
	}
	l.end(cause, false)
}
