package media

import (
	"sync"

	"callfloor/media/codec"
)

// A talker's buffer, in samples of 8 kHz. Mixing has to wait for the packets of
// all talkers, so this is the one place where the server adds delay: 40 ms.
const (
	// mixPrefill is how much must be there before a talker is heard: two
	// packets of 20 ms, and for longer ones a packet and a frame.
	mixPrefill = 320
	// mixMost is how much may wait, or three packets of the longer ones; more
	// came in a burst after a delay that is over, and is skipped so that it
	// does not stay.
	mixMost = 960
	// mixRing is a power of two, so that a timestamp finds its place by masking.
	mixRing = 4096
	// mixConceal is how many frames are made up where packets are missing, each
	// half as loud as the one before.
	mixConceal = 3
	// mixPacket is the longest packet that is decoded: 180 ms.
	mixPacket = 1440
)

// mixInput is one talker: it decodes packets as they come into a ring that is
// addressed by RTP timestamp, and gives a frame at a time.
type mixInput struct {
	from *Source

	mu      sync.Mutex // guards ring to playing
	ring    [mixRing]int16
	filled  [mixRing / 64]uint64 // which samples of the ring were written
	ssrc    uint32
	end     uint32 // timestamp after the newest sample
	read    uint32 // timestamp of the next frame
	started bool
	playing bool
	decoded [mixPacket]int16

	frame  [frameSamples]int16 // what next took; the mixer's
	last   [frameSamples]int16 // the last frame that was whole
	missed int                 // frames in a row that were not
}

func newMixInput(src *Source) *mixInput { return &mixInput{from: src} }

// WritePacket implements Sink.
func (in *mixInput) WritePacket(p *Packet) {
	if p.From != in.from || len(p.Payload) == 0 || len(p.Payload) > mixPacket {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	n := codec.Decode(p.Codec, in.decoded[:], p.Payload)
	if n == 0 {
		return
	}
	in.place(p, uint32(n))
	if int32(p.Timestamp-in.read) < 0 && in.playing {
		return // too late
	}
	in.put(p.Timestamp, in.decoded[:n])
	if end := p.Timestamp + uint32(n); int32(end-in.end) > 0 {
		in.end = end
	}
	switch waiting := int32(in.end - in.read); {
	case !in.playing && waiting >= int32(max(mixPrefill, n+frameSamples)):
		in.playing = true
	case waiting > int32(max(mixMost, 3*n)):
		in.skipTo(in.end - mixPrefill)
	}
}

// place begins anew where p does not belong to what came before: another
// stream, or a jump of its clock.
func (in *mixInput) place(p *Packet, n uint32) {
	ahead := int32(p.Timestamp - in.end)
	if in.started && p.SSRC == in.ssrc && ahead > -mixRing/2 && ahead+int32(n) < mixRing/2 {
		if !in.playing && in.end == in.read { // it was dry: what comes now is first
			in.read, in.end = p.Timestamp, p.Timestamp
		}
		return
	}
	clear(in.filled[:])
	in.started, in.playing = true, false
	in.ssrc, in.read, in.end = p.SSRC, p.Timestamp, p.Timestamp
}

func (in *mixInput) put(ts uint32, samples []int16) {
	for i, s := range samples {
		at := (ts + uint32(i)) % mixRing
		in.ring[at] = s
		in.filled[at/64] |= 1 << (at % 64)
	}
}

// skipTo drops what waits before ts.
func (in *mixInput) skipTo(ts uint32) {
	for ; int32(ts-in.read) > 0; in.read++ {
		at := in.read % mixRing
		in.filled[at/64] &^= 1 << (at % 64)
	}
}

// next takes the next frame, and makes one up where packets are missing.
func (in *mixInput) next() {
	if in.take() {
		in.last, in.missed = in.frame, 0
		return
	}
	in.missed++
	if in.missed > mixConceal {
		clear(in.frame[:])
		return
	}
	for i, s := range in.last {
		in.frame[i] = s >> in.missed
	}
}

// take moves one frame out of the ring; false if it is not all there.
func (in *mixInput) take() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.playing {
		return false
	}
	if int32(in.end-in.read) <= 0 { // dry: begin again with a full buffer
		in.playing = false
		in.read = in.end
		return false
	}
	whole := true
	for i := range in.frame {
		at := in.read % mixRing
		if in.filled[at/64]&(1<<(at%64)) == 0 {
			whole = false
		}
		in.filled[at/64] &^= 1 << (at % 64)
		in.frame[i] = in.ring[at]
		in.read++
	}
	if int32(in.end-in.read) < 0 {
		in.end = in.read
	}
	return whole
}
