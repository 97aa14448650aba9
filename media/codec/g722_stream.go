package codec

// bands are the two of G.722, as they begin.
type bands struct{ low, high band }

func newBands() bands { return bands{low: band{step: 32}, high: band{step: 8}} }

// The mirror filters look at 24 values, the two newest of which belong to the
// octet in hand; qmfPast are those before. qmfChunk octets are done at a time.
const (
	qmfTaps  = 24
	qmfPast  = qmfTaps - 2
	qmfChunk = FrameSamples
)

// mirror is the delay line of a mirror filter.
type mirror struct {
	line [qmfPast + 2*qmfChunk]int32
}

// sums are the two halves of the filter at octet i.
func (m *mirror) sums(i int) (even, odd int32) {
	x := (*[qmfTaps]int32)(m.line[2*i:])
	for j, h := range &qmf {
		even += x[2*j] * h
		odd += x[2*j+1] * qmf[11-j]
	}
	return even, odd
}

// shift moves the line on by n octets.
func (m *mirror) shift(n int) { copy(m.line[:qmfPast], m.line[2*n:2*n+qmfPast]) }

// g722Splitter is the encoder at its own rate of 16 kHz.
type g722Splitter struct {
	bands
	mirror
}

// encode writes one octet for each two samples of pcm.
func (g *g722Splitter) encode(dst []byte, pcm []int16) int {
	done := min(len(dst), len(pcm)/2)
	for from := 0; from < done; from += qmfChunk {
		n := min(done-from, qmfChunk)
		for i, v := range pcm[2*from : 2*(from+n)] {
			g.line[qmfPast+i] = int32(v)
		}
		for i := range n {
			even, odd := g.sums(i)
			low, high := (even+odd)>>14, (odd-even)>>14
			dst[from+i] = byte(g.high.encodeHigh(high)<<6 | g.low.encodeLow(low))
		}
		g.shift(n)
	}
	return done
}

// g722Joiner is the decoder at 16 kHz.
type g722Joiner struct {
	bands
	mirror
}

// decode writes two samples for each octet.
func (g *g722Joiner) decode(dst []int16, payload []byte) int {
	done := min(len(payload), len(dst)/2)
	for from := 0; from < done; from += qmfChunk {
		n := min(done-from, qmfChunk)
		for i, octet := range payload[from : from+n] {
			low, high := g.low.decodeLow(int32(octet&0x3F)), g.high.decodeHigh(int32(octet>>6))
			g.line[qmfPast+2*i], g.line[qmfPast+2*i+1] = low+high, low-high
			even, odd := g.sums(i)
			dst[2*(from+i)], dst[2*(from+i)+1] = int16(sat16(odd>>11)), int16(sat16(even>>11))
		}
		g.shift(n)
	}
	return 2 * done
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
