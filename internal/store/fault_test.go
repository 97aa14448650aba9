package store

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

// fullDisk takes so many octets and then no more, as a full disk does: the
// last write is cut short.
type fullDisk struct {
	room    int
	syncErr error
	taken   strings.Builder
	closed  bool
}

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), d.room)
	d.room -= n
	d.taken.Write(p[:n])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (d *fullDisk) Sync() error  { return d.syncErr }
func (d *fullDisk) Close() error { d.closed = true; return nil }

func onDisk(t *testing.T, d *fullDisk) Blob {
	t.Helper()
	b, err := OpenBlobs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b.open = func(*os.Root, string, int) (file, error) { return d, nil }
	w, err := b.Create("2026/x.cap")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(w.Close(), b.Close()); err != nil {
			t.Error(err)
		}
		if !d.closed {
			t.Error("the file is still open")
		}
	})
	return w
}

// After the first entry that did not fit nothing more is written, also when
// there is room again: it would stand behind a torn entry.
func TestBlobOnAFullDisk(t *testing.T) {
	d := &fullDisk{room: 10}
	w := onDisk(t, d)
	if n, err := w.Write([]byte("12345678")); n != 8 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	n, err := w.Write([]byte("abcdefgh"))
	if n != 2 || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "2026/x.cap") {
		t.Errorf("the write that does not fit: %d, %v", n, err)
	}
	d.room = 1000
	if n, err := w.Write([]byte("more")); n != 0 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a write after it: %d, %v", n, err)
	}
	if err := w.Sync(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a flush after it: %v", err)
	}
	if got := d.taken.String(); got != "12345678ab" {
		t.Errorf("on the disk is %q", got)
	}
}

// After a failed fsync nobody knows what is on the disk.
func TestBlobFailsToFlush(t *testing.T) {
	d := &fullDisk{room: 100, syncErr: syscall.EIO}
	w := onDisk(t, d)
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := w.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("flush: %v", err)
	}
	d.syncErr = nil
	if _, err := w.Write([]byte("y")); !errors.Is(err, syscall.EIO) {
		t.Errorf("a write after a failed flush: %v", err)
	}
	if err := w.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("a second flush hides the first: %v", err)
	}
}

func TestCreateFails(t *testing.T) {
	b, err := OpenBlobs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	b.open = func(*os.Root, string, int) (file, error) { return nil, syscall.ENOSPC }
	if _, err := b.Create("x"); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "blob x") {
		t.Errorf("create on a full disk: %v", err)
	}
}
