package media

import (
	"time"

	"callfloor/media/codec"
)

// The assembler's limits, in samples of 8 kHz where they are lengths.
const (
	// suspicious is how far RTP time and arrival may part before the assembler
	// asks why. Network jitter stays below it.
	suspicious = 800 // 100 ms
	// tooEarly is how far before its time a packet may arrive: the first ones
	// may have been held up together.
	tooEarly = 1600 // 200 ms
	// pendingMax is how many packets are held to tell a source that paused
	// from a network that held packets back.
	pendingMax = 10
	// Drift: over each window the least delayed packet is compared with that
	// of the first window, and the placing slips by one sample a packet.
	driftWindow = 80000 // 10 s
	driftSlack  = 40    // 5 ms
	// pageSize is the unit of memory: a second. Silence takes none.
	pageSize = 8000
	// maxUnread is how far the newest packet may be ahead of what was read:
	// four hours. Beyond it the packet is dropped.
	maxUnread = 4 * 3600 * 8000
)

// Assembler places the packets of one party on one 8 kHz clock that began at
// start. A packet's place comes from its RTP timestamp, so that network jitter
// leaves no trace; the arrival time says where a stream begins, and corrects
// the slow drift of the sender's clock. What did not come is silence. It is not
// for several goroutines.
type Assembler struct {
	start time.Time
	read  int64 // everything before it was read
	pages map[int64]*[pageSize]int16

	decode streamDecoder

	anchored bool
	ssrc     uint32
	scale    int64  // clock units of a sample
	base     uint32 // RTP timestamp of place
	place    int64  // where base is, in samples after start

	pending []pendingPacket
	drift   driftMeter
}

type pendingPacket struct {
	ts      uint32
	arrival int64
	samples []int16
}

// NewAssembler returns an assembler whose sample 0 is at start.
func NewAssembler(start time.Time) *Assembler {
	a := &Assembler{start: start, pages: make(map[int64]*[pageSize]int16)}
	a.decode.put = a.put
	return a
}

// Add places one packet of sound; what is none is left out. Packets come in the
// order of their arrival, which may differ from that of seq; those whose place
// was read already are dropped.
func (a *Assembler) Add(c codec.ID, ssrc uint32, seq uint16, ts uint32, arrival time.Time, payload []byte) {
	a.decode.write(streamPacket{codec: c, ssrc: ssrc, seq: seq, ts: ts, arrival: units(arrival.Sub(a.start), clipRateHz), payload: payload})
}

// put places what a packet was decoded to.
func (a *Assembler) put(k streamPacket, samples []int16) {
	ssrc, ts, at, scale := k.ssrc, k.ts, k.arrival, int64(k.codec.ClockRate()/clipRateHz)
	if !a.anchored || ssrc != a.ssrc || scale != a.scale {
		a.settle(false)
		a.scale = scale
		a.anchor(ssrc, ts, at)
	}
	p := pendingPacket{ts: ts, arrival: at, samples: samples}
	late := at - a.where(ts)
	expected := a.drift.expected()
	if len(a.pending) > 0 && late-expected <= suspicious {
		a.settle(true) // the others were late, the clock is right
	}
	switch {
	case late-expected > suspicious:
		a.hold(p)
	case expected-late > tooEarly:
		a.anchor(ssrc, ts, at) // it cannot come before it was spoken: a new clock
		a.write(a.where(ts), p.samples)
	default:
		a.place, a.base = a.where(ts)+a.drift.note(at, late), ts
		a.write(a.place, p.samples)
	}
}

// where returns the place of an RTP timestamp.
func (a *Assembler) where(ts uint32) int64 { return a.place + int64(int32(ts-a.base))/a.scale }

// anchor makes ts be at the place at.
func (a *Assembler) anchor(ssrc, ts uint32, at int64) {
	a.anchored, a.ssrc, a.base, a.place = true, ssrc, ts, max(at, 0)
	a.drift = driftMeter{}
}

// hold keeps a packet that seems late until it is clear why. A source that
// paused without its timestamps moving on sends at its usual pace now; a
// network that held packets back delivers them faster than they were spoken.
func (a *Assembler) hold(p pendingPacket) {
	p.samples = append([]int16(nil), p.samples...)
	a.pending = append(a.pending, p)
	if len(a.pending) < pendingMax {
		return
	}
	first := a.pending[0]
	spoken := int64(int32(p.ts-first.ts)) / a.scale
	a.settle(p.arrival-first.arrival < spoken/2)
}

// settle places what is held: by the old clock if it was a burst, else by the
// arrival of the first packet. A burst may go on; it is asked again.
func (a *Assembler) settle(burst bool) {
	if len(a.pending) == 0 {
		return
	}
	if !burst {
		a.anchor(a.ssrc, a.pending[0].ts, a.pending[0].arrival)
	}
	for _, p := range a.pending {
		a.write(a.where(p.ts), p.samples)
	}
	a.pending = a.pending[:0]
}

// write puts samples at a place. What lies before the part that was read, or
// hours ahead of it, is left out.
func (a *Assembler) write(at int64, samples []int16) {
	if at < a.read {
		skip := min(a.read-at, int64(len(samples)))
		at, samples = at+skip, samples[skip:]
	}
	if at-a.read > maxUnread {
		return
	}
	for len(samples) > 0 {
		page := a.pages[at/pageSize]
		if page == nil {
			page = new([pageSize]int16)
			a.pages[at/pageSize] = page
		}
		n := copy(page[at%pageSize:], samples)
		at, samples = at+int64(n), samples[n:]
	}
}

// Read returns all samples from the last Read's end up to until after start;
// silence where nothing came. Packets for that time that are added later are
// dropped, so stay a second or two behind the arrivals where they go on. A call
// read in pieces takes no more memory than the pieces.
func (a *Assembler) Read(until time.Duration) []int16 {
	end := units(until, clipRateHz)
	if end <= a.read {
		return nil
	}
	a.decode.release(end)
	if len(a.pending) > 0 && a.pending[0].arrival < end {
		a.settle(false)
	}
	out := make([]int16, end-a.read)
	for at := a.read; at < end; {
		stop := min(end, (at/pageSize+1)*pageSize)
		if page := a.pages[at/pageSize]; page != nil {
			copy(out[at-a.read:], page[at%pageSize:at%pageSize+stop-at])
			if stop%pageSize == 0 {
				delete(a.pages, at/pageSize)
			}
		}
		at = stop
	}
	a.read = end
	return out
}

// driftMeter watches the delay of the least delayed packet of each window: it
// grows or shrinks only if the sender's clock runs slower or faster than ours.
type driftMeter struct {
	started   bool
	began     int64 // of the window, by arrival
	least     int64 // delay of its least delayed packet
	known     bool  // reference is the first window's
	reference int64
	owed      int64 // samples by which the place still slips
}

// expected returns the delay that a packet on time has.
func (d *driftMeter) expected() int64 {
	if d.known {
		return d.reference
	}
	return min(d.least, 0)
}

// note takes a packet's delay and returns by how much the placing slips: -1, 0
// or 1 sample.
func (d *driftMeter) note(at, late int64) (slip int64) {
	if !d.started {
		*d = driftMeter{started: true, began: at, least: late}
	}
	d.least = min(d.least, late)
	if at-d.began >= driftWindow {
		if !d.known {
			d.known, d.reference = true, d.least
		} else if off := d.least - d.reference; off > driftSlack || off < -driftSlack {
			d.owed = off
		}
		d.began, d.least = at, late
	}
	switch {
	case d.owed > 0:
		d.owed--
		slip = 1
	case d.owed < 0:
		d.owed++
		slip = -1
	}
	d.least -= slip // what was measured before the slip
	return slip
}
