package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"callfloor/internal/store"
	"callfloor/internal/store/storetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func add(t testing.TB, db *store.DB, id string) {
	t.Helper()
	if err := db.Tx(t.Context(), insert(id)); err != nil {
		t.Fatal(err)
	}
}

func insert(id string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO call_calls (id, line, caller, started, consent) VALUES (?, '1000', '', ?, 'none')`, id, tx.Now.UnixMilli())
		return err
	}
}

func count(t testing.TB, db *store.DB) (n int) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) error { return tx.QueryRow(`SELECT count(*) FROM call_calls`).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTransactions(t *testing.T) {
	db := storetest.Open(t)
	ctx := t.Context()
	t.Run("Committed", func(t *testing.T) {
		add(t, db, "a")
		if err := db.TxDurable(ctx, insert("b")); err != nil {
			t.Fatal(err)
		}
		if n := count(t, db); n != 2 {
			t.Errorf("%d rows, want 2", n)
		}
	})
	failure := errors.New("no")
	for name, tx := range map[string]func(context.Context, func(*store.Tx) error) error{"Tx": db.Tx, "TxDurable": db.TxDurable} {
		t.Run("RolledBack/"+name, func(t *testing.T) {
			err := tx(ctx, func(tx *store.Tx) error { return errors.Join(insert("c")(tx), failure) })
			if !errors.Is(err, failure) {
				t.Errorf("error %v", err)
			}
			func() {
				defer func() { _ = recover() }()
				_ = tx(ctx, func(tx *store.Tx) error { _ = insert("d")(tx); panic("bug") })
			}()
			over, cancel := context.WithCancel(ctx)
			if err := tx(over, func(tx *store.Tx) error { cancel(); return insert("e")(tx) }); !errors.Is(err, context.Canceled) {
				t.Errorf("a transaction whose time is over: %v", err)
			}
			if err := tx(over, insert("f")); !errors.Is(err, context.Canceled) {
				t.Errorf("a transaction after its time: %v", err)
			}
			if n := count(t, db); n != 2 {
				t.Errorf("%d rows, want 2", n)
			}
		})
	}
	t.Run("ViewWritesNothing", func(t *testing.T) {
		if err := db.View(ctx, insert("g")); err == nil {
			t.Error("a view wrote a row")
		}
	})
	t.Run("NowStandsStill", func(t *testing.T) {
		err := db.Tx(ctx, func(tx *store.Tx) error {
			if tx.Now.IsZero() || time.Since(tx.Now) > time.Minute {
				t.Errorf("now is %v", tx.Now)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Every connection gets its settings back, whatever happened on it.
func TestSettings(t *testing.T) {
	db := storetest.Open(t)
	if err := db.TxDurable(t.Context(), insert("a")); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	_ = db.TxDurable(over, func(*store.Tx) error { cancel(); return nil })
	for pragma, want := range map[string]string{"synchronous": "1", "journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "10000"} {
		var got string
		err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.QueryRow("PRAGMA " + pragma).Scan(&got) })
		if err != nil || got != want {
			t.Errorf("%s is %q, want %q: %v", pragma, got, want, err)
		}
	}
}

// Nobody but the owner reads the database, whatever the umask and whatever an
// older start left.
func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	db := open(t, dir)
	add(t, db, "a")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		path := filepath.Join(dir, store.FileName+suffix)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode().Perm())
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v", info.Mode().Perm(), err)
	}
	open(t, dir)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(filepath.Join(dir, store.FileName+suffix)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%q after the next start: %v, %v", suffix, info.Mode().Perm(), err)
		}
	}
}

// Characters that mean something in a URI are only characters in a path.
func TestOddFolders(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"./callfloor-data", "a b", "what?mode=memory", "50%25", "x#y", "数据", "a:b", "semi;colon&amp"} {
		t.Run(dir, func(t *testing.T) {
			add(t, open(t, dir), "a")
			if _, err := os.Stat(filepath.Join(dir, store.FileName)); err != nil {
				t.Error(err)
			}
			ro, err := store.OpenReadOnly(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			defer ro.Close()
			if count(t, ro) != 1 {
				t.Error("the row is not there")
			}
		})
	}
}

func TestReadOnly(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	if _, err := store.OpenReadOnly(ctx, dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no database: %v, want fs.ErrNotExist", err)
	}
	serving, err := store.Open(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	add(t, serving, "a")
	ro, err := store.OpenReadOnly(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	t.Run("WhileServing", func(t *testing.T) {
		add(t, serving, "b")
		if n := count(t, ro); n != 2 {
			t.Errorf("%d rows seen, want 2", n)
		}
		// An open reader does not stop the writer, and sees its own moment.
		err := ro.View(ctx, func(tx *store.Tx) error {
			var before, after int
			err := tx.QueryRow(`SELECT count(*) FROM call_calls`).Scan(&before)
			add(t, serving, "c")
			err = errors.Join(err, tx.QueryRow(`SELECT count(*) FROM call_calls`).Scan(&after))
			if before != 2 || after != 2 {
				t.Errorf("one view saw %d and then %d rows", before, after)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("WritesNothing", func(t *testing.T) {
		for what, err := range map[string]error{
			"Tx": ro.Tx(ctx, insert("x")), "TxDurable": ro.TxDurable(ctx, insert("x")), "Healthy": ro.Healthy(ctx),
		} {
			if !errors.Is(err, store.ErrReadOnly) {
				t.Errorf("%s: %v, want ErrReadOnly", what, err)
			}
		}
		if err := ro.View(ctx, insert("x")); err == nil {
			t.Error("a view wrote")
		}
	})
	t.Run("NobodyServing", func(t *testing.T) {
		if err := serving.Close(); err != nil {
			t.Fatal(err)
		}
		alone, err := store.OpenReadOnly(ctx, dir)
		if err != nil {
			t.Fatal(err)
		}
		defer alone.Close()
		if n := count(t, alone); n != 3 {
			t.Errorf("%d rows, want 3", n)
		}
	})
}

func TestHealthy(t *testing.T) {
	db, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := db.Healthy(t.Context()); err != nil {
			t.Error(err)
		}
	}
	var n int
	var at int64
	err = db.View(t.Context(), func(tx *store.Tx) error {
		return tx.QueryRow(`SELECT count(*), max(at) FROM store_health`).Scan(&n, &at)
	})
	if err != nil || n != 1 || time.Since(time.UnixMilli(at)) > time.Minute {
		t.Errorf("%d rows, the last of %v: %v", n, time.UnixMilli(at), err)
	}
	// SQLite answers this as it answers a full disk.
	err = db.Tx(t.Context(), func(tx *store.Tx) error {
		var pages int
		if err := tx.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
			return err
		}
		_, err := tx.Exec(fmt.Sprintf("PRAGMA max_page_count = %d; DELETE FROM store_health", pages))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	fill := func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO call_calls (id, line, caller, started, consent, note) VALUES ('big', '', '', 0, '', ?)`, strings.Repeat("x", 1<<20))
		return err
	}
	if err := db.Tx(t.Context(), fill); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("a row that does not fit: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Healthy(t.Context()); err == nil {
		t.Error("a closed database is healthy")
	}
}

// Eight goroutines read and write, and a second process (as SQLite sees it)
// too: nobody gets SQLITE_BUSY.
func TestConcurrency(t *testing.T) {
	dir := t.TempDir()
	dbs := []*store.DB{open(t, dir), open(t, dir)}
	const each = 40
	var all sync.WaitGroup
	for g := range 8 {
		db := dbs[g%2]
		all.Go(func() {
			for i := range each {
				err := db.Tx(t.Context(), func(tx *store.Tx) error {
					var n int // read first, then write: the case that upgrades a lock
					if err := tx.QueryRow(`SELECT count(*) FROM call_calls`).Scan(&n); err != nil {
						return err
					}
					return insert(fmt.Sprintf("%d-%d", g, i))(tx)
				})
				err = errors.Join(err, db.View(t.Context(), func(tx *store.Tx) error {
					var id string
					return tx.QueryRow(`SELECT id FROM call_calls WHERE id = ?`, fmt.Sprintf("%d-%d", g, i)).Scan(&id)
				}))
				if err != nil {
					t.Errorf("goroutine %d, row %d: %v", g, i, err)
				}
			}
		})
	}
	all.Wait()
	if n := count(t, dbs[0]); n != 8*each {
		t.Errorf("%d rows, want %d", n, 8*each)
	}
}

func BenchmarkTx(b *testing.B) {
	db := storetest.Open(b)
	for name, tx := range map[string]func(context.Context, func(*store.Tx) error) error{"Tx": db.Tx, "TxDurable": db.TxDurable} {
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				i++
				if err := tx(b.Context(), insert(fmt.Sprint(b.Name(), b.N, i, time.Now().UnixNano()))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
