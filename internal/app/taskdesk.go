package app

import (
	"context"
	"time"

	"callfloor/acd"
	"callfloor/acd/tasks"
	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
)

// What people do with tasks over the API (api.Tasks).

var _ api.Tasks = (*taskBook)(nil)

// List implements api.Tasks.
func (b *taskBook) List(ctx context.Context, q tasks.Query) ([]tasks.Task, error) {
	return b.store.List(ctx, q)
}

// Get implements api.Tasks.
func (b *taskBook) Get(ctx context.Context, id string) (tasks.Task, error) {
	return b.store.Get(ctx, id)
}

// Promises implements api.Tasks.
func (b *taskBook) Promises() []tasks.PromiseConfig { return b.promises }

// Add implements api.Tasks: a task that an agent gives themselves, or a promise
// to the customer of a call.
func (b *taskBook) Add(ctx context.Context, n api.NewTask) (tasks.Task, error) {
	now := time.Now()
	t := tasks.Task{
		Kind: tasks.AfterCall, State: tasks.Open, Agent: contact.AgentID(n.Agent), Note: n.Note, Due: n.Due, Remind: 10 * time.Minute,
	}
	if n.Promise != "" {
		p, ok := b.promise(n.Promise)
		if !ok {
			return tasks.Task{}, contact.Errorf(contact.Invalid, "there is no promise %q in the configuration", n.Promise)
		}
		t.Kind, t.Remind = tasks.Promise, p.Remind
		if t.Note == "" {
			t.Note = p.Name
		}
		if t.Due == nil {
			due := now.Add(p.Within)
			t.Due = &due
		}
	}
	if t.Due != nil {
		left := t.Due.Sub(now)
		if left < 0 {
			return tasks.Task{}, contact.Errorf(contact.Invalid, "the deadline is in the past")
		}
		t.Remind = min(t.Remind, left/2) // nobody is reminded of what they have just written down
	}
	if n.Call != "" {
		d, err := b.house.journal.Show(ctx, n.Call)
		if err != nil {
			return tasks.Task{}, err
		}
		t.Call, t.Line, t.Caller = d.ID, d.Line, d.From
		if d.Queue != nil {
			t.Queue = *d.Queue
		}
	}
	return b.add(ctx, t)
}

func (b *taskBook) promise(name string) (tasks.PromiseConfig, bool) {
	for _, p := range b.promises {
		if p.Name == name {
			return p, true
		}
	}
	return tasks.PromiseConfig{}, false
}

// Close implements api.Tasks.
func (b *taskBook) Close(ctx context.Context, id, by, disposition, note string) (tasks.Task, error) {
	t, err := b.change(ctx, id, func(t *tasks.Task) error {
		if t.State != tasks.Open {
			return contact.Errorf(contact.Conflict, "this task is %s; only one that somebody has can be closed", t.State)
		}
		t.State, t.ClosedBy, t.Disposition = tasks.Done, by, disposition
		if note != "" {
			t.Note = note
		}
		return nil
	})
	b.settle(t, err)
	return t, err
}

// settle takes back what was told of a task that is closed or has moved.
func (b *taskBook) settle(t tasks.Task, err error) {
	if err == nil && t.Reminded >= tasks.SupervisorReminded {
		b.tellLate(t.Agent)
	}
}

// Cancel implements api.Tasks: nobody works on it any more.
func (b *taskBook) Cancel(ctx context.Context, id, by string) (tasks.Task, error) {
	t, err := b.change(ctx, id, func(t *tasks.Task) error {
		if t.State == tasks.Active {
			return contact.Errorf(contact.Conflict, "somebody works on this task just now")
		}
		t.State, t.ClosedBy = tasks.Cancelled, by
		return nil
	})
	if err != nil {
		return t, err
	}
	b.settle(t, nil)
	b.mu.Lock()
	var gone *work
	for _, w := range b.here {
		if w.task == id {
			gone = w
		}
	}
	b.mu.Unlock()
	if gone != nil {
		b.finish(gone)
		b.house.tell(acd.ContactLeft{Contact: gone.id})
		b.picture(gone, t, call.StageEnded)
	}
	return t, nil
}

// Assign implements api.Tasks: another agent has it from now on.
func (b *taskBook) Assign(ctx context.Context, id, agent string) (tasks.Task, error) {
	if _, known := b.house.engine.Agent(contact.AgentID(agent)); !known {
		return tasks.Task{}, contact.Errorf(contact.NotFound, "%s is not signed in as an agent", agent)
	}
	before, _ := b.get(id)
	t, err := b.change(ctx, id, func(t *tasks.Task) error {
		if t.State != tasks.Open {
			return contact.Errorf(contact.Conflict, "this task is %s; only one that somebody has can be given to another", t.State)
		}
		t.Agent = contact.AgentID(agent)
		return nil
	})
	b.settle(before, err)
	b.settle(t, err)
	return t, err
}
