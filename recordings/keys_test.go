package recordings

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Several processes that begin at once end up with the same keys.
func TestKeysAreMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	var all [8]*keyring
	var wg sync.WaitGroup
	for n := range all {
		wg.Go(func() {
			k := keys{dir: dir} // one for each "process"
			ring, err := k.loadOrMake()
			if err != nil {
				t.Error(err)
			}
			all[n] = ring
		})
	}
	wg.Wait()
	wrapped, err := all[0].wrap(bytes.Repeat([]byte{3}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	for _, ring := range all {
		if !ring.public().Equal(all[0].public()) {
			t.Error("two signing keys")
		}
		if _, err := ring.unwrap(wrapped); err != nil {
			t.Error(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
}

func TestBadKeys(t *testing.T) {
	for _, name := range []string{identityFile, signingFile} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			k := keys{dir: dir}
			if _, err := k.load(); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("without keys: %v", err)
			}
			if _, err := k.loadOrMake(); err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "AGE-SECRET-KEY-1X"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				again := keys{dir: dir}
				if _, err := again.loadOrMake(); err == nil {
					t.Errorf("%q is taken for a key", text)
				}
			}
		})
	}
}

func TestUnwrapRefuses(t *testing.T) {
	b := newBench(t)
	short, err := b.ring.wrap([]byte("short"))
	if err != nil {
		t.Fatal(err)
	}
	long, err := b.ring.wrap(make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	for _, wrapped := range [][]byte{nil, short, long, []byte("age-encryption.org/v1\n")} {
		if _, err := b.ring.unwrap(wrapped); err == nil {
			t.Errorf("%d octets are a key", len(wrapped))
		}
	}
}
