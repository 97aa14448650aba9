package tasks

import (
	"context"
	"errors"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/internal/store/storetest"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// TestReminders: first the agent, then, still before the deadline, the
// supervisors; nobody of what is done, or what a customer waits for in a queue.
func TestReminders(t *testing.T) {
	due := noon.Add(2 * time.Hour)
	promise := Task{Kind: Promise, State: Open, Due: &due, Remind: 30 * time.Minute}
	for _, tt := range []struct {
		name string
		task Task
		at   time.Time
		want Reminder
		next time.Time
	}{
		{"early", promise, noon, NotReminded, due.Add(-30 * time.Minute)},
		{"agent", promise, due.Add(-30 * time.Minute), AgentReminded, due.Add(-15 * time.Minute)},
		{"supervisor", promise, due.Add(-15 * time.Minute), SupervisorReminded, time.Time{}},
		{"late", promise, due.Add(time.Hour), SupervisorReminded, time.Time{}},
		{"done", Task{Kind: Promise, State: Done, Due: &due, Remind: time.Hour}, due, NotReminded, time.Time{}},
		{"no deadline", Task{Kind: AfterCall, State: Open}, due, NotReminded, time.Time{}},
		{"a callback in the queue", Task{Kind: Callback, State: Scheduled, Due: &due}, due, NotReminded, time.Time{}},
	} {
		if who, next := tt.task.Reminders(tt.at); who != tt.want || !next.Equal(tt.next) {
			t.Errorf("%s: %v, next %v; want %v, %v", tt.name, who, next, tt.want, tt.next)
		}
	}
}

// TestStore: what is put is what is listed, open ones by deadline, closed ones
// newest first.
func TestStore(t *testing.T) {
	ctx := context.Background()
	db, err := store.Open(ctx, storetest.Folder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	s := NewStore(db)
	late, soon := noon.Add(2*time.Hour), noon.Add(time.Hour)
	for _, x := range []Task{
		{ID: "none", Kind: AfterCall, State: Open, Agent: "alice", Made: noon, Since: noon},
		{ID: "late", Kind: Promise, State: Open, Agent: "alice", Made: noon, Since: noon, Due: &late, Remind: time.Minute, Note: "x"},
		{ID: "soon", Kind: Voicemail, State: Queued, Queue: "sales", Made: noon, Since: noon, Due: &soon, Length: 2.5},
	} {
		if err := s.Put(ctx, x); err != nil {
			t.Fatal(err)
		}
	}
	ids := func(q Query) (list []string) {
		t.Helper()
		found, err := s.List(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range found {
			list = append(list, x.ID)
		}
		return list
	}
	if got := ids(Query{}); len(got) != 3 || got[0] != "soon" || got[1] != "late" || got[2] != "none" {
		t.Errorf("open: %v", got)
	}
	if got := ids(Query{Agent: "alice", Limit: 1}); len(got) != 1 || got[0] != "late" {
		t.Errorf("the next of alice: %v", got)
	}
	x, err := s.Get(ctx, "late")
	if err != nil || !x.Due.Equal(late) || x.Remind != time.Minute || x.Note != "x" {
		t.Errorf("got %+v, %v", x, err)
	}
	x.State, x.Closed, x.ClosedBy = Done, &late, "alice"
	if err := s.Put(ctx, x); err != nil {
		t.Fatal(err)
	}
	if got := ids(Query{Closed: true}); len(got) != 1 || got[0] != "late" {
		t.Errorf("closed: %v", got)
	}
	if _, err := s.Get(ctx, "nothing"); contact.ErrorCode(err) != contact.NotFound || errors.Is(err, context.Canceled) {
		t.Errorf("an unknown task: %v", err)
	}
}

func TestPromiseConfig(t *testing.T) {
	for _, p := range DefaultPromises() {
		if err := p.Validate(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, p := range []PromiseConfig{{Within: time.Hour}, {Name: "x", Within: time.Second}, {Name: "x", Within: time.Hour, Remind: time.Hour}} {
		if p.Validate() == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
}
