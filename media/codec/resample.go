package codec

import "math"

// The filter between 8 and 16 kHz: a Kaiser-windowed low-pass that keeps up to
// 3.4 kHz (-0.1 dB) and is 50 dB down at 4 kHz and above, so that nothing of a
// wideband voice folds into the telephone band. Of its taps each phase has half.
const (
	phaseTaps    = 40
	filterTaps   = 2*phaseTaps - 1
	filterCutHz  = 3720
	filterKaiser = 4.55
	filterShift  = 15
)

// lowPass holds the filter's two phases, times 2^15; each sums to one.
var lowPass = makeLowPass()

func makeLowPass() (h [2][phaseTaps]int32) {
	var taps [2 * phaseTaps]float64 // one more than filterTaps: the last is zero
	for i := range filterTaps {
		x := float64(i) - (filterTaps-1)/2
		taps[i] = sinc(2*filterCutHz/16000.0*x) * kaiser(x/(filterTaps/2.0))
	}
	for phase := range h {
		var sum float64
		for i := range phaseTaps {
			sum += taps[2*i+phase]
		}
		for i := range phaseTaps {
			h[phase][i] = int32(math.Round(taps[2*i+phase] / sum * (1 << filterShift)))
		}
	}
	return h
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is the window at x from -1 to 1.
func kaiser(x float64) float64 {
	return bessel(filterKaiser*math.Sqrt(math.Max(0, 1-x*x))) / bessel(filterKaiser)
}

// bessel is the modified Bessel function of the first kind, order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; k < 30; k++ {
		term *= (x / 2) / k * (x / 2) / k
		sum += term
	}
	return sum
}

// upsampler makes 16 kHz of 8 kHz.
type upsampler struct {
	line [phaseTaps - 1 + FrameSamples]int32
}

// run reads at most FrameSamples samples of src and writes two for each.
func (u *upsampler) run(dst, src []int16) {
	for i, v := range src {
		u.line[phaseTaps-1+i] = int32(v)
	}
	for i := range src {
		past := (*[phaseTaps]int32)(u.line[i:])
		for phase := range 2 {
			var sum int64
			for j, h := range &lowPass[phase] {
				sum += int64(h) * int64(past[phaseTaps-1-j])
			}
			dst[2*i+phase] = int16(sat16(int32(sum >> filterShift)))
		}
	}
	copy(u.line[:], u.line[len(src):len(src)+phaseTaps-1])
}

// downsampler makes 8 kHz of 16 kHz.
type downsampler struct {
	even, odd [phaseTaps - 1 + MaxSamples]int32 // the input, by turns
}

// run reads at most 2*MaxSamples samples of src and writes one for each two.
func (d *downsampler) run(dst, src []int16) {
	n := len(src) / 2
	for i := range n {
		d.even[phaseTaps-1+i], d.odd[phaseTaps-1+i] = int32(src[2*i]), int32(src[2*i+1])
	}
	for i := range dst[:n] {
		var sum int64
		even, odd := (*[phaseTaps]int32)(d.even[i:]), (*[phaseTaps]int32)(d.odd[i:])
		for j := range phaseTaps {
			sum += int64(lowPass[0][j])*int64(odd[phaseTaps-1-j]) + int64(lowPass[1][j])*int64(even[phaseTaps-1-j])
		}
		dst[i] = int16(sat16(int32(sum >> (filterShift + 1))))
	}
	copy(d.even[:], d.even[n:n+phaseTaps-1])
	copy(d.odd[:], d.odd[n:n+phaseTaps-1])
}
