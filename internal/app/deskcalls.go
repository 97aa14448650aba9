package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/media"
	"callfloor/sip"
)

// ring is one offer at a telephone.
type ring struct {
	contact contact.ID
	call    *call.Call
	cancel  context.CancelFunc
	seat    *phoneSeat    // nil until it answers
	joined  chan struct{} // closed when run has carried the answer out
	lost    bool          // the telephone failed in the call
}

// phoneSeat is an agent's telephone in one call.
type phoneSeat struct {
	user string
	leg  *sip.Leg

	once sync.Once
	let  chan struct{} // closed when no call has the telephone any more
}

// ownLeg is the leg of a telephone as its call has it: hanging it up lets it go.
type ownLeg struct {
	*sip.Leg
	seat *phoneSeat
}

// Hangup implements call.Leg.
func (l ownLeg) Hangup(cause contact.EndCause) {
	l.seat.once.Do(func() { close(l.seat.let) })
	l.Leg.Hangup(cause)
}

// User implements call.Seat, as do the rest; Leg implements call.Telephone.
func (s *phoneSeat) User() string               { return s.user }
func (s *phoneSeat) Mic() *media.Source         { return s.leg.Source() }
func (s *phoneSeat) Track(string) *media.Sender { return s.leg.Sender() }
func (s *phoneSeat) Leg() call.Leg              { return ownLeg{s.leg, s} }

// free says that the call has let the telephone go, which is about to be forgotten.
func (s *phoneSeat) free() bool {
	select {
	case <-s.let:
		return true
	default:
		return false
	}
}

// Measure implements call.Seat: the leg is as old as the call.
func (s *phoneSeat) Measure() func() media.Quality { return s.leg.Quality }

var _ call.Telephone = (*phoneSeat)(nil)

// seatFor is the telephone that an agent answered a contact with; nil if it was
// the browser.
func (p *deskPhones) seatFor(user contact.AgentID, id contact.ID) *phoneSeat {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.rings[user]; r != nil && r.contact == id && r.seat != nil && !r.seat.free() {
		return r.seat
	}
	return nil
}

// ringing says whether an agent's telephone rings for a contact: only there can
// it be answered. What has no sound (a task) is answered in the browser.
func (p *deskPhones) ringing(user contact.AgentID, id contact.ID) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rings[user]
	return r != nil && r.contact == id
}

// ring rings an agent's telephone for an offer, if there is one.
func (p *deskPhones) ring(user contact.AgentID, c *call.Call, deadline time.Time) {
	if !p.has(user) {
		return
	}
	ctx, cancel := context.WithDeadline(p.ctx, deadline)
	r := &ring{contact: c.ID, call: c, cancel: cancel, joined: make(chan struct{})}
	p.mu.Lock()
	old := p.rings[user]
	if old != nil && old.contact == c.ID && old.seat != nil && !old.lost && !old.seat.free() {
		p.mu.Unlock() // answered while the call was offered once more
		cancel()
		return
	}
	if old != nil {
		old.cancel()
	}
	p.rings[user] = r
	p.mu.Unlock()
	p.wg.Go(func() {
		defer cancel()
		p.dial(ctx, user, c, r)
	})
}

func (p *deskPhones) dial(ctx context.Context, user contact.AgentID, c *call.Call, r *ring) {
	from := c.From
	if from == "" {
		from = "anonymous"
	}
	leg, err := p.sip.DialPhone(ctx, string(user), sip.DialOptions{
		From:    from,
		Prepare: func(l *sip.Leg) { traceTo(l, contact.LegID(contact.Agent), func() *call.Call { return p.callOf(r) }) },
	})
	if err != nil {
		p.forget(user, r)
		if refused, ok := errors.AsType[*sip.RejectedError](err); ok && ctx.Err() == nil {
			p.log.Info("a telephone refused a call", "user", user, "status", refused.Status)
			p.h.tell(acd.OfferDeclined{Agent: user, Contact: c.ID})
		} else if ctx.Err() == nil {
			p.log.Warn("a telephone could not be rung", "user", user, "error", err)
		}
		return
	}
	seat := &phoneSeat{user: string(user), leg: leg, let: make(chan struct{})}
	p.mu.Lock()
	mine := p.rings[user] == r
	if mine {
		r.seat = seat
	}
	p.mu.Unlock()
	if !mine {
		hangUp(seat)
		return
	}
	defer p.over(user, r)
	held := make(chan bool, 1) // the latest
	leg.OnHold(func(on bool) {
		select {
		case <-held:
		default:
		}
		held <- on
	})
	if err := p.h.engine.Do(acd.OfferAccepted{Agent: user, Contact: c.ID}); err != nil {
		hangUp(seat)
		return
	}
	p.changes.Lock() // look may be about to say that the registration ended while it rang
	p.h.tell(acd.SeatBack{Agent: user})
	p.changes.Unlock()
	// Who hangs up before they are joined hangs up the call that they answered, as a
	// moment later, and does not leave the customer to nobody.
	select {
	case <-r.joined:
	case <-c.Over():
	case <-p.ctx.Done():
	}
	p.serve(user, r, held)
}

// callOf is the call that a telephone is in; an attended transfer changes it.
func (p *deskPhones) callOf(r *ring) *call.Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return r.call
}

// move says that a seat, if it is a telephone, is in another call now. One that hung up
// on the way could hang up neither of the two; that is done now.
func (p *deskPhones) move(s call.Seat, to *call.Call) {
	seat, ok := s.(*phoneSeat)
	if !ok {
		return
	}
	user := contact.AgentID(seat.user)
	p.mu.Lock()
	if r := p.rings[user]; r != nil && r.seat == seat {
		r.contact, r.call = to.ID, to
	}
	p.mu.Unlock()
	select {
	case <-seat.leg.Done():
		if seat.leg.Cause().Class == contact.EndCompleted {
			p.hungUp(user, to)
		}
	default:
	}
}

// serve follows a telephone through its call.
func (p *deskPhones) serve(user contact.AgentID, r *ring, held <-chan bool) {
	leg := r.seat.leg
	for {
		select {
		case on := <-held:
			_ = p.callOf(r).Hold(string(user), on) // a conflict: the call is over
		case d := <-leg.Digits():
			_ = p.callOf(r).SendDigit(string(user), d.Key) // a conflict: not in the call
		case <-leg.Done():
			cause := leg.Cause()
			switch {
			case cause.By == contact.System && cause.Class == contact.EndCompleted: // by the call
			case cause.Class == contact.EndCompleted:
				p.hungUp(user, p.callOf(r))
			default:
				p.log.Warn("an agent's telephone was lost in a call", "user", user, "why", cause.Why)
				p.lose(user, r)
			}
			return
		case <-p.ctx.Done():
			leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 503, Why: "the server stops"})
			return
		}
	}
}

// lose is a telephone that failed in a call: in the grace time the customer hears that
// somebody is missing. It goes back to work when the call has given it up, for whatever
// reason: the grace time is over, the customer has hung up, another one took the call.
func (p *deskPhones) lose(user contact.AgentID, r *ring) {
	p.mu.Lock()
	r.lost = true
	p.mu.Unlock()
	p.callOf(r).SeatSuspect(string(user), true)
	p.h.tell(acd.SeatLost{Agent: user})
	select {
	case <-r.seat.let:
	case <-p.ctx.Done():
		return
	}
	p.forget(user, r)
	if browser, ok := p.browser(string(user)); p.has(user) || ok && browser.Online() && browser.MediaReady() {
		p.h.tell(acd.SeatBack{Agent: user})
	}
}

// lost says whether a user's telephone failed in a call that still has it.
func (p *deskPhones) lost(user contact.AgentID) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rings[user]
	return r != nil && r.lost
}

// hungUp is what the hang-up key of a telephone does: what the button of the
// browser does.
func (p *deskPhones) hungUp(user contact.AgentID, c *call.Call) {
	if v := c.Second(); v != nil && v.User == user && v.State != call.SecondRinging {
		_ = c.EndConsult(string(user)) // a conflict: it is over already
		return
	}
	_ = c.HangupBy(string(user)) // a conflict: the customer was faster
}

// offerEnded ends the ringing of an offer that nobody answered, or somebody else.
func (p *deskPhones) offerEnded(a acd.OfferEnded) {
	if a.Why != "accepted" {
		p.quiet(a.Agent, a.Contact)
	}
}

// connect joins a call with the telephone that answered it; false where it was
// not a telephone.
func (p *deskPhones) connect(a acd.Connect) bool {
	seat := p.seatFor(a.Agent, a.Contact)
	if seat == nil {
		return false
	}
	defer p.joined(a.Agent, a.Contact)
	c, ok := p.h.call(a.Contact)
	if !ok || !p.h.talks(a.Agent, a.Contact) {
		hangUp(seat)
		return true
	}
	p.h.tasks.reached(a.Contact, a.Agent)
	if err := c.Connect(seat, a.Queue, a.Waited, p.h.announce.of(a)); err != nil {
		p.log.Info("an accepted call was over before its telephone was connected", "call", a.Contact, "error", err)
		hangUp(seat)
	}
	return true
}

// joined says that the answer of a user's telephone is carried out. It is run's.
func (p *deskPhones) joined(user contact.AgentID, id contact.ID) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rings[user]
	if r == nil || r.contact != id {
		return
	}
	select {
	case <-r.joined: // taken from a consultation into the call
	default:
		close(r.joined)
	}
}

// giveUp hangs up a telephone that answered for a call which it cannot come into.
func (p *deskPhones) giveUp(user contact.AgentID, id contact.ID) {
	if seat := p.seatFor(user, id); seat != nil {
		hangUp(seat)
		p.joined(user, id)
	}
}

func hangUp(s *phoneSeat) {
	s.Leg().Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Why: "the call is not for this agent any more"})
}

// quiet ends the ringing of an offer that ended otherwise than by an answer.
func (p *deskPhones) quiet(user contact.AgentID, id contact.ID) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.rings[user]; r != nil && r.contact == id && r.seat == nil {
		r.cancel()
		delete(p.rings, user)
	}
}

func (p *deskPhones) forget(user contact.AgentID, r *ring) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rings[user] == r {
		delete(p.rings, user)
	}
}

// over forgets a telephone whose call is over, and whose user is gone where its
// registration ended meanwhile and no browser is open.
func (p *deskPhones) over(user contact.AgentID, r *ring) {
	p.changes.Lock() // not while look finds that it is back
	defer p.changes.Unlock()
	p.forget(user, r)
	if p.has(user) || p.speaks(user) || p.ctx.Err() != nil {
		return
	}
	if browser, ok := p.browser(string(user)); !ok || !browser.Online() {
		p.h.tell(acd.SeatLost{Agent: user})
	}
}
