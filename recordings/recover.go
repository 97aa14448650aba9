package recordings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Recover makes the folder whole after a crash: recordings that a dead process
// left open become cut_off (readable to their last whole entry) or, where only
// the row was not written any more, sealed; captures without a row get one;
// erasures that were begun are ended. It returns how many were cut off. It does
// nothing while another process records into the folder.
func (s *Store) Recover(ctx context.Context) (cutOff int, err error) {
	if err := s.takeLock(); errors.Is(err, errLocked) {
		s.log.Warn("recordings are not recovered: another process records into the data folder", "dir", s.dir)
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	cut, err := s.endDead(ctx)
	if err != nil {
		return cut, err
	}
	adopted, err := s.adopt(ctx)
	return cut + adopted, err
}

// settle ends what is open and dead, so that readers never see a crash as a
// running recording: lists must be right without a server, too.
func (s *Store) settle(ctx context.Context) error {
	open, err := s.deadRows(ctx)
	if err != nil || len(open) == 0 {
		return err
	}
	s.mu.Lock()
	mine := s.lock != nil
	s.mu.Unlock()
	if !mine {
		f, err := lockFile(path.Join(s.dir, lockName))
		if errors.Is(err, errLocked) {
			return nil // they live
		}
		if err != nil {
			return err
		}
		defer discard(f)
	}
	if _, err = s.endDead(ctx); store.Refused(err) {
		return nil // readers take what is to be written from unkept
	}
	return err
}

// deadRows returns the open rows that no recording of this process has.
func (s *Store) deadRows(ctx context.Context) ([]row, error) {
	var rows, dead []row
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = queryRows(ctx, tx, `WHERE state = 'open'`)
		return err
	})
	for _, r := range rows {
		if s.liveRecording(r.id) == nil {
			dead = append(dead, r)
		}
	}
	return dead, err
}

// endDead ends the dead rows; the caller holds the lock of the folder.
func (s *Store) endDead(ctx context.Context) (cut int, err error) {
	dead, err := s.deadRows(ctx)
	if err != nil {
		return 0, err
	}
	for _, r := range dead {
		e := s.endingOf(r)
		if err := s.db.Tx(ctx, func(tx *store.Tx) error { return endRow(ctx, tx, r.id, e) }); err != nil {
			s.mu.Lock()
			s.unkept[r.id] = e
			s.mu.Unlock()
			return cut, fmt.Errorf("end recording %s: %w", r.id, err)
		}
		s.mu.Lock()
		delete(s.unkept, r.id)
		s.mu.Unlock()
		s.log.Warn("recording ended by its recovery", "call", string(r.meta.Contact), "recording", string(r.id),
			"state", string(e.state), "entries", e.entries, "seconds", seconds(e.duration), "why", e.why)
		if e.state == StateCutOff {
			cut++
		}
	}
	return cut, nil
}

// endingOf finds out how a dead recording ended.
func (s *Store) endingOf(r row) ending {
	s.mu.Lock()
	e, known := s.unkept[r.id]
	s.mu.Unlock()
	if known {
		return e
	}
	rd, file, err := s.open(r)
	if err != nil {
		return ending{state: StateFailed, why: err.Error(), tracks: []TrackInfo{}}
	}
	defer discard(file)
	return rd.walk().ending()
}

// ending is what a capture that nobody writes any more says of itself.
func (s *summary) ending() ending {
	e := ending{
		state: StateCutOff, why: "the server stopped in mid-call", duration: s.tally.end,
		tracks: s.tally.info(), size: s.size, entries: s.entries, head: s.head,
	}
	if s.seal != nil && errors.Is(s.end, io.EOF) {
		e.state, e.why, e.duration = StateSealed, s.seal.Why, time.Duration(s.seal.DurationMS)*time.Millisecond
	}
	return e
}

// adopt gives captures without a row one, and destroys those whose row says
// that they were erased.
func (s *Store) adopt(ctx context.Context) (cut int, err error) {
	list, err := s.files.List("")
	if err != nil {
		return 0, fmt.Errorf("look for captures: %w", err)
	}
	erased, err := s.knownRows(ctx)
	if err != nil {
		return 0, err
	}
	for _, f := range list {
		id := contact.ID(strings.TrimSuffix(path.Base(f.Name), extension))
		if !strings.HasSuffix(f.Name, extension) || !id.Valid() || s.liveRecording(id) != nil {
			continue
		}
		if gone, known := erased[id]; gone {
			if err := s.destroy(row{id: id, path: f.Name}); err != nil {
				return cut, err
			}
			continue
		} else if known {
			continue
		}
		state, err := s.adoptOne(ctx, id, f)
		if err != nil {
			return cut, fmt.Errorf("give the capture %s a row: %w", f.Name, err)
		}
		s.log.Warn("capture without a row was given one", "recording", string(id), "state", string(state))
		if state == StateCutOff {
			cut++
		}
	}
	return cut, nil
}

// knownRows says of each recording that has a row whether it was erased.
func (s *Store) knownRows(ctx context.Context) (map[contact.ID]bool, error) {
	erased := make(map[contact.ID]bool)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id, erased_at IS NOT NULL FROM recordings_recordings`)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err below tells
		for rows.Next() {
			var id contact.ID
			var gone bool
			if err := rows.Scan(&id, &gone); err != nil {
				return err
			}
			erased[id] = gone
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read the recordings' rows: %w", err)
	}
	return erased, nil
}

func (s *Store) adoptOne(ctx context.Context, id contact.ID, f store.BlobInfo) (State, error) {
	r := row{id: id, path: f.Name, meta: Meta{Answered: f.Modified}, consent: contact.ConsentNone}
	e := ending{state: StateFailed, tracks: []TrackInfo{}, size: f.Size}
	rd, file, err := s.open(r)
	if err != nil {
		e.why = err.Error()
	} else {
		defer discard(file)
		found := rd.walk()
		r.meta.Contact = rd.header.contact
		if m := found.manifest; m != nil {
			r.meta = Meta{Contact: m.Contact, Line: m.Line, Queue: m.Queue, Agent: m.Agent, Answered: m.Answered}
			r.consent = m.Consent.State
		}
		e = found.ending()
	}
	return e.state, s.db.Tx(ctx, func(tx *store.Tx) error {
		if err := insertRow(ctx, tx, id, r.path, r.meta, r.consent); err != nil {
			return err
		}
		return endRow(ctx, tx, id, e)
	})
}
