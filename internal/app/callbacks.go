package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"callfloor/acd"
	"callfloor/acd/tasks"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/sip"
)

const (
	// callbackRings is how long a customer's phone rings.
	callbackRings = 40 * time.Second
	// callbacksEach is how many callbacks one caller may have asked for.
	callbacksEach = 3
	// chooseAhead is how far ahead a customer may choose a time.
	chooseAhead = 30 * 24 * time.Hour
	// alertFor is how long a callback that failed for good stands on the floor.
	alertFor = 15 * time.Minute
)

// Callback implements call.Work: a customer wants to be called back.
func (b *taskBook) Callback(ctx context.Context, c call.Snapshot, q ivr.CallbackRequest) error {
	number := c.From
	if q.Number != "" {
		number = q.Number
	}
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, number)
	if len(digits) < 4 || len(digits) > 15 {
		return contact.Errorf(contact.Invalid, "this is not a number that can be called")
	}
	now := time.Now()
	if !q.At.IsZero() && (q.At.Before(now) || q.At.Sub(now) > chooseAhead) {
		return contact.Errorf(contact.Invalid, "a callback can be as far ahead as %v", chooseAhead)
	}
	t := tasks.Task{
		Kind: tasks.Callback, State: tasks.Scheduled, Queue: q.Queue, Line: c.Line, Caller: number, Language: c.Language, Call: c.ID,
		Priority: q.Priority, Since: now,
	}
	from := contact.ID("")
	if p, waits := b.house.engine.Standing(c.ID); waits && p.Queue == q.Queue {
		t.Since, t.Priority, from = p.Since, max(p.Priority, q.Priority), c.ID
	}
	if same, n := b.asked(q.Queue, number, c.From); same {
		return nil // asked twice
	} else if n >= callbacksEach {
		return contact.Errorf(contact.Conflict, "%d callbacks are already open for this caller", n)
	}
	if !q.At.IsZero() {
		t.Next, t.Due, t.Since = &q.At, &q.At, q.At
	}
	t, err := b.add(ctx, t)
	if err != nil {
		return err
	}
	data := map[string]any{"task": t.ID, "queue": t.Queue}
	if t.Due != nil {
		data["at"] = contact.Time(*t.Due)
	}
	b.note(c.ID, "a call back is booked", data)
	if t.Next != nil {
		return nil
	}
	return b.enqueue(ctx, t, from)
}

// asked says whether this number has an open callback of the queue, and how
// many the caller has in all.
func (b *taskBook) asked(q contact.QueueID, number, caller string) (same bool, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.open {
		if t.Kind != tasks.Callback {
			continue
		}
		if t.Caller == number || t.Caller == caller {
			n++
		}
		same = same || t.Caller == number && t.Queue == q && t.State != tasks.Open
	}
	return same, n
}

// note writes into the timeline of the call that a task came of.
func (b *taskBook) note(id contact.ID, text string, data map[string]any) {
	if c, ok := b.house.call(id); ok {
		c.Note(contact.KindQueue, contact.LegID(contact.Customer), text, data)
		return
	}
	b.house.journal.NoteLater(id, contact.Event{At: time.Now(), Kind: contact.KindQueue, Text: text, Data: data})
}

// dial calls a customer whose turn has come, before an agent is asked.
func (b *taskBook) dial(a acd.Dial) {
	w, t, ok := b.of(a.Contact)
	if !ok {
		return // it was cancelled meanwhile
	}
	b.mu.Lock()
	w.queue, w.waited = a.Queue, a.Waited
	b.mu.Unlock()
	t, err := b.change(b.ctx, t.ID, func(t *tasks.Task) error { t.State = tasks.Active; return nil })
	if err != nil {
		b.log.Error("a callback could not be saved", "task", w.task, "error", err)
	}
	b.callCustomer(w, t)
}

// callCustomer calls the customer of a task, beside whatever else goes on.
func (b *taskBook) callCustomer(w *work, t tasks.Task) {
	ctx, cancel := context.WithCancel(b.ctx)
	b.mu.Lock()
	w.cancel, w.talked = cancel, false
	agent := w.agent
	b.mu.Unlock()
	t, err := b.change(b.ctx, t.ID, func(t *tasks.Task) error { t.Tries++; return nil })
	if err != nil {
		b.log.Error("a try of a callback could not be saved", "task", w.task, "error", err)
	}
	b.wg.Go(func() {
		defer cancel()
		leg, err := b.house.PlaceOutside(ctx, Outside{
			To: t.Caller, Line: t.Line, Purpose: PurposeCallback, By: string(agent), Call: w.id, Inbound: t.Call != "", RingFor: callbackRings,
		})
		b.mu.Lock()
		w.cancel = nil
		lost := w.lost
		b.mu.Unlock()
		switch {
		case err == nil && lost:
			leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, Why: "the agent's browser is gone"})
		case lost:
		case err != nil:
			b.missed(w, t, err)
		default:
			if agent != "" {
				b.house.tell(acd.ContactReached{Contact: w.id})
			}
			b.start(b.ctx, w, t, answered{leg})
			b.called(w)
		}
	})
}

// work is the book of tasks as calls see it; nil where there is none.
func (h *House) work() call.Work {
	if h.tasks == nil {
		return nil
	}
	return h.tasks
}

// answered is a leg that we have called: it is up already.
type answered struct{ call.Leg }

func (answered) Ring() error                         { return nil }
func (answered) Early(context.Context) (bool, error) { return false, nil }
func (answered) Answer(context.Context) error        { return nil }

// outLeg is the SIP leg behind one that we have called, if it is one.
func outLeg(l call.Leg) (*sip.Leg, bool) {
	if a, ok := l.(answered); ok {
		l = a.Leg
	}
	s, ok := l.(*sip.Leg)
	return s, ok
}

// missed is a customer who could not be reached.
func (b *taskBook) missed(w *work, t tasks.Task, why error) {
	b.finish(w)
	b.note(t.Call, fmt.Sprintf("called back in vain, try %d: %s", t.Tries, contact.ErrorMessage(why)), map[string]any{"task": t.ID, "try": t.Tries, "why": contact.ErrorCode(why)})
	if w.agent != "" {
		b.house.Release(w.id, w.agent)
	} else {
		b.house.Leave(w.id)
	}
	b.picture(w, t, call.StageEnded)
	b.again(t, contact.ErrorCode(why), contact.ErrorMessage(why))
}

// again tries a task later, if there are tries left and the next one may go
// better.
func (b *taskBook) again(t tasks.Task, code contact.Code, why string) {
	if b.ctx.Err() != nil {
		return // the next run takes it up
	}
	q := b.queues[t.Queue]
	_, err := b.change(b.ctx, t.ID, func(t *tasks.Task) error {
		switch {
		case t.Kind == tasks.Voicemail || t.Kind == tasks.Promise || t.Kind == tasks.AfterCall:
			t.State = tasks.Open // the agent has it still
		case t.Tries >= q.Tries(), code == contact.Invalid, code == contact.NotFound, code == contact.OutboundRefused:
			t.State, t.ClosedBy = tasks.Failed, "system"
		default:
			next := time.Now().Add(q.Spacing())
			t.State, t.Agent, t.Next = tasks.Scheduled, "", &next
		}
		if t.State == tasks.Failed {
			b.failed(*t, why)
		}
		return nil
	})
	if err != nil {
		b.log.Error("a callback in vain could not be saved", "task", t.ID, "error", err)
	}
}

// failed tells the supervisors of a customer who was not reached, for a while.
func (b *taskBook) failed(t tasks.Task, why string) {
	alert := func(on bool) {
		b.house.inbox.put(func(n *news) {
			n.actions = append(n.actions, acd.Alert{Kind: alertCallback, On: on, Queue: t.Queue, Text: "a call back failed: " + why})
		})
	}
	alert(true)
	b.wg.Go(func() {
		select {
		case <-time.After(alertFor):
			alert(false)
		case <-b.ctx.Done():
		}
	})
}

// called is the end of a call to a customer who was reached.
func (b *taskBook) called(w *work) {
	b.mu.Lock()
	talked := w.talked
	t, open := b.open[w.task]
	b.mu.Unlock()
	b.finish(w)
	switch {
	case !open:
	case !talked:
		b.again(t, contact.NoAnswer, "the customer hung up before they talked with an agent")
	case t.Kind == tasks.Callback:
		if _, err := b.change(b.ctx, t.ID, func(t *tasks.Task) error { t.State, t.ClosedBy = tasks.Done, string(t.Agent); return nil }); err != nil && b.ctx.Err() == nil {
			b.log.Error("a callback could not be closed", "task", t.ID, "error", err)
		}
	default: // it was answered by a call; the agent closes it
		b.again(t, contact.NoAnswer, "")
	}
}

// joinBack is a customer who was called back and now stands before the queue:
// with the agent who waits for them, or at their place. It is false for any
// other.
func (h *House) joinBack(id contact.ID) (bool, error) {
	w, _, ok := h.tasks.of(id)
	c, live := h.call(id)
	if !ok || !live {
		return false, nil
	}
	h.tasks.mu.Lock()
	agent, seat, queue, waited, lost := w.agent, w.seat, w.queue, w.waited, w.lost
	h.tasks.mu.Unlock()
	if agent == "" {
		return true, h.engine.Do(acd.ContactReached{Contact: id})
	}
	status, _ := h.engine.Agent(agent)
	if lost || status.Contact != id {
		return true, nil // it waits again; the queue knows
	}
	h.tasks.reached(id, agent)
	return true, c.Connect(seat, queue, waited, call.Announcement{})
}

// reached notes that a customer talks with an agent.
func (b *taskBook) reached(id contact.ID, agent contact.AgentID) {
	w, _, ok := b.of(id)
	if !ok {
		return
	}
	b.mu.Lock()
	w.talked, w.agent = true, agent
	b.mu.Unlock()
	if _, err := b.change(b.ctx, w.task, func(t *tasks.Task) error { t.Agent = agent; return nil }); err != nil {
		b.log.Error("a callback could not be saved", "task", w.task, "error", err)
	}
}

// backCall runs the call of a customer who was reached.
func (a *App) backCall(ctx context.Context, w *work, t tasks.Task, leg call.Leg) {
	line, ok := a.cfg.Line(t.Line)
	policy := line.Consent
	if !ok {
		policy = "never" // a line that is gone: nothing is recorded
	}
	flow, err := ivr.BackFlow(a.shelf.present(), policy, t.Queue)
	if err != nil {
		a.log.Error("a call back has no flow", "task", t.ID, "error", err)
		leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, Why: "the flow of call backs is broken"})
		return
	}
	a.calls.Add(1)
	defer a.calls.Done()
	c := call.New(call.Options{
		ID: w.id, Line: t.Line, Language: t.Language, From: t.Caller, Outbound: true, Started: time.Now(), Leg: leg, Log: a.log,
		Journal: a.journal, Queues: a.house, Consents: a.ledger, Record: a.record, Prompts: flow.Prompts(), Pacer: a.pacer, Work: a.house.work(),
		Changed: a.house.inbox.call, Troubled: func(t call.Trouble) { a.troubled.WithLabelValues(string(t)).Inc() }, Measured: a.legs.note,
	})
	a.house.add(c)
	defer a.house.remove(c.ID)
	c.Run(ctx, func(ctx context.Context, caller ivr.Caller) (contact.EndCause, error) {
		if s, ok := outLeg(leg); ok {
			noteLeg(c, s)
		}
		c.Note(contact.KindQueue, contact.LegID(contact.Customer), fmt.Sprintf("called back, try %d", t.Tries), map[string]any{"task": t.ID, "try": t.Tries, "of": t.Call})
		return flow.Run(ctx, caller, ivr.Start{Line: t.Line, Caller: t.Caller, Language: t.Language, ConsentPolicy: policy, Services: a.services})
	})
	a.log.Info("a call back ended", "call", c.ID, "task", t.ID, "by", leg.Cause().By, "class", leg.Cause().Class)
}
