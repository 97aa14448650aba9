package app

import (
	"context"

	"callfloor/acd"
	"callfloor/acd/tasks"
	"callfloor/contact"
	"callfloor/web"
)

// wrapUp takes what an agent wrote about a contact that is a task. It is false
// where the journal has a call of that contact.
func (b *taskBook) wrapUp(ctx context.Context, id contact.ID, agent contact.AgentID, disposition, note string, done bool) (bool, error) {
	if b == nil {
		return false, nil
	}
	b.mu.Lock()
	task, ok := b.wraps[id]
	if w := b.here[id]; w != nil {
		task, ok = w.task, true
	}
	t, open := b.open[task]
	if done {
		delete(b.wraps, id)
	}
	b.mu.Unlock()
	if !ok {
		return false, nil
	}
	if !open {
		return t.ID == "" && t.Kind == tasks.Voicemail, nil
	}
	_, err := b.change(ctx, task, func(t *tasks.Task) error {
		t.Disposition, t.Note = disposition, note
		if done && disposition != "" && t.State == tasks.Open && t.Kind == tasks.Voicemail {
			t.State, t.ClosedBy = tasks.Done, string(agent)
		}
		return nil
	})
	return t.Kind == tasks.Voicemail, err
}

// wrapUpOver is for agents who cannot say that they are done: a voicemail for
// which they chose a result is closed when the wrap-up is over, unless somebody
// else has it by then.
func (b *taskBook) wrapUpOver(id contact.ID, agent contact.AgentID) {
	if b == nil {
		return
	}
	b.mu.Lock()
	t := b.open[b.wraps[id]]
	closes := t.Kind == tasks.Voicemail && t.State == tasks.Open && t.Agent == agent && t.Disposition != ""
	if closes {
		delete(b.wraps, id)
	}
	b.mu.Unlock()
	if !closes {
		return
	}
	if _, err := b.change(b.ctx, t.ID, func(t *tasks.Task) error {
		t.State, t.ClosedBy = tasks.Done, string(agent)
		return nil
	}); err != nil {
		b.log.Error("a voicemail could not be closed", "task", t.ID, "error", err)
	}
}

// describe says which kind of task a contact is, and which one; "" for a call.
func (b *taskBook) describe(id contact.ID) (kind, task string) {
	if b == nil {
		return "", ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.here[id]; w != nil {
		if w.kind == acd.KindVoicemail {
			return string(tasks.Voicemail), w.task
		}
		return string(tasks.Callback), w.task
	}
	if task := b.wraps[id]; task != "" {
		if t, open := b.open[task]; open && t.Kind == tasks.Voicemail {
			return string(tasks.Voicemail), task
		}
		return string(tasks.Callback), task
	}
	return "", ""
}

// taskView is a task as a seat shows it.
func taskView(h *House, t tasks.Task) web.TaskView {
	v := web.TaskView{
		ID: t.ID, Kind: string(t.Kind), State: string(t.State), Queue: string(t.Queue), Name: h.queueName(t.Queue), Agent: string(t.Agent),
		From: contact.Mask(t.Caller), Call: t.Call, Recording: t.Recording, Length: t.Length, Note: t.Note, Made: when(t.Made),
		Tries: t.Tries, Reminded: t.Reminded >= tasks.AgentReminded,
	}
	if t.Due != nil {
		v.Due = maybe(*t.Due)
	}
	if t.Next != nil {
		v.Next = maybe(*t.Next)
	}
	return v
}
