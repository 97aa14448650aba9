package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/sip/sdp"
)

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
	tx, err := l.s.begin(ctx, req)
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

// fail ends a leg whose INVITE is over.
func (l *Leg) fail(cause contact.EndCause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calling = false
	l.end(cause, false)
	l.poke()
}
