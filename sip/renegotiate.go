package sip

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"callfloor/contact"
	"callfloor/media/codec"
	"callfloor/sip/sdp"
)

// Terms are what a re-INVITE of ours asks for.
type Terms struct {
	// Codecs are offered in this order; none: the one that is spoken.
	Codecs []codec.ID
	// Direction is ours: sendonly holds the far end, sendrecv takes it back.
	// "" leaves it as it is.
	Direction sdp.Direction
}

// negotiateTries is how often an offer that crossed theirs is made again.
const negotiateTries = 8

// Renegotiate asks the far end for other terms by re-INVITE (RFC 3261 §14.1) and
// returns when it has answered. An offer that crosses one of theirs (491) is
// made again after the RFC's wait. Where they refuse, the error is a
// *RejectedError and the session goes on as it was.
func (l *Leg) Renegotiate(ctx context.Context, t Terms) error {
	for range negotiateTries {
		wait, err := l.offerTerms(ctx, t)
		if err != nil || wait == 0 {
			return err
		}
		select {
		case <-time.After(wait):
		case <-l.done:
			return ErrGone
		case <-ctx.Done():
			return fmt.Errorf("renegotiate: %w", context.Cause(ctx))
		}
	}
	return &RejectedError{Status: 491, Reason: "Request Pending"}
}

// Hold puts the far end on hold, or takes it back. What it hears meanwhile is
// the sender's business.
func (l *Leg) Hold(ctx context.Context, on bool) error {
	d := sdp.SendRecv
	if on {
		d = sdp.SendOnly
	}
	return l.Renegotiate(ctx, Terms{Direction: d})
}

// offerTerms makes the offer once. wait is when to try again, 0 when it is done.
func (l *Leg) offerTerms(ctx context.Context, t Terms) (wait time.Duration, err error) {
	l.mu.Lock()
	switch {
	case l.state == legEnded:
		l.mu.Unlock()
		return 0, ErrGone
	case l.state != legConfirmed || l.offering || l.pending != nil:
		l.mu.Unlock()
		return 100 * time.Millisecond, nil
	}
	was := l.local
	if len(t.Codecs) > 0 {
		l.local.Codecs = t.Codecs
	}
	if t.Direction != "" {
		l.local.Direction = t.Direction
	}
	req := l.request(gosip.INVITE, 0)
	for _, h := range l.timer.ask() {
		req.AppendHeader(h)
	}
	req.AppendHeader(gosip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(l.offerOf(t.Codecs))
	l.offering = true
	l.mu.Unlock()

	res, err := l.transact(ctx, req)
	l.mu.Lock()
	defer l.poke()
	l.offering = false
	version := l.local.Version
	restore := func() { l.local = was; l.local.Version = version }
	switch {
	case err != nil:
		restore()
		if ctx.Err() == nil { // nobody there any more
			l.end(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 102, Why: "the phone is gone: a new offer was not answered"}, true)
		}
		l.mu.Unlock()
		return 0, fmt.Errorf("renegotiate: %w", err)
	case res.IsSuccess():
		err = l.acceptAgain(res)
		if c := res.Contact(); c != nil {
			l.dialog.target = c.Address
		}
		if timer := answeredTimer(res); timer.interval > 0 {
			l.timer = timer
		}
		l.timer.start(time.Now()) // any re-INVITE is a refresh
		ack := l.ackOf(res)
		l.mu.Unlock()
		l.sendAck(ack)
		return 0, err
	}
	defer l.mu.Unlock()
	restore()
	switch {
	case res.StatusCode == 491:
		return l.glareWait(), nil
	case gone(res.StatusCode):
		l.end(contact.EndCause{By: contact.Customer, Class: contact.EndFailed, Q850: 102, Why: "the phone does not know the call any more"}, true)
	}
	return 0, &RejectedError{Status: res.StatusCode, Reason: printable(res.Reason, 80), Q850: q850Of(res), RetryAfter: retryAfter(res)}
}

// offerOf is an offer of codecs, or of what is spoken. l.mu is held.
func (l *Leg) offerOf(codecs []codec.ID) []byte {
	if len(codecs) == 0 {
		return l.reOffer()
	}
	l.local.Version++
	local := l.local
	local.Codecs = codecs
	return sdp.Offer(local)
}

// acceptAgain takes the answer to a later offer of ours; one that cannot be used
// changes nothing. l.mu is held.
func (l *Leg) acceptAgain(res *gosip.Response) error {
	s, err := sdp.Parse(res.Body())
	if err != nil {
		return fmt.Errorf("use the answer: %w", err)
	}
	a, err := sdp.Accept(s, l.local)
	if err != nil {
		return fmt.Errorf("use the answer: %w", err)
	}
	l.lastOrigin = s.Origin
	l.apply(a)
	return nil
}

// ackOf builds the ACK of a 2xx to a re-INVITE of ours. l.mu is held.
func (l *Leg) ackOf(res *gosip.Response) *gosip.Request {
	return l.request(gosip.ACK, res.CSeq().SeqNo)
}

// gone says whether a status means that the far end has lost the dialog (RFC
// 5057 §5.1).
func gone(status int) bool { return slices.Contains([]int{404, 408, 410, 416, 481, 604}, status) }

// glareWait is when an offer that crossed theirs is made again (RFC 3261 §14.1):
// who owns the Call-ID waits longer, both in steps of 10 ms. l.mu is held.
func (l *Leg) glareWait() time.Duration {
	const step = 10 * time.Millisecond
	if l.outbound {
		return 2100*time.Millisecond + step*time.Duration(rand.IntN(191))
	}
	return step * time.Duration(1+rand.IntN(200))
}
