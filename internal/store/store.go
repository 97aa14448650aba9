// Package store keeps rows and blobs: it owns the SQL driver, the migrations,
// the transactions and the files. Each package writes its own SQL on a Tx, on
// tables that begin with its name, and keeps its files in Blobs.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// DB is the database of one data folder. SQLite has one writer: read-write
// transactions stand in line, readers do not wait for them and see what was
// committed before they began. Other processes may have the same folder open.
type DB struct {
	dir string
	rw  *sql.DB // one connection; nil if opened for reading only
	ro  *sql.DB
}

// ErrReadOnly is what Tx returns on a database from OpenReadOnly.
var ErrReadOnly = errors.New("the database was opened for reading only")

// Dir returns the data folder.
func (db *DB) Dir() string { return db.dir }

// Close closes the database after running transactions have ended.
func (db *DB) Close() error {
	err := db.ro.Close()
	if db.rw != nil {
		err = errors.Join(err, db.rw.Close())
	}
	return err
}

// Tx is one transaction. Its time stands still, so that all rows written in it
// carry the same one.
type Tx struct {
	*sql.Tx
	Now time.Time
}

// Tx runs fn in a read-write transaction: committed if fn returns nil, rolled
// back otherwise, also when ctx ends or fn panics. What is committed survives
// the end of the process; for the end of the machine too, see TxDurable.
// Calling Tx or TxDurable from within fn waits for itself.
func (db *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	if db.rw == nil {
		return ErrReadOnly
	}
	return run(ctx, db.rw, nil, fn)
}

// TxDurable is Tx for what the law or money depends on: when it returns nil,
// the rows are on the disk and survive a power cut (and so does everything
// committed before).
func (db *DB) TxDurable(ctx context.Context, fn func(*Tx) error) (err error) {
	if db.rw == nil {
		return ErrReadOnly
	}
	conn, err := db.rw.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin a durable transaction: %w", err)
	}
	defer func() { err = errors.Join(err, giveBack(conn)) }()
	if _, err := conn.ExecContext(ctx, "PRAGMA synchronous = FULL"); err != nil {
		return fmt.Errorf("begin a durable transaction: %w", err)
	}
	return run(ctx, conn, nil, fn)
}

// giveBack returns a connection to the pool as it was taken. It must be done
// even if the caller's time is over.
func giveBack(conn *sql.Conn) error {
	_, err := conn.ExecContext(context.Background(), "PRAGMA synchronous = NORMAL")
	return errors.Join(err, conn.Close())
}

// View runs fn in a read-only transaction: all its reads see one moment.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	return run(ctx, db.ro, &sql.TxOptions{ReadOnly: true}, fn)
}

// Refused says whether err means that the disk does not take writes now: it is
// full, read-only, broken or locked by somebody. The same write may succeed
// later; any other error would come again.
func Refused(err error) bool {
	if errors.Is(err, ErrReadOnly) {
		return true
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	switch e.Code() & 0xff { // the primary code of an extended one
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY:
		return true
	}
	return false
}

// Healthy writes a row and commits it, so that it fails when the disk is full,
// gone or read-only.
func (db *DB) Healthy(ctx context.Context) error {
	err := db.Tx(ctx, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO store_health (one, at) VALUES (1, ?)
			ON CONFLICT (one) DO UPDATE SET at = excluded.at`, tx.Now.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("write to the database in %s: %w", db.dir, err)
	}
	return nil
}

type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

// run says that ctx ended where database/sql says only that the transaction did.
func run(ctx context.Context, db beginner, opts *sql.TxOptions, fn func(*Tx) error) (err error) {
	defer func() {
		if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
			err = errors.Join(err, cause)
		}
	}()
	tx, err := db.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // a no-op after Commit
	if err := fn(&Tx{Tx: tx, Now: time.Now()}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit a transaction: %w", err)
	}
	return nil
}
