package media

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"callfloor/media/codec"
)

// Whatever a source repeats, and however late: no number goes out twice, for two
// packets under one number of an encrypted stream give it away.
func TestNoNumberGoesOutTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		repeats := rapid.SliceOfN(rapid.IntRange(1, 130), 300, 300).Draw(t, "how far back the packet is that comes again")
		begin := rapid.Uint16().Draw(t, "first")
		sentOnce(t, begin, repeats)
	})
	sentOnce(t, 65500, slices.Repeat([]int{0, 70}, 150))
}

// sentOnce lets a source send packets from a number on, each followed by one that
// came before: so far back, none if it is 0.
func sentOnce(t interface {
	Cleanup(func())
	Fatalf(string, ...any)
}, begin uint16, repeats []int) {
	s, w := newTapped(t, 7, 0)
	r := NewReceiver("test")
	r.SetPayloadTypes(map[uint8]codec.ID{0: codec.PCMU})
	s.Hear(r.Source())
	now := time.Now()
	write := func(i int) {
		raw := rawRTP(0, begin+uint16(i), uint32(i*160), 5, []byte{byte(i)})
		if err := r.WriteRTP(raw, now); err != nil {
			t.Fatalf("%v", err)
		}
	}
	for i, back := range repeats {
		now = now.Add(frameTime)
		write(i)
		if 0 < back && back <= i {
			write(i - back)
		}
	}
	seen := map[uint16]bool{}
	for _, p := range w.take() {
		if seen[p.SequenceNumber] {
			t.Fatalf("number %d went out twice", p.SequenceNumber)
		}
		seen[p.SequenceNumber] = true
	}
	if len(seen) < len(repeats) {
		t.Fatalf("%d of %d packets went out", len(seen), len(repeats))
	}
}
