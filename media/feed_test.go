package media

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"callfloor/media/codec"
)

// feedEar keeps what comes out of a feed.
type feedEar struct {
	mu      sync.Mutex
	octets  []byte
	packets int
	markers int
}

func (e *feedEar) WritePacket(p *Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.octets = append(e.octets, p.Payload...)
	e.packets++
	if p.Marker {
		e.markers++
	}
	if p.Codec != codec.PCMU || len(p.Payload) != frameSamples {
		panic("a packet of a feed is 20 ms of PCMU")
	}
}

func (e *feedEar) heard() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return bytes.ReplaceAll(e.octets, []byte{pcmuSilence}, nil)
}

// What goes in comes out, whole and in order, whatever the pieces are; marks
// are reached in their order when their sound is heard.
func TestFeedKeepsWhatItIsGiven(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pieces := rapid.SliceOfN(rapid.SliceOfN(rapid.ByteRange(0, 0xFE), 0, 2000), 1, 12).Draw(rt, "pieces")
		pauses := rapid.SliceOfN(rapid.IntRange(0, 400), len(pieces), len(pieces)).Draw(rt, "pauses")
		synctest.Test(t, func(t *testing.T) {
			p := NewPacer()
			defer p.Close()
			f, ear := NewFeed(p, "bot"), &feedEar{}
			defer f.Close()
			f.Source().Attach(ear)
			var marks []int
			for i, piece := range pieces {
				if n := f.Write(piece); n != len(piece) {
					t.Errorf("took %d of %d", n, len(piece))
				}
				f.Mark(func() { // the feed calls one at a time
					ear.mu.Lock()
					defer ear.mu.Unlock()
					marks = append(marks, i)
				})
				time.Sleep(time.Duration(pauses[i]) * time.Millisecond)
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
			want := bytes.Join(pieces, nil)
			got := ear.heard()
			if !bytes.Equal(got, want) {
				t.Errorf("heard %d octets of %d", len(got), len(want))
			}
			for i, m := range marks {
				if m != i {
					t.Errorf("marks in the order %v", marks)
				}
			}
			if len(marks) != len(pieces) || f.Queued() != 0 {
				t.Errorf("%d marks of %d, %v waits", len(marks), len(pieces), f.Queued())
			}
		})
	})
}

func TestFeedClearsAndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer()
		defer p.Close()
		f, ear := NewFeed(p, "bot"), &feedEar{}
		f.Source().Attach(ear)
		long := bytes.Repeat([]byte{0x55}, 3*60*8000)
		if n := f.Write(long); n != 2*60*8000 || f.Write(long) != 0 {
			t.Errorf("took %d octets", n)
		}
		var mark atomic.Bool
		f.Mark(func() { mark.Store(true) })
		time.Sleep(time.Second)
		before := len(ear.heard())
		if before < 7000 || before > 8200 || mark.Load() {
			t.Errorf("%d octets in a second, mark %t", before, mark.Load())
		}
		f.Clear()
		time.Sleep(time.Second)
		if n := len(ear.heard()); n > before+frameSamples || !mark.Load() {
			t.Errorf("%d octets after the clear, mark %t", n-before, mark.Load())
		}
		f.Close()
		if f.Write(long) != 0 {
			t.Error("a closed feed takes sound")
		}
	})
}

func TestFeedTicksWithoutAllocating(t *testing.T) {
	p := NewPacer()
	defer p.Close()
	f := NewFeed(p, "bot")
	f.on = true // not on the clock; ticked by hand
	n := int64(0)
	f.Write(make([]byte, 60*8000))
	if a := testing.AllocsPerRun(1000, func() { n++; f.tick(n, time.Time{}) }); a != 0 {
		t.Errorf("%.1f allocations a packet", a)
	}
}
