package media

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callfloor/media/codec"
	"callfloor/media/wav"
)

// level returns the amplitude of a frequency in 8 kHz samples, 1 is full scale.
func level(samples []int16, hz float64) float64 {
	var re, im float64
	for i, s := range samples {
		re += float64(s) * math.Cos(2*math.Pi*hz*float64(i)/8000)
		im += float64(s) * math.Sin(2*math.Pi*hz*float64(i)/8000)
	}
	return 2 * math.Hypot(re, im) / float64(len(samples)) / math.MaxInt16
}

func decoded(c *Clip, id codec.ID) []int16 {
	var out []int16
	for _, f := range c.Frames(id) {
		var b [frameSamples]int16
		out = append(out, b[:codec.Decode(id, b[:], f)]...)
	}
	return out
}

func TestToneClip(t *testing.T) {
	c := ToneClip("ring", []float64{440, 480}, time.Second, -6.02)
	if c.Duration() != time.Second || c.Name() != "ring" {
		t.Errorf("%q of %v", c.Name(), c.Duration())
	}
	for _, id := range []codec.ID{codec.PCMU, codec.PCMA} {
		got := decoded(c, id)
		for hz, want := range map[float64]float64{440: 0.25, 480: 0.25, 1000: 0} {
			if l := level(got, hz); math.Abs(l-want) > 0.01 {
				t.Errorf("%v: %v Hz at %.3f, want %.3f", id, hz, l, want)
			}
		}
	}
	if &c.Frames(codec.PCMU)[0][0] != &c.Frames(codec.PCMU)[0][0] {
		t.Error("frames are made anew for each listener")
	}
}

// wavOf makes a WAV file of tones.
func wavOf(t *testing.T, rateHz, channels int, hz ...float64) *bytes.Reader {
	path := filepath.Join(t.TempDir(), "x.wav")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := wav.NewWriter(f, rateHz, channels)
	if err != nil {
		t.Fatal(err)
	}
	samples := make([]int16, rateHz*channels)
	for i := range samples {
		for _, f := range hz {
			samples[i] += int16(8000 * math.Sin(2*math.Pi*f*float64(i)/float64(rateHz)))
		}
	}
	if err := errors.Join(w.Write(samples), w.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b)
}

// Speech passes, and what 8 kHz cannot hold does not fold into it: 5 kHz would
// come back as 3 kHz.
func TestLoadClip(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		hz := []float64{1000}
		if rate > 8000 {
			hz = append(hz, 5000)
		}
		c, err := LoadClip("x", wavOf(t, rate, 1, hz...))
		if err != nil {
			t.Fatal(err)
		}
		if c.Duration() != time.Second {
			t.Errorf("%d Hz: %v", rate, c.Duration())
		}
		got := c.samples[400 : len(c.samples)-400]
		if l := level(got, 1000); math.Abs(l-8000.0/32767) > 0.01 {
			t.Errorf("%d Hz: 1 kHz at %.4f", rate, l)
		}
		if l := level(got, 3000); l > 0.001 {
			t.Errorf("%d Hz: 5 kHz folded to 3 kHz at %.4f", rate, l)
		}
	}
}

func TestLoadClipRefuses(t *testing.T) {
	for name, r := range map[string]*bytes.Reader{
		"ErrStereo": wavOf(t, 8000, 2, 400),
		"ErrRate":   wavOf(t, 44100, 1, 400),
		"ErrNotWAV": bytes.NewReader([]byte("nothing")),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := LoadClip("greeting", r); err == nil || !strings.Contains(err.Error(), "greeting") {
				t.Errorf("error %v", err)
			}
		})
	}
}
