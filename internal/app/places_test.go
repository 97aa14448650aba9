package app

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/store"
)

// TestPlacesOutliveTheServer: whoever waited when the server ended stands as
// before after calling again, and an agent is what they were.
func TestPlacesOutliveTheServer(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	routing := acd.DefaultConfig()
	routing.Queues = []acd.QueueConfig{{ID: "sales", Agents: []string{"alice"}}}
	log := slog.New(slog.DiscardHandler)
	server := func(serve func(*acd.Engine)) {
		db, err := store.Open(ctx, dir)
		must(t, err)
		journal := call.NewJournal(db, log)
		routing.Secret, err = queueSecret(ctx, db)
		must(t, err)
		engine := acd.NewEngine(routing, log, func([]acd.Action) {})
		must(t, restorePlaces(ctx, db, log, engine))
		p := keepPlaces(db, journal, log, engine, []contact.QueueID{"sales"})
		serve(engine)
		must(t, p.close(ctx))
		engine.Close()
		journal.Close()
		must(t, db.Close())
	}
	first, second := "+8613812340001", "+8613812340002"
	var since time.Time
	server(func(e *acd.Engine) {
		e.AddAgent("alice", nil)
		must(t, e.Do(acd.AgentWants{Agent: "alice", State: contact.AgentAway, Reason: "Lunch"}))
		since = time.Now().Add(-time.Minute)
		must(t, e.Do(acd.ContactQueued{Contact: "a", Queue: "sales", Since: since, Caller: first}))
		must(t, e.Do(acd.ContactQueued{Contact: "b", Queue: "sales", Since: since.Add(time.Second), Caller: second}))
	})
	server(func(e *acd.Engine) {
		must(t, e.Do(acd.ContactQueued{Contact: "new", Queue: "sales", Since: time.Now(), Caller: "13812340009"}))
		must(t, e.Do(acd.ContactQueued{Contact: "b2", Queue: "sales", Since: time.Now(), Caller: second}))
		must(t, e.Do(acd.ContactQueued{Contact: "a2", Queue: "sales", Since: time.Now(), Caller: first}))
		for want, id := range []contact.ID{"a2", "b2", "new"} {
			if p, _ := e.Place(id); p.Position != want+1 {
				t.Errorf("%s stands at %d, want %d", id, p.Position, want+1)
			}
		}
		if q, _ := e.Queue("sales"); !q.LongestSince.Equal(since) {
			t.Errorf("the first waits since %v, want %v", q.LongestSince, since)
		}
		if a, _ := e.Agent("alice"); a.State != contact.AgentDisconnected {
			t.Errorf("alice is %+v before she is back", a)
		}
		must(t, e.Do(acd.SeatBack{Agent: "alice"}))
		if a, _ := e.Agent("alice"); a.State != contact.AgentAway || a.Reason != "Lunch" {
			t.Errorf("alice is %+v", a)
		}
	})
	db, err := store.Open(ctx, dir)
	must(t, err)
	var state string
	must(t, db.View(ctx, func(tx *store.Tx) error { return tx.QueryRow(`SELECT state FROM acd_state`).Scan(&state) }))
	if strings.Contains(state, "1381234") {
		t.Errorf("a caller's number is in the state: %s", state)
	}
	must(t, db.Tx(ctx, func(tx *store.Tx) error { _, err := tx.Exec(`UPDATE acd_state SET state = 'not json'`); return err }))
	must(t, db.Close())
	server(func(e *acd.Engine) {
		if q, _ := e.Queue("sales"); q.Waiting != 0 {
			t.Errorf("a damaged state: %+v", q)
		}
	})
}

// TestQueueGivesBack: the flow goes on when the wait has been long enough.
func TestQueueGivesBack(t *testing.T) {
	onFloorWith(t, func(q *acd.QueueConfig) { q.MaxWait = 30 * time.Second }, func(f *floor) {
		f.customer("1002", nil, 10*time.Minute)
		list := f.list()
		if len(list) != 1 || list[0].End == nil {
			t.Fatalf("calls: %+v", list)
		}
		if lasted := list[0].Ended.Time().Sub(list[0].Started.Time()); lasted > 2*time.Minute {
			t.Errorf("it lasted %v; the queue has a maximum wait of 30 s", lasted)
		}
		d, err := f.app.journal.Show(context.Background(), list[0].ID)
		must(t, err)
		if !strings.Contains(texts(d), "waited 30 s, which is the longest for this queue") {
			t.Errorf("the timeline:\n%s", texts(d))
		}
	})
}
