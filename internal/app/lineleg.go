package app

import (
	"context"
	"sync"
	"time"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/sip"
)

// lineLeg is a customer's leg that may go from one line to another: a telephone asks
// for that by REFER. To the call that it leaves it has ended; to the next one it is a
// caller who is answered already. Each line's call has a row, a consent and a recording
// of its own, as if the customer had dialled the line.
type lineLeg struct {
	*sip.Leg

	mu    sync.Mutex // guards what follows
	call  *call.Call // that its messages belong to
	next  *config.Line
	cause contact.EndCause // why it left
	over  chan struct{}    // closed when the call has lost it
	again bool             // it has been in a call before
}

func newLineLeg(leg *sip.Leg) *lineLeg { return &lineLeg{Leg: leg, over: make(chan struct{})} }

// watch ends the leg for the call that over is the end of when the phone is gone; until
// it is, or left.
func (l *lineLeg) watch(over <-chan struct{}) {
	select {
	case <-l.Leg.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.over == over && l.next == nil { // else it is closed already
			close(l.over)
		}
	case <-over:
	}
}

// goOn takes the leg out of its call, into that of a line; a conflict if it is over or
// on its way already.
func (l *lineLeg) goOn(to config.Line, cause contact.EndCause) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.over:
		return contact.Errorf(contact.Conflict, "the customer is gone")
	default:
	}
	l.next, l.cause = &to, cause
	close(l.over)
	return nil
}

// line says where the leg goes on when its call is over, and makes it ready for that;
// false when it does not.
func (l *lineLeg) line() (config.Line, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		return config.Line{}, false
	}
	to := *l.next
	l.next, l.cause, l.over, l.again = nil, contact.EndCause{}, make(chan struct{}), true
	return to, true
}

// in is the call that the leg's messages belong to now; enter says which.
func (l *lineLeg) in() *call.Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.call
}

func (l *lineLeg) enter(c *call.Call) (first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first, l.call = l.call == nil, c
	return first
}

func (l *lineLeg) answered() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.again
}

// Ring implements call.Leg: who was answered already hears nothing.
func (l *lineLeg) Ring() error {
	if l.answered() {
		return nil
	}
	return l.Leg.Ring()
}

// Early implements call.Leg.
func (l *lineLeg) Early(ctx context.Context) (bool, error) {
	if l.answered() {
		return false, nil
	}
	return l.Leg.Early(ctx)
}

// Answer implements call.Leg.
func (l *lineLeg) Answer(ctx context.Context) error {
	if l.answered() {
		return nil
	}
	return l.Leg.Answer(ctx)
}

// Hangup implements call.Leg: a call that the leg has left ends nothing.
func (l *lineLeg) Hangup(cause contact.EndCause) {
	l.mu.Lock()
	left := l.next != nil
	l.mu.Unlock()
	if !left {
		l.Leg.Hangup(cause)
	}
}

// Done implements call.Leg.
func (l *lineLeg) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// Cause implements call.Leg.
func (l *lineLeg) Cause() contact.EndCause {
	l.mu.Lock()
	left, cause := l.next != nil, l.cause
	l.mu.Unlock()
	if left {
		return cause
	}
	return l.Leg.Cause()
}

// phoneOf is the telephone behind a customer's leg; nil where it is none.
func phoneOf(l call.Leg) *sip.Leg {
	switch l := l.(type) {
	case *lineLeg:
		return l.Leg
	case *sip.Leg:
		return l
	}
	return nil
}

// holdsPlace says whether a call is counted among those of a line, and will give that
// place back when it ends there.
func holdsPlace(c *call.Call, on contact.LineID) bool {
	if c == nil || c.Line != on {
		return false
	}
	leg, ok := c.Leg.(*lineLeg)
	if !ok {
		return false // we have called it
	}
	select {
	case <-leg.Done():
		return false // it is given back already, or about to be
	default:
		return true
	}
}

// toLine sends the customer of a call into the flow of a line of ours, if that has
// room by its own caps. ends is another call that ends when this succeeds; nil: none.
// Its place, if it has one there, is as good as free, and so is that of c itself.
func (a *App) toLine(c *call.Call, by contact.Party, line config.Line, ends *call.Call) error {
	leg, ok := c.Leg.(*lineLeg)
	if !ok {
		return contact.Errorf(contact.Conflict, "only who called a line can be sent to another one")
	}
	if !a.cfg.Transfers.AllowsLine(line.ID) {
		return contact.Errorf(contact.Forbidden, "calls may not be handed to line %s; transfers in the configuration says so", line.ID)
	}
	freed := 0
	for _, leaves := range []*call.Call{c, ends} {
		if holdsPlace(leaves, line.ID) {
			freed++
		}
	}
	if !a.lineCaps.take(line, time.Now(), freed) {
		return contact.Errorf(contact.Busy, "line %s is full", line.ID)
	}
	err := leg.goOn(line, contact.EndCause{By: by, Class: contact.EndCompleted, Q850: 16, Why: "handed to line " + string(line.ID)})
	if err != nil {
		a.lineCaps.leave(line.ID)
	}
	return err
}
