package recordings

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// row is a recording as the database keeps it.
type row struct {
	id       contact.ID
	meta     Meta
	path     string
	duration sql.Null[int64] // milliseconds
	state    State
	why      string
	consent  contact.Consent
	tracks   string
	size     sql.Null[int64]
	entries  sql.Null[int64]
	head     sql.Null[string]
	hold     bool
	holdBy   string
	holdWhy  string
	erasedAt sql.Null[int64]
	erasedBy string
	erasedW  string
}

const columns = `id, contact, path, line, queue, agent, started, duration, state, why, consent, tracks,
	size, entries, head, hold, hold_by, hold_why, erased_at, erased_by, erased_why`

func scanRow(scan func(...any) error) (row, error) {
	var r row
	var started int64
	err := scan(&r.id, &r.meta.Contact, &r.path, &r.meta.Line, &r.meta.Queue, &r.meta.Agent, &started, &r.duration,
		&r.state, &r.why, &r.consent, &r.tracks, &r.size, &r.entries, &r.head,
		&r.hold, &r.holdBy, &r.holdWhy, &r.erasedAt, &r.erasedBy, &r.erasedW)
	r.meta.Answered = time.UnixMilli(started).UTC()
	return r, err
}

// info is what lists show of r.
func (r row) info() Info {
	i := Info{
		ID: string(r.id), Call: r.meta.Contact, Line: r.meta.Line, Queue: r.meta.Queue, Agent: r.meta.Agent,
		Started: contact.Time(r.meta.Answered), State: r.state, Why: r.why, Consent: r.consent, Tracks: []TrackInfo{},
		Hold: r.hold, HoldBy: r.holdBy, HoldWhy: r.holdWhy,
	}
	if err := json.Unmarshal([]byte(r.tracks), &i.Tracks); err != nil || i.Tracks == nil {
		i.Tracks = []TrackInfo{} // what a later version wrote; the rest of the row is good
	}
	if r.duration.Valid {
		s := float64(r.duration.V) / 1000
		i.Duration = &s
	}
	if r.size.Valid {
		i.Size, i.Entries, i.Head = &r.size.V, &r.entries.V, &r.head.V
	}
	if r.erasedAt.Valid {
		i.Erased = &Erasure{At: contact.Time(time.UnixMilli(r.erasedAt.V)), By: r.erasedBy, Why: r.erasedW}
	}
	return i
}

// ending is what a finished recording's row gets.
type ending struct {
	state    State
	why      string
	duration time.Duration
	tracks   []TrackInfo
	size     int64
	entries  uint64
	head     chainHash
}

// end makes r what its row will be when e is written.
func (r *row) end(e ending) {
	list, _ := json.Marshal(e.tracks) // plain values always marshal
	set := func(v int64) sql.Null[int64] { return sql.Null[int64]{V: v, Valid: true} }
	r.state, r.why, r.tracks = e.state, e.why, string(list)
	r.duration, r.size, r.entries = set(e.duration.Milliseconds()), set(e.size), set(int64(e.entries))
	r.head = sql.Null[string]{V: hex.EncodeToString(e.head[:]), Valid: true}
}

func insertRow(ctx context.Context, tx *store.Tx, id contact.ID, path string, m Meta, c contact.Consent) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO recordings_recordings (id, contact, path, line, queue, agent, started, state, consent)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, m.Contact, path, m.Line, m.Queue, m.Agent, m.Answered.UnixMilli(), StateOpen, c)
	return err
}

// endRow makes an open row final; a row that is final stays as it is.
func endRow(ctx context.Context, tx *store.Tx, id contact.ID, e ending) error {
	list, err := json.Marshal(e.tracks)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE recordings_recordings
		SET state = ?, why = ?, duration = ?, tracks = ?, size = ?, entries = ?, head = ?
		WHERE id = ? AND state = 'open'`,
		e.state, e.why, e.duration.Milliseconds(), string(list), e.size, int64(e.entries), hex.EncodeToString(e.head[:]), id)
	return err
}

// getRow finds a recording, contact.NotFound if there is none.
func getRow(ctx context.Context, tx *store.Tx, id string) (row, error) {
	r, err := scanRow(tx.QueryRowContext(ctx, `SELECT `+columns+` FROM recordings_recordings WHERE id = ?`, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, contact.Errorf(contact.NotFound, "there is no recording %s", shortened(id))
	}
	if err != nil {
		return row{}, fmt.Errorf("find recording %s: %w", id, err)
	}
	return r, nil
}

// queryRows runs a query over columns.
func queryRows(ctx context.Context, tx *store.Tx, where string, args ...any) ([]row, error) {
	found, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM recordings_recordings `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("find recordings: %w", err)
	}
	defer found.Close() //nolint:errcheck // Err below tells
	var rows []row
	for found.Next() {
		r, err := scanRow(found.Scan)
		if err != nil {
			return nil, fmt.Errorf("read a recording's row: %w", err)
		}
		rows = append(rows, r)
	}
	return rows, found.Err()
}

func insertAct(ctx context.Context, tx *store.Tx, id contact.ID, act, by, why string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO recordings_acts (recording, at, act, by, why) VALUES (?, ?, ?, ?, ?)`,
		id, tx.Now.UnixMilli(), act, by, why)
	return err
}

// shortened keeps a hostile ID from filling a message.
func shortened(id string) string {
	if contact.ID(id).Valid() {
		return id
	}
	return "of that name"
}
