package recordings

import (
	"context"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Query narrows a list.
type Query struct {
	// Limit is how many at most; 0 is 100, 1000 the most.
	Limit int
	// Call, if set, is the contact that they belong to.
	Call contact.ID
	// Before, if set, is a time that they began before: the next page.
	Before time.Time
}

// List returns recordings, the newest first, erased ones too.
func (s *Store) List(ctx context.Context, q Query) ([]Info, error) {
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	limit := min(q.Limit, 1000)
	if limit <= 0 {
		limit = 100
	}
	before := int64(1) << 62
	if !q.Before.IsZero() {
		before = q.Before.UnixMilli()
	}
	var rows []row
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = queryRows(ctx, tx, `WHERE started < ? AND (? = '' OR contact = ?) ORDER BY started DESC, id LIMIT ?`,
			before, q.Call, q.Call, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	infos := make([]Info, 0, len(rows))
	for _, r := range rows {
		infos = append(infos, s.info(s.asEnded(r)))
	}
	return infos, nil
}

// Get returns one recording, contact.NotFound if there is none.
func (s *Store) Get(ctx context.Context, id string) (Info, error) {
	r, err := s.row(ctx, id)
	if err != nil {
		return Info{}, err
	}
	return s.info(r), nil
}

// row returns id's row, settled.
func (s *Store) row(ctx context.Context, id string) (row, error) {
	if !contact.ID(id).Valid() {
		return row{}, contact.Errorf(contact.NotFound, "there is no recording %s", shortened(id))
	}
	var r row
	get := func() error {
		return s.db.View(ctx, func(tx *store.Tx) (err error) {
			r, err = getRow(ctx, tx, id)
			return err
		})
	}
	if err := get(); err != nil || r.state != StateOpen {
		return r, err
	}
	if err := s.settle(ctx); err != nil {
		return row{}, err
	}
	err := get()
	return s.asEnded(r), err
}

// asEnded is r with its ending where the database has not taken that yet (a
// full disk): readers must not see a recording that failed as one that runs.
func (s *Store) asEnded(r row) row {
	s.mu.Lock()
	e, unkept := s.unkept[r.id]
	s.mu.Unlock()
	if unkept && r.state == StateOpen {
		r.end(e)
	}
	return r
}

// info is r's Info; of one that is being made, as far as it is.
func (s *Store) info(r row) Info {
	i := r.info()
	if r.state != StateOpen {
		return i
	}
	if live := s.liveRecording(r.id); live != nil {
		live.liveInfo(&i)
		return i
	}
	rd, file, err := s.open(r) // another process makes it: what its file holds
	if err != nil {
		return i
	}
	defer discard(file)
	found := rd.walk()
	d := seconds(found.tally.end)
	i.Duration, i.Tracks = &d, found.tally.info()
	return i
}

// Act is one of the acts on a recording: hold, release, erase.
type Act struct {
	At  string `json:"at"`
	Act string `json:"act"`
	By  string `json:"by"`
	Why string `json:"why"`
}

// Acts returns who held, released and erased recording id, the oldest first.
func (s *Store) Acts(ctx context.Context, id string) ([]Act, error) {
	acts := []Act{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT at, act, by, why FROM recordings_acts WHERE recording = ? ORDER BY n`, id)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err below tells
		for rows.Next() {
			var a Act
			var at int64
			if err := rows.Scan(&at, &a.Act, &a.By, &a.Why); err != nil {
				return err
			}
			a.At = contact.Time(time.UnixMilli(at))
			acts = append(acts, a)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list the acts on recording %s: %w", shortened(id), err)
	}
	return acts, nil
}
