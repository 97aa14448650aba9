package media

import (
	"bytes"
	"sync"
	"time"

	"github.com/pion/rtp"

	"callfloor/media/codec"
)

// Filling.
const (
	// fillSlack is how long after its due time the next packet is waited for. A
	// single lost packet leaves 20 ms and is no pause; with the grid of the
	// clock the far end waits 50 ms at most.
	fillSlack = 25 * time.Millisecond
	// fillEarly allows for the clock's grid when the next filler is due.
	fillEarly = 2 * time.Millisecond
)

// Output is where a Sender's packets go and under what numbers.
type Output struct {
	SSRC         uint32
	PayloadTypes map[codec.ID]uint8 // what the far end takes
	Events       uint8              // telephone-event's payload type; 0: none
	EventsRate   int                // its clock rate in Hz; 0: 8000
	SendTime     uint8              // the header extension abs-send-time's number; 0: none. Pictures only
	// Write sends one packet. Header and payload are borrowed. It must not
	// block and must not call the Sender back.
	Write func(h *rtp.Header, payload []byte) error
}

// payloadTypes are those of an Output by codec; -1: none.
type payloadTypes [256]int16

func typesOf(m map[codec.ID]uint8) (t payloadTypes) {
	for i := range t {
		t[i] = -1
	}
	for c, pt := range m {
		t[c] = int16(pt & 0x7F)
	}
	return t
}

// SendStats is what a Sender has sent.
type SendStats struct {
	Packets uint64 // all that were written, fillers and events too
	Octets  uint64 // of their payloads
	Filled  uint64 // of the packets: silence of Fill
	// Dropped counts packets of the source that were not sent: of a codec that
	// the far end does not take, empty, during a digit, or of another source.
	Dropped uint64
	Failed  uint64 // packets that Output.Write refused
	// Skipped counts the numbers that no packet was sent under, since the source
	// had lost it: what the far end misses of these was not lost on its way.
	Skipped  uint64
	LastSent time.Time // zero: nothing yet
	LastRTP  uint32    // timestamp of the last packet
	RateHz   int       // of the clock that LastRTP counts
	SSRC     uint32
}

// Sender is one outgoing RTP stream to a leg: one SSRC and one numbering,
// whoever is heard. It forwards payloads under headers of its own, decodes and
// buffers nothing, and is the place that keeps sources apart: a packet of any
// other source than the one that Hear named last is dropped.
type Sender struct {
	name  string
	pacer *Pacer

	hearing sync.Mutex // serialises Hear; never taken with mu held

	mu      sync.Mutex // guards all below; held while Output.Write runs
	source  *Source
	out     Output
	types   payloadTypes
	line    timeline
	header  rtp.Header
	stats   SendStats
	closed  bool
	fill    codec.ID
	silence []byte
	lastSeq uint16
	counted bool      // lastSeq is one of this stream
	fillAt  time.Time // when the next filler is due; zero: not filling
	digits  digitQueue
}

// NewSender returns a sender without output; name is for logs.
func NewSender(p *Pacer, name string) *Sender {
	s := &Sender{name: name, pacer: p, line: newTimeline(), types: typesOf(nil)}
	s.digits.slot = p.phase()
	return s
}

// Name returns what NewSender was given.
func (s *Sender) Name() string { return s.name }

// SetOutput directs the stream, at first or anew (a browser's new peer
// connection). Under the same SSRC the numbering goes on; a new one begins
// somewhere at random. The zero Output drops everything.
func (s *Sender) SetOutput(o Output) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if o.Write != nil && s.stats.SSRC != o.SSRC {
		s.line = newTimeline()
		s.stats.SSRC = o.SSRC
		s.counted = false
	}
	s.line.unmap()
	s.out = o
	s.types = typesOf(o.PayloadTypes)
}

// Hear switches to src, or to nobody if it is nil. When it returns, no packet
// of another source is sent any more. Hearing the same source again changes
// nothing.
func (s *Sender) Hear(src *Source) {
	s.hearing.Lock()
	defer s.hearing.Unlock()
	s.hear(src)
}

// HearInstead switches from old to src as Hear does, but only if it is old that
// is heard (nil: nobody), and says whether it was. So who lent the sender out
// takes it back without cutting off whoever has it now.
func (s *Sender) HearInstead(old, src *Source) bool {
	s.hearing.Lock()
	defer s.hearing.Unlock()
	if s.Hearing() != old {
		return false
	}
	s.hear(src)
	return true
}

// hear switches; the caller holds hearing.
func (s *Sender) hear(src *Source) {
	s.mu.Lock()
	old := s.source
	if s.closed {
		src = nil
	}
	if old == src {
		s.mu.Unlock()
		return
	}
	s.source = src
	s.line.unmap()
	s.mu.Unlock()
	if old != nil {
		old.Detach(s)
	}
	if src != nil {
		src.Attach(s)
	}
}

// Hearing returns the source that is heard, or nil.
func (s *Sender) Hearing() *Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source
}

// WritePacket sends p on if its source is the one that is heard.
func (s *Sender) WritePacket(p *Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.From == nil || p.From != s.source || s.out.Write == nil {
		s.stats.Dropped++
		return
	}
	pt := s.types[p.Codec]
	if len(p.Payload) == 0 || pt < 0 || s.digits.running {
		s.line.skip(p)
		s.stats.Dropped++
		return
	}
	now := p.Arrival
	if now.IsZero() {
		now = time.Now()
	}
	seq, ts, first, ok := s.line.place(p, now)
	if !ok {
		s.stats.Dropped++
		return
	}
	s.fillAt = time.Time{}
	s.write(now, uint8(pt), seq, ts, first || p.Marker, p.Payload)
}

// write stamps the header and hands the packet out. s.mu is held.
func (s *Sender) write(now time.Time, pt uint8, seq uint16, ts uint32, marker bool, payload []byte) {
	s.countSkipped(seq)
	s.header = rtp.Header{Version: 2, Marker: marker, PayloadType: pt, SequenceNumber: seq, Timestamp: ts, SSRC: s.out.SSRC}
	if err := s.out.Write(&s.header, payload); err != nil {
		s.stats.Failed++ // the network's loss; the number is used up
		return
	}
	s.stats.Packets++
	s.stats.Octets += uint64(len(payload))
	s.stats.LastSent, s.stats.LastRTP, s.stats.RateHz = now, ts, s.line.rate
}

// countSkipped keeps count of the holes that the source left. A late packet
// closes one.
func (s *Sender) countSkipped(seq uint16) {
	ahead := int16(seq - s.lastSeq)
	switch {
	case !s.counted:
		s.counted = true
	case ahead > 0:
		s.stats.Skipped += uint64(ahead - 1)
	case s.stats.Skipped > 0:
		s.stats.Skipped--
		return
	}
	s.lastSeq = seq
}

// fillTick and digitTick are the sender's places on the clock.
type (
	fillTick  struct{ s *Sender }
	digitTick struct{ s *Sender }
)

// Fill makes silence in c go out each 20 ms whenever the next packet is 25 ms
// late (45 ms after one of 20 ms), so that the far end sees neither a pause over
// 60 ms nor a hole. codec.None ends it.
func (s *Sender) Fill(c codec.ID) {
	silence := silentFrame(c)
	s.mu.Lock()
	on := !s.closed && len(silence) > 0
	s.fill = codec.None
	if on {
		s.fill = c
		s.silence = silence
	}
	s.mu.Unlock()
	if on {
		s.pacer.add(everySlot, fillTick{s})
		return
	}
	s.pacer.remove(everySlot, fillTick{s})
}

// settled is how many frames of silence an encoder needs until they are all the
// same.
const settled = 10

// silentFrame returns a payload of silence that may be repeated; nil if c is no
// audio format.
func silentFrame(c codec.ID) []byte {
	e := codec.NewEncoder(c)
	if e == nil {
		return nil
	}
	defer e.Close()
	var silence [frameSamples]int16
	var payload [codec.MaxFrameOctets]byte
	n := 0
	for range settled {
		n = e.Encode(payload[:], silence[:])
	}
	return bytes.Clone(payload[:n])
}

func (f fillTick) tick(_ int64, now time.Time) { f.s.fillPause(now) }

// fillPause sends a frame of silence if one is due.
func (s *Sender) fillPause(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pt := s.types[s.fill]
	if s.fill == codec.None || s.out.Write == nil || pt < 0 || s.digits.running {
		return
	}
	if s.fillAt.IsZero() { // not filling yet
		last := max(span(int64(s.line.dur), s.line.rate), frameTime)
		if s.line.started && now.Sub(s.line.sentAt) < last+fillSlack {
			return
		}
		s.fillAt = now
	}
	if now.Before(s.fillAt.Add(-fillEarly)) {
		return
	}
	s.fillAt = s.fillAt.Add(frameTime)
	if now.Sub(s.fillAt) > frameTime { // the process was stopped
		s.fillAt = now.Add(frameTime)
	}
	rate := s.fill.ClockRate()
	seq, ts := s.line.own(now, rate, uint32(perFrame(rate)))
	s.stats.Filled++
	s.write(now, uint8(pt), seq, ts, false, s.silence)
}

// Stats returns what was sent so far.
func (s *Sender) Stats() SendStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Close ends the stream: nothing is sent after it returns.
func (s *Sender) Close() {
	s.Hear(nil)
	s.Fill(codec.None)
	s.mu.Lock()
	s.closed = true
	s.out = Output{}
	s.digits.clear()
	s.mu.Unlock()
	s.Hear(nil)
	s.pacer.remove(everySlot, fillTick{s})
	s.pacer.remove(s.digits.slot, digitTick{s})
}
