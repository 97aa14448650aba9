package tone

import (
	"math"
	"testing"

	"callfloor/media"
	"callfloor/media/codec"
)

// level is the power of a frequency in samples, as a share of their whole.
func level(samples []int16, hz float64) float64 {
	var re, im, all float64
	for i, s := range samples {
		a := 2 * math.Pi * hz * float64(i) / rateHz
		re += float64(s) * math.Cos(a)
		im += float64(s) * math.Sin(a)
		all += float64(s) * float64(s)
	}
	return 2 * (re*re + im*im) / float64(len(samples)) / all
}

func decoded(t *testing.T, clip *media.Clip) []int16 {
	t.Helper()
	var all []int16
	for _, frame := range clip.Frames(codec.PCMU) {
		var pcm [2 * frameMS * rateHz / 1000]int16
		all = append(all, pcm[:codec.Decode(codec.PCMU, pcm[:], frame)]...)
	}
	return all
}

// Every country's tones have the frequencies and the rhythm of its table, at
// one level, and end in a packet's end.
func TestEveryTone(t *testing.T) {
	for _, c := range Countries() {
		for _, kind := range Kinds() {
			want, _ := rhythm(kind, c)
			clip, ok := Clip(kind, c)
			if !ok {
				t.Fatalf("%s has no %s tone", c, kind)
			}
			samples := decoded(t, clip)
			at := 0
			for i, b := range want {
				n := b.ms * rateHz / 1000
				part := samples[at+rateHz/100 : at+n-rateHz/100]
				at += n
				var sum float64
				for _, s := range part {
					sum += float64(s) * float64(s)
				}
				dBFS := 20 * math.Log10(math.Sqrt(sum/float64(len(part)))/math.MaxInt16+1e-9)
				if len(b.hz) == 0 {
					if dBFS > -60 {
						t.Errorf("%s %s part %d is a pause at %.0f dBFS", c, kind, i, dBFS)
					}
					continue
				}
				if math.Abs(dBFS-levelDBFS) > 1 {
					t.Errorf("%s %s part %d is at %.1f dBFS, not %.0f", c, kind, i, dBFS, levelDBFS)
				}
				var share float64
				for _, hz := range b.hz {
					share += level(part, hz)
				}
				if share < 0.85 {
					t.Errorf("%s %s part %d: only %.0f %% of it is %v Hz", c, kind, i, 100*share, b.hz)
				}
			}
			if turns := float64(len(samples)) / float64(at); turns != math.Trunc(turns) {
				t.Errorf("%s %s holds %.2f turns of its rhythm; its loop would limp", c, kind, turns)
			}
		}
	}
}

func TestUnknownTone(t *testing.T) {
	if _, ok := Clip(Ringback, "zz"); ok {
		t.Error("a country that is not there has a tone")
	}
	if _, ok := Clip("dial", "de"); ok {
		t.Error("a kind that is not there has a tone")
	}
}
