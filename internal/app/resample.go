package app

import (
	"bytes"
	"fmt"
	"math"

	"callfloor/media"
	"callfloor/media/wav"
)

const (
	phoneRate = 8000
	// sincReach is how many zero crossings of the filter are used on each side.
	sincReach = 16
	// speechLevel and speechPeak are those of the recorded prompts: -18 dBFS RMS
	// and no peak above -3 dBFS.
	speechLevel = 0.126
	speechPeak  = 0.7
)

// spokenClip makes a clip of a WAV file of any rate, as loud as the prompts.
func spokenClip(file []byte) (*media.Clip, error) {
	samples, rate, channels, err := wav.Read(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if channels != 1 || rate < phoneRate || rate > 96_000 || len(samples) < rate/100 {
		return nil, fmt.Errorf("%d channels of %d samples at %d Hz; make it mono, %d to 96000 Hz", channels, len(samples), rate, phoneRate)
	}
	return media.NewClip("say", level(resample(samples, rate))), nil
}

// resample takes samples to 8 kHz by a windowed sinc that lets 3.6 kHz through.
func resample(samples []int16, rate int) []float64 {
	step := float64(rate) / phoneRate
	cut := 0.45 / step * 2 // of the input's Nyquist frequency
	reach := int(math.Ceil(sincReach / cut))
	out := make([]float64, int(float64(len(samples))/step))
	for i := range out {
		at := float64(i) * step
		first := max(int(at)-reach+1, 0)
		last := min(int(at)+reach, len(samples)-1)
		sum, weight := 0.0, 0.0
		for k := first; k <= last; k++ {
			x := at - float64(k)
			w := sinc(x*cut) * (0.5 + 0.5*math.Cos(math.Pi*x/float64(reach+1)))
			sum += w * float64(samples[k])
			weight += w
		}
		out[i] = sum / (weight * 32768)
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// level scales samples to the loudness of the prompts; silence stays silence.
func level(samples []float64) []int16 {
	power, peak := 0.0, 0.0
	for _, s := range samples {
		power += s * s
		peak = max(peak, math.Abs(s))
	}
	gain := 1.0
	if peak > 0 {
		gain = min(speechLevel/math.Sqrt(power/float64(len(samples))), speechPeak/peak)
	}
	out := make([]int16, len(samples))
	for i, s := range samples {
		out[i] = int16(math.Round(s * gain * 32767))
	}
	return out
}
