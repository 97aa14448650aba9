package app

import (
	"context"
	"crypto/tls"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"callfloor/acd"
	"callfloor/api/certificate"
	"callfloor/contact"
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
	r := p.rings[user]
	speaks := r != nil && r.seat != nil
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
		p.h.seatBack(user)
		if status, _ := p.h.engine.Agent(user); !browser && (status.State == contact.AgentOffline || status.State == "") {
			p.h.tell(acd.AgentWants{Agent: user, State: contact.AgentAvailable})
		}
		return
	}
	p.h.tell(acd.SeatReady{Agent: user, Ready: browser && seat.MediaReady()})
	if !browser && !speaks { // a registration that lapses takes nobody out of a call: after it, in over
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

// back takes an agent whose browser was lost back to work: calls ring at the telephone.
func (p *deskPhones) back(user contact.AgentID) {
	if p.has(user) {
		p.h.seatBack(user)
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
