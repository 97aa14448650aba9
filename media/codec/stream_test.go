package codec

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

var audio = []ID{PCMU, PCMA, G722, Opus}

// coded sends sound through a codec in frames; lose says which are lost.
func coded(c ID, pcm []int16, lose func(frame int) bool) []int16 {
	e, d := NewEncoder(c), NewDecoder(c)
	defer e.Close()
	defer d.Close()
	var out []int16
	var payload [MaxFrameOctets]byte
	var buf [MaxSamples]int16
	for f := 0; (f+1)*FrameSamples <= len(pcm); f++ {
		n := e.Encode(payload[:], pcm[f*FrameSamples:(f+1)*FrameSamples])
		got := FrameSamples
		if lose != nil && lose(f) {
			d.Conceal(buf[:FrameSamples])
		} else {
			got = d.Decode(buf[:], payload[:n])
		}
		out = append(out, buf[:got]...)
	}
	return out
}

func TestTonesGoThrough(t *testing.T) {
	for _, c := range audio {
		for _, hz := range []float64{300, 440, 1000, 2000, 3000, 3300} {
			in := tone(3*Rate, Rate, hz, 8000)
			out := coded(c, in, nil)
			if len(out) != len(in) {
				t.Fatalf("%v: %d samples became %d", c, len(in), len(out))
			}
			part := out[Rate : 2*Rate]
			least := 30.0
			if c == Opus { // a speech coder
				least = 8
			}
			if got := snr(part, hz, Rate); got < least {
				t.Errorf("%v, %.0f Hz: the rest is %.1f dB below the tone, want %.0f", c, hz, got, least)
			}
			if off := level(part) - level(in); math.Abs(off) > 1.5 {
				t.Errorf("%v, %.0f Hz: the level is off by %.1f dB", c, hz, off)
			}
		}
	}
}

// Nothing of a wideband voice may fold into the telephone band.
func TestWidebandDoesNotFold(t *testing.T) {
	for _, hz := range []float64{4200, 4600, 5000, 6000, 7000} {
		wide := tone(32000, 16000, hz, 8000)
		payload, _ := through(wide)
		d := NewDecoder(G722)
		var out []int16
		var buf [MaxSamples]int16
		for i := 0; i < len(payload); i += 160 {
			n := d.Decode(buf[:], payload[i:i+160])
			out = append(out, buf[:n]...)
		}
		if got := level(out[Rate:]) - level(wide); got > -33 {
			t.Errorf("%.0f Hz is heard at %.1f dB", hz, got)
		}
	}
}

func TestFilterIsFlat(t *testing.T) {
	var up upsampler
	var down downsampler
	for _, hz := range []float64{200, 1000, 3000, 3400} {
		in := tone(Rate, Rate, hz, 10000)
		out := make([]int16, 0, Rate)
		var wide [2 * FrameSamples]int16
		var back [FrameSamples]int16
		for i := 0; i < Rate; i += FrameSamples {
			up.run(wide[:], in[i:i+FrameSamples])
			down.run(back[:], wide[:])
			out = append(out, back[:]...)
		}
		if off := level(out[Rate/2:]) - level(in); math.Abs(off) > 0.5 {
			t.Errorf("%.0f Hz comes back %.2f dB off", hz, off)
		}
	}
}

func TestSilenceStaysSilent(t *testing.T) {
	for _, c := range audio {
		for i, v := range coded(c, make([]int16, Rate), nil) {
			if v < -20 || v > 20 {
				t.Fatalf("%v: sample %d of silence is %d", c, i, v)
			}
		}
	}
}

// A lost packet of a steady sound is hardly heard; a long loss becomes silence
// and not a buzz.
func TestConcealment(t *testing.T) {
	in := tone(2*Rate, Rate, 230, 8000)
	for _, c := range audio {
		whole := coded(c, in, nil)
		holed := coded(c, in, func(f int) bool { return f == 50 })
		hole := holed[50*FrameSamples : 51*FrameSamples]
		if off := level(hole) - level(whole[50*FrameSamples:51*FrameSamples]); off < -6 || off > 2 {
			t.Errorf("%v: a lost packet is filled at %.1f dB", c, off)
		}
		step := 0
		for i := 49 * FrameSamples; i < 53*FrameSamples; i++ {
			step = max(step, int(math.Abs(float64(holed[i])-float64(holed[i-1]))))
		}
		if step > 4500 { // the tone's own steepest step is 1440
			t.Errorf("%v: around a lost packet the sound jumps by %d", c, step)
		}
		long := coded(c, in, func(f int) bool { return f >= 40 && f < 70 })
		if got := level(long[55*FrameSamples : 70*FrameSamples]); got > level(in)-20 {
			t.Errorf("%v: after 300 ms of loss the level is still %.0f dB", c, got)
		}
		if got := level(long[85*FrameSamples:]); math.Abs(got-level(in)) > 1.5 {
			t.Errorf("%v: after the loss the level is %.1f dB off", c, got-level(in))
		}
	}
}

func TestConcealingNothingIsSilence(t *testing.T) {
	for _, c := range audio {
		d := NewDecoder(c)
		pcm := tone(FrameSamples, Rate, 400, 9000)
		d.Conceal(pcm)
		if got := level(pcm); got > 20 {
			t.Errorf("%v: %.0f dB out of nothing", c, got)
		}
	}
}

// A pooled coder has nothing in it of whoever used it before.
func TestPooledCodersForget(t *testing.T) {
	for range 10 {
		_ = coded(Opus, tone(Rate, Rate, 1700, 30000), func(f int) bool { return f%3 == 0 })
		for i, v := range coded(Opus, make([]int16, Rate/4), nil) {
			if v < -4 || v > 4 {
				t.Fatalf("sample %d of silence is %d", i, v)
			}
		}
	}
}

// Whoever comes later is coded, decoded and concealed just as the first one.
func TestLaterStreamsAreTheSame(t *testing.T) {
	in := tone(Rate, Rate, 500, 9000)
	lost := func(f int) bool { return f%9 == 8 }
	first := coded(Opus, in, lost)
	for n := range 5 {
		_ = coded(Opus, tone(Rate/2, Rate, 1700, 30000), func(f int) bool { return f > 5+n })
		if again := coded(Opus, in, lost); !slices.Equal(again, first) {
			t.Fatalf("stream %d is not what the first one was", n+2)
		}
	}
}

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		id      ID
		payload []byte
		want    uint32
	}{
		{PCMU, make([]byte, 80), 80}, {G722, make([]byte, 160), 160}, {VP8, make([]byte, 9), 0}, {Opus, nil, 0},
		{Opus, []byte{0 << 3}, 480}, {Opus, []byte{1 << 3}, 960}, {Opus, []byte{3 << 3}, 2880},
		{Opus, []byte{12 << 3}, 480}, {Opus, []byte{15 << 3}, 960}, {Opus, []byte{16 << 3}, 120}, {Opus, []byte{31 << 3}, 960},
		{Opus, []byte{1<<3 | 1}, 1920}, {Opus, []byte{31<<3 | 3, 3}, 2880}, {Opus, []byte{31<<3 | 3}, 0}, {Opus, []byte{31<<3 | 3, 63}, 0},
	} {
		if got := Duration(c.id, c.payload); got != c.want {
			t.Errorf("%v % x: %d, want %d", c.id, c.payload[:min(2, len(c.payload))], got, c.want)
		}
	}
}

func TestCodingAllocatesNothing(t *testing.T) {
	for _, c := range audio {
		e, d := NewEncoder(c), NewDecoder(c)
		pcm, out := tone(FrameSamples, Rate, 440, 9000), make([]int16, MaxSamples)
		payload := make([]byte, MaxFrameOctets)
		for range 5 {
			d.Decode(out, payload[:e.Encode(payload, pcm)])
			d.Conceal(out[:FrameSamples])
		}
		most := 0.0
		if c == Opus {
			most = 8 // the library's own concealment: 3, more under -race; a lost packet is no steady state
		}
		for what, f := range map[string]func(){
			"code":    func() { d.Decode(out, payload[:e.Encode(payload, pcm)]) },
			"conceal": func() { d.Conceal(out[:FrameSamples]) },
		} {
			if n := testing.AllocsPerRun(200, f); n != 0 && (what != "conceal" || n > most) {
				t.Errorf("%v: %s: %v allocations", c, what, n)
			}
		}
	}
}

// FuzzDecoder: no payload panics, whatever came before it, and no decoder
// writes more than it may.
func FuzzDecoder(f *testing.F) {
	f.Add(byte(PCMU), []byte{0xFF, 0x00}, []byte{1})
	f.Add(byte(G722), make([]byte, 160), []byte{0x80, 0x7F})
	f.Add(byte(Opus), []byte{0x08, 1, 2, 3}, []byte{0xFF, 0x41, 9, 9})
	f.Add(byte(Opus), []byte{0x4B, 0xC1, 200}, []byte{0x7C})
	f.Fuzz(func(t *testing.T, c byte, one, two []byte) {
		d := NewDecoder(ID(c))
		if d == nil {
			return
		}
		defer d.Close()
		var out [MaxSamples]int16
		for _, p := range [][]byte{one, two, nil, one} {
			if n := d.Decode(out[:], p); n < 0 || n > MaxSamples {
				t.Fatalf("%d samples", n)
			}
			d.Conceal(out[:FrameSamples])
		}
	})
}

func BenchmarkCoders(b *testing.B) {
	for _, c := range audio {
		e, d := NewEncoder(c), NewDecoder(c)
		pcm, out := tone(FrameSamples, Rate, 440, 9000), make([]int16, MaxSamples)
		payload := make([]byte, MaxFrameOctets)
		n := e.Encode(payload, pcm)
		b.Run(fmt.Sprint("Encode", c), func(b *testing.B) {
			for b.Loop() {
				e.Encode(payload, pcm)
			}
		})
		b.Run(fmt.Sprint("Decode", c), func(b *testing.B) {
			for b.Loop() {
				d.Decode(out, payload[:n])
			}
		})
		b.Run(fmt.Sprint("Conceal", c), func(b *testing.B) {
			for b.Loop() {
				d.Conceal(out[:FrameSamples])
			}
		})
	}
}
