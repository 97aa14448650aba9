package media

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"callfloor/media/codec"
)

// Packet is one RTP packet on its way through the graph. It and its payload
// are borrowed: a Sink that needs them after WritePacket returns copies them.
type Packet struct {
	// From is the source that emitted it; Emit sets it.
	From *Source
	// Codec is what the payload is, already mapped from the payload type that
	// the leg negotiated.
	Codec     codec.ID
	Marker    bool
	Seq       uint16
	Timestamp uint32 // in units of Codec.ClockRate()
	SSRC      uint32
	Payload   []byte
	Arrival   time.Time
}

// Sink takes packets. WritePacket must not block and may be called by several
// goroutines, one at a time for each source.
type Sink interface {
	WritePacket(p *Packet)
}

// SinkFunc is a Sink made of a function. Two SinkFuncs never compare equal, so
// keep a pointer to detach one.
type SinkFunc func(p *Packet)

// WritePacket calls f.
func (f *SinkFunc) WritePacket(p *Packet) { (*f)(p) }

// Source is where packets come from: what a leg says, a player, a mixer. It
// fans out to any number of sinks. Emitting takes no lock and allocates
// nothing; attaching and detaching copy the list of sinks.
type Source struct {
	name  string
	mu    sync.Mutex // serialises writers of sinks
	sinks atomic.Pointer[[]Sink]
}

// NewSource returns a source; name is for logs ("customer", "music").
func NewSource(name string) *Source { return &Source{name: name} }

// Name returns what NewSource was given.
func (s *Source) Name() string { return s.name }

// Attach adds k; attaching it twice is attaching it once.
func (s *Source) Attach(k Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.list()
	if slices.Contains(old, k) {
		return
	}
	next := append(slices.Clone(old), k)
	s.sinks.Store(&next)
}

// Detach removes k. A packet that is being emitted may still reach it; sinks
// that must not bleed check Packet.From (Sender does).
func (s *Source) Detach(k Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := slices.Clone(s.list())
	next = slices.DeleteFunc(next, func(x Sink) bool { return x == k })
	s.sinks.Store(&next)
}

// Emit hands p to every sink.
func (s *Source) Emit(p *Packet) {
	p.From = s
	for _, k := range s.list() {
		k.WritePacket(p)
	}
}

func (s *Source) list() []Sink {
	if l := s.sinks.Load(); l != nil {
		return *l
	}
	return nil
}
