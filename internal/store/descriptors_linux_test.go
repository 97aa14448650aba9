package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"callfloor/internal/store"
)

// However much is read at once, the database has the files open that it had
// from the beginning.
func TestDescriptorsStayTheSame(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	write := func() {
		if err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec("CREATE TABLE IF NOT EXISTS test_t (a INTEGER)")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	write()
	before := openFiles(t, dir)
	var all, reading sync.WaitGroup
	reading.Add(4)
	for range 16 {
		all.Go(func() {
			if err := db.View(t.Context(), func(tx *store.Tx) error {
				var n int
				return tx.QueryRow("SELECT count(*) FROM test_t").Scan(&n)
			}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 4 { // all at the same time
		all.Go(func() {
			if err := db.View(t.Context(), func(tx *store.Tx) error {
				reading.Done()
				reading.Wait()
				var n int
				return tx.QueryRow("SELECT count(*) FROM test_t").Scan(&n)
			}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	write()
	if now := openFiles(t, dir); now != before {
		t.Errorf("%d files of the database were open, now %d", before, now)
	}
}

// openFiles counts this process's descriptors in dir.
func openFiles(t *testing.T, dir string) (n int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && strings.HasPrefix(to, dir) {
			n++
		}
	}
	return n
}
