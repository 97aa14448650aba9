package recordings

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"time"

	"filippo.io/age"
	"pgregory.net/rapid"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/recordings/consent"
)

// bench is what makes captures in memory.
type bench struct {
	ring      *keyring
	dataKey   []byte
	header    header
	octets    []byte
	chain     *chain
	recording contact.ID
}

func newBench(t testing.TB) *bench {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{
		ring:      &keyring{identity: identity, signing: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))},
		dataKey:   bytes.Repeat([]byte{7}, keySize),
		recording: contact.NewID(),
	}
	wrapped, err := b.ring.wrap(b.dataKey)
	if err != nil {
		t.Fatal(err)
	}
	b.header = header{recording: b.recording, contact: contact.NewID(), created: time.Now(), public: b.ring.public(), wrapped: wrapped}
	if b.octets, err = b.header.encode(b.dataKey); err != nil {
		t.Fatal(err)
	}
	if b.chain, err = newChain(b.dataKey, b.octets); err != nil {
		t.Fatal(err)
	}
	return b
}

// add seals one plain text.
func (b *bench) add(t testing.TB, plain []byte) {
	t.Helper()
	entry, err := b.chain.seal(append(make([]byte, lengthSize), plain...))
	if err != nil {
		t.Fatal(err)
	}
	b.octets = append(b.octets, entry...)
}

func (b *bench) addManifest(t testing.TB) {
	t.Helper()
	entry, err := entryJSON(kindManifest, manifest{Recording: b.recording, Contact: b.header.contact, Consent: consent.Answer{State: contact.ConsentGranted}})
	if err != nil {
		t.Fatal(err)
	}
	b.add(t, entry[lengthSize:])
}

func (b *bench) addSeal(t testing.TB) {
	t.Helper()
	entry, err := sealEntry(seal{Recording: b.recording, Count: b.chain.n, Head: hex.EncodeToString(b.chain.head[:])}, b.ring.signing)
	if err != nil {
		t.Fatal(err)
	}
	b.add(t, entry[lengthSize:])
}

func packetsBody(n int) []byte {
	body := []byte{kindPackets}
	for i := range n {
		p := &media.Packet{Codec: codec.PCMU, Seq: uint16(i), Timestamp: uint32(i * 160), SSRC: 5, Payload: make([]byte, 160)}
		head := encodeHead(trackCustomer, p, time.Duration(i)*20*time.Millisecond)
		body = append(append(body, head[:]...), p.Payload...)
	}
	return body
}

func (b *bench) walk() *summary {
	r, err := newReader(bytes.NewReader(b.octets), int64(len(b.octets)), b.ring)
	if err != nil {
		return &summary{end: err}
	}
	return r.walk()
}

// FuzzReader reads whatever a disk may hold.
func FuzzReader(f *testing.F) {
	b := newBench(f)
	b.addManifest(f)
	b.add(f, packetsBody(5))
	b.addSeal(f)
	start := int(binary.BigEndian.Uint16(b.octets[10:]))
	f.Add(b.octets)
	f.Add(b.octets[:start])
	f.Add(b.octets[:start-1])
	f.Add(b.octets[:20])
	f.Add([]byte{})
	f.Add(append(bytes.Clone(b.octets[:start]), 0xff, 0xff, 0xff, 0xff, 1))
	f.Add(append(bytes.Clone(b.octets[:start]), make([]byte, 4096)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := newReader(bytes.NewReader(data), int64(len(data)), b.ring)
		if err != nil {
			if d, ok := errors.AsType[*Damage](err); !ok || d.Entry != 0 {
				t.Fatalf("a bad header is %v", err)
			}
			return
		}
		s := r.walk()
		if s.size > int64(len(data)) || s.end == nil || s.seal != nil && !bytes.HasPrefix(data, b.octets) {
			t.Fatalf("%+v of %d octets", s, len(data))
		}
	})
}

// FuzzEntry reads entries that are sealed well and hold anything: what a later
// version, or a mistake in this one, may have written.
func FuzzEntry(f *testing.F) {
	b := newBench(f)
	b.addManifest(f)
	f.Add([]byte{kindMark, '{', '}'})
	f.Add([]byte{kindSeal})
	f.Add(append([]byte{kindSeal}, make([]byte, 70)...))
	f.Add(packetsBody(3))
	f.Add(packetsBody(3)[:100])
	f.Add([]byte{kindManifest, 'n', 'u', 'l', 'l'})
	f.Add([]byte{99})
	before := len(b.octets)
	f.Fuzz(func(t *testing.T, plain []byte) {
		if len(plain) == 0 || len(plain) > maxEntry-tagSize {
			return
		}
		again := *b
		chained := *b.chain
		again.chain, again.octets = &chained, bytes.Clone(b.octets[:before])
		again.add(t, plain)
		s := again.walk()
		if s.entries != 1 && s.entries != 2 || s.seal != nil {
			t.Fatalf("%+v", s)
		}
	})
}

// What a chain seals, it opens again, whatever the sizes; and nothing else.
func TestChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := bytes.Repeat([]byte{rapid.Byte().Draw(t, "key")}, keySize)
		plains := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 300), 1, 12).Draw(t, "plains")
		w, err := newChain(key, []byte("header"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := newChain(key, []byte("header"))
		if err != nil {
			t.Fatal(err)
		}
		for _, plain := range plains {
			entry, err := w.seal(append(make([]byte, lengthSize), plain...))
			if err != nil {
				t.Fatal(err)
			}
			spoiled := bytes.Clone(entry)
			spoiled[rapid.IntRange(lengthSize, len(entry)-1).Draw(t, "at")] ^= 1
			head := r.head
			if _, err := r.open(spoiled); err == nil || r.head != head {
				t.Fatal("a changed entry is opened")
			}
			got, err := r.open(entry)
			if err != nil || !bytes.Equal(got, plain) || r.head != w.head || r.n != w.n {
				t.Fatalf("%x is opened as %x: %v", plain, got, err)
			}
		}
	})
}

func TestChainRefusesSizes(t *testing.T) {
	c, err := newChain(make([]byte, keySize), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, maxEntry - tagSize + 1} {
		if _, err := c.seal(make([]byte, lengthSize+n)); err == nil {
			t.Errorf("%d octets are sealed", n)
		}
	}
	if _, err := c.seal(make([]byte, lengthSize+maxEntry-tagSize)); err != nil {
		t.Error(err)
	}
}

func TestWalkRefusesOddOrders(t *testing.T) {
	tests := map[string]struct {
		build func(*bench)
		entry uint64
	}{
		"NoManifest":     {func(b *bench) { b.add(t, packetsBody(1)) }, 1},
		"TwoManifests":   {func(b *bench) { b.addManifest(t); b.addManifest(t) }, 2},
		"BehindSeal":     {func(b *bench) { b.addManifest(t); b.addSeal(t); b.add(t, packetsBody(1)) }, 3},
		"UnknownKind":    {func(b *bench) { b.addManifest(t); b.add(t, []byte{42}) }, 2},
		"OtherManifest":  {func(b *bench) { b.recording = contact.NewID(); b.addManifest(t) }, 1},
		"SealOfOther":    {func(b *bench) { b.addManifest(t); b.recording = contact.NewID(); b.addSeal(t) }, 2},
		"SealCounts":     {func(b *bench) { b.addManifest(t); b.chain.n++; b.addSeal(t) }, 2},
		"ForeignSigning": {func(b *bench) { b.addManifest(t); b.ring.signing = foreignKey(); b.addSeal(t) }, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			tt.build(b)
			d, ok := errors.AsType[*Damage](b.walk().end)
			if !ok || d.Entry != tt.entry {
				t.Errorf("end = %v, want damage at entry %d", b.walk().end, tt.entry)
			}
		})
	}
	b := newBench(t)
	b.addManifest(t)
	b.add(t, packetsBody(50))
	b.addSeal(t)
	if s := b.walk(); !errors.Is(s.end, io.EOF) || s.entries != 3 || s.seal == nil || s.tally.end != time.Second {
		t.Errorf("a good one: %+v", s)
	}
}

func foreignKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))
}

// The ring keeps the newest whole records, in order, and counts the others,
// against a plain list.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const octets = 1000
		g := newRing(100, octets)
		type kept struct {
			seq uint16
			n   int
		}
		var want []kept
		size, dropped := 0, uint32(0)
		for seq := range rapid.IntRange(1, 200).Draw(t, "pushes") {
			n := rapid.IntRange(0, octets+50).Draw(t, "payload")
			head := encodeHead(trackAgent, &media.Packet{Codec: codec.PCMU, Seq: uint16(seq), Payload: make([]byte, n)}, 0)
			g.push(&head, bytes.Repeat([]byte{byte(seq)}, n))
			if recordFixed+n > octets {
				dropped++
			} else {
				want, size = append(want, kept{uint16(seq), n}), size+recordFixed+n
			}
			for size > octets {
				size, want, dropped = size-recordFixed-want[0].n, want[1:], dropped+1
			}
			if rapid.IntRange(0, 9).Draw(t, "drain") > 0 {
				continue
			}
			body, lost := g.drain(nil)
			if lost[trackAgent] != dropped || len(body) != size {
				t.Fatalf("%d dropped, %d octets; want %d, %d", lost[trackAgent], len(body), dropped, size)
			}
			for _, w := range want {
				r, rest, err := nextRecord(body)
				if err != nil || r.packet.Seq != w.seq || len(r.packet.Payload) != w.n || w.n > 0 && r.packet.Payload[w.n-1] != byte(w.seq) {
					t.Fatalf("%+v, %v; want %+v", r, err, w)
				}
				body = rest
			}
			want, size, dropped = nil, 0, 0
		}
	})
}

func TestRecordKeepsPacket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := media.Packet{
			Codec:  rapid.SampledFrom([]codec.ID{codec.PCMU, codec.PCMA, codec.G722, codec.Opus}).Draw(t, "codec"),
			Marker: rapid.Bool().Draw(t, "marker"), Seq: rapid.Uint16().Draw(t, "seq"),
			Timestamp: rapid.Uint32().Draw(t, "ts"), SSRC: rapid.Uint32().Draw(t, "ssrc"),
			Payload: rapid.SliceOfN(rapid.Byte(), 1, 400).Draw(t, "payload"),
		}
		offset := time.Duration(rapid.Int64().Draw(t, "offset"))
		track := byte(rapid.IntRange(1, 2).Draw(t, "track"))
		head := encodeHead(track, &p, offset)
		r, rest, err := nextRecord(append(head[:], p.Payload...))
		got := r.packet
		if err != nil || len(rest) != 0 || r.track != track || r.offset != offset || got.Codec != p.Codec || got.Marker != p.Marker ||
			got.Seq != p.Seq || got.Timestamp != p.Timestamp || got.SSRC != p.SSRC || !bytes.Equal(got.Payload, p.Payload) {
			t.Fatalf("%+v, %v", r, err)
		}
	})
}
