package codec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// tone is n samples of a sine; peak is its amplitude.
func tone(n, rate int, hz, peak float64) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(math.Round(peak * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return out
}

// power is that of a window, and the part of it at hz.
func power(x []int16, hz float64, rate int) (all, at float64) {
	var re, im float64
	for i, v := range x {
		w := 2 * math.Pi * hz * float64(i) / float64(rate)
		re += float64(v) * math.Cos(w)
		im += float64(v) * math.Sin(w)
		all += float64(v) * float64(v)
	}
	n := float64(len(x))
	return all / n, 2 * (re*re + im*im) / (n * n)
}

// snr is how far the rest is below the tone in x, in dB.
func snr(x []int16, hz float64, rate int) float64 {
	all, at := power(x, hz, rate)
	return 10 * math.Log10(at/math.Max(all-at, 1e-3))
}

func level(x []int16) float64 {
	all, _ := power(x, 0, 1)
	return 10 * math.Log10(all+1e-9)
}

// through sends 16 kHz sound through G.722 at its own rate.
func through(pcm []int16) (payload []byte, out []int16) {
	split, join := g722Splitter{bands: newBands()}, g722Joiner{bands: newBands()}
	payload = make([]byte, len(pcm)/2)
	split.encode(payload, pcm)
	out = make([]int16, len(pcm))
	join.decode(out, payload)
	return payload, out
}

func TestG722KeepsTones(t *testing.T) {
	for _, c := range []struct{ hz, peak, want float64 }{
		{200, 10000, 35}, {440, 10000, 35}, {1000, 10000, 35}, {2500, 10000, 30}, {3600, 10000, 30},
		{5000, 10000, 16}, {6500, 10000, 16}, {1000, 300, 25}, {1000, 30000, 35},
	} {
		in := tone(16000, 16000, c.hz, c.peak)
		_, out := through(in)
		if got := snr(out[8000:], c.hz, 16000); got < c.want {
			t.Errorf("%.0f Hz at %.0f: the noise is %.1f dB below the tone, want %.0f", c.hz, c.peak, got, c.want)
		}
		if off := level(out[8000:]) - level(in[8000:]); math.Abs(off) > 0.5 {
			t.Errorf("%.0f Hz at %.0f: the level is off by %.2f dB", c.hz, c.peak, off)
		}
	}
}

// A voice-like sweep: every tenth of a second is compared with what went in,
// 22 samples before, which is the delay of the two mirror filters.
func TestG722FollowsASweep(t *testing.T) {
	const delay = 22
	in := make([]int16, 4*16000)
	phase := 0.0
	for i := range in {
		hz := 150 * math.Pow(20, float64(i)/float64(len(in))) // 150 Hz to 3 kHz
		phase += 2 * math.Pi * hz / 16000
		loud := 0.55 + 0.45*math.Sin(2*math.Pi*4*float64(i)/16000) // syllables
		in[i] = int16(9000 * loud * (0.7*math.Sin(phase) + 0.3*math.Sin(2*phase)))
	}
	_, out := through(in)
	for from := 1600; from+1600 <= len(in); from += 1600 {
		var signal, noise float64
		for i := from; i < from+1600; i++ {
			x, y := float64(in[i-delay]), float64(out[i])
			signal += x * x
			noise += (x - y) * (x - y)
		}
		if got := 10 * math.Log10(signal/(noise+1)); got < 18 {
			t.Errorf("at %d ms: %.1f dB of signal to noise, want 18", from/16, got)
		}
	}
}

// What the sums are of was compared bit by bit with another implementation of
// the Recommendation (FFmpeg's, both ways).
const (
	g722EncodedSum = "641e65e77deb46f9"
	g722DecodedSum = "9d9162754bf9c170"
)

func TestG722IsThatOfOthers(t *testing.T) {
	in := make([]int16, 32000)
	seed := uint32(1)
	for i := range in {
		seed = seed*1664525 + 1013904223
		in[i] = int16(12000*math.Sin(float64(i)*float64(i)/80000)) + int16(int32(seed)>>20)
	}
	payload, out := through(in)
	sum := func(b []byte) string {
		s := sha256.Sum256(b)
		return hex.EncodeToString(s[:8])
	}
	raw := make([]byte, 0, 2*len(out))
	for _, v := range out {
		raw = append(raw, byte(v), byte(uint16(v)>>8))
	}
	if got := sum(payload); got != g722EncodedSum {
		t.Errorf("encoded: %s, want %s", got, g722EncodedSum)
	}
	if got := sum(raw); got != g722DecodedSum {
		t.Errorf("decoded: %s, want %s", got, g722DecodedSum)
	}
}

// Encoder and decoder keep the same predictor: coding twice gives the same
// octets, and both ends' states agree after any sound.
func TestG722StatesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pcm := rapid.SliceOfN(rapid.Int16(), 2, 800).Draw(t, "pcm")
		split, join := g722Splitter{bands: newBands()}, g722Joiner{bands: newBands()}
		payload, again := make([]byte, len(pcm)/2), make([]byte, len(pcm)/2)
		split.encode(payload, pcm)
		join.decode(make([]int16, len(pcm)), payload)
		if split.bands != join.bands {
			t.Fatal("the ends disagree")
		}
		twice := g722Splitter{bands: newBands()}
		twice.encode(again, pcm)
		if !bytes.Equal(payload, again) {
			t.Fatal("the same sound was coded in two ways")
		}
	})
}

func TestG722Silence(t *testing.T) {
	_, out := through(append(tone(8000, 16000, 700, 20000), make([]int16, 16000)...))
	for i, v := range out[16000:] {
		if v < -16 || v > 16 {
			t.Fatalf("half a second after the tone, sample %d is %d", i, v)
		}
	}
}

// Full scale must saturate, not wrap.
func TestG722DoesNotWrap(t *testing.T) {
	in := make([]int16, 16000)
	for i := range in {
		in[i] = 32767
		if i/40%2 == 1 {
			in[i] = -32768
		}
	}
	_, out := through(in)
	wrong := 0
	for i := 4000; i < len(in); i++ {
		if edge := (i - 22) % 40; edge > 8 && edge < 32 && (in[i-22] > 0) != (out[i] > 0) {
			wrong++
		}
	}
	if wrong > 0 {
		t.Errorf("%d samples have the wrong sign", wrong)
	}
}

// What is lost is forgotten: the decoder comes back to the encoder's state.
func TestG722RecoversFromLoss(t *testing.T) {
	in := tone(16000, 16000, 440, 10000)
	split, join := g722Splitter{bands: newBands()}, g722Joiner{bands: newBands()}
	payload := make([]byte, len(in)/2)
	split.encode(payload, in)
	out := make([]int16, len(in))
	join.decode(out, payload[:2000])
	join.decode(out[4320:], payload[2160:])
	if got := snr(out[8000:], 440, 16000); got < 30 {
		t.Errorf("a quarter of a second after a loss the noise is %.1f dB below", got)
	}
}
