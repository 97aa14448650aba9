package tasks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Store keeps tasks in the database. It is safe for concurrent use.
type Store struct{ db *store.DB }

// NewStore returns the tasks of db.
func NewStore(db *store.DB) *Store { return &Store{db: db} }

const columns = `id, kind, state, queue, agent, line, caller, language, call, recording, length_ms, note, priority,
	tries, reminded, remind_ms, made, since, due, next, disposition, closed_by, closed`

// Put writes a task, new or changed; it is on the disk when Put returns.
func (s *Store) Put(ctx context.Context, t Task) error {
	err := s.db.TxDurable(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO acd_tasks (`+columns+`)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23)
			ON CONFLICT (id) DO UPDATE SET state = excluded.state, agent = excluded.agent, note = excluded.note,
				tries = excluded.tries, reminded = excluded.reminded, due = excluded.due, next = excluded.next,
				disposition = excluded.disposition, closed_by = excluded.closed_by, closed = excluded.closed`,
			t.ID, t.Kind, t.State, t.Queue, t.Agent, t.Line, t.Caller, t.Language, t.Call, t.Recording,
			int64(t.Length*1000), t.Note, t.Priority, t.Tries, t.Reminded, t.Remind.Milliseconds(), t.Made.UnixMilli(),
			t.Since.UnixMilli(), milli(t.Due), milli(t.Next), t.Disposition, t.ClosedBy, milli(t.Closed))
		return err
	})
	if err != nil {
		return fmt.Errorf("save the task %s: %w", t.ID, err)
	}
	return nil
}

func milli(t *time.Time) sql.NullInt64 {
	if t == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: true}
}

func stamp(ms sql.NullInt64) *time.Time {
	if !ms.Valid {
		return nil
	}
	t := time.UnixMilli(ms.Int64).UTC()
	return &t
}

// Query chooses tasks.
type Query struct {
	// Closed chooses those that are closed, newest first; else those that are
	// not, the next deadline first.
	Closed bool
	Agent  contact.AgentID // "" is any
	Queue  contact.QueueID // "" is any
	Caller string          // the customer's number; "" is any
	Limit  int             // at most; 0 is 500
}

// maxListed bounds a list.
const maxListed = 500

// List returns the tasks that q chooses, never nil.
func (s *Store) List(ctx context.Context, q Query) ([]Task, error) {
	if q.Limit <= 0 || q.Limit > maxListed {
		q.Limit = maxListed
	}
	order := `due IS NULL, due, made`
	if q.Closed {
		order = `closed DESC`
	}
	list := []Task{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM acd_tasks
			WHERE (closed IS NOT NULL) = $1 AND ($2 = '' OR agent = $2) AND ($3 = '' OR queue = $3) AND ($4 = '' OR caller = $4)
			ORDER BY `+order+` LIMIT $5`, q.Closed, q.Agent, q.Queue, q.Caller, q.Limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			t, err := scan(rows)
			if err != nil {
				return err
			}
			list = append(list, t)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list the tasks: %w", err)
	}
	return list, nil
}

// Get returns one task; contact.NotFound if there is none.
func (s *Store) Get(ctx context.Context, id string) (Task, error) {
	var t Task
	err := s.db.View(ctx, func(tx *store.Tx) error {
		var err error
		t, err = scan(tx.QueryRowContext(ctx, `SELECT `+columns+` FROM acd_tasks WHERE id = $1`, id))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Task{}, contact.Errorf(contact.NotFound, "there is no task %q", id)
	}
	if err != nil {
		return Task{}, fmt.Errorf("read the task %s: %w", id, err)
	}
	return t, nil
}

func scan(row interface{ Scan(...any) error }) (Task, error) {
	var t Task
	var length, remind, made, since int64
	var due, next, closed sql.NullInt64
	err := row.Scan(&t.ID, &t.Kind, &t.State, &t.Queue, &t.Agent, &t.Line, &t.Caller, &t.Language, &t.Call, &t.Recording,
		&length, &t.Note, &t.Priority, &t.Tries, &t.Reminded, &remind, &made, &since, &due, &next, &t.Disposition, &t.ClosedBy, &closed)
	t.Length, t.Remind = float64(length)/1000, time.Duration(remind)*time.Millisecond
	t.Made, t.Since = time.UnixMilli(made).UTC(), time.UnixMilli(since).UTC()
	t.Due, t.Next, t.Closed = stamp(due), stamp(next), stamp(closed)
	return t, err
}
