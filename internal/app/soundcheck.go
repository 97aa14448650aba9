package app

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"callfloor/contact"
	"callfloor/media/wav"
)

// What a sound that somebody gives must be.
const (
	shortestPrompt = 200 * time.Millisecond
	longestPrompt  = 2 * time.Minute
	longestMusic   = 10 * time.Minute
	// quietest is the loudness, in dBFS, below which nothing can be made of it:
	// made louder, its noise would be heard.
	quietest = -45.0
	// clippedRun samples in a row at full scale are one flat top; more than
	// clippedTops of them in a second are heard.
	clippedRun  = 4
	clippedTops = 3
	// silentFrame is how far below the loudest frame of 20 ms silence begins, and
	// leadIn how much of it is kept at both ends.
	silentFrame = 40.0
	leadIn      = 60 * time.Millisecond
)

// prepare reads a WAV file that somebody gives, refuses what would be heard as
// a fault, and returns it as phones hear it: 8 kHz mono, without silence at its
// ends, as loud as every other prompt.
func prepare(file []byte, longest time.Duration) ([]int16, error) {
	samples, rate, channels, err := wav.Read(bytes.NewReader(file))
	if err != nil {
		return nil, contact.Errorf(contact.Invalid, "this is no WAV file that can be read: %v; save it as 16-bit PCM", err)
	}
	if rate < phoneRate || rate > 96_000 || channels > 2 {
		return nil, contact.Errorf(contact.Invalid, "the sound has %d channels at %d Hz; save it with one or two, %d to 96000 Hz", channels, rate, phoneRate)
	}
	if channels == 2 {
		samples = together(samples)
	}
	lasts := time.Duration(len(samples)) * time.Second / time.Duration(rate)
	switch {
	case lasts < shortestPrompt:
		return nil, contact.Errorf(contact.Invalid, "the sound lasts %v; make it at least %v", lasts.Round(time.Millisecond), shortestPrompt)
	case lasts > longest:
		return nil, contact.Errorf(contact.Invalid, "the sound lasts %v; make it at most %v", lasts.Round(time.Second), longest)
	}
	if at, bad := clipped(samples, rate); bad {
		return nil, contact.Errorf(contact.Invalid, "the sound is clipped at %.1f s: it was recorded too loud; record it with less gain", at.Seconds())
	}
	low := resample(samples, rate)
	loudest, ends := trim(low)
	if loudest < quietest {
		return nil, contact.Errorf(contact.Invalid, "hardly anything can be heard (%.0f dBFS at its loudest); speak closer to the microphone", loudest)
	}
	return level(low[ends[0]:ends[1]]), nil
}

// together makes one channel of two.
func together(samples []int16) []int16 {
	mono := make([]int16, len(samples)/2)
	for i := range mono {
		mono[i] = int16((int(samples[2*i]) + int(samples[2*i+1])) / 2)
	}
	return mono
}

// clipped finds the first second with more flat tops than speech has.
func clipped(samples []int16, rate int) (at time.Duration, bad bool) {
	run, tops, second := 0, 0, 0
	for i, s := range samples {
		if i/rate != second {
			second, tops = i/rate, 0
		}
		if s < math.MaxInt16-32 && s > math.MinInt16+32 {
			run = 0
			continue
		}
		if run++; run == clippedRun {
			if tops++; tops > clippedTops {
				return time.Duration(i) * time.Second / time.Duration(rate), true
			}
		}
	}
	return 0, false
}

// trim returns the loudness of the loudest 20 ms, in dBFS, and where the sound
// begins and ends without the silence around it.
func trim(samples []float64) (loudest float64, ends [2]int) {
	const frame = phoneRate / 50
	var levels []float64
	loudest = -200
	for i := 0; i+frame <= len(samples); i += frame {
		power := 0.0
		for _, s := range samples[i : i+frame] {
			power += s * s
		}
		levels = append(levels, 10*math.Log10(power/frame+1e-20))
		loudest = max(loudest, levels[len(levels)-1])
	}
	ends = [2]int{0, len(samples)}
	keep := int(leadIn.Seconds() * phoneRate)
	for i, l := range levels {
		if l > loudest-silentFrame {
			ends[0] = max(i*frame-keep, 0)
			break
		}
	}
	for i := len(levels) - 1; i >= 0; i-- {
		if levels[i] > loudest-silentFrame {
			ends[1] = min((i+1)*frame+keep, len(samples))
			break
		}
	}
	return loudest, ends
}

// loudness measures 8 kHz samples: the level (RMS) and the peak, in dBFS.
func loudness(samples []int16) (rms, peak float64) {
	power, top := 0.0, 0.0
	for _, s := range samples {
		x := float64(s) / 32768
		power += x * x
		top = max(top, math.Abs(x))
	}
	decibels := func(x float64) float64 { return math.Round(200*math.Log10(max(x, 1e-5))) / 10 }
	return decibels(math.Sqrt(power / float64(max(len(samples), 1)))), decibels(top)
}

// wavOf is a WAV file of 8 kHz mono samples.
func wavOf(samples []int16) ([]byte, error) {
	f := &memoryFile{}
	w, err := wav.NewWriter(f, phoneRate, 1)
	if err == nil {
		err = w.Write(samples)
	}
	if err == nil {
		err = w.Close()
	}
	return f.data, err
}

// memoryFile is a file in memory, for writers that go back to their header.
type memoryFile struct {
	data []byte
	at   int
}

// Write implements io.Writer.
func (f *memoryFile) Write(p []byte) (int, error) {
	if end := f.at + len(p); end > len(f.data) {
		f.data = append(f.data, make([]byte, end-len(f.data))...)
	}
	n := copy(f.data[f.at:], p)
	f.at += n
	return n, nil
}

// Seek implements io.Seeker.
func (f *memoryFile) Seek(offset int64, whence int) (int64, error) {
	from := map[int]int{0: 0, 1: f.at, 2: len(f.data)}[whence]
	if to := from + int(offset); to >= 0 && to <= len(f.data) {
		f.at = to
		return int64(to), nil
	}
	return 0, fmt.Errorf("seek to %d of %d octets", from+int(offset), len(f.data))
}
