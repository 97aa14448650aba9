package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"callfloor/internal/store"
)

// TestSimulateFromTheJournal plays and plans yesterday's calls out of a data
// folder: 40 answered by two agents, 10 who gave up after half a minute.
func TestSimulateFromTheJournal(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	y := time.Now().AddDate(0, 0, -1)
	noon := time.Date(y.Year(), y.Month(), y.Day(), 12, 0, 0, 0, y.Location())
	err = db.Tx(t.Context(), func(tx *store.Tx) error {
		for i := range 50 {
			at := noon.Add(time.Duration(i) * time.Minute)
			var agent, answered any
			ended := at.Add(30 * time.Second)
			if i%5 > 0 {
				agent, answered, ended = fmt.Sprint("agent", i%2), at.Add(10*time.Second).UnixMilli(), at.Add(100*time.Second)
			}
			_, err := tx.Exec(`INSERT INTO call_calls (id, line, caller, queue, agent, started, answered, ended, consent) VALUES ($1, '1000', '1', 'sales', $2, $3, $4, $5, 'none')`,
				fmt.Sprint(i), agent, at.UnixMilli(), answered, ended.UnixMilli())
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ask := func(args ...string) string {
		t.Helper()
		var out, said strings.Builder
		if code := run(append([]string{"simulate", "--data", dir}, args...), terminal{out: &out, err: &said}); code != 0 {
			t.Fatalf("%v: %d, %s", args, code, said.String())
		}
		return out.String()
	}
	var played struct{ Runs []simulated }
	if err := json.Unmarshal([]byte(ask("--json")), &played); err != nil {
		t.Fatal(err)
	}
	if r := played.Runs[0]; r.Contacts != 50 || r.Agents != 2 || r.Answered+r.Abandoned != 50 || r.Erlang != nil {
		t.Errorf("%+v", r)
	}
	lines := strings.Split(strings.TrimSpace(ask("--staffing", "--interval", "1h")), "\n")
	if len(lines) != 2 || !strings.Contains(lines[1], ",60,50,40,10,40,10,90,") {
		t.Errorf("%q", lines)
	}
	if rows := strings.Count(ask("--forecast"), "\n"); rows != 1+7*24 {
		t.Errorf("the forecast has %d lines", rows)
	}
}
