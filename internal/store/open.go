package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite" // also the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/*.sql
var migrations embed.FS

// FileName is the database's name in the data folder; SQLite keeps two more
// files beside it, with -wal and -shm after the name.
const FileName = "callfloor.db"

// ErrNewer says that the database was written by a newer program.
var ErrNewer = errors.New("the database was written by a newer version of callfloor; run that one, or restore an older data folder")

// ErrOlder says that a database opened for reading only lacks tables that this
// program needs.
var ErrOlder = errors.New("the database was written by an older version of callfloor; start `callfloor serve` once to bring it up to date")

// Open opens the database in dir, makes the folder (mode 0700) and the file
// (mode 0600) where they are missing, and brings the tables up to date. The
// error is ErrNewer if a newer program has been here.
func Open(ctx context.Context, dir string) (*DB, error) {
	all, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return openWith(ctx, dir, all)
}

// leastRoom is what a database is not opened without: it might open with less, and then
// lose what happens in its first minute.
const leastRoom = 256 << 10

func openWith(ctx context.Context, dir string, migrations fs.FS) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder %s: %w", dir, explain(err))
	}
	if err := makeFile(dir); err != nil {
		return nil, fmt.Errorf("write to the data folder %s: %w", dir, explain(err))
	}
	if free, err := freeOctets(dir); err == nil && free < leastRoom {
		return nil, fmt.Errorf("open the database in %s with %d KiB of room: %w", dir, free>>10, explain(syscall.ENOSPC))
	}
	db, err := connect(dir, false)
	if err != nil {
		return nil, err
	}
	if err := whileBusy(ctx, func() error { return db.migrate(ctx, migrations) }); err != nil {
		return nil, errors.Join(fmt.Errorf("bring the database in %s up to date: %w", dir, explain(err)), db.Close())
	}
	if err := whileBusy(ctx, func() error { return db.openReaders(ctx) }); err != nil {
		return nil, errors.Join(fmt.Errorf("read the database in %s: %w", dir, explain(err)), db.Close())
	}
	return db, nil
}

// OpenReadOnly opens the database in dir for reading while another process may
// be writing to it. It makes and changes nothing. The error matches
// fs.ErrNotExist if there is no database, and is ErrNewer or ErrOlder if this
// program does not know its tables.
func OpenReadOnly(ctx context.Context, dir string) (*DB, error) {
	all, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, FileName)); err != nil {
		return nil, fmt.Errorf("open the database in %s: %w", dir, explain(err))
	}
	db, err := connect(dir, true)
	if err != nil {
		return nil, err
	}
	if err := db.checkVersion(ctx, all); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database in %s: %w", dir, explain(err)), db.Close())
	}
	return db, nil
}

// makeFile makes the database's file before SQLite does, which would use the
// umask. The files beside it get the same mode; those of an older start are
// narrowed.
func makeFile(dir string) error {
	path := filepath.Join(dir, FileName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil || info.Mode().Perm()&0o077 == 0 {
			continue
		}
		if err := os.Chmod(path+suffix, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// connect makes the pools; SQLite opens the file at the first use. Without
// _txlock=immediate a transaction that reads first and then writes gets
// SQLITE_BUSY at once, whatever busy_timeout says.
func connect(dir string, readOnly bool) (*DB, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the data folder %s: %w", dir, err)
	}
	path := filepath.Join(abs, FileName)
	name := "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
	db := &DB{dir: dir}
	reading := "?_pragma=busy_timeout(10000)&_query_only=1"
	if readOnly {
		reading += "&mode=ro"
	} else {
		db.rw, err = sql.Open("sqlite", name+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"+
			"&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)&_pragma=journal_size_limit(67108864)")
		if err != nil {
			return nil, fmt.Errorf("open the database %s: %w", path, err)
		}
		db.rw.SetMaxOpenConns(1)
	}
	db.ro, err = sql.Open("sqlite", name+reading)
	if err != nil {
		if db.rw != nil {
			err = errors.Join(err, db.rw.Close())
		}
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	// Kept however idle: opening one reads the schema anew.
	db.ro.SetMaxOpenConns(readers)
	db.ro.SetMaxIdleConns(readers)
	return db, nil
}

// readers is how many transactions may read at once.
const readers = 4

// openReaders opens all of them with their files, so that a running server has
// as many descriptors on its first day as on any other.
func (db *DB) openReaders(ctx context.Context) error {
	for range readers {
		c, err := db.ro.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }() // back into the pool
		var n int
		if err := c.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&n); err != nil {
			return err
		}
	}
	return nil
}

// migrate brings the tables up to date. The rooms number their migrations in
// ranges of their own, so a lower number may well come later.
func (db *DB) migrate(ctx context.Context, migrations fs.FS) error {
	if err := db.rw.PingContext(ctx); err != nil {
		return err
	}
	if err := db.checkNewer(ctx, migrations); err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db.rw, migrations, goose.WithAllowOutofOrder(true))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// openingTakes is how long a start waits for other processes that open or close
// the same database.
const openingTakes = 10 * time.Second

// whileBusy tries again while another process has the database to itself: to
// make it a WAL one, to bring it up to date (then the work is done), or to fold
// the log in when it closes it. For the first and the last SQLite says so at
// once, whatever busy_timeout is. Any other error is looked at three times: who
// comes second to a migration may find its work half done.
func whileBusy(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, openingTakes)
	defer cancel()
	for tries := 0; ; tries++ {
		err := do()
		if err == nil || tries > 2 && !busy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func busy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

func (db *DB) checkNewer(ctx context.Context, migrations fs.FS) error {
	known, applied, err := versions(ctx, db.rw, migrations)
	if err != nil {
		return err
	}
	return compare(known, applied)
}

func (db *DB) checkVersion(ctx context.Context, migrations fs.FS) error {
	known, applied, err := versions(ctx, db.ro, migrations)
	if err != nil {
		return err
	}
	if err := compare(known, applied); err != nil {
		return err
	}
	for _, v := range known {
		if !slices.Contains(applied, v) {
			return fmt.Errorf("table version %d is missing: %w", v, ErrOlder)
		}
	}
	return nil
}

func compare(known, applied []int64) error {
	for _, v := range applied {
		if !slices.Contains(known, v) {
			return fmt.Errorf("table version %d is unknown here: %w", v, ErrNewer)
		}
	}
	return nil
}

// versions lists the migrations that this program has and those that the
// database has seen; the latter is empty for a new database.
func versions(ctx context.Context, db *sql.DB, migrations fs.FS) (known, applied []int64, err error) {
	files, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return nil, nil, err
	}
	for _, name := range files {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return nil, nil, err
		}
		known = append(known, v)
	}
	const table = `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'`
	var there int
	if err := db.QueryRowContext(ctx, table).Scan(&there); err != nil || there == 0 {
		return known, nil, err
	}
	rows, err := db.QueryContext(ctx, `SELECT version_id FROM goose_db_version WHERE is_applied AND version_id > 0`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return nil, nil, err
		}
		applied = append(applied, v)
	}
	return known, applied, rows.Err()
}

// explain adds to an error of the system what can be done about it.
func explain(err error) error {
	var advice string
	switch text := err.Error(); {
	case errors.Is(err, fs.ErrPermission):
		advice = "give the folder to the user that callfloor runs as (chown), or choose another with --data"
	case errors.Is(err, syscall.EROFS), strings.Contains(text, "readonly database"):
		advice = "the disk or the file is read-only; choose another folder with --data"
	case Full(err), strings.Contains(text, "disk is full"):
		advice = "the disk is full; make room"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		advice = "something on the way is not a folder; choose another with --data"
	case strings.Contains(text, "file is not a database"):
		advice = FileName + " is damaged or something else; put it aside and restore a copy"
	default:
		return err
	}
	return fmt.Errorf("%w: %s", err, advice)
}
