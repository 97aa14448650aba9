package media

import (
	"math/rand/v2"
	"sync"
	"time"

	"callfloor/media/codec"
)

const (
	// maxFeed is how much sound a feed holds: who sends faster than it is heard
	// (a bot sends whole sentences at once) may be so far ahead.
	maxFeed = 2 * time.Minute
	// maxFeedMarks bounds the marks that wait for their place.
	maxFeedMarks = 256
	// feedStart is how much must be there before a silent feed begins, and
	// feedHold how many frames it waits for that much: what comes in real time
	// needs it against the network's jitter.
	feedStart = 3 * frameSamples
	feedHold  = 3
	// pcmuSilence is a sample of silence in PCMU.
	pcmuSilence = 0xFF
)

// Feed is a source that somebody else speaks into: PCMU in pieces of any size
// and at any speed go in, packets of 20 ms come out on the pacer's clock. Its
// methods may be called by any goroutine.
type Feed struct {
	pacer  *Pacer
	source *Source
	slot   int
	base   uint32

	mu      sync.Mutex // guards all below; held while a packet is emitted
	buf     []byte     // a ring, as large as was needed so far
	head    int        // where the next frame begins
	count   int        // octets that wait
	taken   int64      // octets that were written, ever
	marks   []feedMark
	held    int
	playing bool
	on      bool
	closed  bool
	packet  Packet
	frame   [frameSamples]byte
}

// feedMark is told when everything that was written before it is heard.
type feedMark struct {
	at      int64
	reached func()
}

// NewFeed returns a silent feed; name is for logs.
func NewFeed(p *Pacer, name string) *Feed {
	f := &Feed{pacer: p, source: NewSource(name), slot: p.phase(), base: rand.Uint32()}
	f.packet = Packet{Codec: codec.PCMU, Seq: uint16(rand.Uint32()), SSRC: rand.Uint32()}
	return f
}

// Source returns where the sound comes out.
func (f *Feed) Source() *Source { return f.source }

// Write puts PCMU behind what waits and returns how many octets there was room
// for; the rest is not taken.
func (f *Feed) Write(pcmu []byte) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0
	}
	n := min(len(pcmu), int(maxFeed/time.Millisecond)*8-f.count)
	if n <= 0 {
		return 0
	}
	f.grow(f.count + n)
	at := (f.head + f.count) % len(f.buf)
	copied := copy(f.buf[at:], pcmu[:n])
	copy(f.buf, pcmu[copied:n])
	f.count += n
	f.taken += int64(n)
	if !f.on {
		f.on, f.held = true, 0
		f.pacer.add(f.slot, f)
	}
	return n
}

// grow makes room for n octets.
func (f *Feed) grow(n int) {
	if n <= len(f.buf) {
		return
	}
	next := make([]byte, max(2*len(f.buf), n, 8000))
	first := copy(next, f.buf[f.head:min(f.head+f.count, len(f.buf))])
	copy(next[first:], f.buf[:f.count-first])
	f.buf, f.head = next, 0
}

// Mark calls reached once everything written so far has been heard, or was
// cleared; at once if nothing waits. reached must not block and must not call
// the feed. It is false where too many marks wait.
func (f *Feed) Mark(reached func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count == 0 || f.closed {
		reached()
		return true
	}
	if len(f.marks) >= maxFeedMarks {
		return false
	}
	f.marks = append(f.marks, feedMark{f.taken, reached})
	return true
}

// Clear forgets what waits to be heard; its marks are reached.
func (f *Feed) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count, f.playing, f.held = 0, false, 0
	f.tell()
}

// tell calls the marks that are reached; f.mu is held, so that they keep their
// order.
func (f *Feed) tell() {
	heard := f.taken - int64(f.count)
	for len(f.marks) > 0 && f.marks[0].at <= heard {
		f.marks[0].reached()
		f.marks = f.marks[1:]
	}
}

// Queued is how long what waits will take to be heard.
func (f *Feed) Queued() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Duration(f.count) * time.Second / clipRateHz
}

// Close ends the sound for good; marks that wait are never reached.
func (f *Feed) Close() {
	f.mu.Lock()
	f.closed, f.count, f.marks = true, 0, nil
	f.mu.Unlock()
	f.pacer.remove(f.slot, f)
}

// tick emits one frame.
func (f *Feed) tick(frame int64, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.count == 0 {
		f.on, f.playing = false, false
		f.pacer.remove(f.slot, f)
		return
	}
	if !f.playing {
		if f.held++; f.count < feedStart && f.held <= feedHold {
			return
		}
		f.playing, f.packet.Marker = true, true
	}
	n := min(f.count, frameSamples)
	copied := copy(f.frame[:n], f.buf[f.head:])
	copy(f.frame[copied:n], f.buf)
	for i := n; i < frameSamples; i++ {
		f.frame[i] = pcmuSilence
	}
	f.head, f.count = (f.head+n)%len(f.buf), f.count-n
	f.packet.Seq++
	f.packet.Timestamp = f.base + uint32(frame*frameSamples)
	f.packet.Payload, f.packet.Arrival = f.frame[:], now
	f.source.Emit(&f.packet)
	f.packet.Marker = false
	f.tell()
}
