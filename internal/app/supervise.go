package app

import (
	"context"

	"callfloor/acd"
	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
)

// supervise carries out what only supervisors may do.
func (h *House) supervise(ctx context.Context, s *web.Seat, cmd web.Command) error {
	switch cmd.Do {
	case web.DoListen:
		return h.watch(ctx, s, cmd.Contact, call.Listen)
	case web.DoWhisper:
		return h.watch(ctx, s, cmd.Contact, call.Whisper)
	case web.DoBarge:
		return h.watch(ctx, s, cmd.Contact, call.Barge)
	case web.DoTakeOver:
		return h.takeOver(ctx, s, cmd.Contact)
	case web.DoUnlisten:
		h.unlisten(s)
		return nil
	default:
		if err := h.audit.Record(ctx, api.Entry{Who: s.User(), Action: actionForce, Target: string(cmd.Agent), Details: map[string]any{"state": cmd.State, "reason": cmd.Reason}}); err != nil {
			return err
		}
		return h.wants(cmd.Agent, cmd)
	}
}

// superviseAudited finds the call and writes into the audit log what the
// supervisor is about to do in it; without that nothing is done.
func (h *House) superviseAudited(ctx context.Context, s *web.Seat, id contact.ID, mode string) (*call.Call, error) {
	c, ok := h.call(id)
	switch {
	case !ok:
		return nil, contact.Errorf(contact.NotFound, "this call is over")
	case h.serves(s):
		return nil, contact.Errorf(contact.Conflict, "first finish the call that you have yourself")
	case h.callsFlow(s):
		return nil, contact.Errorf(contact.Conflict, "first hang up the call from the flow editor")
	case !s.MediaReady():
		return nil, contact.Errorf(contact.Conflict, "your browser's sound is not connected yet")
	case mode != call.Listen.String() && !s.CanSpeak():
		return nil, contact.Errorf(contact.Conflict, "your microphone does not work yet, so nobody would hear you")
	}
	err := h.audit.Record(ctx, api.Entry{Who: s.User(), Action: api.ActionListen, Target: string(id), Details: map[string]any{"mode": mode}})
	if err != nil {
		h.log.Error("could not write the audit log; nobody listens", "error", err)
		return nil, contact.Errorf(contact.Internal, "this could not be written into the audit log, so it was not started")
	}
	return c, nil
}

// watch lets a supervisor into a call, or changes what they do there. What
// they see of it (ListenView) follows from the call's snapshot.
func (h *House) watch(ctx context.Context, s *web.Seat, id contact.ID, m call.Supervision) error {
	h.mu.Lock()
	before := h.listening[s.User()]
	h.mu.Unlock()
	if before.to != id {
		h.unlisten(s)
	}
	c, err := h.superviseAudited(ctx, s, id, m.String())
	if err != nil {
		return err
	}
	h.mu.Lock()
	_, live := h.calls[id]
	if live {
		h.listening[s.User()] = listening{to: id, seat: s}
	}
	h.mu.Unlock()
	if !live {
		return contact.Errorf(contact.NotFound, "this call is over")
	}
	if err := c.Supervise(ctx, s, m); err != nil {
		if before.to != id {
			h.unlisten(s)
		}
		return err
	}
	if agent := c.Agent(); m != call.Listen && agent != "" {
		h.lift(agent, false) // help is there
	}
	return nil
}

// unlisten takes a supervisor out of the call that they are in, if any.
func (h *House) unlisten(s *web.Seat) {
	h.mu.Lock()
	l, ok := h.listening[s.User()]
	delete(h.listening, s.User())
	if ok {
		s.Drop("listen")
	}
	h.mu.Unlock()
	if !ok {
		return
	}
	if c, live := h.call(l.to); live {
		c.Unlisten(s.User())
	}
}

// showListen shows a supervisor what they do in a call, unless they have left
// it meanwhile.
func (h *House) showListen(s *web.Seat, id contact.ID, w call.Watcher, codec string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listening[w.User].to == id {
		s.Put("listen", web.ListenView{Contact: id, Mode: w.Mode.String(), Since: contact.Time(w.Since), Codec: codec})
	}
}

// takeOver makes a supervisor the agent of a call. The queue engine decides,
// since it alone knows whose call it is.
func (h *House) takeOver(ctx context.Context, s *web.Seat, id contact.ID) error {
	c, err := h.superviseAudited(ctx, s, id, "takeover")
	if err != nil {
		return err
	}
	from, to := c.Agent(), contact.AgentID(s.User())
	if from == "" {
		return contact.Errorf(contact.Conflict, "there is no agent to take the call from")
	}
	h.engine.AddAgent(to, []contact.QueueID{}) // serves no queue, so nothing rings
	h.tell(acd.SeatReady{Agent: to, Ready: true})
	err = c.TakeOver(ctx, s, from, func() error { return h.engine.Do(acd.TakenOver{Contact: id, From: from, To: to}) })
	if err != nil {
		return err
	}
	h.mu.Lock()
	delete(h.listening, s.User())
	s.Drop("listen")
	h.mu.Unlock()
	h.lift(from, false)
	return nil
}

// serves says whether the person takes calls: an agent, or a supervisor who
// took one over.
func (h *House) serves(s *web.Seat) bool {
	status, _ := h.engine.Agent(contact.AgentID(s.User()))
	return status.Contact != ""
}
