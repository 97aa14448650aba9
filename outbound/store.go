package outbound

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Store keeps the do-not-call list, the calls out of the last day and whether
// everything is stopped.
type Store struct{ db *store.DB }

// NewStore returns a store on db.
func NewStore(db *store.DB) *Store { return &Store{db: db} }

// keepCalls is how long the records of calls out are kept here; the calls
// themselves are in the journal.
const keepCalls = 31 * 24 * time.Hour

// Listed is one number of the do-not-call list.
type Listed struct {
	Number string // E.164, or as dialled where it has no such form
	Since  time.Time
	By     string
	Why    string
}

// maxListed is how many numbers List returns at most.
const maxListed = 1000

// List returns the numbers of the do-not-call list that are whole, or hold q in
// themselves, in their reason or in who listed them, the newest first, at most 1000,
// and how many fit; "" is all. With masked no part of a number counts: who sees them
// masked would find the rest by asking.
func (s *Store) List(ctx context.Context, q, whole string, masked bool) (list []Listed, fit int, err error) {
	like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(q)) + "%"
	const where = ` FROM outbound_do_not_call WHERE number = $2 OR (NOT $3 AND number LIKE $1 ESCAPE '\') OR lower(why) LIKE $1 ESCAPE '\' OR lower(by_user) LIKE $1 ESCAPE '\'`
	list = []Listed{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if err := tx.QueryRowContext(ctx, `SELECT count(*)`+where, like, whole, masked).Scan(&fit); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT number, since, by_user, why`+where+` ORDER BY since DESC, number LIMIT $4`, like, whole, masked, maxListed)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var l Listed
			var since int64
			if err := rows.Scan(&l.Number, &since, &l.By, &l.Why); err != nil {
				return err
			}
			l.Since = time.UnixMilli(since)
			list = append(list, l)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read the do-not-call list: %w", err)
	}
	return list, fit, nil
}

// Has says whether a number is on the do-not-call list.
func (s *Store) Has(ctx context.Context, n Number) (bool, error) {
	found := false
	err := s.db.View(ctx, func(tx *store.Tx) error {
		var one int
		err := tx.QueryRowContext(ctx, `SELECT 1 FROM outbound_do_not_call WHERE number = $1`, n.Key()).Scan(&one)
		found = err == nil
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look into the do-not-call list: %w", err)
	}
	return found, nil
}

// Put puts numbers on the do-not-call list, all or none, and says how many are new;
// once more changes nothing but the reason.
func (s *Store) Put(ctx context.Context, list ...Listed) (added int, err error) {
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		before, err := countListed(ctx, tx)
		if err != nil {
			return err
		}
		for _, l := range list {
			if _, err := tx.ExecContext(ctx, `INSERT INTO outbound_do_not_call (number, since, by_user, why) VALUES ($1, $2, $3, $4)
				ON CONFLICT (number) DO UPDATE SET why = excluded.why`, l.Number, l.Since.UnixMilli(), l.By, l.Why); err != nil {
				return err
			}
		}
		after, err := countListed(ctx, tx)
		added = after - before
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("put numbers on the do-not-call list: %w", err)
	}
	return added, nil
}

func countListed(ctx context.Context, tx *store.Tx) (n int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM outbound_do_not_call`).Scan(&n)
	return n, err
}

// Remove takes a number off the list; false if it was not there.
func (s *Store) Remove(ctx context.Context, n Number) (bool, error) {
	gone := false
	err := s.db.Tx(ctx, func(tx *store.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM outbound_do_not_call WHERE number = $1`, n.Key())
		if err != nil {
			return err
		}
		rows, err := res.RowsAffected()
		gone = rows > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("take a number off the do-not-call list: %w", err)
	}
	return gone, nil
}

// Save keeps the record of a call that is over.
func (s *Store) Save(ctx context.Context, e Entry) error {
	var answered any
	if !e.Answered.IsZero() {
		answered = e.Answered.UnixMilli()
	}
	err := s.db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO outbound_calls (id, contact, line, purpose, by_user, number, kind, trunks, began, answered, ended, cost)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			string(e.ID), string(e.Contact), string(e.Line), string(e.Purpose), e.By, e.Number.Key(), string(e.Number.Kind), e.Trunks,
			e.Began.UnixMilli(), answered, e.Ended.UnixMilli(), e.Cost); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM outbound_calls WHERE began < $1`, e.Ended.Add(-keepCalls).UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("save the record of a call out: %w", err)
	}
	return nil
}

// SaveStop keeps whether everything is stopped, and since when the caps count.
func (s *Store) SaveStop(ctx context.Context, stopped *Stopped, countsFrom time.Time) error {
	var at any
	by, why := "", ""
	if stopped != nil {
		at, by, why = stopped.At.UnixMilli(), stopped.By, stopped.Why
	}
	err := s.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO outbound_state (one, stopped, stopped_by, why, counts_from) VALUES (1, $1, $2, $3, $4)
			ON CONFLICT (one) DO UPDATE SET stopped = excluded.stopped, stopped_by = excluded.stopped_by, why = excluded.why, counts_from = excluded.counts_from`,
			at, by, why, countsFrom.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("save that calls out are stopped: %w", err)
	}
	return nil
}

// Load returns what Book.Restore takes, and since when the caps count.
func (s *Store) Load(ctx context.Context, now time.Time) (ended []Entry, stopped *Stopped, countsFrom time.Time, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		var at sql.NullInt64
		var from int64
		var st Stopped
		row := tx.QueryRowContext(ctx, `SELECT stopped, stopped_by, why, counts_from FROM outbound_state WHERE one = 1`)
		if err := row.Scan(&at, &st.By, &st.Why, &from); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		countsFrom = time.UnixMilli(from)
		if at.Valid {
			st.At = time.UnixMilli(at.Int64)
			stopped = &st
		}
		rows, err := tx.QueryContext(ctx, `SELECT id, contact, line, purpose, by_user, number, kind, trunks, began, answered, ended, cost
			FROM outbound_calls WHERE began >= $1 ORDER BY began`, max(from, now.Add(-day).UnixMilli()))
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			e, err := scanEntry(rows)
			if err != nil {
				return err
			}
			ended = append(ended, e)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, nil, countsFrom, fmt.Errorf("read what was called lately: %w", err)
	}
	return ended, stopped, countsFrom, nil
}

func scanEntry(rows *sql.Rows) (Entry, error) {
	var e Entry
	var began, ended int64
	var answered sql.NullInt64
	var id, contactID, line, purpose, number, kind string
	if err := rows.Scan(&id, &contactID, &line, &purpose, &e.By, &number, &kind, &e.Trunks, &began, &answered, &ended, &e.Cost); err != nil {
		return e, fmt.Errorf("read a record: %w", err)
	}
	e.ID, e.Contact, e.Line, e.Purpose = contact.ID(id), contact.ID(contactID), contact.LineID(line), Purpose(purpose)
	e.Number = Number{Dialled: number, Kind: Kind(kind)}
	e.Began, e.Ended = time.UnixMilli(began), time.UnixMilli(ended)
	if answered.Valid {
		e.Answered = time.UnixMilli(answered.Int64)
	}
	return e, nil
}
