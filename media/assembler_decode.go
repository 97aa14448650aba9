package media

import (
	"bytes"
	"slices"

	"callfloor/media/codec"
)

// How packets of a codec that has a memory are put in order again.
const (
	// waitMax is how many packets are held while an earlier one is missing.
	waitMax = 16
	// waitFor is how long, in samples of 8 kHz: 250 ms.
	waitFor = 2000
	// concealMax is for how many lost packets a decoder is told of the loss, so
	// that what comes after them is decoded as the far end's would.
	concealMax = 5
)

// streamPacket is one packet of a stream that is being decoded.
type streamPacket struct {
	codec   codec.ID
	ssrc    uint32
	seq     uint16
	ts      uint32
	arrival int64 // samples of 8 kHz
	payload []byte
}

// streamDecoder decodes a party's packets in the order of their numbers, for an
// Assembler. G.711 has no memory and goes straight through.
type streamDecoder struct {
	put func(k streamPacket, samples []int16) // samples are borrowed

	codec   codec.ID
	ssrc    uint32
	decoder codec.Decoder
	next    uint16         // number of what is decoded next
	waiting []streamPacket // by number; payloads are copies
	pcm     [codec.MaxSamples]int16
}

// write takes a packet; its payload is borrowed.
func (d *streamDecoder) write(k streamPacket) {
	if !k.codec.Audio() || len(k.payload) == 0 {
		return
	}
	if k.codec == codec.PCMU || k.codec == codec.PCMA {
		d.flush()
		if len(k.payload) <= len(d.pcm) {
			d.emit(k, codec.Decode(k.codec, d.pcm[:], k.payload))
		}
		return
	}
	if d.decoder == nil || k.codec != d.codec || k.ssrc != d.ssrc || wild(int16(k.seq-d.next)) {
		d.flush()
		d.begin(k.codec, k.ssrc, k.seq)
	}
	switch ahead := int16(k.seq - d.next); {
	case ahead < 0: // its turn is over
		return
	case ahead > 0:
		d.wait(k)
	default:
		d.decode(k)
	}
	d.release(k.arrival - waitFor)
}

func wild(ahead int16) bool { return ahead > maxJump || ahead < -maxJump }

// begin takes up a stream.
func (d *streamDecoder) begin(c codec.ID, ssrc uint32, seq uint16) {
	if d.decoder != nil {
		d.decoder.Close()
	}
	d.codec, d.ssrc, d.next, d.decoder = c, ssrc, seq, codec.NewDecoder(c)
}

// wait keeps a packet before whose turn others are missing.
func (d *streamDecoder) wait(k streamPacket) {
	at, twice := slices.BinarySearchFunc(d.waiting, k, func(a, b streamPacket) int { return int(int16(a.seq - b.seq)) })
	if twice {
		return
	}
	k.payload = bytes.Clone(k.payload)
	d.waiting = slices.Insert(d.waiting, at, k)
}

// release decodes what waits as far as it is whole, and all that waits for what
// does not come: too many packets, or some that came before a time.
func (d *streamDecoder) release(before int64) {
	for len(d.waiting) > 0 {
		k := d.waiting[0]
		if k.seq != d.next && len(d.waiting) <= waitMax && k.arrival >= before {
			return
		}
		d.waiting = slices.Delete(d.waiting, 0, 1)
		d.decode(k)
	}
	d.waiting = d.waiting[:0]
}

// flush ends a stream: nothing earlier comes any more.
func (d *streamDecoder) flush() {
	for len(d.waiting) > 0 {
		k := d.waiting[0]
		d.waiting = slices.Delete(d.waiting, 0, 1)
		d.decode(k)
	}
	if d.decoder != nil {
		d.decoder.Close()
		d.decoder = nil
	}
}

// decode decodes a packet whose turn it is. Losses before it stay silent.
func (d *streamDecoder) decode(k streamPacket) {
	lost := int(k.seq - d.next)
	if lost <= concealMax {
		for range lost {
			d.decoder.Conceal(d.pcm[:frameSamples])
		}
	}
	d.next = k.seq + 1
	d.emit(k, d.decoder.Decode(d.pcm[:], k.payload))
}

func (d *streamDecoder) emit(k streamPacket, n int) {
	if n > 0 {
		d.put(k, d.pcm[:n])
	}
}
