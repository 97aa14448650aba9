package app

import (
	"math"
	"testing"
)

// TestResampleKeepsSpeechAndNothingElse: tones that a phone carries come
// through, tones above do not fold back.
func TestResampleKeepsSpeechAndNothingElse(t *testing.T) {
	for _, rate := range []int{8000, 16000, 22050, 44100, 48000} {
		for hz, want := range map[float64]float64{300: 1, 1000: 1, 3000: 1, 5000: 0, 7000: 0} {
			if hz > float64(rate)/2 {
				continue
			}
			in := make([]int16, rate)
			for i := range in {
				in[i] = int16(16000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
			}
			out := resample(in, rate)
			power := 0.0
			for _, s := range out[1000 : len(out)-1000] {
				power += s * s
			}
			got := math.Sqrt(power/float64(len(out)-2000)) / (16000.0 / 32768 / math.Sqrt2)
			if math.Abs(got-want) > 0.06 {
				t.Errorf("%v Hz at %d: %.3f of it is left, want %v", hz, rate, got, want)
			}
		}
	}
}

// TestLevelNeverClips whatever the program gave.
func TestLevelNeverClips(t *testing.T) {
	loud := make([]float64, 8000)
	for i := range loud {
		loud[i] = math.Sin(float64(i)) * 0.999
	}
	loud[4000] = 1
	peak := 0
	for _, s := range level(loud) {
		peak = max(peak, int(math.Abs(float64(s))))
	}
	if float64(peak) > speechPeak*32768 {
		t.Errorf("peak %d", peak)
	}
	for _, s := range level(make([]float64, 100)) {
		if s != 0 {
			t.Fatal("silence became sound")
		}
	}
}
