package codec

// Rate is the sample rate of everything that is encoded or was decoded, in Hz.
const Rate = 8000

// Sizes of buffers.
const (
	// FrameSamples is what an Encoder takes at a time: 20 ms.
	FrameSamples = Rate / 50
	// MaxSamples is room for what any packet decodes to: 200 ms of G.711, or
	// the 120 ms that are the most of Opus (RFC 6716 §3.2.5).
	MaxSamples = Rate / 5
	// MaxFrameOctets is room for one encoded frame in any format (RFC 6716
	// §3.2.1).
	MaxFrameOctets = 1275
)

// Encoder turns sound into the payloads of one stream. It is not safe for
// concurrent use.
type Encoder interface {
	// Encode writes FrameSamples samples into dst, which has room for
	// MaxFrameOctets, and returns the length of the payload. It allocates
	// nothing.
	Encode(dst []byte, pcm []int16) int
	// Close gives the encoder back; it is not used afterwards.
	Close()
}

// Decoder turns the payloads of one stream, in the order in which they were
// sent, into sound. It is not safe for concurrent use.
type Decoder interface {
	// Decode writes what payload holds into dst, which has room for MaxSamples,
	// and returns the number of samples; 0 if payload is damaged or holds more
	// than MaxSamples. After Conceal it joins without a click. It allocates
	// nothing.
	Decode(dst []int16, payload []byte) int
	// Conceal fills the whole of dst, at most 40 ms, with what may have been in
	// a packet that was lost; after about 60 ms of it with silence.
	Conceal(dst []int16)
	// Close gives the decoder back; it is not used afterwards.
	Close()
}

// NewEncoder returns an encoder of c, or nil if c is no audio format.
func NewEncoder(c ID) Encoder {
	switch c {
	case PCMU, PCMA:
		return g711Encoder(c)
	case G722:
		return newG722Encoder()
	case Opus:
		return takeOpusEncoder()
	default:
		return nil
	}
}

// NewDecoder returns a decoder of c, or nil if c is no audio format.
func NewDecoder(c ID) Decoder {
	switch c {
	case PCMU, PCMA:
		return &waveDecoder{decode: g711Decoder(c)}
	case G722:
		return &waveDecoder{decode: newG722Decoder()}
	case Opus:
		return takeOpusDecoder()
	default:
		return nil
	}
}

type g711Encoder ID

func (c g711Encoder) Encode(dst []byte, pcm []int16) int { return Encode(ID(c), dst, pcm) }
func (c g711Encoder) Close()                             {}

// sampler decodes payloads of a format that has no concealment of its own.
type sampler interface {
	samples(dst []int16, payload []byte) int
}

type g711Decoder ID

func (c g711Decoder) samples(dst []int16, payload []byte) int {
	if len(payload) > len(dst) {
		return 0
	}
	return Decode(ID(c), dst, payload)
}

// waveDecoder adds concealment by the wave form.
type waveDecoder struct {
	decode  sampler
	conceal concealer
}

func (d *waveDecoder) Decode(dst []int16, payload []byte) int {
	n := d.decode.samples(dst, payload)
	d.conceal.good(dst[:n])
	return n
}

func (d *waveDecoder) Conceal(dst []int16) { d.conceal.fill(dst) }
func (d *waveDecoder) Close()              {}
