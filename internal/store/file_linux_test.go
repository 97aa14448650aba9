package store_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"callfloor/internal/store"
)

// A disk that is full says so in the words of the system.
func TestFull(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // nothing is in it
	if _, err := f.WriteString("x"); !store.Full(fmt.Errorf("write: %w", err)) {
		t.Errorf("%v is not a full disk", err)
	}
	if store.Full(nil) || store.Full(fs.ErrNotExist) {
		t.Error("anything is a full disk")
	}
}

// A file is there whole or not at all, and one that was there stays; nothing is
// left beside it.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	for _, text := range []string{"first", "second"} {
		if err := store.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	way := filepath.Join(dir, "way")
	if err := os.MkdirAll(filepath.Join(way, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := store.WriteFile(way, []byte("text"), 0o600); err == nil || store.Full(err) {
		t.Errorf("a folder in the way: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "second" {
		t.Errorf("the file has %q, %v", text, err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 2 {
		t.Errorf("beside it are %v, %v", list, err)
	}
}
