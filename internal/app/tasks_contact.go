package app

import (
	"context"
	"time"

	"callfloor/acd"
	"callfloor/acd/tasks"
	"callfloor/call"
	"callfloor/contact"
)

// kindOf is what a task is in the queue.
func (b *taskBook) kindOf(t tasks.Task) acd.Kind {
	if t.Kind == tasks.Voicemail {
		return acd.KindVoicemail
	}
	return b.queues[t.Queue].Kind()
}

// enqueue puts a task into its queue: at the place of from, a caller who waits
// there, or at the place that it had.
func (b *taskBook) enqueue(ctx context.Context, t tasks.Task, from contact.ID) error {
	w := &work{id: contact.NewID(), task: t.ID, kind: b.kindOf(t)}
	t, err := b.change(ctx, t.ID, func(t *tasks.Task) error {
		t.State, t.Agent, t.Next = tasks.Queued, "", nil
		return nil
	})
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.here[w.id] = w
	b.mu.Unlock()
	b.picture(w, t, call.StageQueue)
	if from != "" && b.house.engine.Do(acd.ContactBooked{Contact: from, As: w.id, Kind: w.kind}) == nil {
		return nil
	}
	return b.house.engine.Do(acd.ContactQueued{
		Contact: w.id, Queue: t.Queue, Priority: t.Priority, Since: t.Since, Caller: t.Caller, Kind: w.kind, LastAgent: b.house.lastAgent(t.Caller),
	})
}

// picture shows a task as the contact that it is in the queue, while there is no
// call of it.
func (b *taskBook) picture(w *work, t tasks.Task, stage call.Stage) {
	s := call.Snapshot{
		ID: w.id, Line: t.Line, From: t.Caller, Started: t.Made, Stage: stage, StageSince: time.Now(), Queue: t.Queue, Agent: w.agent,
		Waited: w.waited, Language: t.Language, Consent: contact.ConsentNone, Recording: call.RecordingOff,
	}
	if stage == call.StageEnded {
		s.Ended = &contact.EndCause{By: contact.System, Class: contact.EndCompleted, Why: "the task left the queue"}
		s.EndedAt = s.StageSince
	}
	b.house.inbox.call(s)
}

// of returns the work and the task of a contact.
func (b *taskBook) of(id contact.ID) (*work, tasks.Task, bool) {
	if b == nil {
		return nil, tasks.Task{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	w, ok := b.here[id]
	if !ok {
		return nil, tasks.Task{}, false
	}
	return w, b.open[w.task], true
}

// offered shows that a seat rings for a task, and that it stopped.
func (b *taskBook) offered(id contact.ID, agent contact.AgentID, on bool) bool {
	w, t, ok := b.of(id)
	if !ok {
		return false
	}
	stage := call.StageRinging
	if !on {
		stage, agent = call.StageQueue, ""
	}
	b.mu.Lock()
	shown := *w
	b.mu.Unlock()
	shown.agent = agent
	b.picture(&shown, t, stage)
	return true
}

// accepted gives a task to the agent who has accepted it.
func (b *taskBook) accepted(a acd.Connect, seat call.Seat) bool {
	w, t, ok := b.of(a.Contact)
	if !ok {
		return false
	}
	b.mu.Lock()
	own := w.cancel != nil // the agent began it themselves; it is being called
	w.agent, w.seat, w.queue, w.waited, w.lost = a.Agent, seat, a.Queue, a.Waited, false
	b.mu.Unlock()
	if own {
		return true
	}
	t, err := b.change(b.ctx, t.ID, func(t *tasks.Task) error { t.State, t.Agent = tasks.Active, a.Agent; return nil })
	if err != nil {
		b.log.Error("an accepted task could not be saved", "task", w.task, "error", err)
	}
	b.picture(w, t, call.StageTalking)
	if w.kind == acd.KindCallback {
		b.callCustomer(w, t)
	}
	return true
}

// requeued takes a task from an agent whose browser stayed away.
func (b *taskBook) requeued(a acd.Requeued) {
	w, t, ok := b.of(a.Contact)
	if !ok || a.Kind == acd.KindCall {
		return
	}
	b.mu.Lock()
	w.lost, w.agent = true, ""
	cancel := w.cancel
	w.cancel = nil
	b.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	t, err := b.change(b.ctx, t.ID, func(t *tasks.Task) error { t.State, t.Agent = tasks.Queued, ""; return nil })
	if err != nil {
		b.log.Error("a task that came back could not be saved", "task", w.task, "error", err)
		return
	}
	b.picture(w, t, call.StageQueue)
}

// hangup is an agent who gives up calling a customer, or has finished with a
// voicemail. It is false for anything that is no task, or is a call by now.
func (b *taskBook) hangup(id contact.ID, agent contact.AgentID) bool {
	w, t, ok := b.of(id)
	if !ok {
		return false
	}
	b.mu.Lock()
	cancel := w.cancel
	b.mu.Unlock()
	if cancel != nil {
		cancel()
		return true
	}
	if w.kind != acd.KindVoicemail {
		return false
	}
	b.finish(w)
	if _, err := b.change(b.ctx, t.ID, func(t *tasks.Task) error { t.State = tasks.Open; return nil }); err != nil {
		b.log.Error("a voicemail could not be saved", "task", t.ID, "error", err)
	}
	b.house.Release(id, agent)
	b.picture(w, t, call.StageEnded)
	return true
}

// finish ends the work of a contact; the wrap-up may still name the task.
func (b *taskBook) finish(w *work) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.here, w.id)
	if len(b.wraps) >= maxWraps {
		clear(b.wraps)
	}
	b.wraps[w.id] = w.task
}
