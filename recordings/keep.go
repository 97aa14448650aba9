package recordings

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Hold keeps a recording from being erased, by whomever, until Release. by and
// why are kept. An erased one is contact.Conflict.
func (s *Store) Hold(ctx context.Context, id, by, why string) error {
	return s.setHold(ctx, id, true, "hold", by, why)
}

// Release ends a hold. It needs no reason.
func (s *Store) Release(ctx context.Context, id, by, why string) error {
	return s.setHold(ctx, id, false, "release", by, why)
}

func (s *Store) setHold(ctx context.Context, id string, on bool, act, by, why string) error {
	if by == "" || on && why == "" {
		return contact.Errorf(contact.Invalid, "to %s a recording needs a name and a reason", act)
	}
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		r, err := getRow(ctx, tx, id)
		if err != nil {
			return err
		}
		if r.erasedAt.Valid {
			return contact.Errorf(contact.Conflict, "recording %s was erased by %s", id, r.erasedBy)
		}
		if r.hold == on {
			return nil
		}
		heldBy, heldWhy := by, why
		if !on {
			heldBy, heldWhy = "", ""
		}
		_, err = tx.ExecContext(ctx, `UPDATE recordings_recordings SET hold = ?, hold_by = ?, hold_why = ? WHERE id = ?`, on, heldBy, heldWhy, id)
		if err != nil {
			return fmt.Errorf("%s recording %s: %w", act, id, err)
		}
		return insertAct(ctx, tx, r.id, act, by, why)
	})
}

// Erase destroys a recording's key and file for good; its row stays and says by
// whom and why. A recording on hold, or one that is still being made, is
// contact.Conflict; one that was erased before is no error.
func (s *Store) Erase(ctx context.Context, id, by, why string) error {
	if by == "" || why == "" {
		return contact.Errorf(contact.Invalid, "to erase a recording needs a name and a reason")
	}
	r, err := s.row(ctx, id) // settled: a crash does not keep a recording open
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		if r, err = getRow(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case r.erasedAt.Valid:
			return nil
		case r.hold:
			return contact.Errorf(contact.Conflict, "recording %s is on hold by %s (%s); release it first", id, r.holdBy, r.holdWhy)
		case r.state == StateOpen:
			return contact.Errorf(contact.Conflict, "recording %s is still being made", id)
		}
		if err := insertAct(ctx, tx, r.id, "erase", by, why); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE recordings_recordings SET erased_at = ?, erased_by = ?, erased_why = ? WHERE id = ?`,
			tx.Now.UnixMilli(), by, why, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("erase recording %s: %w", id, err)
	}
	return s.destroy(r)
}

// destroy overwrites the wrapped key, which makes every copy of the file's
// entries unreadable wherever the disk still has them, and removes the file.
func (s *Store) destroy(r row) error {
	err := s.overwriteKey(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = s.files.Remove(r.path)
	}
	if err != nil {
		return fmt.Errorf("erase recording %s (it is marked as erased; the next start tries again): %w", r.id, err)
	}
	return nil
}

func (s *Store) overwriteKey(name string) error {
	if !store.ValidBlobName(name) {
		return fmt.Errorf("overwrite the key of %q: not a name of a capture: %w", name, fs.ErrInvalid)
	}
	root, err := os.OpenRoot(filepath.Join(s.dir, capturesFolder))
	if err != nil {
		return err
	}
	defer discard(root)
	f, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer discard(f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// The header may be damaged; whatever it says, the wrapped key lies between
	// its fixed part and maxHeader.
	noise := make([]byte, max(0, min(info.Size(), maxHeader)-headerFixed))
	_, _ = rand.Read(noise) // crypto/rand.Read never fails (its documentation)
	_, err = f.WriteAt(noise, headerFixed)
	return errors.Join(err, f.Sync())
}

// sweepBatch bounds what one query of Sweep returns.
const sweepBatch = 500

// Sweep erases the recordings that are older than the retention at now and not
// on hold, and returns how many.
func (s *Store) Sweep(ctx context.Context, now time.Time) (erased int, err error) {
	limit := now.Add(-s.cfg.Retention)
	why := fmt.Sprintf("kept for %d days", int(s.cfg.Retention.Hours())/24)
	for {
		var rows []row
		err := s.db.View(ctx, func(tx *store.Tx) (err error) {
			rows, err = queryRows(ctx, tx, `WHERE started < ? AND erased_at IS NULL AND hold = 0 AND state <> 'open' ORDER BY started LIMIT ?`,
				limit.UnixMilli(), sweepBatch)
			return err
		})
		if err != nil || len(rows) == 0 {
			return erased, err
		}
		for _, r := range rows {
			err := s.Erase(ctx, string(r.id), "retention", why)
			if contact.ErrorCode(err) == contact.Conflict {
				continue // put on hold a moment ago
			}
			if err != nil {
				return erased, err
			}
			erased++
		}
	}
}
