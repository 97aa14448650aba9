package sip

import (
	"context"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/sip/sdp"
)

// earlyProof is how long a stranger is spoken to over UDP who has not shown to be
// there: a forged INVITE must not send our sound to somebody for longer than an
// answer that nobody acknowledges does.
const earlyProof = ackLimit

// Early opens the media before the answer and says so by a 183 with our description
// (RFC 3261 §13.3.1.1): the caller hears what the sender sends, and their keys are
// heard. It goes out reliably where the caller knows 100rel at all, and the 200 of
// Answer repeats the description. Nobody answers for Config.EarlyLimit: then the
// call is refused with 480.
//
// heard is false where nothing can be heard before an answer: the caller left the
// offer to us and does not know 100rel, or never acknowledged it (RFC 3262 §5); it
// rings for them. The errors are those of Answer.
func (l *Leg) Early(ctx context.Context) (heard bool, err error) {
	const what = "speak before the answer"
	if err := context.Cause(ctx); err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.awaitPRACK(ctx, what, func(*reliable) bool { return true }); err != nil { // of our ringing
		return false, err
	}
	if l.early {
		return true, nil
	}
	l.ringFor(l.s.cfg.EarlyLimit)
	if l.offer == nil && !l.knowsReliable() {
		l.ringing()
		return false, nil
	}
	m := l.openMedia()
	if m == nil {
		return false, l.noPort(what)
	}
	l.local.Port, l.early = m.LocalPort(), true
	if l.dialog.transport == wireUDP && !l.trusted && !l.s.trusted(l.source) {
		l.proveBy = time.Now().Add(earlyProof)
	}
	l.provisional(183, "Session Progress", l.earlyBody())
	if l.offer != nil {
		return true, nil
	}
	if err := l.awaitPRACK(ctx, what, func(*reliable) bool { return true }); err != nil {
		return false, err
	}
	l.early = l.answeredEarly
	return l.early, nil
}

// earlyBody is the description in a 183: the answer to their offer, or our offer;
// nil where a PRACK has answered that. l.mu is held.
func (l *Leg) earlyBody() []byte {
	switch {
	case l.answeredEarly:
		return nil
	case l.offer == nil:
		return sdp.Offer(l.local)
	}
	body, a, err := sdp.Answer(l.offer, l.local)
	if err != nil {
		return nil // checked before OnCall
	}
	l.apply(a)
	l.lastAnswer, l.lastOrigin, l.earlyAnswer = body, l.offer.Origin, body
	return body
}

// ringFor begins the time before an answer, or goes on in it. l.mu is held.
func (l *Leg) ringFor(limit time.Duration) {
	if l.state == legNew {
		l.move(legRinging)
	}
	now := time.Now()
	l.ringUntil, l.ringAgain = now.Add(limit), now.Add(time.Minute)
}

// ringing says, again, that nobody has answered yet. l.mu is held.
func (l *Leg) ringing() {
	l.ringAgain = time.Now().Add(time.Minute)
	switch {
	case !l.early:
		l.provisional(180, "Ringing", nil)
	case l.answeredEarly:
		l.provisional(183, "Session Progress", nil)
	default: // unreliable: it may be the first that arrives
		l.provisional(183, "Session Progress", l.earlyAnswer)
	}
}

// dueRinging is due's part for a call that came in and is not answered. l.mu is
// held.
func (l *Leg) dueRinging(at func(time.Time) bool) {
	refuse := func(why string) {
		l.refuseLocked(480, "Temporarily Unavailable", contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 480, Why: why})
	}
	if at(l.proveBy) {
		l.proveBy = time.Time{}
		if l.media.Quality().Received == 0 {
			refuse("nothing showed that somebody hears what is said before the answer")
			return
		}
		l.s.wg.Go(func() { l.s.heard(l) })
	}
	switch {
	case at(l.ringUntil):
		refuse("nobody answered")
	case at(l.ringAgain):
		l.ringing()
		at(l.ringAgain)
	}
}

// present notes that the far end has shown to be there: a request of theirs had our
// tag, which only who got a response of ours knows.
func (l *Leg) present() {
	l.mu.Lock()
	l.proveBy = time.Time{}
	l.mu.Unlock()
	l.s.settle(l)
}

// noPort refuses a call for want of a media port. l.mu is held.
func (l *Leg) noPort(what string) error {
	l.refuseLocked(503, "Service Unavailable", contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 503, Why: "no media port was free"})
	return fmt.Errorf("%s: no media port is free; widen --rtp-ports", what)
}
