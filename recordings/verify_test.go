package recordings_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"callfloor/recordings"
)

// entryEnds returns where the header and each entry of a whole capture end.
func entryEnds(t testing.TB, capture []byte) []int {
	t.Helper()
	at := int(binary.BigEndian.Uint16(capture[10:]))
	ends := []int{at}
	for at < len(capture) {
		at += 4 + int(binary.BigEndian.Uint32(capture[at:]))
		ends = append(ends, at)
	}
	if at != len(capture) {
		t.Fatalf("the capture's entries end at %d of %d", at, len(capture))
	}
	return ends
}

// entryOf returns the number of the entry that holds octet at.
func entryOf(ends []int, at int) uint64 {
	n, _ := slices.BinarySearch(ends, at+1)
	return uint64(n)
}

// TestEveryFlippedBitIsFound: whatever bit of a sealed capture is changed,
// Verify names the entry that holds it, or one before.
func TestEveryFlippedBitIsFound(t *testing.T) {
	h := newHouse(t)
	id := h.sealed(60)
	name := h.file(id)
	whole := read(t, name)
	ends := entryEnds(t, whole)
	check := func(t interface{ Errorf(string, ...any) }, at int, bit uint) {
		spoiled := bytes.Clone(whole)
		spoiled[at] ^= 1 << bit
		if err := os.WriteFile(name, spoiled, 0o600); err != nil {
			t.Errorf("%v", err)
		}
		got, err := h.store.Verify(h.t.(*testing.T).Context(), id)
		if err != nil {
			t.Errorf("bit %d of octet %d: %v", bit, at, err)
			return
		}
		if got.OK || got.Damage == nil || got.Damage.Entry > entryOf(ends, at) || got.Damage.Why == "" {
			t.Errorf("bit %d of octet %d, entry %d: %+v %v", bit, at, entryOf(ends, at), got, got.Damage)
		}
	}
	t.Run("HeaderAndLengths", func(t *testing.T) {
		for at := range ends[0] {
			check(t, at, uint(at%8))
		}
		for _, end := range ends[:len(ends)-1] {
			for at := end; at < end+8; at++ {
				check(t, at, uint(at%8))
			}
		}
	})
	t.Run("Anywhere", rapid.MakeCheck(func(t *rapid.T) {
		check(t, rapid.IntRange(0, len(whole)-1).Draw(t, "octet"), uint(rapid.IntRange(0, 7).Draw(t, "bit")))
	}))
	write(t, name, whole)
	if got := h.verify(id); !got.OK {
		t.Errorf("untouched: %+v", got)
	}
}

func TestVerifyNamesDamage(t *testing.T) {
	swap := func(b []byte, ends []int, i, j int) []byte { // entries i < j
		out := append([]byte(nil), b[:ends[i-1]]...)
		out = append(out, b[ends[j-1]:ends[j]]...)
		out = append(out, b[ends[i]:ends[j-1]]...)
		out = append(out, b[ends[i-1]:ends[i]]...)
		return append(out, b[ends[j]:]...)
	}
	tests := map[string]struct {
		spoil func(b []byte, ends []int) []byte
		entry func(ends []int) uint64
	}{
		"TwoSwapped":   {func(b []byte, e []int) []byte { return swap(b, e, 2, 3) }, func([]int) uint64 { return 2 }},
		"FirstRemoved": {func(b []byte, e []int) []byte { return append(bytes.Clone(b[:e[0]]), b[e[1]:]...) }, func([]int) uint64 { return 1 }},
		"OneRemoved":   {func(b []byte, e []int) []byte { return append(bytes.Clone(b[:e[2]]), b[e[3]:]...) }, func([]int) uint64 { return 3 }},
		"OneTwice":     {func(b []byte, e []int) []byte { return append(bytes.Clone(b[:e[2]]), b[e[1]:]...) }, func([]int) uint64 { return 3 }},
		"SealMissing":  {func(b []byte, e []int) []byte { return b[:e[len(e)-2]] }, func(e []int) uint64 { return uint64(len(e) - 1) }},
		"SealTwice":    {func(b []byte, e []int) []byte { return append(bytes.Clone(b), b[e[len(e)-2]:]...) }, func(e []int) uint64 { return uint64(len(e)) }},
		"OctetBehind":  {func(b []byte, _ []int) []byte { return append(bytes.Clone(b), 7) }, func(e []int) uint64 { return uint64(len(e)) }},
		"Empty":        {func([]byte, []int) []byte { return nil }, func([]int) uint64 { return 0 }},
		"HeaderOnly":   {func(b []byte, e []int) []byte { return b[:e[0]] }, func([]int) uint64 { return 1 }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.sealed(60)
			whole := read(t, h.file(id))
			ends := entryEnds(t, whole)
			write(t, h.file(id), tt.spoil(whole, ends))
			got := h.verify(id)
			if got.OK || got.Damage.Entry != tt.entry(ends) {
				t.Errorf("report = %+v %v, want damage at entry %d", got, got.Damage, tt.entry(ends))
			}
		})
	}
}

func TestVerifyComparesWithRowAndKeys(t *testing.T) {
	t.Run("FileMissing", func(t *testing.T) {
		h := newHouse(t)
		id := h.sealed(10)
		if err := os.Remove(h.file(id)); err != nil {
			t.Fatal(err)
		}
		if got := h.verify(id); got.OK || got.Damage.Why != "the file is missing" {
			t.Errorf("report = %+v", got)
		}
	})
	t.Run("FilesSwapped", func(t *testing.T) {
		h := newHouse(t)
		a, b := h.sealed(10), h.sealed(10)
		one, two := read(t, h.file(a)), read(t, h.file(b))
		write(t, h.file(a), two)
		write(t, h.file(b), one)
		for _, id := range []string{a, b} {
			if got := h.verify(id); got.OK || got.Damage.Entry != 0 {
				t.Errorf("report = %+v", got)
			}
		}
	})
	t.Run("RowHead", func(t *testing.T) {
		h := newHouse(t)
		id := h.sealed(10)
		h.exec(`UPDATE recordings_recordings SET head = iif(head LIKE 'f%', 'e', 'f') || substr(head, 2) WHERE id = ?`, id)
		if got := h.verify(id); got.OK || got.Damage.Entry == 0 {
			t.Errorf("report = %+v", got)
		}
	})
	t.Run("CutOffLosesAnEntry", func(t *testing.T) {
		h := newHouse(t)
		id := h.sealed(60)
		whole := read(t, h.file(id))
		ends := entryEnds(t, whole)
		h.asDead(id, ends[len(ends)-2])
		if _, err := h.store.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(t, h.file(id), whole[:ends[len(ends)-3]])
		if got := h.verify(id); got.OK || got.Damage.Entry != uint64(len(ends)-2) {
			t.Errorf("report = %+v %v", got, got.Damage)
		}
	})
	t.Run("KeysReplaced", func(t *testing.T) {
		h := newHouse(t)
		id := h.sealed(10)
		other := newHouse(t)
		other.sealed(10)
		write(t, filepath.Join(h.dir, "keys", "recordings.sign.pem"), read(t, filepath.Join(other.dir, "keys", "recordings.sign.pem")))
		h.close()
		h = openHouse(t, h.dir, recordings.Options{})
		if got := h.verify(id); got.OK || got.Damage.Entry != 0 {
			t.Errorf("report = %+v", got)
		}
	})
	t.Run("KeysGone", func(t *testing.T) {
		h := newHouse(t)
		id := h.sealed(10)
		h.close()
		if err := os.RemoveAll(filepath.Join(h.dir, "keys")); err != nil {
			t.Fatal(err)
		}
		h = openHouse(t, h.dir, recordings.Options{})
		if got, err := h.store.Verify(t.Context(), id); err == nil {
			t.Errorf("report = %+v without keys", got)
		}
	})
}
