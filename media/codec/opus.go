package codec

import (
	"sync"

	"github.com/thesyncim/gopus"
)

// How Opus is encoded: speech at 8 kHz, which phones carry; 24 kbit/s is past
// what narrow-band speech gains from.
const (
	opusBitrate    = 24000
	opusComplexity = 5
)

// A decoder takes long to make, so it is kept for the next stream; its Reset
// leaves nothing. An encoder is made anew: after the library's Reset it codes
// another way than a new one, so that what is lost is concealed worse, and some of
// the last voice is left in its filters. Making one costs what four frames do.
var opusDecoders = sync.Pool{New: func() any { return newOpusDecoder() }}

type opusEncoder struct{ e *gopus.Encoder }

// newOpusEncoder makes an encoder. The settings are constants that the library
// takes, so that an error is a fault of the build.
func newOpusEncoder() *opusEncoder {
	e, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: Rate, Channels: 1, Application: gopus.ApplicationVoIP})
	if err == nil {
		err = e.SetBitrate(opusBitrate)
	}
	if err == nil {
		err = e.SetComplexity(opusComplexity)
	}
	if err != nil {
		panic("codec: the Opus library refuses its settings: " + err.Error())
	}
	return &opusEncoder{e: e}
}

func takeOpusEncoder() Encoder { return newOpusEncoder() }

func (o *opusEncoder) Encode(dst []byte, pcm []int16) int {
	n, err := o.e.EncodeInt16(pcm, dst)
	if err != nil {
		return 0 // of a frame that is not FrameSamples long
	}
	return n
}

func (o *opusEncoder) Close() {}

type opusDecoder struct{ d *gopus.Decoder }

func newOpusDecoder() *opusDecoder {
	d, err := gopus.NewDecoder(gopus.DefaultDecoderConfig(Rate, 1))
	if err != nil {
		panic("codec: the Opus library refuses its settings: " + err.Error())
	}
	return &opusDecoder{d: d}
}

func takeOpusDecoder() Decoder { return opusDecoders.Get().(*opusDecoder) }

func (o *opusDecoder) Decode(dst []int16, payload []byte) int {
	want := int(opusDuration(payload)) / (48000 / Rate)
	if want == 0 || want > len(dst) {
		return 0
	}
	n, err := o.d.DecodeInt16(payload, dst)
	if err != nil {
		return 0
	}
	return n
}

// Conceal is the codec's own concealment, which fills the buffer that it is
// given, whatever its length.
func (o *opusDecoder) Conceal(dst []int16) {
	for len(dst) > 0 {
		n, err := o.d.DecodeInt16(nil, dst[:min(len(dst), FrameSamples)])
		if err != nil || n == 0 {
			clear(dst)
			return
		}
		dst = dst[n:]
	}
}

func (o *opusDecoder) Close() {
	o.d.Reset()
	opusDecoders.Put(o)
}
