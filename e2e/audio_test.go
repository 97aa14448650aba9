package e2e

import (
	"math"
	"os"
	"testing"
	"time"

	"callfloor/media/wav"
)

// sound is one channel of a WAV file.
type sound struct {
	rate    int
	samples []int16
}

// readWAV returns the channels of a WAV file.
func readWAV(t *testing.T, path string) []sound {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	samples, rate, channels, err := wav.Read(f)
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	out := make([]sound, channels)
	for c := range out {
		out[c].rate = rate
		for i := c; i < len(samples); i += channels {
			out[c].samples = append(out[c].samples, samples[i])
		}
	}
	return out
}

func (s sound) length() time.Duration {
	return time.Duration(len(s.samples)) * time.Second / time.Duration(s.rate)
}

// share returns which part of the power between from and to lies at hz (0 to
// 1), and the RMS level of all in dBFS.
func (s sound) share(hz float64, from, to time.Duration) (share, dBFS float64) {
	part := s.samples[s.at(from):s.at(to)]
	if len(part) == 0 {
		return 0, math.Inf(-1)
	}
	// In windows of 50 ms, since a tone that crossed a network has gaps and
	// jumps of phase.
	n := s.rate / 20
	var tone, all float64
	for i := 0; i+n <= len(part); i += n {
		t, a := goertzel(part[i:i+n], hz, s.rate)
		tone, all = tone+t, all+a
	}
	if all == 0 {
		return 0, math.Inf(-1)
	}
	return tone / all, 10 * math.Log10(all/float64(len(part))/(32768*32768))
}

func (s sound) at(d time.Duration) int {
	i := int(d * time.Duration(s.rate) / time.Second)
	return max(0, min(i, len(s.samples)))
}

// goertzel returns the power at hz and the whole power of a window.
func goertzel(x []int16, hz float64, rate int) (tone, all float64) {
	c := 2 * math.Cos(2*math.Pi*hz/float64(rate))
	var s1, s2 float64
	for _, v := range x {
		f := float64(v)
		s0 := f + c*s1 - s2
		s2, s1 = s1, s0
		all += f * f
	}
	return 2 * (s1*s1 + s2*s2 - c*s1*s2) / float64(len(x)), all
}

// onset returns when hz is first heard for 60 ms, or -1.
func (s sound) onset(hz float64, from time.Duration) time.Duration {
	n := s.rate / 50
	run := 0
	for i := s.at(from); i+n <= len(s.samples); i += n {
		tone, all := goertzel(s.samples[i:i+n], hz, s.rate)
		if all/float64(n) > 200*200 && tone/all > 0.6 {
			run++
		} else {
			run = 0
		}
		if run == 3 {
			return time.Duration(i-2*n) * time.Second / time.Duration(s.rate)
		}
	}
	return -1
}

// heard fails the test unless hz makes up most of the sound in the span.
func (s sound) heard(t *testing.T, what string, hz float64, from, to time.Duration) {
	t.Helper()
	if share, level := s.share(hz, from, to); share < 0.5 || level < -50 {
		t.Errorf("%s: %.0f Hz makes up %.0f %% of the power at %.0f dBFS between %s and %s; want most of it", what, hz, share*100, level, from, to)
	}
}

// silent fails the test if hz is heard in the span.
func (s sound) notHeard(t *testing.T, what string, hz float64, from, to time.Duration) {
	t.Helper()
	if share, level := s.share(hz, from, to); share > 0.05 && level > -60 {
		t.Errorf("%s: %.0f Hz makes up %.0f %% of the power at %.0f dBFS between %s and %s; want none", what, hz, share*100, level, from, to)
	}
}

// writeTone writes a 48 kHz WAV with a tone that is on and off for 300 ms each,
// so that a browser's noise suppression takes it for speech.
func writeTone(t *testing.T, path string, hz float64, d time.Duration) {
	t.Helper()
	const rate = 48000
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := wav.NewWriter(f, rate, 1)
	if err != nil {
		t.Fatal(err)
	}
	samples := make([]int16, int(d.Seconds()*rate))
	for i := range samples {
		if (i/(rate*3/10))%2 == 0 {
			samples[i] = int16(9000 * math.Sin(2*math.Pi*hz*float64(i)/rate))
		}
	}
	if err := w.Write(samples); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
