package recordings

import (
	"time"

	"callfloor/media"
)

// maxAnswerHold bounds an AnswerHold's time; holdOctets its memory: ten
// seconds of G.711 in packets of 10 ms or longer.
const (
	maxAnswerHold = 10 * time.Second
	holdOctets    = 104 << 10
)

// AnswerHold keeps the last seconds of what a customer says, in memory only:
// the answer to the consent question, which may be written only after a yes. It
// is a media.Sink; the oldest packets go when time or memory is used up.
type AnswerHold struct {
	max   time.Duration
	since time.Time // offsets count from it
	ring  *ring
}

// NewAnswerHold returns an empty hold of at most max, which is at most 10 s.
func NewAnswerHold(max time.Duration) *AnswerHold {
	if max <= 0 || max > maxAnswerHold {
		max = maxAnswerHold
	}
	return &AnswerHold{max: max, since: time.Now(), ring: newRing(ringFirst, holdOctets)}
}

// WritePacket keeps a copy of p if it is audio. It does not block and does not
// allocate.
func (h *AnswerHold) WritePacket(p *media.Packet) {
	if len(p.Payload) == 0 || !p.Codec.Audio() {
		return
	}
	head := encodeHead(trackCustomer, p, p.Arrival.Sub(h.since))
	h.ring.push(&head, p.Payload)
}

// Packets returns copies of what is held, the oldest first.
func (h *AnswerHold) Packets() []media.Packet {
	var list []media.Packet
	body := h.ring.copyOut()
	for len(body) > 0 {
		r, rest, err := nextRecord(body)
		if err != nil {
			break // the ring holds whole records
		}
		r.packet.Arrival = h.since.Add(r.offset)
		list = append(list, r.packet)
		body = rest
	}
	if len(list) == 0 {
		return nil
	}
	oldest := list[len(list)-1].Arrival.Add(-h.max)
	for len(list) > 0 && list[0].Arrival.Before(oldest) {
		list = list[1:]
	}
	return list
}

// Forget overwrites everything: the customer said no, or it is written.
func (h *AnswerHold) Forget() { h.ring.clear() }
