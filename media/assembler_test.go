package media

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"callfloor/media/codec"
)

// script is one party's packets as they arrive.
type script struct {
	a     *Assembler
	start time.Time
}

func newScript() *script {
	t := time.Unix(1000, 0)
	return &script{a: NewAssembler(t), start: t}
}

// mark is a packet of 20 ms whose samples all have about the value v.
func mark(v int16) []byte {
	b := make([]byte, frameSamples)
	s := make([]int16, frameSamples)
	for i := range s {
		s[i] = v
	}
	codec.Encode(codec.PCMU, b, s)
	return b
}

func (s *script) add(ssrc uint32, seq int, ts uint32, at time.Duration, v int16) {
	s.a.Add(codec.PCMU, ssrc, uint16(seq), ts, s.start.Add(at), mark(v))
}

// starts returns where each loud stretch begins, in milliseconds.
func starts(samples []int16) (at []int) {
	for i, v := range samples {
		if v > 1000 && (i == 0 || samples[i-1] <= 1000) {
			at = append(at, i/8)
		}
	}
	return at
}

func wantStarts(t *testing.T, got []int, want ...int) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("loud at %v ms, want %v", got, want)
	}
	for i := range got {
		if d := got[i] - want[i]; d > 1 || d < -1 {
			t.Fatalf("loud at %v ms, want %v", got, want)
		}
	}
}

const loud, quiet = 8000, 0

func value(i int) int16 {
	if i%5 == 0 {
		return loud
	}
	return quiet
}

func TestAssemblerPlacesByRTPTime(t *testing.T) {
	s := newScript()
	r := rand.New(rand.NewPCG(1, 2))
	type packet struct {
		i  int
		at time.Duration
	}
	var all []packet
	for i := range 100 {
		if i%5 == 2 {
			continue // lost
		}
		jitter := time.Duration(r.IntN(60)) * time.Millisecond
		if i == 0 {
			jitter = 0
		}
		all = append(all, packet{i, 500*time.Millisecond + time.Duration(i)*frameTime + jitter})
	}
	for i := range all { // in order of arrival
		for j := i; j > 0 && all[j].at < all[j-1].at; j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
	for _, p := range all {
		s.add(1, p.i, uint32(1<<32-800+p.i*160), p.at, value(p.i))
	}
	out := s.a.Read(3 * time.Second)
	if len(out) != 24000 {
		t.Fatalf("%d samples", len(out))
	}
	var want []int
	for i := range 20 {
		want = append(want, 500+100*i)
	}
	wantStarts(t, starts(out), want...)
	if rest := s.a.Read(3 * time.Second); len(rest) != 0 {
		t.Errorf("%d samples twice", len(rest))
	}
}

// Reading in pieces gives the same as reading at once, and frees the memory.
func TestAssemblerInPieces(t *testing.T) {
	whole, pieces := newScript(), newScript()
	var got []int16
	for i := range 1000 {
		at := time.Duration(i) * frameTime
		whole.add(1, i, uint32(i*160), at, value(i))
		pieces.add(1, i, uint32(i*160), at, value(i))
		if i%37 == 0 {
			got = append(got, pieces.a.Read(at-time.Second)...)
		}
		if len(pieces.a.pages) > 4 {
			t.Fatalf("%d pages in memory", len(pieces.a.pages))
		}
	}
	got = append(got, pieces.a.Read(20*time.Second)...)
	want := whole.a.Read(20 * time.Second)
	if len(got) != len(want) {
		t.Fatalf("%d samples, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("sample %d differs", i)
		}
	}
}

// A source pauses: with a clock that runs on, or that stands still (a muted
// browser); its SSRC changes; its timestamps jump: what it says comes where it
// arrived.
func TestAssemblerAnchorsAnew(t *testing.T) {
	for name, after := range map[string]struct {
		ssrc uint32
		ts   uint32
	}{
		"clock ran on":      {1, 100*160 + 5*8000},
		"clock stood still": {1, 100 * 160},
		"new SSRC":          {2, 77},
		"jump ahead":        {1, 1 << 30},
		"jump back":         {1, 1 << 31},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript()
			for i := range 100 {
				s.add(1, i, uint32(i*160), time.Duration(i)*frameTime, quiet)
			}
			for i := range 50 {
				s.add(after.ssrc, 100+i, after.ts+uint32(i*160), 7*time.Second+time.Duration(i)*frameTime, value(i))
			}
			var want []int
			for i := range 10 {
				want = append(want, 7000+100*i)
			}
			wantStarts(t, starts(s.a.Read(10*time.Second)), want...)
		})
	}
}

// The network holds packets for a second and delivers them at once: they are
// placed where they were spoken.
func TestAssemblerBurst(t *testing.T) {
	s := newScript()
	for i := range 200 {
		at := time.Duration(i) * frameTime
		if i >= 50 && i < 100 {
			at = 2 * time.Second
		}
		s.add(1, i, uint32(i*160), at, value(i))
	}
	var want []int
	for i := range 40 {
		want = append(want, 100*i)
	}
	wantStarts(t, starts(s.a.Read(4*time.Second)), want...)
}

// After an hour with a clock that is 200 ppm off, what is said comes within
// 30 ms of when it was said: the jitter of the first packet, which sets the
// place, and what drifts within a window. Without correction it were 720 ms.
func TestAssemblerDrift(t *testing.T) {
	const packetTime, packets, every = 100 * time.Millisecond, 36000, 100 // a beep each 10 s
	silence, beep := mark(quiet), mark(loud)                              // 20 of each 100 ms; the rest is lost
	for _, ppm := range []float64{-200, 200} {
		s := newScript()
		r := rand.New(rand.NewPCG(3, 4))
		worst, beeps := 0.0, 0
		beepTime := every * packetTime.Seconds() * (1 + ppm/1e6)
		for i := range packets {
			spoken := time.Duration(float64(i) * float64(packetTime) * (1 + ppm/1e6))
			payload := silence
			if i%every == 0 {
				payload = beep
			}
			s.a.Add(codec.PCMU, 1, uint16(i), uint32(i*800), s.start.Add(spoken+time.Duration(r.IntN(20))*time.Millisecond), payload)
			if i%every != every-1 {
				continue
			}
			begin := s.a.read
			for _, ms := range starts(s.a.Read(spoken - time.Second)) {
				at := float64(begin)/8000 + float64(ms)/1000
				worst = max(worst, math.Abs(at-math.Round(at/beepTime)*beepTime))
				beeps++
			}
			if len(s.a.pages) > 6 {
				t.Fatalf("%d pages in memory", len(s.a.pages))
			}
		}
		if worst > 0.030 || beeps != packets/every {
			t.Errorf("%v ppm: %d beeps, off by %.0f ms", ppm, beeps, worst*1000)
		}
	}
}

func TestAssemblerLeavesOut(t *testing.T) {
	s := newScript()
	s.a.Add(codec.VP8, 1, 1, 1, s.start, []byte{1, 2, 3})
	s.a.Add(codec.PCMU, 1, 1, 1, s.start, nil)
	s.a.Add(codec.PCMU, 1, 1, 1, s.start, make([]byte, codec.MaxSamples+1))
	if len(s.a.pages) != 0 {
		t.Error("something was placed")
	}
	s.add(1, 1, 1, 0, loud)
	s.a.Read(time.Second)
	s.add(1, 2, 161, 20*time.Millisecond, loud) // read already
	s.a.Add(codec.PCMU, 1, 3, 321, s.start.Add(-time.Hour), mark(loud))
	s.a.Add(codec.PCMU, 2, 3, 321, s.start.Add(9*time.Hour), mark(loud))
	if out := s.a.Read(2 * time.Second); len(starts(out)) != 0 || len(s.a.pages) > 1 {
		t.Errorf("loud at %v, %d pages", starts(out), len(s.a.pages))
	}
}

// FuzzAssembler: no sequence of packets panics or makes memory grow beyond
// what arrived.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newScript()
		at := time.Duration(0)
		n := 0
		for ; len(b) >= 8; b = b[8:] {
			at += time.Duration(b[0]) * time.Millisecond
			ts := uint32(b[1])<<24 | uint32(b[2])<<16 | uint32(b[3])<<8 | uint32(b[4])
			s.a.Add(codec.PCMA, uint32(b[5]&1), uint16(b[6]), ts, s.start.Add(at), make([]byte, int(b[7])))
			n++
			if b[5]&2 != 0 {
				s.a.Read(at)
			}
			if len(s.a.pages) > 2*n {
				t.Fatalf("%d pages of %d packets", len(s.a.pages), n)
			}
		}
		if got := s.a.read; len(s.a.Read(at+time.Second)) > int(units(at+time.Second, 8000)-got) {
			t.Fatal("more samples than asked for")
		}
	})
}
