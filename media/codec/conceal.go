package codec

import "math"

// Concealment of lost packets by wave form substitution, after the idea of
// ITU-T G.711 appendix I: the last pitch period is repeated, ever softer, until
// there is silence; the first samples that come again are faded in. Unlike
// there nothing is delayed; the step at the beginning is faded out instead.
const (
	pastSamples = 400 // 50 ms: the longest period and what it is compared with
	pitchMin    = 40  // 200 Hz
	pitchMax    = 120 // 66 Hz
	pitchSpan   = 160 // how much is compared
	joinSamples = 32  // 4 ms
	// fadeAfter is how long the repetition keeps its level, fadeOver how long
	// it then takes to silence.
	fadeAfter = 80  // 10 ms
	fadeOver  = 400 // 50 ms
)

// concealer remembers what was heard and invents what was not.
type concealer struct {
	past   [pastSamples]int16 // the newest last; what was invented counts
	period [pitchMax]int16
	length int // of period; 0: nothing is being invented
	at     int // next sample of period
	lost   int // samples invented so far
	step   float32
}

// good takes samples that came, and joins them to what was invented.
func (c *concealer) good(pcm []int16) {
	if len(pcm) == 0 {
		return
	}
	if c.length > 0 {
		n := min(joinSamples, len(pcm))
		for i := range n {
			in := float32(i+1) / float32(n+1)
			pcm[i] = int16(float32(c.next())*(1-in) + float32(pcm[i])*in)
		}
		c.length = 0
	}
	c.remember(pcm)
}

// fill invents samples.
func (c *concealer) fill(dst []int16) {
	if c.length == 0 {
		c.begin()
	}
	for i := range dst {
		dst[i] = c.next()
	}
	c.remember(dst)
}

// next invents one sample.
func (c *concealer) next() int16 {
	v := float32(c.period[c.at])
	if c.at++; c.at == c.length {
		c.at = 0
	}
	if c.lost < joinSamples { // the step from what came to what is repeated
		v += c.step * float32(joinSamples-c.lost) / joinSamples
	}
	gain := min(1, 1-float32(c.lost-fadeAfter)/fadeOver)
	c.lost++
	return int16(min(max(v*max(gain, 0), math.MinInt16), math.MaxInt16))
}

// begin takes the last pitch period out of the past. Its end is faded into what
// came before its beginning, so that it repeats without a step.
func (c *concealer) begin() {
	p := c.pitch()
	c.length, c.at, c.lost = p, 0, 0
	last := c.past[pastSamples-p:]
	copy(c.period[:], last)
	before := c.past[pastSamples-p-joinSamples : pastSamples-p]
	for i, v := range before {
		in := float32(i+1) / (joinSamples + 1)
		k := p - joinSamples + i
		c.period[k] = int16(float32(last[k])*(1-in) + float32(v)*in)
	}
	c.step = float32(c.past[pastSamples-1]) - float32(before[joinSamples-1])
}

// pitch is the lag at which the past is most like itself, by normalised
// correlation.
func (c *concealer) pitch() int {
	span := c.past[pastSamples-pitchSpan:]
	best, at := float32(-1), pitchMax
	for lag := pitchMin; lag <= pitchMax; lag++ {
		other := c.past[pastSamples-pitchSpan-lag : pastSamples-lag]
		var dot, power int64
		for i, v := range span {
			dot += int64(v) * int64(other[i])
			power += int64(other[i]) * int64(other[i])
		}
		if power == 0 || dot <= 0 {
			continue
		}
		if like := float32(dot) / float32(math.Sqrt(float64(power))); like > best {
			best, at = like, lag
		}
	}
	return at
}

func (c *concealer) remember(pcm []int16) {
	if len(pcm) >= pastSamples {
		copy(c.past[:], pcm[len(pcm)-pastSamples:])
		return
	}
	copy(c.past[:], c.past[len(pcm):])
	copy(c.past[pastSamples-len(pcm):], pcm)
}
