package app

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"callfloor/acd"
	"callfloor/api/certificate"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/media"
	"callfloor/sip"
	"callfloor/web"
)

// deskPhones are the SIP telephones of agents as seats. An agent with a
// registered telephone is rung there, and speaks there; the browser, if one is
// open, is only the controls. An agent without a browser is available while the
// telephone is registered.
//
// A telephone is rung anew for each offer and hung up when the agent's part in
// the call is over, so that its states, hold and hang-up are those of a browser.
type deskPhones struct {
	h    *House
	log  *slog.Logger
	sip  *sip.Server
	role func(user string) contact.Role // "" for nobody
	ctx  context.Context                // ends with the house; every goroutine heeds it
	stop context.CancelFunc
	wg   sync.WaitGroup

	changes sync.Mutex // one change of a user's registration at a time

	mu sync.Mutex // guards what follows
	up map[contact.AgentID]bool
	// rings are the telephones that ring or speak, one for each agent.
	rings map[contact.AgentID]*ring
}

// ring is one offer at a telephone.
type ring struct {
	contact contact.ID
	call    *call.Call
	cancel  context.CancelFunc
	seat    *phoneSeat // nil until it answers
}

// phoneSeat is an agent's telephone in one call.
type phoneSeat struct {
	user string
	leg  *sip.Leg
}

// User implements call.Seat, as do the rest; Leg implements call.Telephone.
func (s *phoneSeat) User() string               { return s.user }
func (s *phoneSeat) Mic() *media.Source         { return s.leg.Source() }
func (s *phoneSeat) Track(string) *media.Sender { return s.leg.Sender() }
func (s *phoneSeat) Leg() call.Leg              { return s.leg }

// Measure implements call.Seat: the leg is as old as the call.
func (s *phoneSeat) Measure() func() media.Quality { return s.leg.Quality }

var _ call.Telephone = (*phoneSeat)(nil)

func newDeskPhones(h *House, log *slog.Logger, role func(string) contact.Role) *deskPhones {
	p := &deskPhones{h: h, log: log, role: role, up: map[contact.AgentID]bool{}, rings: map[contact.AgentID]*ring{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// use gives the telephones their registrar.
func (p *deskPhones) use(s *sip.Server) {
	p.sip = s
	s.WatchPhones(p.changed)
}

func (p *deskPhones) close(context.Context) error {
	p.stop()
	p.wg.Wait()
	return nil
}

// changed is told by the registrar that a user's first telephone came or the
// last one went.
func (p *deskPhones) changed(user string, _ bool) {
	p.wg.Go(func() {
		p.changes.Lock()
		defer p.changes.Unlock()
		if p.ctx.Err() != nil {
			return
		}
		p.look(contact.AgentID(user))
	})
}

// look makes routing agree with whether a user's telephone is registered now.
func (p *deskPhones) look(user contact.AgentID) {
	on := len(p.sip.Registered(string(user))) > 0 && p.role(string(user)) == contact.RoleAgent
	p.mu.Lock()
	was := p.up[user]
	p.up[user] = on
	if !on {
		delete(p.up, user)
	}
	p.mu.Unlock()
	if on == was {
		return
	}
	seat, browser := p.browser(string(user))
	browser = browser && seat.Online()
	p.h.inbox.put(func(n *news) { n.phones[user] = on })
	if on {
		p.h.engine.AddAgent(user, p.h.people.Queues(string(user)))
		p.h.tell(acd.CallWaiting{Agent: user}) // a telephone takes one call at a time
		p.h.tell(acd.SeatReady{Agent: user, Ready: true})
		p.h.tell(acd.SeatBack{Agent: user})
		if status, _ := p.h.engine.Agent(user); !browser && (status.State == contact.AgentOffline || status.State == "") {
			p.h.tell(acd.AgentWants{Agent: user, State: contact.AgentAvailable})
		}
		return
	}
	p.h.tell(acd.SeatReady{Agent: user, Ready: browser && seat.MediaReady()})
	if !browser {
		p.h.tell(acd.SeatLost{Agent: user})
	}
}

// browser is the seat of a user in the browser, if there is one.
func (p *deskPhones) browser(user string) (*web.Seat, bool) {
	if p.h.seatOf == nil {
		return nil, false
	}
	return p.h.seatOf(user)
}

// has says whether a user's calls ring at a telephone.
func (p *deskPhones) has(user contact.AgentID) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.up[user]
}

// speaks says whether a user is in a call by a telephone.
func (p *deskPhones) speaks(user contact.AgentID) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rings[user]
	return r != nil && r.seat != nil
}

// seatFor is the telephone that an agent answered a contact with; nil if it was
// the browser.
func (p *deskPhones) seatFor(user contact.AgentID, id contact.ID) *phoneSeat {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.rings[user]; r != nil && r.contact == id {
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
	r := &ring{contact: c.ID, call: c, cancel: cancel}
	p.mu.Lock()
	if old := p.rings[user]; old != nil {
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
	seat := &phoneSeat{user: string(user), leg: leg}
	p.mu.Lock()
	mine := p.rings[user] == r
	if mine {
		r.seat = seat
	}
	p.mu.Unlock()
	if !mine {
		hangUp(leg)
		return
	}
	defer p.forget(user, r)
	leg.OnHold(func(on bool) {
		p.wg.Go(func() { _ = p.callOf(r).Hold(string(user), on) }) // a conflict: the call is over
	})
	if err := p.h.engine.Do(acd.OfferAccepted{Agent: user, Contact: c.ID}); err != nil {
		hangUp(leg)
		return
	}
	p.serve(user, r, leg)
}

// callOf is the call that a telephone is in; an attended transfer changes it.
func (p *deskPhones) callOf(r *ring) *call.Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return r.call
}

// move says that a user's telephone, if they speak by one, is in another call now.
func (p *deskPhones) move(user contact.AgentID, to *call.Call) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.rings[user]; r != nil && r.seat != nil {
		r.contact, r.call = to.ID, to
	}
}

// serve follows a telephone through its call.
func (p *deskPhones) serve(user contact.AgentID, r *ring, leg *sip.Leg) {
	for {
		select {
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
				p.callOf(r).SeatSuspect(string(user), true)
				p.h.tell(acd.SeatLost{Agent: user})
			}
			return
		case <-p.ctx.Done():
			leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 503, Why: "the server stops"})
			return
		}
	}
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
	c, ok := p.h.call(a.Contact)
	if !ok {
		return false
	}
	p.h.tasks.reached(a.Contact, a.Agent)
	if err := c.Connect(seat, a.Queue, a.Waited); err != nil {
		p.log.Info("an accepted call was over before its telephone was connected", "call", a.Contact, "error", err)
		hangUp(seat.leg)
	}
	return true
}

func hangUp(leg *sip.Leg) {
	leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Why: "the call is not for this agent any more"})
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

// back takes an agent whose telephone failed in a call back to work, once the
// call waits again.
func (p *deskPhones) back(user contact.AgentID) {
	if p.has(user) {
		p.h.tell(acd.SeatBack{Agent: user})
	}
}

func (p *deskPhones) forget(user contact.AgentID, r *ring) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rings[user] == r {
		delete(p.rings, user)
	}
}

// roleOf says what a user may do, for deskPhones.
func (a *App) roleOf(user string) contact.Role {
	ctx, cancel := context.WithTimeout(a.ctx, 5*time.Second)
	defer cancel()
	users, err := a.accounts.Users(ctx)
	if err != nil {
		a.log.Error("the role of a user whose telephone registered could not be read", "user", user, "error", err)
		return ""
	}
	for _, u := range users {
		if u.User == user && !u.Disabled {
			return u.Role
		}
	}
	return ""
}

// phonePassword ends the registrations that were made with a password that
// counts no more.
func (a *App) phonePassword(user string) { a.sip.Unregister(user) }

// sipTLS is the certificate of SIP over TLS and WSS: the files of sip.certificate,
// or what the house's own authority signs.
func (a *App) sipTLS() (*tls.Config, error) {
	source, err := certificate.New(filepath.Join(a.cfg.Data, "tls"), certificate.Config{Certificate: a.cfg.SIP.Certificate, Key: a.cfg.SIP.Key}, a.log)
	if err != nil {
		return nil, err
	}
	return source.TLS(), nil
}
