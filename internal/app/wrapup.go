package app

import (
	"context"
	"time"

	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
)

// noteLimit is how long a note may be, in octets.
const noteLimit = 8 << 10

// lateNote is how long after a wrap-up, or a call without one, a note is taken:
// pages send what was typed last when they see that it is over.
const lateNote = 10 * time.Second

// lately is the call that an agent was done with last, and when.
type lately struct {
	contact contact.ID
	at      time.Time
}

// wrappedUp writes that an agent has nothing to do with a call any more. Who did
// not end the wrap-up and chose no result has the configured one.
func (h *House) wrappedUp(a acd.WrappedUp) {
	h.mu.Lock()
	h.lately[a.Agent] = lately{a.Contact, time.Now()}
	h.mu.Unlock()
	rule := h.names.wrapUp(a.Queue)
	w := call.WrappedUp{Agent: a.Agent, Why: string(a.Why)}
	if a.Why != acd.EndByAgent && a.Why != acd.EndByReturn {
		w.Disposition = rule.Disposition
	}
	h.journal.WrappedUp(a.Contact, w)
	if a.Why != acd.EndByReturn && rule.Mode == acd.WrapUpFixed {
		h.tasks.wrapUpOver(a.Contact, a.Agent)
	}
}

// justOver says that an agent was done with a call a moment ago: what they typed
// just before may still be on its way.
func (h *House) justOver(user contact.AgentID, id contact.ID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, ok := h.lately[user]
	return ok && l.contact == id && time.Since(l.at) < lateNote
}

// staysInWrapUp says that the wrap-up of an agent's call lasts its time, whatever
// they do.
func (h *House) staysInWrapUp(user contact.AgentID, id contact.ID) bool {
	status, _ := h.engine.Agent(user)
	queue := status.Queue
	if status.Contact != id {
		queue = status.Other.Queue
	}
	return h.names.wrapUp(queue).Mode == acd.WrapUpFixed
}

// wrapUp saves what the agent wrote and, with wrapup_done, ends the wrap-up.
func (h *House) wrapUp(ctx context.Context, user contact.AgentID, cmd web.Command) error {
	done := cmd.Do == web.DoWrapUpDone
	id, err := h.wrapsUp(user, cmd.Contact, done)
	if err != nil {
		return err
	}
	if len(cmd.Note) > noteLimit {
		return contact.Errorf(contact.Invalid, "a note can have %d characters at most", noteLimit)
	}
	if err := contact.CheckTags(h.names.tags, cmd.Tags); err != nil {
		return err
	}
	// What a wrap-up that lasts its time is about is done when that is over.
	ends := done && !h.staysInWrapUp(user, id)
	task, err := h.tasks.wrapUp(ctx, id, user, cmd.Disposition, cmd.Note, ends)
	if err != nil {
		return err
	}
	if !task { // otherwise there is no call of it
		if err := h.wrapUpCall(ctx, id, user, cmd, ends); err != nil {
			return err
		}
	}
	h.inbox.put(func(n *news) {
		n.wraps[wrapKey{id, user}] = wrap{disposition: cmd.Disposition, note: cmd.Note, tags: cmd.Tags}
	})
	if done {
		return h.engine.Do(acd.WrapUpDone{Agent: user, Contact: id})
	}
	return nil
}

// wrapUpCall writes into the journal what an agent wrote about a call, unless it
// shall be done and lacks a tag.
func (h *House) wrapUpCall(ctx context.Context, id contact.ID, user contact.AgentID, cmd web.Command, done bool) error {
	tags := cmd.Tags
	if done && tags == nil {
		var err error
		if tags, err = h.journal.Tags(ctx, id); err != nil {
			h.log.Warn("could not read the tags of a call", "call", id, "error", err)
		}
	}
	if missing := contact.MissingTags(h.names.tags, tags); done && len(missing) > 0 {
		return contact.Errorf(contact.Invalid, "first choose a tag of the group %q", missing[0].ID)
	}
	w := call.WrapUp{Agent: user, Disposition: cmd.Disposition, Note: cmd.Note, Tags: cmd.Tags, Done: done}
	if err := h.journal.WrapUp(ctx, id, w); err != nil {
		h.log.Error("could not save a wrap-up", "call", id, "error", err)
		return contact.Errorf(contact.Internal, "your note could not be saved; try again")
	}
	return nil
}
