package app

import (
	"context"

	"callfloor/acd"
	"callfloor/api"
	"callfloor/contact"
	"callfloor/web"
)

// What supervisors do with queues and calls, in the audit log.
const (
	actionMove     api.Action = "call_move"
	actionPriority api.Action = "call_priority"
	actionTearDown api.Action = "call_teardown"
	actionQueue    api.Action = "queue_door"
)

// onFloor carries out what supervisors do with queues and calls. It is in the
// audit log before it happens.
func (h *House) onFloor(ctx context.Context, s *web.Seat, cmd web.Command) error {
	user, to := s.User(), ""
	if cmd.To != nil {
		to = cmd.To.ID
	}
	audited := func(action api.Action, target string, details map[string]any) error {
		return h.audit.Record(ctx, api.Entry{Who: user, Action: action, Target: target, Details: details})
	}
	switch cmd.Do {
	case web.DoMove:
		if err := audited(actionMove, string(cmd.Contact), map[string]any{"queue": to}); err != nil {
			return err
		}
		return h.engine.Do(acd.MovedTo{Contact: cmd.Contact, Queue: contact.QueueID(to), By: contact.AgentID(user)})
	case web.DoPriority:
		if err := audited(actionPriority, string(cmd.Contact), map[string]any{"priority": cmd.Priority}); err != nil {
			return err
		}
		if err := h.engine.Do(acd.Prioritised{Contact: cmd.Contact, Priority: cmd.Priority}); err != nil {
			return err
		}
		if c, ok := h.call(cmd.Contact); ok {
			c.Note(contact.KindQueue, contact.LegID(contact.Customer), user+" changes the priority", map[string]any{"priority": cmd.Priority, "supervisor": user})
		}
		return nil
	case web.DoTearDown:
		c, ok := h.call(cmd.Contact)
		if !ok {
			return contact.Errorf(contact.NotFound, "this call is over")
		}
		if err := audited(actionTearDown, string(cmd.Contact), nil); err != nil {
			return err
		}
		c.End(contact.EndCause{By: contact.Supervisor, Class: contact.EndCompleted, Q850: 16, Why: user + " tore the call down"})
		return nil
	}
	if err := audited(actionQueue, to, map[string]any{"door": cmd.Door}); err != nil {
		return err
	}
	return h.engine.Do(acd.QueueForced{Queue: contact.QueueID(to), Door: acd.Door(cmd.Door)})
}
