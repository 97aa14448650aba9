package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

func table(name string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE " + name + " (x);\n-- +goose Down\nDROP TABLE " + name + ";\n")}
}

// The rooms number in ranges of their own: a room's second migration has a
// lower number than another room's first.
func TestMigrationsOutOfOrder(t *testing.T) {
	dir := t.TempDir()
	for _, step := range []fstest.MapFS{
		{"00100_call.sql": table("call_a"), "00300_api.sql": table("api_a")},
		{"00100_call.sql": table("call_a"), "00101_call.sql": table("call_b"), "00200_recordings.sql": table("rec_a"), "00300_api.sql": table("api_a")},
	} {
		db, err := openWith(t.Context(), dir, step)
		if err != nil {
			t.Fatal(err)
		}
		_, applied, err := versions(t.Context(), db.ro, step)
		if err := errors.Join(err, db.Close()); err != nil || len(applied) != len(step) {
			t.Errorf("applied %v of %d: %v", applied, len(step), err)
		}
	}
}

func TestBrokenMigration(t *testing.T) {
	dir := t.TempDir()
	broken := fstest.MapFS{"00100_call.sql": table("call_a"), "00101_call.sql": {Data: []byte("-- +goose Up\nCREATE NONSENSE;\n")}}
	if _, err := openWith(t.Context(), dir, broken); err == nil || !strings.Contains(err.Error(), dir) {
		t.Fatalf("error %v", err)
	}
	mended := fstest.MapFS{"00100_call.sql": table("call_a"), "00101_call.sql": table("call_b")}
	db, err := openWith(t.Context(), dir, mended)
	if err != nil {
		t.Fatalf("after it was mended: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// Somebody else's folder: the error says what to do. Root may write anywhere,
// so it takes off its powers for one thread.
func TestFolderNotWritable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its powers
		if os.Geteuid() == 0 {
			// The folder must be reached, but not written, by the other user.
			for p := dir; p != os.TempDir() && p != "/"; p = filepath.Dir(p) {
				if err := os.Chmod(p, 0o555); err != nil {
					result <- err
					return
				}
			}
			if err := syscall.Setfsuid(65534); err != nil {
				result <- err
				return
			}
		}
		_, err := Open(context.Background(), dir)
		result <- err
	}()
	err := <-result
	if err == nil || !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "chown") {
		t.Errorf("error %v", err)
	}
}

func TestExplain(t *testing.T) {
	for text, err := range map[string]error{
		"make room":         &os.PathError{Op: "open", Path: "x", Err: syscall.ENOSPC},
		"read-only":         &os.PathError{Op: "open", Path: "x", Err: syscall.EROFS},
		"give the folder":   os.ErrPermission,
		"not a folder":      &os.PathError{Op: "mkdir", Path: "x", Err: syscall.ENOTDIR},
		"something unknown": errors.New("something unknown"),
	} {
		got := explain(err)
		if !errors.Is(got, err) || !strings.Contains(got.Error(), text) {
			t.Errorf("%v is explained as %v", err, got)
		}
	}
}
