package media

import (
	"math/rand/v2"
	"sync"
	"time"

	"callfloor/media/codec"
)

// maxTranscoded is the largest payload that is converted by table: 60 ms of
// G.711 three times over.
const maxTranscoded = 1440

// transcoderRest is after how many frames without sound a transcoder leaves the
// clock.
const transcoderRest = 10

// Transcoder makes whatever it is sent speak one codec. It is a sink and a
// source. What is in the codec already passes through as it came; PCMU and PCMA
// become each other by table, packet by packet; everything else is decoded
// through a jitter buffer with concealment (playout) and encoded again, in
// packets of 20 ms on the pacer's clock. It costs what it has to do: nothing is
// held for a codec that never came.
type Transcoder struct {
	pacer  *Pacer
	slot   int
	to     codec.ID
	source *Source

	mu     sync.Mutex // guards all below; held while a packet is emitted
	closed bool
	packet Packet
	buf    [maxTranscoded]byte

	// The decoded path; nil until it is needed.
	play    *playout
	encoder codec.Encoder
	decodes bool // the sound that comes now takes this path
	onClock bool
	rest    int // frames without sound
	own     Packet
	pcm     [frameSamples]int16
	base    uint32 // RTP timestamp of the pacer's frame 0
}

// NewTranscoder returns one whose source speaks to. Close gives back what it
// holds.
func NewTranscoder(p *Pacer, name string, to codec.ID) *Transcoder {
	t := &Transcoder{pacer: p, slot: p.phase(), to: to, source: NewSource(name), base: rand.Uint32()}
	t.own = Packet{Codec: to, SSRC: rand.Uint32(), Seq: uint16(rand.Uint32())}
	return t
}

// Source returns where the converted packets come out.
func (t *Transcoder) Source() *Source { return t.source }

// WritePacket takes a packet. What cannot be converted comes out without
// payload, so that the numbering closes over it.
func (t *Transcoder) WritePacket(p *Packet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if p.Codec.Audio() && len(p.Payload) > 0 {
		t.decodes = !t.cheap(p.Codec) && t.to.Audio()
	}
	if t.decodes {
		t.hold(p)
		return
	}
	if t.play != nil {
		t.play.flush()
	}
	t.packet = *p
	switch {
	case p.Codec == t.to || len(p.Payload) == 0:
	case t.cheap(p.Codec) && len(p.Payload) <= maxTranscoded:
		n := codec.Transcode(p.Codec, t.buf[:], p.Payload)
		t.packet.Codec, t.packet.Payload = t.to, t.buf[:n]
	default:
		t.packet.Payload = nil
	}
	t.source.Emit(&t.packet)
}

// cheap says whether packets in c need not be decoded.
func (t *Transcoder) cheap(c codec.ID) bool {
	g711 := func(c codec.ID) bool { return c == codec.PCMU || c == codec.PCMA }
	return c == t.to || g711(c) && g711(t.to)
}

// hold puts a packet into the jitter buffer. t.mu is held.
func (t *Transcoder) hold(p *Packet) {
	if t.play == nil {
		t.play, t.encoder = newPlayout(), codec.NewEncoder(t.to)
	}
	t.play.write(p)
	if !t.onClock {
		t.onClock, t.rest, t.own.Marker = true, 0, true
		t.pacer.add(t.slot, t)
	}
}

// tick encodes and emits one frame.
func (t *Transcoder) tick(frame int64, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || !t.onClock {
		return
	}
	if !t.play.pull(&t.pcm) {
		t.own.Marker = true
		if t.rest++; t.rest >= transcoderRest {
			t.onClock = false
			t.pacer.remove(t.slot, t)
		}
		return
	}
	t.rest = 0
	n := t.encoder.Encode(t.buf[:], t.pcm[:])
	t.own.Seq++
	t.own.Timestamp = t.base + uint32(frame*perFrame(t.to.ClockRate()))
	t.own.Payload, t.own.Arrival = t.buf[:n], now
	t.source.Emit(&t.own)
	t.own.Marker = false
}

// Close ends the conversion: nothing is emitted after it returns.
func (t *Transcoder) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	t.closed = true
	t.pacer.remove(t.slot, t)
	if t.play != nil {
		t.play.close()
		t.encoder.Close()
	}
}
