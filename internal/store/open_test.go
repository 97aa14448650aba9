package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"callfloor/internal/store"
)

// Several processes start on a new folder at once.
func TestOpenTogether(t *testing.T) {
	for range 3 {
		dir := filepath.Join(t.TempDir(), "data")
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				db, err := store.Open(t.Context(), dir)
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(db.Healthy(t.Context()), db.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

func TestOpenErrors(t *testing.T) {
	t.Run("NotAFolder", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(t.Context(), filepath.Join(file, "data"))
		if err == nil || !strings.Contains(err.Error(), "--data") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("NotADatabase", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, store.FileName), []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(t.Context(), dir)
		if err == nil || !strings.Contains(err.Error(), "put it aside") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("TimeIsOver", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := store.Open(ctx, t.TempDir()); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("Newer", func(t *testing.T) {
		dir := t.TempDir()
		db := open(t, dir)
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Open(t.Context(), dir); !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), "99999") {
			t.Errorf("open: %v, want ErrNewer", err)
		}
		if _, err := store.OpenReadOnly(t.Context(), dir); !errors.Is(err, store.ErrNewer) {
			t.Errorf("open for reading: %v, want ErrNewer", err)
		}
	})
	t.Run("Older", func(t *testing.T) {
		dir := t.TempDir()
		raw, err := sql.Open("sqlite", filepath.Join(dir, store.FileName))
		if err != nil {
			t.Fatal(err)
		}
		_, err = raw.Exec(`CREATE TABLE t (x)`)
		if err := errors.Join(err, raw.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := store.OpenReadOnly(t.Context(), dir); !errors.Is(err, store.ErrOlder) {
			t.Errorf("open for reading: %v, want ErrOlder", err)
		}
	})
}
