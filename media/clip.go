package media

import (
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"callfloor/media/codec"
	"callfloor/media/wav"
)

// clipRateHz is the sample rate of every clip.
const clipRateHz = 8000

// maxClip bounds a clip: an hour of sound is 58 MB as samples.
const maxClip = time.Hour

// Clip is a piece of sound, encoded once in each codec that is asked for and
// shared by all who hear it. It never changes.
type Clip struct {
	name    string
	samples []int16 // 8 kHz, a whole number of frames
	frames  map[codec.ID]func() [][]byte
	laps    func() [][]byte // G.722's, for a clip that follows itself
}

// clipCodecs are what a clip can be heard in.
var clipCodecs = [...]codec.ID{codec.PCMU, codec.PCMA, codec.G722, codec.Opus}

// NewClip returns a clip of 8 kHz mono samples; the last 20 ms are filled up
// with silence. It keeps samples: do not change them afterwards.
func NewClip(name string, samples8k []int16) *Clip {
	if rest := len(samples8k) % frameSamples; rest != 0 {
		samples8k = append(samples8k[:len(samples8k):len(samples8k)], make([]int16, frameSamples-rest)...)
	}
	c := &Clip{name: name, samples: samples8k, frames: make(map[codec.ID]func() [][]byte, len(clipCodecs))}
	for _, id := range clipCodecs {
		c.frames[id] = sync.OnceValue(func() [][]byte { return c.encode(id, false) })
	}
	c.laps = sync.OnceValue(func() [][]byte { return c.encode(codec.G722, true) })
	return c
}

// LoadClip reads a mono WAV file of 8, 16 or 48 kHz. The error says what else
// the file was.
func LoadClip(name string, r io.Reader) (*Clip, error) {
	samples, rateHz, channels, err := wav.Read(r)
	if err != nil {
		return nil, fmt.Errorf("load clip %q: %w", name, err)
	}
	if channels != 1 {
		return nil, fmt.Errorf("load clip %q: it has %d channels; make it mono", name, channels)
	}
	if len(samples) == 0 {
		return nil, fmt.Errorf("load clip %q: it has no sound", name)
	}
	if time.Duration(len(samples))*time.Second/time.Duration(rateHz) > maxClip {
		return nil, fmt.Errorf("load clip %q: it is longer than %v", name, maxClip)
	}
	switch rateHz {
	case clipRateHz:
	case 16000, 48000:
		samples = decimate(samples, rateHz/clipRateHz)
	default:
		return nil, fmt.Errorf("load clip %q: its rate is %d Hz; make it 8000, 16000 or 48000", name, rateHz)
	}
	return NewClip(name, samples), nil
}

// ToneClip makes a clip of sines of the given frequencies; dBFS is the peak
// level of their sum (0 is full scale). It loops without a click if d holds
// whole periods of each.
func ToneClip(name string, hz []float64, d time.Duration, dBFS float64) *Clip {
	samples := make([]int16, int(min(d, maxClip)*clipRateHz/time.Second))
	if len(hz) == 0 {
		return NewClip(name, samples)
	}
	peak := math.MaxInt16 * math.Pow(10, math.Min(dBFS, 0)/20) / float64(len(hz))
	for i := range samples {
		var sum float64
		for _, f := range hz {
			sum += math.Sin(2 * math.Pi * f * float64(i) / clipRateHz)
		}
		samples[i] = int16(math.Round(peak * sum))
	}
	return NewClip(name, samples)
}

// Name returns what the clip was named.
func (c *Clip) Name() string { return c.name }

// Duration returns how long the clip plays, in whole frames of 20 ms.
func (c *Clip) Duration() time.Duration {
	return time.Duration(len(c.samples)/frameSamples) * frameTime
}

// Frames returns the clip as payloads of 20 ms in the codec; nil if it is no
// audio format. They are made the first time (a second of Opus takes 3 ms) and
// shared: do not change them.
func (c *Clip) Frames(id codec.ID) [][]byte {
	if frames, ok := c.frames[id]; ok {
		return frames()
	}
	return nil
}

// loop returns the payloads of a clip that is played over and over. G.722 steers
// the decoder by what came before: there they are those of the second time, so
// that the end leads into the beginning without a bang.
func (c *Clip) loop(id codec.ID) [][]byte {
	if id == codec.G722 {
		return c.laps()
	}
	return c.Frames(id)
}

// encode makes the payloads, one behind the other in memory; again makes them
// those of a clip that was heard just before.
func (c *Clip) encode(id codec.ID, again bool) [][]byte {
	e := codec.NewEncoder(id)
	defer e.Close()
	n := len(c.samples) / frameSamples
	all, ends := make([]byte, 0, len(c.samples)), make([]int, n)
	var payload [codec.MaxFrameOctets]byte
	if again {
		for i := range n {
			e.Encode(payload[:], c.samples[i*frameSamples:(i+1)*frameSamples])
		}
	}
	for i := range n {
		size := e.Encode(payload[:], c.samples[i*frameSamples:(i+1)*frameSamples])
		all = append(all, payload[:size]...)
		ends[i] = len(all)
	}
	all = slices.Clip(all)
	frames, from := make([][]byte, n), 0
	for i, end := range ends {
		frames[i] = all[from:end:end]
		from = end
	}
	return frames
}

// decimate lowers the rate by factor. A windowed-sinc low-pass at 0.45 of the
// new rate (3.6 kHz) keeps what 8 kHz cannot hold from folding into speech.
func decimate(in []int16, factor int) []int16 {
	half := 24 * factor
	taps := make([]float64, 2*half+1)
	var sum float64
	for i := range taps {
		x := float64(i-half) / float64(factor) * 0.9
		taps[i] = sinc(x) * (0.5 + 0.5*math.Cos(math.Pi*float64(i-half)/float64(half+1)))
		sum += taps[i]
	}
	out := make([]int16, len(in)/factor)
	for i := range out {
		var v float64
		for j, t := range taps {
			if k := i*factor + j - half; k >= 0 && k < len(in) {
				v += t * float64(in[k])
			}
		}
		out[i] = int16(math.Round(math.Max(math.MinInt16, math.Min(math.MaxInt16, v/sum))))
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
