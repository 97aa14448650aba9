package phone

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"callfloor/media"
)

// A stamp is a packet of the sound that carries, in its payload, who said it
// and when. A server that forwards payloads as they are brings it to the other
// end unchanged, where it tells how long that took; one that decodes loses it,
// and then no delay is known. It sounds like a click.
const (
	stampSize  = 17 // a mark of this run, who, nanoseconds since its begin
	stampEvery = 10 // packets: 5 stamps a second
	maxPayload = 1500
	// maxDelays caps what is kept: 5 hours of one call, or 60 s of 300.
	maxDelays = 1 << 18
)

// The ways that a stamp can go.
type way uint8

const (
	phoneToSeat way = iota
	seatToPhone
	echo // back to the phone
	ways
)

// speaker is who stamps.
type speaker byte

const (
	byPhone speaker = 'p'
	bySeat  speaker = 's'
)

// delays gathers how long stamps took. The nil delays does nothing.
type delays struct {
	mark  [8]byte
	begin time.Time
	told  func(Delay) // nil: nobody

	mu     sync.Mutex
	values [ways][]float64 // milliseconds
}

// Delay is how long one packet took, from one end's sender to the other end's
// receiver.
type Delay struct {
	Way  string // "phone to seat", "seat to phone" or "echo"
	Sent time.Time
	Took time.Duration
}

func (w way) String() string { return [ways]string{"phone to seat", "seat to phone", "echo"}[w] }

func newDelays(told func(Delay)) *delays {
	d := &delays{begin: time.Now(), told: told}
	_, _ = rand.Read(d.mark[:]) // it never fails
	return d
}

// stamp returns source with stamps in it.
func (d *delays) stamp(source *media.Source, who speaker) (stamped *media.Source) {
	if d == nil {
		return source
	}
	s := &stamper{delays: d, who: who, out: media.NewSource(source.Name())}
	source.Attach(s)
	return s.out
}

type stamper struct {
	delays *delays
	who    speaker
	out    *media.Source
	n      int
	packet media.Packet
	buf    [maxPayload]byte
}

// WritePacket passes a packet on, some of them stamped.
func (s *stamper) WritePacket(p *media.Packet) {
	s.packet = *p // the player's sinks share its packet
	s.n++
	if n := len(p.Payload); s.n%stampEvery == 0 && n >= stampSize && n <= maxPayload {
		b := s.buf[:n]
		copy(b, p.Payload)
		copy(b, s.delays.mark[:])
		b[8] = byte(s.who)
		binary.BigEndian.PutUint64(b[9:], uint64(time.Since(s.delays.begin)))
		s.packet.Payload = b
	}
	s.out.Emit(&s.packet)
}

// listen looks for stamps in what an end hears.
func (d *delays) listen(source *media.Source, at speaker) {
	if d == nil {
		return
	}
	sink := media.SinkFunc(func(p *media.Packet) { d.hear(p, at) })
	source.Attach(&sink)
}

func (d *delays) hear(p *media.Packet, at speaker) {
	if len(p.Payload) < stampSize || [8]byte(p.Payload) != d.mark {
		return
	}
	w := echo
	switch who := speaker(p.Payload[8]); {
	case who == byPhone && at == bySeat:
		w = phoneToSeat
	case who == bySeat && at == byPhone:
		w = seatToPhone
	case who != at:
		return
	}
	sent := d.begin.Add(time.Duration(binary.BigEndian.Uint64(p.Payload[9:])))
	took := p.Arrival.Sub(sent)
	d.mu.Lock()
	if len(d.values[w]) < maxDelays {
		d.values[w] = append(d.values[w], milliseconds(took))
	}
	d.mu.Unlock()
	if d.told != nil {
		d.told(Delay{Way: w.String(), Sent: sent, Took: took})
	}
}

// percentiles returns nil where no stamp went this way.
func (d *delays) percentiles(w way) *Percentiles {
	d.mu.Lock()
	defer d.mu.Unlock()
	return percentiles(d.values[w])
}
