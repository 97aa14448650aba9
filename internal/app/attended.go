package app

import (
	"errors"

	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/sip"
	"callfloor/web"
)

// part is what a leg is in: an agent's telephone in a call, or, where user is "",
// the customer of one.
type part struct {
	call *call.Call
	user contact.AgentID
}

// partOf finds what a leg is in; a zero part if it is in nothing.
func (a *App) partOf(leg *sip.Leg) part {
	if user, id, ok := a.house.phones.of(leg); ok {
		if c, live := a.house.call(id); live {
			return part{c, user}
		}
		return part{}
	}
	return part{call: a.house.callOfLeg(leg)}
}

// attended carries out an attended transfer (REFER with Replaces): an agent's
// telephone has a customer, has called one of our lines beside that, and asks that
// the two be joined. It may ask in either call. The customer's call is the one that
// goes on, with its line, consent and recording: it goes to whom the second call is
// with, its agent or its queue, as if the agent had handed it there, and by the same
// rules; where that is a flow still, to the beginning of it. Two calls of a customer's phone are not joined: no customer would be left.
func (a *App) attended(r *sip.Referral) {
	other, err := r.Replaced()
	if err != nil {
		a.log.Info("an attended transfer was refused", "error", err)
		_ = r.Refuse(replacedStatus(err))
		return
	}
	mine, asked := a.partOf(r.Leg), a.partOf(other)
	if mine.user == "" {
		mine, asked = asked, mine
	}
	if mine.user == "" || asked.user != "" || asked.call == nil || asked.call == mine.call {
		a.log.Info("an attended transfer was refused: it joins no agent's customer with a call of theirs")
		return // with 403
	}
	agent, queue, flow := asked.call.Where()
	to := &web.Target{Kind: web.TargetAgent, ID: string(agent)}
	if agent == "" {
		to = &web.Target{Kind: web.TargetQueue, ID: string(queue)}
	}
	if flow {
		a.joinLine(r, mine, asked)
		return
	}
	if to.ID == "" {
		a.log.Info("an attended transfer was refused: the second call is with nobody", "call", mine.call.ID, "second", asked.call.ID)
		_ = r.Refuse(480, "Nobody Is There Yet")
		return
	}
	if err := a.house.transfers.allowed(to, web.TargetAgent, web.TargetQueue); err != nil {
		a.log.Info("an attended transfer was refused", "call", mine.call.ID, "user", mine.user, "error", err)
		_ = r.Refuse(referStatus(err))
		return
	}
	if err := a.joinCalls(mine, asked, to); err != nil {
		a.log.Info("an attended transfer failed", "call", mine.call.ID, "user", mine.user, "error", err)
		_ = r.Refuse(referStatus(err))
		return
	}
	// Only now: some telephones hang up as soon as the REFER is accepted.
	_ = r.Accept()
	a.leaves(mine, asked)
	r.Progress(200, "OK")
}

// joinLine sends the customer of mine into the flow in which asked is, from its
// beginning: what the agent's telephone was told and asked there was not the customer.
func (a *App) joinLine(r *sip.Referral, mine, asked part) {
	line, ok := a.cfg.Line(asked.call.Line)
	if !ok {
		return // refused with 403: a number outside that was called for a flow
	}
	if err := a.toLine(mine.call, contact.Agent, line, asked.call); err != nil {
		a.log.Info("an attended transfer was refused", "call", mine.call.ID, "user", mine.user, "error", err)
		_ = r.Refuse(referStatus(err))
		return
	}
	_ = r.Accept()
	a.leaves(mine, asked)
	r.Progress(200, "OK")
}

// leaves ends the second call of an agent's telephone, and says in both what became of
// them.
func (a *App) leaves(mine, asked part) {
	data := func(other *call.Call) map[string]any {
		return map[string]any{"mode": "transfer", "agent": mine.user, "call": other.ID}
	}
	mine.call.Note(contact.KindConsult, "", "the telephone of "+string(mine.user)+" joined the customer with whom it had called", data(asked.call))
	asked.call.Note(contact.KindConsult, "", "the telephone of "+string(mine.user)+" left this call to a customer of theirs", data(mine.call))
	asked.call.End(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 16, Why: "transferred to a customer's call"})
}

// joinCalls gives the customer of mine to whom asked is with. On an error both are as
// they were.
func (a *App) joinCalls(mine, asked part, to *web.Target) error {
	if to.Kind == web.TargetAgent {
		return a.house.join(mine, asked.call, contact.AgentID(to.ID))
	}
	return a.house.transfer(mine.call, string(mine.user), web.Command{Do: web.DoTransfer, Contact: mine.call.ID, To: to})
}

// join makes the agent of another call that of mine's. The queue engine decides, as
// in complete; the agent is out of their call by then and is given back if it refuses,
// or if the customer has just hung up.
func (h *House) join(mine part, left *call.Call, to contact.AgentID) error {
	seat, undo, err := left.Yield(string(to))
	if err != nil {
		return err //nolint:wrapcheck // a sentence for the log
	}
	err = mine.call.Join(string(mine.user), seat, func() error {
		return h.engine.Do(acd.Joined{Contact: mine.call.ID, From: mine.user, Left: left.ID, Agent: to})
	})
	if err != nil {
		undo()
		return err //nolint:wrapcheck // likewise
	}
	h.phones.move(seat, mine.call)
	return nil
}

// replacedStatus says in SIP why a REFER names no call that can be joined.
func replacedStatus(err error) (int, string) {
	if e, ok := errors.AsType[*sip.RejectedError](err); ok {
		return e.Status, e.Reason
	}
	return 500, "Server Internal Error"
}
