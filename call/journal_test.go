package call

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/internal/store"
	"callfloor/internal/store/storetest"
)

// What a full disk refuses is written when there is room again, in its order;
// who waits is told at once; a write that is bad for good is given up.
func TestJournalTriesAgain(t *testing.T) {
	j := newJournal(t)
	var mu sync.Mutex
	var done []int
	full := true
	put := func(n int) func(*store.Tx) error {
		return func(*store.Tx) error {
			mu.Lock()
			defer mu.Unlock()
			if full {
				return store.ErrReadOnly // as good as a full disk: it may work later
			}
			done = append(done, n)
			return nil
		}
	}
	j.later(put(1))
	if err := j.now(t.Context(), put(2)); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("who waits for a full disk is told %v", err)
	}
	j.later(put(3))
	wait := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("waited in vain until %s", what)
			}
		}
	}
	wait("the journal is unhealthy", func() bool { return j.Healthy() != nil })
	mu.Lock()
	full = false
	mu.Unlock()
	wait("the journal is healthy", func() bool { return j.Healthy() == nil })
	bad := errors.New("bad for good")
	if err := j.now(t.Context(), func(*store.Tx) error { return bad }); !errors.Is(err, bad) {
		t.Errorf("a bad write: %v", err)
	}
	if err := j.now(t.Context(), put(4)); err != nil {
		t.Errorf("a write after it: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []int{1, 3, 4}; !slices.Equal(done, want) {
		t.Errorf("written: %v, want %v", done, want)
	}
	if j.Dropped() != 1 {
		t.Errorf("%d writes count as dropped, want the bad one", j.Dropped())
	}
}

// TestJournalLingers: writes that nobody waits for share a transaction, and who
// reads by the journal sees them at once all the same.
func TestJournalLingers(t *testing.T) {
	dir := storetest.Folder(t)
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(context.Background(), dir)
		must(t, err)
		defer func() { _ = db.Close() }()
		j, disk := NewJournal(db, slog.New(slog.DiscardHandler)), NewReader(db)
		defer j.Close()
		calls := func(list func(context.Context, Query) ([]Record, error)) int {
			found, err := list(context.Background(), Query{})
			must(t, err)
			return len(found)
		}
		j.begin("one", "1000", "", time.Now())
		synctest.Wait()
		if n := calls(disk.List); n != 0 {
			t.Errorf("%d calls on disk at once, want none", n)
		}
		if n := calls(j.List); n != 1 {
			t.Errorf("%d calls by the journal, want 1", n)
		}
		j.begin("two", "1000", "", time.Now())
		time.Sleep(journalLinger)
		synctest.Wait()
		if n := calls(disk.List); n != 2 {
			t.Errorf("%d calls on disk after %v, want 2", n, journalLinger)
		}
	})
}
