package ivr

import (
	"cmp"
	"context"
	"strings"
	"time"

	"callfloor/contact"
)

// Enqueue implements Caller.
func (s *simulation) Enqueue(ctx context.Context, q QueueRequest) (QueueResult, error) {
	s.event(TrialEvent{Kind: "queue", Text: string(q.Queue), Data: map[string]any{"priority": q.Priority, "vars": q.Vars}},
		"queue %s, priority %d%s", q.Queue, q.Priority, listed(q.Vars))
	want := &wantQueue{}
	if one := s.step(); one != nil && one.Queue != nil {
		want = s.meets(one, q)
	}
	if want.Refused != nil && *want.Refused {
		return want.refusal(), nil
	}
	if _, _, err := s.hears(ctx, q.Intro, false); err != nil {
		return QueueResult{}, err
	}
	if one := s.upcoming(); s.trial != nil && !want.is() && one != nil && one.Queue != nil { // it happens after a wait
		for s.step().Wait.set {
			if _, _, err := s.until(ctx, s.met.Add(s.step().Wait.d), false); err != nil {
				return QueueResult{}, err
			}
			s.pass(s.met.Add(s.step().Wait.d))
		}
		want = s.meets(one, q)
		if want.Refused != nil && *want.Refused {
			return want.refusal(), nil
		}
	}
	lasts := time.Hour
	switch {
	case want.Served.set:
		lasts = want.Served.d
	case want.Leaves.set:
		lasts = want.Leaves.d
	}
	if key, err := s.waits(ctx, q, want, s.now.Add(lasts)); err != nil || key != 0 {
		return QueueResult{Key: key}, err
	}
	switch {
	case !want.Served.set:
		return QueueResult{}, s.gone(contact.Customer, "hung up in the queue")
	case q.GoOn:
		s.note("  the agent hangs up; the flow goes on")
		s.typed, s.met = nil, s.now
		return QueueResult{Served: true}, nil
	}
	return QueueResult{}, s.gone(contact.Agent, "hung up")
}

// waits lets the time in a queue pass, with its announcements.
func (s *simulation) waits(ctx context.Context, q QueueRequest, want *wantQueue, end time.Time) (rune, error) {
	for want.Place.set && q.Announce > 0 && s.now.Add(q.Announce).Before(end) {
		if key, err := s.keyIn(ctx, q.Keys, s.now.Add(q.Announce)); err != nil || key != 0 {
			return key, err
		}
		if _, _, err := s.hears(ctx, q.Say(want.Place.n, want.Expected.d), false); err != nil {
			return 0, err
		}
	}
	if want.is() || s.trial == nil {
		return s.keyIn(ctx, q.Keys, end)
	}
	for {
		key, pressed, err := s.asks(ctx, "queue", end, q.Keys != "")
		if err != nil || !pressed {
			return 0, err
		}
		if strings.ContainsRune(q.Keys, key) {
			return key, nil
		}
	}
}

// is tells whether a scenario says what becomes of a queue.
func (w *wantQueue) is() bool { return w.Served.set || w.Leaves.set || w.Refused != nil }

func (w *wantQueue) refusal() QueueResult {
	reason := cmp.Or(w.Reason.text, "full")
	return QueueResult{Refused: reason, Reason: reason}
}

// upcoming is the step that comes next but for times to wait; nil at the end.
func (s *simulation) upcoming() *scriptStep {
	for i := s.next; i < len(s.scenario.Steps); i++ {
		if one := &s.scenario.Steps[i]; !one.Wait.set {
			return one
		}
	}
	return nil
}

// meets compares a queue with what the script wants of it, which it returns.
func (s *simulation) meets(one *scriptStep, q QueueRequest) *wantQueue {
	w := one.Queue
	if w.Name.text != string(q.Queue) && (w.Name.text != "" || s.trial == nil) {
		s.fail(one.at, "reached the queue %s, want %s", q.Queue, w.Name.text)
	}
	if w.Priority.set && w.Priority.n != q.Priority {
		s.fail(one.at, "the priority in the queue %s is %d, want %d", q.Queue, q.Priority, w.Priority.n)
	}
	for _, d := range w.Vars.differ(q.Vars) {
		s.fail(one.at, "in the queue %s %s", q.Queue, d)
	}
	s.pass(s.now)
	return w
}
