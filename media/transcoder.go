package media

import (
	"sync"

	"callfloor/media/codec"
)

// maxTranscoded is the largest payload that a Transcoder converts: 60 ms of
// G.711 three times over.
const maxTranscoded = 1440

// Transcoder turns PCMU into PCMA or back, by table. It is a sink and a source;
// packets that are in its codec already pass through.
type Transcoder struct {
	to     codec.ID
	source *Source

	mu     sync.Mutex // guards all below; held while a packet is emitted
	packet Packet
	buf    [maxTranscoded]byte
}

// NewTranscoder returns one whose source speaks to.
func NewTranscoder(name string, to codec.ID) *Transcoder {
	return &Transcoder{to: to, source: NewSource(name)}
}

// Source returns where the converted packets come out.
func (t *Transcoder) Source() *Source { return t.source }

// WritePacket converts p and emits the result. What it cannot convert it emits
// without payload, so that the numbering closes over it.
func (t *Transcoder) WritePacket(p *Packet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.packet = *p
	convertible := (p.Codec == codec.PCMU && t.to == codec.PCMA) || (p.Codec == codec.PCMA && t.to == codec.PCMU)
	switch {
	case p.Codec == t.to || len(p.Payload) == 0:
	case convertible && len(p.Payload) <= maxTranscoded:
		n := codec.Transcode(p.Codec, t.buf[:], p.Payload)
		t.packet.Codec, t.packet.Payload = t.to, t.buf[:n]
	default:
		t.packet.Payload = nil
	}
	t.source.Emit(&t.packet)
}
