package app

import (
	"context"

	"callfloor/acd"
	"callfloor/acd/tasks"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/ivr"
)

// Voicemail implements call.Work: a message becomes a task of its queue.
func (b *taskBook) Voicemail(ctx context.Context, c call.Snapshot, m ivr.Message, queue contact.QueueID, priority int) error {
	t := tasks.Task{
		Kind: tasks.Voicemail, State: tasks.Scheduled, Queue: queue, Line: c.Line, Caller: c.From, Language: c.Language, Call: c.ID,
		Recording: m.Recording, Length: m.Length.Seconds(), Priority: priority,
	}
	if p, waits := b.house.engine.Standing(c.ID); waits && p.Queue == queue {
		t.Since, t.Priority = p.Since, max(p.Priority, priority)
	}
	t, err := b.add(ctx, t)
	if err != nil {
		return err
	}
	b.note(c.ID, "a message was left", map[string]any{"task": t.ID, "queue": queue, "recording": m.Recording, "seconds": t.Length})
	from := contact.ID("")
	if !t.Since.Equal(t.Made) {
		from = c.ID
	}
	return b.enqueue(ctx, t, from)
}

// Discard implements call.Work: the caller deleted their message.
func (b *taskBook) Discard(ctx context.Context, recording string) error {
	return b.erase(ctx, recording, "customer", "the caller deleted the message, or nothing was said")
}

// Call lets an agent call the customer of a task: of the voicemail that they
// listen to, or of one on their list.
func (b *taskBook) Call(_ context.Context, id string, agent contact.AgentID) error {
	t, ok := b.get(id)
	switch {
	case !ok:
		return contact.Errorf(contact.NotFound, "this task is closed, or there is none")
	case t.Agent != agent:
		return contact.Errorf(contact.Forbidden, "this task is not yours")
	case t.Caller == "":
		return contact.Errorf(contact.Invalid, "this task has no number to call")
	}
	seat, online := b.house.seatOf(string(agent))
	if !online || !seat.MediaReady() {
		return contact.Errorf(contact.Conflict, "your browser's sound is not connected yet")
	}
	w := &work{id: contact.NewID(), task: id, kind: acd.KindCallback, agent: agent, seat: seat, queue: t.Queue}
	w.cancel = func() {} // accepted must not call too
	b.mu.Lock()
	b.here[w.id] = w
	status, _ := b.house.engine.Agent(agent)
	before := b.here[status.Contact]
	b.mu.Unlock()
	var err error
	if before != nil && before.task == id && before.kind == acd.KindVoicemail {
		err = b.house.engine.Do(acd.WorksOn{Agent: agent, Contact: before.id, As: w.id, Kind: acd.KindCallback})
	} else {
		before = nil
		err = b.house.engine.Do(acd.Dialled{Agent: agent, Contact: w.id, Queue: t.Queue})
	}
	if err != nil {
		b.mu.Lock()
		delete(b.here, w.id)
		b.mu.Unlock()
		return err
	}
	if before != nil {
		b.finish(before)
		b.picture(before, t, call.StageEnded)
	}
	b.picture(w, t, call.StageTalking)
	if t, err = b.change(b.ctx, id, func(t *tasks.Task) error { t.State = tasks.Active; return nil }); err != nil {
		b.log.Error("a call back could not be saved", "task", id, "error", err)
	}
	b.callCustomer(w, t)
	return nil
}
