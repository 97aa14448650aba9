package codec

// G.722 at 64 kbit/s (mode 1), after the text, the tables and the block names of
// ITU-T G.722 (09/2012) §3 and §6: sound at 16 kHz is split into two bands of
// 8 kHz by a quadrature mirror filter; each is coded by adaptive differential
// PCM, the lower in six bits, the higher in two. All arithmetic is that of the
// Recommendation's 16-bit fixed point.

// qmf are the even coefficients of the mirror filters (table 11), times 2^13;
// the odd ones are the same in reverse.
var qmf = [12]int32{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}

// Tables of the lower band.
var (
	// lowLevels are the decision levels of the 60-level quantizer (table 14).
	lowLevels = [30]int32{
		0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714,
		786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
	}
	// low6 are the outputs of the inverse quantizer of six bits, low4 of four
	// (tables 17 and 20), by code.
	low6 = [64]int32{
		-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
		-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
		24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
		4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
	}
	low4 = [16]int32{
		0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
	}
	// lowStep is how the logarithm of the step changes, by the four-bit code
	// (tables 18 and 21 joined).
	lowStep = [16]int32{-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60}
)

// Tables of the higher band, by its code.
var (
	high2    = [4]int32{-7408, -1616, 7408, 1616}
	highStep = [4]int32{798, -214, 798, -214}
)

// antilog is 2^11 times 2^(i/32), as table 19 rounds it.
var antilog = [32]int32{
	2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
	2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
}

// Limits and constants of the two bands' steps.
const (
	lowLogMax, lowLogShift   = 18432, 8
	highLogMax, highLogShift = 22528, 10
	highDecision             = 564 // of the higher band's quantizer, times 2^12
)

// sat16 limits to 16 bits.
func sat16(v int32) int32 { return min(max(v, -32768), 32767) }

// band is the adaptive predictor and step of one band.
type band struct {
	estimate int32    // s: what the next sample is expected to be
	zero     int32    // sz: the part of it that comes from the zeros
	log      int32    // nb
	step     int32    // det
	a        [2]int32 // poles
	b        [6]int32 // zeros
	d        [6]int32 // past differences
	r        [2]int32 // past reconstructed signal
	p        [2]int32 // past partially reconstructed signal
}

// scale moves the step on (blocks LOGSCL and SCALEL, LOGSCH and SCALEH).
func (s *band) scale(change, most, shift int32) {
	s.log = min(max(s.log*127>>7+change, 0), most)
	v := antilog[s.log>>6&31]
	if by := shift - s.log>>11; by >= 0 {
		v >>= by
	} else {
		v <<= -by
	}
	s.step = v << 2
}

// adapt takes the quantized difference d and makes the next estimate (block 4).
func (s *band) adapt(d int32) {
	r, p := sat16(s.estimate+d), sat16(s.zero+d) // RECONS, PARREC
	s.poles(p)
	s.zeros(d)
	copy(s.d[1:], s.d[:5]) // DELAYA
	s.d[0] = d
	s.r[1], s.r[0] = s.r[0], r
	s.p[1], s.p[0] = s.p[0], p
	fromPoles := sat16(s.a[0]*sat16(2*s.r[0])>>15 + s.a[1]*sat16(2*s.r[1])>>15) // FILTEP
	var fromZeros int32                                                         // FILTEZ
	for i, b := range s.b {
		fromZeros += b * sat16(2*s.d[i]) >> 15
	}
	s.zero = sat16(fromZeros)
	s.estimate = sat16(fromPoles + s.zero) // PREDIC
}

// poles are blocks UPPOL2 and UPPOL1.
func (s *band) poles(p int32) {
	sign := p >> 15
	w := sat16(4 * s.a[0])
	if sign == s.p[0]>>15 {
		w = -w
	}
	w = min(w, 32767) >> 7
	if sign == s.p[1]>>15 {
		w += 128
	} else {
		w -= 128
	}
	a2 := min(max(w+s.a[1]*32512>>15, -12288), 12288)
	step := int32(-192)
	if sign == s.p[0]>>15 {
		step = 192
	}
	most := 15360 - a2
	s.a[0] = min(max(sat16(step+s.a[0]*32640>>15), -most), most)
	s.a[1] = a2
}

// zeros is block UPZERO.
func (s *band) zeros(d int32) {
	step := int32(128)
	if d == 0 {
		step = 0
	}
	for i := range s.b {
		w := step
		if d>>15 != s.d[i]>>15 {
			w = -step
		}
		s.b[i] = sat16(w + s.b[i]*32640>>15)
	}
}

// decodeLow takes a code of the lower band and returns its sample.
func (s *band) decodeLow(code int32) int32 {
	sample := s.estimate + s.step*low6[code]>>15
	s.takeLow(code)
	return min(max(sample, -16384), 16383)
}

// takeLow moves the band on by a code, of which the upper four bits count.
func (s *band) takeLow(code int32) {
	d := s.step * low4[code>>2] >> 15
	s.scale(lowStep[code>>2], lowLogMax, lowLogShift)
	s.adapt(d)
}

func (s *band) decodeHigh(code int32) int32 {
	d := s.step * high2[code] >> 15
	sample := min(max(s.estimate+d, -16384), 16383)
	s.scale(highStep[code], highLogMax, highLogShift)
	s.adapt(d)
	return sample
}

// encodeLow quantizes a sample of the lower band (block QUANTL).
func (s *band) encodeLow(x int32) int32 {
	e := sat16(x - s.estimate)
	size := e
	if e < 0 {
		size = -(e + 1)
	}
	level := int32(1)
	for level < 30 && size >= lowLevels[level]*s.step>>12 {
		level++
	}
	var code int32
	switch {
	case e >= 0:
		code = 62 - level
	case level <= 2:
		code = 64 - level
	default:
		code = 34 - level
	}
	s.takeLow(code)
	return code
}

// encodeHigh is block QUANTH.
func (s *band) encodeHigh(x int32) int32 {
	e := sat16(x - s.estimate)
	size, code := e, int32(3)
	if e < 0 {
		size, code = -(e + 1), 1
	}
	if size >= highDecision*s.step>>12 {
		code--
	}
	d := s.step * high2[code] >> 15
	s.scale(highStep[code], highLogMax, highLogShift)
	s.adapt(d)
	return code
}
