package shifts

import (
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/internal/store/storetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// The figures of two agents over two days, own and the team's.
func TestFigures(t *testing.T) {
	db := storetest.Open(t)
	b := Open(db, slog.New(slog.DiscardHandler))
	today := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	shift := func(agent contact.AgentID, state contact.AgentState, at time.Time, d time.Duration) {
		b.Note(Shift{Agent: agent, State: state, Began: at, Ended: at.Add(d)})
	}
	at := today.Add(9 * time.Hour)
	shift("alice", contact.AgentAvailable, at, time.Minute)
	shift("alice", contact.AgentOffered, at.Add(time.Minute), 4*time.Second)
	shift("alice", contact.AgentTalking, at.Add(2*time.Minute), 100*time.Second)
	shift("alice", contact.AgentHold, at.Add(4*time.Minute), 20*time.Second)
	shift("alice", contact.AgentWrapUp, at.Add(5*time.Minute), 30*time.Second)
	shift("bob", contact.AgentAvailable, at, 3*time.Minute)
	shift("bob", contact.AgentAvailable, at.AddDate(0, 0, -1), time.Hour)
	shift("bob", contact.AgentAway, at, 0) // nothing
	b.Close()
	shift("bob", contact.AgentAway, at, time.Hour) // too late
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		for i, csat := range []any{4, nil} {
			_, err := tx.Exec(`INSERT INTO call_calls (id, line, caller, started, answered, agent, consent, csat) VALUES ($1, '1', 'x', $2, $2, 'alice', 'none', $3)`,
				string(rune('a'+i)), at.UnixMilli(), csat)
			if err != nil {
				return err
			}
		}
		// Another one she answered and handed to carol, who has it now.
		_, err := tx.Exec(`INSERT INTO call_calls (id, line, caller, started, answered, agent, consent) VALUES ('c', '1', 'x', $1, $1, 'carol', 'none')`, at.UnixMilli())
		for n, agent := range []string{"alice", "alice", "carol"} {
			if err == nil {
				_, err = tx.Exec(`INSERT INTO call_events (contact, n, at, kind, text, data) VALUES ('c', $1, $2, 'answer', '', $3)`, n, at.UnixMilli(), `{"agent":"`+agent+`"}`)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	own, team, err := b.Figures(t.Context(), "alice", today, 2)
	if err != nil || len(own) != 2 || len(team) != 2 {
		t.Fatal(own, team, err)
	}
	d := own[0]
	if d.Calls != 3 || *d.Handle != 50 || *d.Answer != 4 || *d.CSAT != 4 || d.States[contact.AgentAvailable] != 60 {
		t.Errorf("alice today: %+v", d)
	}
	if m := team[0]; m.Calls != 4.0/3 || *m.Handle != 37.5 || m.States[contact.AgentAvailable] != 80 {
		t.Errorf("the team today: %+v", m)
	}
	if y := own[1]; y.Calls != 0 || y.Handle != nil || len(y.States) != 0 {
		t.Errorf("alice yesterday: %+v", y)
	}
	if y := team[1]; y.States[contact.AgentAvailable] != 3600 || y.CSAT != nil {
		t.Errorf("the team yesterday: %+v", y)
	}
	if b.Lost() != 0 {
		t.Errorf("%d lost", b.Lost())
	}
}
