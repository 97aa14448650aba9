package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"time"

	"callfloor/internal/store"
)

// BadNames are names that no blob may have.
var BadNames = []string{
	"", ".", "..", "/", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", "./a", ".hidden", "a/.hidden",
	"a\x00b", "a\\b", "a b", "a\nb", "C:\\x", "é", "-x", "a/-x", string(bytes.Repeat([]byte("a"), 129)),
	string(bytes.Repeat([]byte("a/"), 300)) + "a",
}

// Blobs runs the conformance suite; open returns an empty store of blobs.
func Blobs(t *testing.T, open func(t *testing.T) store.Blobs) {
	for _, c := range []struct {
		name string
		test func(*testing.T, store.Blobs)
	}{
		{"WriteAndRead", writeAndRead},
		{"ErrExist", errExist},
		{"ErrNotExist", errNotExist},
		{"Append", appending},
		{"ReadWhileWriting", readWhileWriting},
		{"List", list},
		{"Remove", remove},
		{"BadNames", badNames},
		{"Concurrent", concurrent},
		{"SyncBesideWrite", syncing},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// Put makes a blob.
func Put(t testing.TB, b store.Blobs, name, content string) {
	t.Helper()
	w, err := b.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, content)
}

func write(t testing.TB, w store.Blob, content string) {
	t.Helper()
	n, err := io.WriteString(w, content)
	if err := errors.Join(err, w.Sync(), w.Close()); err != nil || n != len(content) {
		t.Fatalf("wrote %d of %d: %v", n, len(content), err)
	}
}

// Get reads a blob.
func Get(t testing.TB, b store.Blobs, name string) string {
	t.Helper()
	r, err := b.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func writeAndRead(t *testing.T, b store.Blobs) {
	for _, content := range []string{"", "x", string(bytes.Repeat([]byte("0123456789"), 100_000))} {
		name := fmt.Sprintf("2026/11/23/%d.cap", len(content))
		Put(t, b, name, content)
		if got := Get(t, b, name); got != content {
			t.Errorf("%s: read %d octets, wrote %d", name, len(got), len(content))
		}
	}
	r, err := b.Open("2026/11/23/1.cap")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := r.ReadAt(make([]byte, 2), 0); n != 1 || !errors.Is(err, io.EOF) {
		t.Errorf("reading past the end: %d, %v; want 1 and io.EOF", n, err)
	}
}

func errExist(t *testing.T, b store.Blobs) {
	Put(t, b, "a/b", "first")
	if _, err := b.Create("a/b"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating what is there: %v, want fs.ErrExist", err)
	}
	if _, err := b.Create("a"); err == nil {
		t.Error("a folder's name was taken for a blob")
	}
	if _, err := b.Create("a/b/c"); err == nil {
		t.Error("a blob's name was taken for a folder")
	}
	if got := Get(t, b, "a/b"); got != "first" {
		t.Errorf("the first is now %q", got)
	}
}

func errNotExist(t *testing.T, b store.Blobs) {
	_, openErr := b.Open("a/b")
	_, appendErr := b.Append("a/b")
	for what, err := range map[string]error{"open": openErr, "append": appendErr, "remove": b.Remove("a/b")} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want fs.ErrNotExist", what, err)
		}
	}
	if infos, err := b.List(""); err != nil || len(infos) != 0 {
		t.Errorf("list: %v, %v; want nothing", infos, err)
	}
}

func appending(t *testing.T, b store.Blobs) {
	Put(t, b, "x", "one ")
	w, err := b.Append("x")
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, "two")
	if got := Get(t, b, "x"); got != "one two" {
		t.Errorf("got %q", got)
	}
}

func readWhileWriting(t *testing.T, b store.Blobs) {
	w, err := b.Create("x")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r, err := b.Open("x")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range 3 {
		if _, err := io.WriteString(w, "entry "); err != nil {
			t.Fatal(err)
		}
		if r.Size() != int64(6*(i+1)) {
			t.Errorf("after %d entries the reader sees %d octets", i+1, r.Size())
		}
	}
}

func list(t *testing.T, b store.Blobs) {
	began := time.Now().Add(-time.Minute)
	for _, name := range []string{"2026/12/01/a.cap", "2026/11/23/b.cap", "2026/11-x", "2026/11/23/a.cap", "2025/a"} {
		Put(t, b, name, name)
	}
	for prefix, want := range map[string][]string{
		"":             {"2025/a", "2026/11-x", "2026/11/23/a.cap", "2026/11/23/b.cap", "2026/12/01/a.cap"},
		"2026/":        {"2026/11-x", "2026/11/23/a.cap", "2026/11/23/b.cap", "2026/12/01/a.cap"},
		"2026/11":      {"2026/11-x", "2026/11/23/a.cap", "2026/11/23/b.cap"},
		"2026/11/":     {"2026/11/23/a.cap", "2026/11/23/b.cap"},
		"2026/11/23/b": {"2026/11/23/b.cap"},
		"2027/":        nil,
		"2027/01/x":    nil,
	} {
		infos, err := b.List(prefix)
		if err != nil {
			t.Errorf("list %q: %v", prefix, err)
		}
		var names []string
		for _, i := range infos {
			names = append(names, i.Name)
			if i.Size != int64(len(i.Name)) || i.Modified.Before(began) {
				t.Errorf("%+v: wrong size or time", i)
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("list %q: %q, want %q", prefix, names, want)
		}
	}
	if _, err := b.List("../"); err == nil {
		t.Error("listed what is outside")
	}
}

func remove(t *testing.T, b store.Blobs) {
	Put(t, b, "a/b", "x")
	Put(t, b, "a/c", "y")
	if err := b.Remove("a/b"); err != nil {
		t.Fatal(err)
	}
	if err := b.Remove("a"); err == nil {
		t.Error("a folder was removed")
	}
	if _, err := b.Open("a/b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a removed blob opens: %v", err)
	}
	Put(t, b, "a/b", "again")
	if Get(t, b, "a/b") != "again" || Get(t, b, "a/c") != "y" {
		t.Error("what came after is wrong")
	}
}

func badNames(t *testing.T, b store.Blobs) {
	for _, name := range BadNames {
		_, createErr := b.Create(name)
		_, openErr := b.Open(name)
		_, appendErr := b.Append(name)
		for what, err := range map[string]error{"create": createErr, "open": openErr, "append": appendErr, "remove": b.Remove(name)} {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s %q: %v, want fs.ErrInvalid", what, name, err)
			}
		}
	}
}

// syncing lets one flush go on beside the writing.
func syncing(t *testing.T, b store.Blobs) {
	w, err := b.Create("synced")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		var err error
		for range 20 {
			err = errors.Join(err, w.Sync())
		}
		done <- err
	}()
	want := ""
	for i := range 200 {
		line := fmt.Sprintln(i)
		want += line
		if _, err := w.Write([]byte(line)); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(<-done, w.Close()); err != nil {
		t.Error(err)
	}
	if got := Get(t, b, "synced"); got != want {
		t.Errorf("%d octets of %d are there", len(got), len(want))
	}
}

func concurrent(t *testing.T, b store.Blobs) {
	var all sync.WaitGroup
	won := make(chan int, 8)
	for g := range 8 {
		all.Go(func() {
			for i := range 10 {
				name := fmt.Sprintf("day%d/%d-%d", i%2, g, i)
				Put(t, b, name, name)
				if got := Get(t, b, name); got != name {
					t.Errorf("%s has %q", name, got)
				}
			}
			w, err := b.Create("one/winner")
			if err == nil {
				won <- g
				err = w.Close()
			} else if errors.Is(err, fs.ErrExist) {
				err = nil
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Errorf("%d created the same blob", len(won))
	}
	if infos, err := b.List("day"); err != nil || len(infos) != 80 {
		t.Errorf("%d of 80 listed: %v", len(infos), err)
	}
}
