// Package store keeps rows: it owns the SQL driver, the migrations and the
// transactions. Each package writes its own SQL on a Tx, on tables that begin
// with its name.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// FileName is the database's name in the data folder.
const FileName = "callfloor.db"

// DB is the database of one data folder.
type DB struct {
	dir string
	rw  *sql.DB // one connection: SQLite has one writer
	ro  *sql.DB
}

// Open opens the database in dir, makes the folder (mode 0700) and the file
// where they are missing, and brings the tables up to date.
func Open(ctx context.Context, dir string) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder %s: %w", dir, err)
	}
	db, err := open(dir)
	if err != nil {
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("bring the database in %s up to date: %w", dir, err), db.Close())
	}
	return db, nil
}

func open(dir string) (*DB, error) {
	const pragmas = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)"
	path := filepath.Join(dir, FileName)
	rw, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&"+pragmas)
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	rw.SetMaxOpenConns(1)
	ro, err := sql.Open("sqlite", "file:"+path+"?"+pragmas)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), rw.Close())
	}
	ro.SetMaxOpenConns(4)
	return &DB{dir: dir, rw: rw, ro: ro}, nil
}

func (db *DB) migrate(ctx context.Context) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db.rw, sub)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// Dir returns the data folder.
func (db *DB) Dir() string { return db.dir }

// Close closes the database after running transactions have ended.
func (db *DB) Close() error { return errors.Join(db.ro.Close(), db.rw.Close()) }

// Tx is one transaction. Its time stands still, so that all rows written in it
// carry the same one.
type Tx struct {
	*sql.Tx
	Now time.Time
}

// Tx runs fn in a read-write transaction: committed if fn returns nil, rolled
// back otherwise.
func (db *DB) Tx(ctx context.Context, fn func(*Tx) error) error { return run(ctx, db.rw, nil, fn) }

// View runs fn in a read-only transaction.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	return run(ctx, db.ro, &sql.TxOptions{ReadOnly: true}, fn)
}

func run(ctx context.Context, db *sql.DB, opts *sql.TxOptions, fn func(*Tx) error) error {
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
