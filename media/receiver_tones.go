package media

import (
	"time"

	"callfloor/media/codec"
	"callfloor/media/dtmf"
)

// inBand listens for the tones of keys in what a leg says. The Receiver's
// writing lock guards it.
type inBand struct {
	codec    codec.ID
	decoder  codec.Decoder
	detector dtmf.Detector
	pcm      [codec.MaxSamples]int16
}

// SetEventRate says which clock rate was negotiated for telephone-event, in Hz;
// 0 means 8000.
func (r *Receiver) SetEventRate(hz int) {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.events.RateHz = hz
}

// SetInBand makes the sound be decoded and listened to for the tones of keys
// (ITU-T Q.23, Q.24), or ends that. It is for a far end that takes no
// telephone-event: one that does sends a key once, as an event.
func (r *Receiver) SetInBand(on bool) {
	r.writing.Lock()
	defer r.writing.Unlock()
	if on == (r.inBand != nil) {
		return
	}
	if !on {
		r.inBand.use(codec.None)
		r.inBand = nil
		return
	}
	r.inBand = &inBand{}
}

// takeTones reports the keys that are heard to begin.
func (r *Receiver) takeTones(c codec.ID, payload []byte, arrival time.Time) {
	b := r.inBand
	if !c.Audio() || len(payload) == 0 {
		return
	}
	b.use(c)
	n := b.decoder.Decode(b.pcm[:], payload)
	for _, key := range b.detector.Write(b.pcm[:n]) {
		if f := r.digit.Load(); f != nil {
			(*f)(Digit{Key: key, At: arrival, Via: ViaInBand})
		}
	}
}

// use takes a decoder of c; of None, none.
func (b *inBand) use(c codec.ID) {
	if c == b.codec {
		return
	}
	if b.decoder != nil {
		b.decoder.Close()
	}
	b.codec, b.decoder = c, codec.NewDecoder(c)
}
