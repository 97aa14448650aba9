package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"callfloor/internal/store"
)

// A database whose files may grow no more refuses; a wrong statement is wrong.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	if os.Getuid() == 0 { // a real full disk
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err == nil {
			t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
			db, err := store.Open(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close() //nolint:errcheck // the test is over
			if err := db.Healthy(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("the disk is not full: %v", err)
			}
			if err := db.Tx(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(`CREATE TABLE big AS SELECT randomblob(500000) AS b`)
				return err
			}); !store.Refused(err) || !store.Full(err) {
				t.Errorf("a full disk's error is no refusal, or no lack of room: %v", err)
			}
			if err := db.Tx(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(`INSERT INTO nowhere VALUES (1)`); return err }); err == nil || store.Refused(err) || store.Full(err) {
				t.Errorf("a wrong statement is a refusal: %v", err)
			}
		}
	}
	for err, want := range map[error]bool{nil: false, fmt.Errorf("x: %w", store.ErrReadOnly): true, errors.New("x"): false} {
		if store.Refused(err) != want {
			t.Errorf("Refused(%v) is %v", err, !want)
		}
	}
}
