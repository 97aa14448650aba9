package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callfloor/internal/store"
	"callfloor/internal/store/storetest"
	"pgregory.net/rapid"
)

func openBlobs(t testing.TB, dir string) *store.DirBlobs {
	t.Helper()
	b, err := store.OpenBlobs(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestDirBlobs(t *testing.T) {
	storetest.Blobs(t, func(t *testing.T) store.Blobs { return openBlobs(t, filepath.Join(t.TempDir(), "captures")) })
}

// Nobody but the owner reads a capture.
func TestDirBlobsModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "captures")
	storetest.Put(t, openBlobs(t, dir), "2026/11/a.cap", "x")
	for path, want := range map[string]fs.FileMode{"": 0o700, "2026": 0o700, "2026/11": 0o700, "2026/11/a.cap": 0o600} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%q has mode %v, want %v", path, info.Mode().Perm(), want)
		}
	}
}

// Links and pipes in the folder lead nowhere.
func TestDirBlobsLinks(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	b := openBlobs(t, dir)
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	storetest.Put(t, b, "real", "x")
	for link, to := range map[string]string{
		"folder": outside, "file": filepath.Join(outside, "secret"), "inside": "real",
		"new": filepath.Join(outside, "made"),
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"folder/secret", "file", "inside", "new", "folder"} {
		_, openErr := b.Open(name)
		_, appendErr := b.Append(name)
		_, createErr := b.Create(name)
		if openErr == nil || appendErr == nil || createErr == nil {
			t.Errorf("%s: open %v, append %v, create %v; all must fail", name, openErr, appendErr, createErr)
		}
	}
	if _, err := b.Create("folder/x"); err == nil {
		t.Error("made a file outside")
	}
	if infos, err := b.List(""); err != nil || len(infos) != 1 || infos[0].Name != "real" {
		t.Errorf("list: %v, %v; want only the real one", infos, err)
	}
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("outside there is %v, %v", entries, err)
	}
}

func TestDirBlobsFree(t *testing.T) {
	free, err := openBlobs(t, t.TempDir()).Free()
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Fatal(err)
	}
	if err == nil && free == 0 {
		t.Error("the disk of the tests is full, it says")
	}
}

func TestOpenBlobsOnAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenBlobs(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("blobs in a file: %v", err)
	}
}

// Whatever passes for a name stays inside the folder.
func FuzzValidBlobName(f *testing.F) {
	for _, name := range append(storetest.BadNames, "2026/11/23/ID.cap", "a", "a..b") {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !store.ValidBlobName(name) {
			return
		}
		if !fs.ValidPath(name) || !filepath.IsLocal(name) || filepath.Clean(name) != filepath.FromSlash(name) || strings.ContainsAny(name, "\\:\x00 ") {
			t.Errorf("%q is valid", name)
		}
	})
}

func TestValidBlobNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[0-9A-Za-z_][0-9A-Za-z_.-]{0,20}(/[0-9A-Za-z_][0-9A-Za-z_.-]{0,20}){0,4}`).Draw(t, "name")
		if !store.ValidBlobName(name) {
			t.Errorf("%q is refused", name)
		}
	})
}
