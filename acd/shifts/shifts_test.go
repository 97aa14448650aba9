package shifts

import (
	"log/slog"
	"strings"
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

// A call that was answered yesterday and handed on today counts once for each of the
// two, on the day on which they answered, and so does its rating.
func TestFiguresOfACallOverMidnight(t *testing.T) {
	db := storetest.Open(t)
	b := Open(db, slog.New(slog.DiscardHandler))
	defer b.Close()
	today := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	first, second := today.Add(-time.Minute).UnixMilli(), today.Add(time.Minute).UnixMilli()
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO call_calls (id, line, caller, started, answered, agent, consent, csat) VALUES ('c', '1', 'x', $1, $1, 'bob', 'none', 5)`, first)
		for n, at := range []int64{first, second} {
			if err == nil {
				_, err = tx.Exec(`INSERT INTO call_events (contact, n, at, kind, text, data) VALUES ('c', $1, $2, 'answer', '', $3)`, n, at, `{"agent":"`+[]string{"alice", "bob"}[n]+`"}`)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for agent, want := range map[contact.AgentID][2]float64{"alice": {0, 1}, "bob": {1, 0}} {
		own, _, err := b.Figures(t.Context(), agent, today, 2)
		if err != nil {
			t.Fatal(err)
		}
		for day, d := range own {
			rated := agent == "bob" && day == 0
			if d.Calls != want[day] || (d.CSAT != nil) != rated || rated && *d.CSAT != 5 {
				t.Errorf("%s, %d days ago: %v calls, rated %v", agent, day, d.Calls, d.CSAT)
			}
		}
	}
}

// TestAnswersAreFoundByIndexes: no day's figures read every call and event that there
// ever was.
func TestAnswersAreFoundByIndexes(t *testing.T) {
	db := storetest.Open(t)
	err := db.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query("EXPLAIN QUERY PLAN "+answersOf, 0, 1)
		if err != nil {
			return err
		}
		defer rows.Close()
		var plan strings.Builder
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				return err
			}
			plan.WriteString(step + "\n")
		}
		for _, want := range []string{"SEARCH c USING INDEX call_calls_answered (answered>? AND answered<?)", "SEARCH e USING PRIMARY KEY (contact=?)", "SEARCH e USING INDEX call_events_answers (at>? AND at<?)"} {
			if !strings.Contains(plan.String(), want) {
				t.Errorf("no %q in\n%s", want, plan.String())
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}
