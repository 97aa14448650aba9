package dtmf

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// press8 is a key's sound: rowDB and columnDB are the tones' levels in dBFS (of
// a sine's power), off is by how much both frequencies are wrong.
func press8(key rune, ms int, rowDB, columnDB, off float64) []int16 {
	row, column := Tones(key)
	a, b := 32768*math.Sqrt2*math.Pow(10, rowDB/20), 32768*math.Sqrt2*math.Pow(10, columnDB/20)
	out := make([]int16, ms*8)
	for i := range out {
		t := 2 * math.Pi * float64(i) / 8000 * (1 + off)
		out[i] = int16(a*math.Sin(row*t) + b*math.Sin(column*t+1))
	}
	return out
}

func quiet(ms int) []int16 { return make([]int16, ms*8) }

// found writes sound in packets of 20 ms, shifted by at samples.
func found(at int, parts ...[]int16) string {
	var d Detector
	var got strings.Builder
	pcm := make([]int16, at, 8000)
	for _, p := range parts {
		pcm = append(pcm, p...)
	}
	pcm = append(pcm, quiet(60)...)
	for len(pcm) > 0 {
		n := min(160, len(pcm))
		for _, key := range d.Write(pcm[:n]) {
			got.WriteRune(key)
		}
		pcm = pcm[n:]
	}
	return got.String()
}

// Q.24's limits, at every place of the windows' grid.
func TestDetectorLimits(t *testing.T) {
	for _, c := range []struct {
		name  string
		parts [][]int16
		want  string
	}{
		{"an ordinary key", [][]int16{press8('5', 100, -14, -12, 0)}, "5"},
		{"the shortest key", [][]int16{press8('5', 40, -14, -14, 0)}, "5"},
		{"too short", [][]int16{press8('5', 22, -14, -14, 0)}, ""},
		{"two keys with the shortest pause", [][]int16{press8('5', 50, -14, -14, 0), quiet(40), press8('5', 50, -14, -14, 0)}, "55"},
		{"other key without a pause", [][]int16{press8('5', 60, -14, -14, 0), press8('9', 60, -14, -14, 0)}, "59"},
		{"a break of 10 ms", [][]int16{press8('5', 60, -14, -14, 0), quiet(10), press8('5', 60, -14, -14, 0)}, "5"},
		{"a long key", [][]int16{press8('#', 3000, -14, -14, 0)}, "#"},
		{"weak", [][]int16{press8('1', 60, -33, -33, 0)}, "1"},
		{"too weak", [][]int16{press8('1', 60, -48, -48, 0)}, ""},
		{"loud", [][]int16{press8('D', 60, -9.1, -9.1, 0)}, "D"},
		{"twist", [][]int16{press8('3', 60, -16, -12, 0)}, "3"},
		{"reverse twist", [][]int16{press8('3', 60, -12, -20, 0)}, "3"},
		{"too much twist", [][]int16{press8('3', 60, -24, -14, 0)}, ""},
		{"too much reverse twist", [][]int16{press8('3', 60, -10, -23, 0)}, ""},
		{"a little sharp", [][]int16{press8('D', 60, -14, -14, 0.015)}, "D"},
		{"a little flat", [][]int16{press8('1', 60, -14, -14, -0.015)}, "1"},
		{"far too sharp", [][]int16{press8('D', 60, -14, -14, 0.04)}, ""},
		{"one tone", [][]int16{press8('5', 200, -14, -90, 0)}, ""},
		{"the other tone", [][]int16{press8('5', 200, -90, -14, 0)}, ""},
	} {
		for at := 0; at < 60; at += 7 {
			if got := found(at, c.parts...); got != c.want {
				t.Errorf("%s, %d samples later: %q, want %q", c.name, at, got, c.want)
			}
		}
	}
}

func TestDetectorKnowsEveryKey(t *testing.T) {
	var parts [][]int16
	for _, key := range keys {
		parts = append(parts, press8(key, 50, -14, -12, 0), quiet(50))
	}
	if got := found(0, parts...); got != keys {
		t.Errorf("%q", got)
	}
}

// With noise 15 dB below the tones (Q.24).
func TestDetectorInNoise(t *testing.T) {
	noise := rand.New(rand.NewPCG(1, 2))
	missed := 0
	for i := range 400 {
		pcm := press8(rune(keys[i%16]), 60, -14, -14, 0)
		for j := range pcm {
			pcm[j] = int16(float64(pcm[j]) + noise.NormFloat64()*32768*math.Sqrt(2*math.Pow(10, -1.4))*math.Pow(10, -15.0/20))
		}
		if found(i%60, pcm) != string(keys[i%16]) {
			missed++
		}
	}
	if missed > 2 {
		t.Errorf("%d of 400 keys were missed or misread", missed)
	}
}

func TestDetectorIsDeafToNoise(t *testing.T) {
	noise := rand.New(rand.NewPCG(3, 4))
	pcm := make([]int16, 8000*60)
	for i := range pcm {
		pcm[i] = int16(noise.NormFloat64() * 4000)
	}
	if got := found(0, pcm); got != "" {
		t.Errorf("a minute of noise pressed %q", got)
	}
}

func TestDetectorAllocatesNothing(t *testing.T) {
	var d Detector
	pcm := press8('5', 20, -14, -14, 0)
	if n := testing.AllocsPerRun(100, func() { d.Write(pcm) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDetector(f *testing.F) {
	f.Add([]byte{1, 2, 3}, 100)
	f.Fuzz(func(t *testing.T, b []byte, times int) {
		var d Detector
		pcm := make([]int16, len(b)/2)
		for i := range pcm {
			pcm[i] = int16(b[2*i])<<8 | int16(b[2*i+1])
		}
		for range min(max(times, 1), 50) {
			for _, key := range d.Write(pcm) {
				if !ValidKey(key) {
					t.Fatalf("key %q", key)
				}
			}
		}
	})
}

func BenchmarkDetector(b *testing.B) {
	var d Detector
	pcm := press8('5', 20, -14, -14, 0)
	for b.Loop() {
		d.Write(pcm)
	}
}
