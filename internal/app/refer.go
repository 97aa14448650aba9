package app

import (
	"context"
	"strings"
	"sync"
	"time"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/sip"
	"callfloor/web"
)

// referDecides is how long a REFER to a number may wait for the rules: they refuse
// at once, and what is not refused by then rings.
const referDecides = 500 * time.Millisecond

// onRefer decides about a REFER. From an agent's telephone it is the transfer key:
// it does what the transfer button of the browser does. A customer's phone may ask
// that its call be handed on while an agent talks to it: to a queue or an agent of
// the house, as the agent could do it; to another line, whose flow it gets then as if
// it had dialled that; to a number outside, where the rules of the
// way out allow that for the purpose "refer". A REFER with Replaces is an attended
// transfer. Everything else is refused.
func (a *App) onRefer(r *sip.Referral) {
	if r.Replaces != nil {
		a.attended(r)
		return
	}
	if user, id, ok := a.house.phones.of(r.Leg); ok {
		a.transferKey(user, id, r)
		return
	}
	c := a.house.callOfLeg(r.Leg)
	if c == nil {
		return // refused with 403
	}
	agent, ok := a.house.agentOf(c.ID)
	if !ok {
		a.log.Info("a REFER was refused: nobody serves the call", "call", c.ID)
		return
	}
	if to := a.house.inside(r.User); to != nil {
		a.referInside(c, agent, to, r)
		return
	}
	if line, ok := a.cfg.Line(contact.LineID(r.User)); ok {
		a.referLine(c, contact.Customer, line, r)
		return
	}
	if !strings.ContainsAny(r.User, "0123456789") {
		return
	}
	a.referOutside(c, r)
}

// of returns whose telephone has a leg, and for which contact.
func (p *deskPhones) of(leg *sip.Leg) (contact.AgentID, contact.ID, bool) {
	if p == nil {
		return "", "", false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for user, r := range p.rings {
		if r.seat != nil && r.seat.leg == leg {
			return user, r.contact, true
		}
	}
	return "", "", false
}

// transferKey is the transfer key of an agent's telephone.
func (a *App) transferKey(user contact.AgentID, id contact.ID, r *sip.Referral) {
	c, ok := a.house.call(id)
	if !ok {
		return // refused with 403
	}
	to := a.house.inside(r.User)
	if line, ours := a.cfg.Line(contact.LineID(r.User)); ours && to == nil {
		a.referLine(c, contact.Agent, line, r)
		return
	}
	if to == nil {
		to = &web.Target{Kind: web.TargetNumber, ID: r.User}
	}
	if err := a.house.transfer(c, string(user), web.Command{Do: web.DoTransfer, Contact: id, To: to}); err != nil {
		a.log.Info("the transfer key of a telephone was refused", "call", id, "user", user, "error", err)
		_ = r.Refuse(referStatus(err))
		return
	}
	if r.Accept() == nil {
		r.Progress(200, "OK")
	}
}

// callOfLeg returns the call whose customer has this leg; nil if there is none.
func (h *House) callOfLeg(leg *sip.Leg) *call.Call {
	for _, c := range h.live() {
		if phoneOf(c.Leg) == leg {
			return c
		}
	}
	return nil
}

// agentOf returns who talks to the customer of a call.
func (h *House) agentOf(id contact.ID) (contact.AgentID, bool) {
	for who, s := range h.engine.Agents() {
		if s.Contact == id && (s.State == contact.AgentTalking || s.State == contact.AgentHold) {
			return who, true
		}
	}
	return "", false
}

// inside returns the queue or the agent that the user of a URI names; nil if it is
// neither.
func (h *House) inside(user string) *web.Target {
	if _, ok := h.engine.Queues()[contact.QueueID(user)]; ok {
		return &web.Target{Kind: web.TargetQueue, ID: user}
	}
	if _, ok := h.engine.Agents()[contact.AgentID(user)]; ok {
		return &web.Target{Kind: web.TargetAgent, ID: user}
	}
	return nil
}

func (a *App) referInside(c *call.Call, agent contact.AgentID, to *web.Target, r *sip.Referral) {
	c.Note(contact.KindConsult, contact.LegID(contact.Customer), "the customer's phone asks to be handed to "+to.ID, map[string]any{"mode": "refer", "agent": nil})
	if err := a.house.transfer(c, string(agent), web.Command{Do: web.DoTransfer, Contact: c.ID, To: to}); err != nil {
		a.log.Info("a REFER was refused", "call", c.ID, "error", err)
		_ = r.Refuse(referStatus(err))
		return
	}
	if r.Accept() == nil {
		r.Progress(200, "OK")
	}
}

// referLine sends the customer into the flow of another line of ours.
func (a *App) referLine(c *call.Call, by contact.Party, line config.Line, r *sip.Referral) {
	c.Note(contact.KindConsult, contact.LegID(by), "the phone of the "+string(by)+" asks that the call be handed to line "+string(line.ID), map[string]any{"mode": "refer", "agent": nil})
	if err := a.toLine(c, by, line, nil); err != nil {
		a.log.Info("a REFER was refused", "call", c.ID, "line", line.ID, "error", err)
		_ = r.Refuse(referStatus(err))
		return
	}
	if r.Accept() == nil {
		r.Progress(200, "OK")
	}
}

// referOutside calls the number and, when it answers, gives it the customer's place
// in the call.
func (a *App) referOutside(c *call.Call, r *sip.Referral) {
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	var work sync.WaitGroup
	defer work.Wait()
	gone := make(chan struct{})
	defer close(gone)
	work.Go(func() {
		select {
		case <-r.Leg.Done():
			stop()
		case <-gone:
		}
	})
	type outcome struct {
		leg call.Leg
		err error
	}
	placed := make(chan outcome, 1)
	work.Go(func() {
		leg, err := a.house.PlaceOutside(ctx, Outside{
			To: r.User, Line: c.Line, Purpose: PurposeRefer, Call: c.ID, Inbound: true,
			Progress: func(status int, _ bool) { r.Progress(status, "Ringing") },
		})
		placed <- outcome{leg, err}
	})
	var out outcome
	select {
	case out = <-placed:
		if out.err != nil { // a rule, most likely
			_ = r.Refuse(referStatus(out.err))
			return
		}
		_ = r.Accept()
	case <-time.After(referDecides):
		_ = r.Accept()
		if out = <-placed; out.err != nil {
			r.Progress(referStatus(out.err))
			return
		}
	}
	leg, ok := out.leg.(*sip.Leg)
	if !ok {
		out.leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, Why: "this leg cannot take the customer's place"})
		r.Progress(500, "Server Internal Error")
		return
	}
	if err := r.Leg.Become(ctx, leg); err != nil {
		a.log.Warn("the target of a REFER could not be connected", "call", c.ID, "error", err)
		leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 41, Why: "it could not be connected"})
		r.Progress(500, "Server Internal Error")
		return
	}
	c.Note(contact.KindConsult, contact.LegID(contact.Customer), "the customer's phone handed the call to a number outside", map[string]any{"mode": "refer", "agent": nil})
	r.Progress(200, "OK")
	select {
	case <-r.Told():
	case <-ctx.Done():
	}
	leg.Part()
}

// referStatus says in SIP why a call out did not come about.
func referStatus(err error) (int, string) {
	switch contact.ErrorCode(err) {
	case contact.OutboundRefused, contact.Forbidden:
		return 403, "Forbidden"
	case contact.CalleeBusy, contact.Busy:
		return 486, "Busy Here"
	case contact.NoAnswer, contact.Conflict: // nobody is at work there, for example
		return 480, "Temporarily Unavailable"
	case contact.CalleeDeclined:
		return 603, "Decline"
	case contact.NotFound:
		return 404, "Not Found"
	case contact.Invalid:
		return 484, "Address Incomplete"
	case contact.NoTrunk:
		return 503, "Service Unavailable"
	}
	return 500, "Server Internal Error"
}
