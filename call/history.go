package call

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// LastAgent returns who answered the last call of this caller since then; ""
// if nobody did.
func (j *Journal) LastAgent(ctx context.Context, caller string, since time.Time) (contact.AgentID, error) {
	var id contact.AgentID
	err := j.db.View(ctx, func(tx *store.Tx) error {
		row := tx.QueryRowContext(ctx, `SELECT agent FROM call_calls
			WHERE caller = $1 AND answered >= $2 AND agent IS NOT NULL ORDER BY answered DESC LIMIT 1`, caller, since.UnixMilli())
		if err := row.Scan(&id); !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("find the agent of the caller's last call: %w", err)
	}
	return id, nil
}

// Arrivals returns how many calls that came in [from, to) reached each queue.
func (j *Journal) Arrivals(ctx context.Context, from, to time.Time) (map[contact.QueueID]int, error) {
	came := map[contact.QueueID]int{}
	err := j.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT queue, COUNT(*) FROM call_calls
			WHERE started >= $1 AND started < $2 AND queue IS NOT NULL GROUP BY queue`, from.UnixMilli(), to.UnixMilli())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var q contact.QueueID
			var n int
			if err := rows.Scan(&q, &n); err != nil {
				return err
			}
			came[q] = n
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("count the calls of the queues: %w", err)
	}
	return came, nil
}

// NoteLater adds an event to the timeline of a call that is over. For one that
// is up use Call.Note.
func (j *Journal) NoteLater(id contact.ID, e contact.Event) {
	j.later(func(tx *store.Tx) error {
		data, err := json.Marshal(e.Data)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO call_events (contact, n, at, kind, leg, text, data)
			SELECT $1, COALESCE((SELECT MAX(n) FROM call_events WHERE contact = $1), 0) + 1, $2, $3, NULL, $4, $5
			WHERE EXISTS (SELECT 1 FROM call_calls WHERE id = $1)`, id, e.At.UnixMilli(), e.Kind, e.Text, string(data))
		if err != nil {
			return err
		}
		return j.tell(tx, id, e)
	})
}

// Waited returns the calls that came to a queue in [from, to) and are over, the
// oldest first, at most limit; q "" is every queue.
func (j *Journal) Waited(ctx context.Context, q contact.QueueID, from, to time.Time, limit int) ([]Record, error) {
	list := []Record{}
	err := j.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT `+recordColumns+` FROM call_calls
			WHERE started >= $1 AND started < $2 AND queue IS NOT NULL AND ended IS NOT NULL AND ($3 = '' OR queue = $3)
			ORDER BY started, id LIMIT $4`, from.UnixMilli(), to.UnixMilli(), q, limit)
		if err != nil {
			return err
		}
		list, err = scanRecords(rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the calls of the queues: %w", err)
	}
	return list, nil
}

// MoveQueue tells a call that waits that it waits in another queue now.
func (c *Call) MoveQueue(to contact.QueueID, why string) {
	c.Note(contact.KindQueue, legCustomer, "waits in queue "+string(to)+" now: "+why, map[string]any{"queue": to, "why": why})
	c.Journal.queued(c.ID, to)
	c.post(func() {
		c.view.Queue = to
		c.changed()
	})
}

// GiveBack tells the call that the queue does not take it, or not any more, and
// gives it back to its flow; reason is the word that flows branch on.
func (c *Call) GiveBack(reason, why string) {
	c.queue.update(func() { c.queue.refused, c.queue.reason = why, reason })
	c.post(func() {
		if c.view.Stage == StageQueue {
			c.setStage(StageFlow, time.Now())
			c.changed()
		}
	})
}
