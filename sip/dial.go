package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/media/codec"
	"callfloor/sip/sdp"
)

// DialOptions say how to place a call.
type DialOptions struct {
	// From is our number, or a whole SIP URI; "" is "callfloor".
	From string
	// Codecs are offered in this order; none: Config.Codecs.
	Codecs []codec.ID
	// SRTP is how the audio is to be encrypted, sdp.SDES or sdp.DTLS; a far end
	// that does not is hung up on. "": plain RTP.
	SRTP sdp.Method
	// Transport is "udp" or "tcp"; "": the URI's, else UDP.
	Transport string
	// Prepare, if there, is called with the leg before the INVITE is sent: to
	// attach to its source before the first packet can come.
	Prepare func(*Leg)
	// Progress, if there, is told each provisional response (180, 183) and
	// whether early media comes with it. It must not block.
	Progress func(status int, earlyMedia bool)
	// Headers are further headers of the INVITE: P-Asserted-Identity, Privacy,
	// Diversion, Referred-By, Replaces. See Assert and Divert.
	Headers []Header
	// Dest is the number for whose sake the INVITE is signed (RFC 8224) where a
	// key is configured; "": the user of the URI.
	Dest string

	auth challenges // answers 401 and 407; nil: nobody does
}

// Header is one SIP header.
type Header struct{ Name, Value string }

// challenges answers the challenges to a leg's requests (RFC 7616).
type challenges interface {
	// sign puts the answer to the challenge known so far on a request.
	sign(*gosip.Request)
	// answer takes a 401 or 407 to a request sent to sentTo; an error where
	// that must not be tried again. again: one was answered before.
	answer(res *gosip.Response, sentTo netip.Addr, again bool) error
	// took says that the request was accepted.
	took()
}

// RejectedError is a final response from 300 to 699 to our INVITE.
type RejectedError struct {
	Status int
	Reason string
	// Q850 is the cause of its Reason header (RFC 3326), else the one that goes
	// with the status (RFC 3398).
	Q850 int
	// RetryAfter is how long to stay away (480, 486, 503, …); 0: not said.
	RetryAfter time.Duration
	// Contacts are where a 3xx sends us, as URIs.
	Contacts []string
}

// Error says what came back.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("the call was refused: %d %s", e.Status, e.Reason)
}

// Dial places a call and returns when it is answered and the answer is
// acknowledged. Media that comes before (183) is taken. When ctx ends first
// the call is cancelled. A refusal is a *RejectedError.
func (s *Server) Dial(ctx context.Context, uri string, o DialOptions) (*Leg, error) {
	l, err := s.newOutbound(ctx, uri, o)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", uri, err)
	}
	if bad := s.admit(l); bad.status != 0 {
		return nil, fmt.Errorf("dial %s: the server takes no calls now", uri)
	}
	if o.Prepare != nil {
		o.Prepare(l)
	}
	if err := l.call(ctx); err != nil {
		return nil, fmt.Errorf("dial %s: %w", uri, err)
	}
	return l, nil
}

func (s *Server) newOutbound(ctx context.Context, uri string, o DialOptions) (*Leg, error) {
	var to gosip.Uri
	if err := gosip.ParseUri(uri, &to); err != nil || !strings.EqualFold(to.Scheme, "sip") || to.Host == "" {
		return nil, errors.New("not a SIP URI; write sip:NUMBER@HOST[:PORT]")
	}
	transport := strings.ToUpper(o.Transport)
	if transport == "" {
		t, _ := to.UriParams.Get("transport")
		transport = strings.ToUpper(t)
	}
	switch transport {
	case "":
		transport = "UDP"
	case "UDP", "TCP":
	default:
		return nil, fmt.Errorf("transport %q is not known; use udp or tcp", transport)
	}
	at, err := resolve(ctx, to)
	if err != nil {
		return nil, err
	}
	l := s.newLeg(newTag()+"@callfloor", transport, at)
	l.outbound = true
	d := &l.dialog
	d.them, d.target = to, to
	d.them.UriParams, d.them.Headers = nil, nil
	if d.us, err = l.fromURI(o.From); err != nil {
		return nil, err
	}
	if len(o.Codecs) > 0 {
		l.local.Codecs = o.Codecs
	}
	l.local.Security.Offer = o.SRTP
	if o.SRTP != "" {
		l.local.Security.Policy = sdp.Require
	}
	l.called, l.caller = userOf(to), userOf(d.us)
	l.wants = o
	return l, nil
}

func (l *Leg) fromURI(from string) (gosip.Uri, error) {
	if from == "" {
		from = "callfloor"
	}
	if !strings.Contains(from, ":") {
		return gosip.Uri{Scheme: "sip", User: from, Host: hostOf(l.dialog.advertise)}, nil
	}
	var u gosip.Uri
	if err := gosip.ParseUri(from, &u); err != nil {
		return u, fmt.Errorf("the caller %q is neither a number nor a SIP URI", from)
	}
	return u, nil
}

// resolve finds where a URI's host is. Only URIs of our own user come here.
func resolve(ctx context.Context, u gosip.Uri) (netip.AddrPort, error) {
	if at, ok := literal(u); ok {
		return at, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", u.Host)
	if err != nil || len(ips) == 0 {
		return netip.AddrPort{}, fmt.Errorf("find the address of %s: %w", u.Host, err)
	}
	port := u.Port
	if port == 0 {
		port = 5060
	}
	return netip.AddrPortFrom(ips[0].Unmap(), uint16(port)), nil
}

// call sends the INVITE and waits for its end. The leg ends if that is not an
// answer.
func (l *Leg) call(ctx context.Context) error {
	if err := l.prepareCall(); err != nil {
		return err
	}
	err := l.ask(ctx, 0)
	l.concede(err)
	return err
}

// prepareCall opens the media of an outbound leg.
func (l *Leg) prepareCall() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.openMedia()
	if m == nil {
		l.end(contact.EndCause{By: contact.System, Class: contact.EndFailed, Why: "no media port was free"}, false)
		return errors.New("no media port is free; widen the range of ports")
	}
	l.local.Port = m.LocalPort()
	l.timer.interval, l.timer.least = l.s.cfg.SessionExpires, leastSession
	return nil
}

// ask sends the INVITE, again where a refusal can be met, and waits for its
// end. When nothing at all comes back for silence (0: the transaction's 32 s)
// it gives up. After a *RejectedError or an *unreachableError the leg has not
// ended: it may ask somewhere else, or concede.
func (l *Leg) ask(ctx context.Context, silence time.Duration) error {
	for attempt := 1; ; attempt++ {
		tx, err := l.sendWithin(ctx, silence)
		if err != nil {
			return err
		}
		res, err := l.ringOut(ctx, tx, silence)
		if res == nil {
			return err
		}
		if !l.askAgain(res, attempt) {
			return rejected(res)
		}
	}
}

// sendWithin is sendInvite where making a connection must not take longer than
// silence (0: its own limit).
func (l *Leg) sendWithin(ctx context.Context, silence time.Duration) (*gosip.ClientTx, error) {
	if silence > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, silence)
		defer stop()
	}
	return l.sendInvite(ctx)
}

// unreachableError says that nothing came back to an INVITE.
type unreachableError struct{ err error }

// Error says what was tried.
func (e *unreachableError) Error() string { return "no answer to the INVITE: " + e.err.Error() }

// Unwrap returns the transport's or the transaction's error.
func (e *unreachableError) Unwrap() error { return e.err }

// concede ends a leg whose INVITE has failed for good; nil is no failure.
func (l *Leg) concede(err error) {
	if err == nil {
		return
	}
	if e, ok := errors.AsType[*RejectedError](err); ok {
		l.fail(contact.EndCause{By: contact.Customer, Class: contact.EndRejected, SIP: contact.SIPStatus(e.Status), Q850: e.Q850, Why: e.Reason})
	} else if _, ok := errors.AsType[*unreachableError](err); ok {
		l.fail(contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 408, Q850: 102, Why: "the far end did not answer the INVITE"})
	}
}

// sendInvite sends the INVITE, the first one or one that asks again.
func (l *Leg) sendInvite(ctx context.Context) (*gosip.ClientTx, error) {
	l.mu.Lock()
	if l.state == legEnded {
		l.mu.Unlock()
		l.fail(l.Cause())
		return nil, l.Cause()
	}
	d := &l.dialog
	if l.invite == nil {
		l.uri, l.path = d.target, d.routes
	}
	d.remoteTag, d.target, d.routes, l.forks = "", l.uri, l.path, nil
	req := l.request(gosip.INVITE, 0)
	for _, h := range l.timer.ask() {
		req.AppendHeader(h)
	}
	for _, h := range l.wants.Headers {
		req.AppendHeader(gosip.NewHeader(h.Name, h.Value))
	}
	l.s.vouchFor(l, req)
	req.AppendHeader(gosip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(sdp.Offer(l.local))
	l.invite, l.calling = req, true
	l.mu.Unlock()

	l.traceRequest(req, true)
	if err := l.reach(ctx); err != nil {
		return nil, &unreachableError{err}
	}
	tx, err := l.s.txl.Request(ctx, req)
	if err != nil {
		return nil, &unreachableError{err}
	}
	// A repeated 200 asks for the ACK again (RFC 3261 §13.2.2.4). The callback
	// runs inside the transaction, so it must not wait for anything of ours.
	tx.OnRetransmission(func(res *gosip.Response) { l.s.wg.Go(func() { l.ackAgain(res) }) })
	return tx, nil
}

// inviteAttempts is how often one call asks: a challenge, and one for each thing
// that the far end wants otherwise.
const inviteAttempts = 4

// askAgain says whether a refusal can be met: a challenge (401, 407), or a
// session timer that is too short (422).
func (l *Leg) askAgain(res *gosip.Response, attempt int) bool {
	if attempt == inviteAttempts {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch res.StatusCode {
	case 401, 407:
		return l.meetChallenge(res, l.dialog.flow.Addr(), &l.challenged)
	case 422:
		return l.timer.longer(res)
	}
	return false
}

// meetChallenge says whether a request is to be sent again, signed. l.mu is held.
func (l *Leg) meetChallenge(res *gosip.Response, sentTo netip.Addr, before *bool) bool {
	if l.wants.auth == nil {
		return false
	}
	err := l.wants.auth.answer(res, sentTo, *before)
	*before = true
	if err != nil {
		l.log.Info("a challenge was not answered", "status", res.StatusCode, "error", err)
	}
	return err == nil
}

// rejected is the final response to an INVITE as an error.
func rejected(res *gosip.Response) error {
	e := &RejectedError{
		Status: res.StatusCode, Reason: printable(res.Reason, 80), Q850: q850Of(res),
		RetryAfter: retryAfter(res), Contacts: contactsOf(res),
	}
	if e.Q850 == 0 {
		e.Q850 = q850OfStatus(e.Status)
	}
	return e
}

// ringOut waits for the final response, which it returns if that is a refusal;
// the leg has not ended then. Otherwise the outcome is the error.
func (l *Leg) ringOut(ctx context.Context, tx *gosip.ClientTx, silence time.Duration) (*gosip.Response, error) {
	rung := false
	var silent <-chan time.Time
	if silence > 0 {
		t := time.NewTimer(silence)
		defer t.Stop()
		silent = t.C
	}
	for {
		select {
		case <-silent:
			l.leave(tx)
			return nil, &unreachableError{fmt.Errorf("nothing came for %s", silence)}
		case res := <-tx.Responses():
			silent = nil
			l.traceResponse(res, false)
			switch {
			case res.IsProvisional():
				rung = true
				l.progress(res)
			case res.IsSuccess():
				if l.wants.auth != nil {
					l.wants.auth.took()
				}
				return nil, l.answered(res)
			default:
				return res, nil
			}
		case <-tx.Done():
			return nil, &unreachableError{tx.Err()}
		case <-ctx.Done():
			l.giveUp(tx, rung, "cancelled")
			return nil, context.Cause(ctx)
		case <-l.done:
			l.giveUp(tx, rung, "ended")
			return nil, l.Cause()
		case <-l.s.ctx.Done():
			l.fail(contact.EndCause{By: contact.System, Class: contact.EndFailed, Why: "the server stops"})
			return nil, ErrGone
		}
	}
}

// fail ends a leg whose INVITE is over.
func (l *Leg) fail(cause contact.EndCause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calling = false
	l.end(cause, false)
	l.poke()
}

// progress is a provisional response: it may make an early dialog and early
// media (RFC 3261 §12.1, RFC 3960). Of several early dialogs the one whose media
// came last is heard.
func (l *Leg) progress(res *gosip.Response) {
	l.mu.Lock()
	if res.StatusCode == 100 || l.state == legEnded {
		l.mu.Unlock()
		return
	}
	f := l.fork(res)
	if !l.acknowledge(f, res) {
		l.mu.Unlock()
		return
	}
	if l.state == legNew {
		l.move(legRinging)
	}
	media := false
	if f != nil {
		media = l.hears(f, res)
		if media || l.dialog.remoteTag == "" || l.dialog.remoteTag == f.remoteTag {
			l.follow(f)
		}
	}
	tell := l.wants.Progress
	l.mu.Unlock()
	if tell != nil {
		tell(res.StatusCode, media)
	}
}

// hears takes the description of a provisional response. l.mu is held.
func (l *Leg) hears(f *earlyDialog, res *gosip.Response) bool {
	if len(res.Body()) == 0 {
		return false
	}
	s, err := sdp.Parse(res.Body())
	if err != nil {
		return false
	}
	a, err := sdp.Accept(s, l.local)
	if err != nil {
		return false
	}
	f.agreed, f.heard = a, true
	return true
}

// learn takes the dialog's far side from the answer. l.mu is held.
func (l *Leg) learn(res *gosip.Response) {
	d := &l.dialog
	if tag := tagOf(res); tag != d.remoteTag {
		if f := l.forks[tag]; f != nil {
			l.follow(f)
		} else {
			d.remoteTag, d.remoteSeq, d.allowsUpdate = tag, 0, false
		}
	}
	if c := res.Contact(); c != nil {
		d.target = c.Address
	}
	d.routes = routeSet(res, true)
	d.allowsUpdate = d.allowsUpdate || allowsUpdate(res)
	if a := methodsOf(res); a != "" {
		d.allows = a
	}
}

// answered is the 2xx: acknowledge, agree, go.
func (l *Leg) answered(res *gosip.Response) error {
	l.mu.Lock()
	l.learn(res)
	if l.state == legEnded { // the answer crossed our CANCEL
		ack := l.ackFor(l.invite)
		l.mu.Unlock()
		l.sendAck(ack)
		l.mu.Lock()
		l.forks = nil
		l.calling, l.sendBye = false, true // only now: the BYE must not overtake the ACK
		l.mu.Unlock()
		l.poke()
		return l.Cause()
	}
	l.calling, l.forks = false, nil
	l.move(legConfirmed)
	var agreed sdp.Agreed
	s, err := sdp.Parse(res.Body())
	if err == nil {
		agreed, err = sdp.Accept(s, l.local)
	}
	if err == nil {
		l.apply(agreed)
		l.watchSilence()
	}
	l.timer = answeredTimer(res)
	l.timer.start(time.Now())
	ack := l.ackFor(l.invite)
	l.mu.Unlock()
	l.sendAck(ack)
	l.poke()
	if err != nil {
		why := "the answer had no usable audio"
		if errors.Is(err, sdp.ErrNotSecure) {
			why = "the answer was not encrypted as asked"
		}
		l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 88, Why: why})
		return fmt.Errorf("use the answer: %w", err)
	}
	return nil
}

// ackFor builds the ACK of a 2xx to req. l.mu is held.
func (l *Leg) ackFor(req *gosip.Request) *gosip.Request {
	return l.request(gosip.ACK, req.CSeq().SeqNo)
}

func (l *Leg) sendAck(ack *gosip.Request) {
	l.traceRequest(ack, true)
	if err := l.s.tpl.WriteMsg(ack); err != nil {
		l.log.Debug("ACK not sent", "error", err)
	}
}

// ackAgain is a further 2xx: a repetition, or the answer of another branch.
func (l *Leg) ackAgain(res *gosip.Response) {
	defer l.s.recovered("repeated answer")
	l.mu.Lock()
	if tagOf(res) != l.dialog.remoteTag {
		l.mu.Unlock()
		l.stray(res)
		return
	}
	ack := l.ackFor(l.invite)
	l.mu.Unlock()
	l.traceResponse(res, false)
	l.sendAck(ack)
}

// giveUp cancels the INVITE (RFC 3261 §9.1). The leg has ended when it
// returns; what is left to say is said in the background, and run waits for it.
func (l *Leg) giveUp(tx *gosip.ClientTx, rung bool, why string) {
	l.mu.Lock()
	l.end(contact.EndCause{By: contact.System, Class: contact.EndAbandoned, SIP: 487, Why: why}, false)
	l.mu.Unlock()
	l.s.wg.Go(func() {
		defer l.s.recovered("cancel")
		defer func() {
			l.mu.Lock()
			l.calling = false
			l.mu.Unlock()
			l.poke()
		}()
		l.cancelOut(tx, rung)
	})
}

// cancelOut sends the CANCEL, but not before a provisional response has come,
// and deals with the answer that may have crossed it.
func (l *Leg) cancelOut(tx *gosip.ClientTx, rung bool) {
	limit := time.NewTimer(ackLimit + time.Second)
	defer limit.Stop()
	sent := false
	for {
		if rung && !sent {
			sent = true
			l.s.wg.Go(func() {
				defer l.s.recovered("cancel")
				cancel := cancelFor(l.invite)
				cancel.AppendHeader(gosip.NewHeader("Reason", reasonHeader(l.Cause())))
				if _, err := l.transact(l.s.ctx, cancel); err != nil {
					l.log.Debug("CANCEL not answered", "error", err)
				}
			})
		}
		select {
		case res := <-tx.Responses():
			l.traceResponse(res, false)
			switch {
			case res.IsProvisional():
				rung = true
				l.mu.Lock()
				l.acknowledge(l.fork(res), res) // it would be repeated otherwise
				l.mu.Unlock()
			case res.IsSuccess():
				_ = l.answered(res)
				return
			default:
				return
			}
		case <-tx.Done():
			return
		case <-limit.C:
			tx.Terminate()
			return
		case <-l.s.ctx.Done():
			return
		}
	}
}

// cancelFor builds the CANCEL of an INVITE (RFC 3261 §9.1): the same branch,
// the same numbers.
func cancelFor(invite *gosip.Request) *gosip.Request {
	req := gosip.NewRequest(gosip.CANCEL, invite.Recipient)
	req.AppendHeader(invite.Via().Clone())
	gosip.CopyHeaders("Route", invite, req)
	mf := gosip.MaxForwardsHeader(70)
	req.AppendHeader(&mf)
	req.AppendHeader(gosip.HeaderClone(invite.From()))
	req.AppendHeader(gosip.HeaderClone(invite.To()))
	req.AppendHeader(gosip.HeaderClone(invite.CallID()))
	req.AppendHeader(&gosip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: gosip.CANCEL})
	req.SetBody(nil)
	req.SetTransport(invite.Transport())
	req.SetDestination(invite.Destination())
	req.Laddr = invite.Laddr
	return req
}
