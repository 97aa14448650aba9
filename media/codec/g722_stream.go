package codec

// bands are the two of G.722, as they begin.
type bands struct{ low, high band }

func newBands() bands { return bands{low: band{step: 32}, high: band{step: 8}} }

// g722Splitter is the encoder at its own rate of 16 kHz.
type g722Splitter struct {
	bands
	line [24]int32 // the newest samples last
}

// encode writes one octet for each two samples of pcm.
func (g *g722Splitter) encode(dst []byte, pcm []int16) int {
	n := min(len(dst), len(pcm)/2)
	for i := range n {
		copy(g.line[:], g.line[2:])
		g.line[22], g.line[23] = int32(pcm[2*i]), int32(pcm[2*i+1])
		var even, odd int32
		for j, h := range qmf {
			even += g.line[2*j] * h
			odd += g.line[2*j+1] * qmf[11-j]
		}
		low, high := (even+odd)>>14, (odd-even)>>14
		dst[i] = byte(g.high.encodeHigh(high)<<6 | g.low.encodeLow(low))
	}
	return n
}

// g722Joiner is the decoder at 16 kHz.
type g722Joiner struct {
	bands
	line [24]int32
}

// decode writes two samples for each octet.
func (g *g722Joiner) decode(dst []int16, payload []byte) int {
	n := min(len(payload), len(dst)/2)
	for i, octet := range payload[:n] {
		low, high := g.low.decodeLow(int32(octet&0x3F)), g.high.decodeHigh(int32(octet>>6))
		copy(g.line[:], g.line[2:])
		g.line[22], g.line[23] = low+high, low-high
		var even, odd int32
		for j, h := range qmf {
			even += g.line[2*j] * h
			odd += g.line[2*j+1] * qmf[11-j]
		}
		dst[2*i], dst[2*i+1] = int16(sat16(odd>>11)), int16(sat16(even>>11))
	}
	return 2 * n
}

// g722Encoder takes sound at 8 kHz.
type g722Encoder struct {
	split g722Splitter
	up    upsampler
	wide  [2 * FrameSamples]int16
}

func newG722Encoder() *g722Encoder { return &g722Encoder{split: g722Splitter{bands: newBands()}} }

func (g *g722Encoder) Encode(dst []byte, pcm []int16) int {
	n := min(len(pcm), FrameSamples)
	g.up.run(g.wide[:2*n], pcm[:n])
	return g.split.encode(dst, g.wide[:2*n])
}

func (g *g722Encoder) Close() {}

// g722Decoder gives sound at 8 kHz.
type g722Decoder struct {
	join g722Joiner
	down downsampler
	wide [2 * MaxSamples]int16
}

func newG722Decoder() *g722Decoder { return &g722Decoder{join: g722Joiner{bands: newBands()}} }

func (g *g722Decoder) samples(dst []int16, payload []byte) int {
	if len(payload) > min(len(dst), MaxSamples) {
		return 0
	}
	n := g.join.decode(g.wide[:], payload)
	g.down.run(dst[:n/2], g.wide[:n])
	return n / 2
}
