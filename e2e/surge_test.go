package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"callfloor/internal/store"
	"callfloor/web"
	"callfloor/web/seatclient"
)

// TestSurgeOnPhones: within seconds real phones call five times as often as is
// usual in ten minutes. Two agents cannot take all of them: each call is
// answered, or led to the other queue by the rule of its own, or told that
// there is no place; nobody is left waiting. Supervisors see the surge. Its end,
// ten minutes later, and ten minutes of such calls are for the clocks of
// acd.TestAlerts and of acd/simulate.TestSurge.
//
// It does not run beside other tests: its phones take the processor.
func TestSurgeOnPhones(t *testing.T) {
	const usual, calls = 30, 25 // an hour; five in ten minutes
	dir, flows := t.TempDir(), t.TempDir()
	pastCalls(t, dir, usual)
	flow := `
nodes:
  orders: {kind: queue, queue: orders, refused: told}
  told: {kind: play, say: queue_refused, next: bye}
  bye: {kind: hangup}
`
	config := filepath.Join(t.TempDir(), "callfloor.yaml")
	text := `
flows: ` + flows + `
routing: {wrap_up: 1s}
queues:
  - {id: orders, agents: [alice], max_waiting: 3, max_wait: 2s, overflow: {to: spare, waiting: 2}}
  - {id: spare, agents: [bob], max_waiting: 2, max_wait: 2s}
lines:
  - {id: "2001", flow: surge, consent: never}
`
	for file, text := range map[string]string{filepath.Join(flows, "surge.yaml"): flow, config: text} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := serveIn(t, dir, "--config", config)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	floor, err := seatclient.Dial(ctx, seatclient.Options{URL: s.http, Token: s.token("sam"), NoMedia: true})
	if err != nil {
		t.Fatal(err)
	}
	defer floor.Close()
	s.seat("alice", "--answer-after", "50ms")
	s.seat("bob", "--answer-after", "50ms")
	eventually(t, 20*time.Second, "both are available", func() error { return s.metric(`callfloor_agents{state="available"}`, 2) })

	// Where the machine is busy the load gives no figures; what became of its
	// calls is asked of the server.
	invoke(t, "load", "--target", "sip:2001@"+s.sip, "--calls", fmt.Sprint(calls), "--rate", "5", "--for", "6s", "--json", "--data", dir)
	if err := floor.WaitKey(ctx, "alert/surge/orders", func(v json.RawMessage) bool {
		var a web.AlertView
		return json.Unmarshal(v, &a) == nil && a.Kind == "surge" && a.Queue == "orders"
	}); err != nil {
		t.Errorf("the floor shows no surge: %v", err)
	}
	if err := s.metric(`callfloor_alerts_total{kind="surge"}`, 1); err != nil {
		t.Error(err)
	}
	eventually(t, 25*time.Second, "every call is over", func() error {
		var list []callRecord
		if err := s.api("/api/v1/calls", &list); err != nil {
			return err
		}
		for _, c := range list {
			if c.Ended == nil {
				return fmt.Errorf("a call is up: %+v", c)
			}
		}
		return nil
	})
	answered, moved, told := 0, 0, 0
	for _, c := range s.calls("2001") {
		switch {
		case c.Answered != nil && c.Agent != nil:
			answered++
		case c.has("flow", "did not take") && c.has("flow", "plays an announcement"):
			told++
		default:
			t.Errorf("lost: %+v", c)
		}
		if c.has("queue", "spare") {
			moved++
		}
	}
	if answered < 2 || moved < 2 || told < 5 || answered+told != calls {
		t.Errorf("of %d calls %d were answered, %d told, %d had gone to the other queue", calls, answered, told, moved)
	}
}

// calls returns the calls to a line, with their timelines.
func (s *server) calls(line string) []callRecord {
	s.t.Helper()
	var list, whole []callRecord
	if err := s.api("/api/v1/calls?limit=200", &list); err != nil {
		s.t.Fatal(err)
	}
	for _, c := range list {
		if c.Line != line {
			continue
		}
		var one callRecord
		if err := s.api("/api/v1/calls/"+c.ID, &one); err != nil {
			s.t.Fatal(err)
		}
		whole = append(whole, one)
	}
	return whole
}

// pastCalls writes so many calls of orders into this hour of a week ago, and into
// the next one, in case the test sees it begin.
func pastCalls(t *testing.T, dir string, perHour int) {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Now().AddDate(0, 0, -7).Truncate(time.Hour)
	err = db.Tx(ctx, func(tx *store.Tx) error {
		for i := range 2 * perHour {
			at := hour.Add(time.Duration(i) * time.Hour / time.Duration(perHour)).UnixMilli()
			if _, err := tx.ExecContext(ctx, `INSERT INTO call_calls (id, line, caller, queue, started, ended, end_by, end_class, end_why, consent)
				VALUES ($1, '1002', '', 'orders', $2, $2, 'customer', 'abandoned', '', 'none')`, fmt.Sprintf("past%022d", i), at); err != nil {
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
}
