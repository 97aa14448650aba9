package media

import (
	"math/rand/v2"
	"time"

	"callfloor/media/codec"
)

// Limits of the timeline.
const (
	// maxJump is how many numbers a source may jump and still count as the
	// same stream with a loss (RFC 3550 appendix A.1, MAX_DROPOUT).
	maxJump = 3000
	// maxLate is how late, in numbers, a packet may come and still be sent on. Of
	// later ones nobody knows whether they came before (streamStats), and a number
	// that goes out twice gives an encrypted stream away (RFC 3711 §9.1).
	maxLate = 63
	// maxBack is how far a source may go back in numbers and not begin anew.
	maxBack = 100
	// maxOff is how far a source's timestamps may be off the wall clock before
	// they count as a new start.
	maxOff = 2 * time.Second
	// maxSpurtOff is the same at the beginning of a talk spurt (marker bit): a
	// source that stopped its clock while it was silent.
	maxSpurtOff = 100 * time.Millisecond
	// settling is the time after a switch in which packets that are more than
	// maxAhead ahead of the wall clock are dropped: they are old ones that were
	// held up and come in a burst, and would be a standing delay ever after.
	settling = time.Second
	maxAhead = 60 * time.Millisecond
	// follow is how slowly the wall clock mapping follows a source's own clock:
	// 1/4096 of the difference with each packet, 80 s at 50 packets a second.
	follow = 4096
)

// timeline maps the numbers and timestamps of whatever is heard onto one
// stream: numbers without a hole, timestamps by the wall clock. It is pure; the
// Sender's lock guards it.
//
//	unmapped ──first packet of a source──► mapped ──switch, filler, digit, jump──► unmapped
type timeline struct {
	// What was sent last.
	started bool
	seq     uint16
	ts      uint32
	dur     uint32 // of the last packet, in clock units
	rate    int
	sentAt  time.Time

	// The wall clock: timestamp wallTS is due at wallAt.
	wallTS uint32
	wallAt time.Time

	// The mapping of the source that is heard.
	mapped   bool
	mappedAt time.Time
	ssrc     uint32
	shift    uint32
	numbering
}

func newTimeline() timeline {
	return timeline{seq: uint16(rand.Uint32()), ts: rand.Uint32(), rate: codec.PCMU.ClockRate()}
}

// units returns d in clock units.
func units(d time.Duration, rate int) int64 {
	return int64(d/time.Second)*int64(rate) + int64(d%time.Second)*int64(rate)/int64(time.Second)
}

// span returns clock units as time.
func span(u int64, rate int) time.Duration {
	return time.Duration(u) * time.Second / time.Duration(rate)
}

// due returns the timestamp that the wall clock asks for at now, but never one
// before the end of what was sent.
func (t *timeline) due(now time.Time, rate int) uint32 {
	if !t.started {
		t.started, t.rate = true, rate
		t.wallTS, t.wallAt = t.ts, now
		return t.ts
	}
	floor := t.ts + t.dur
	if rate != t.rate { // RFC 7160 §4.1: go on from there at the new rate
		passed := max(now.Sub(t.sentAt), span(int64(t.dur), t.rate))
		t.wallTS, t.wallAt, t.rate = t.ts+uint32(units(passed, rate)), now, rate
		return t.wallTS
	}
	if due := t.wall(now); int32(due-floor) > 0 {
		return due
	}
	return floor
}

// wall returns the timestamp that is due at now.
func (t *timeline) wall(now time.Time) uint32 {
	return t.wallTS + uint32(units(now.Sub(t.wallAt), t.rate))
}

// ahead returns how far ts is ahead of the wall clock.
func (t *timeline) ahead(ts uint32, now time.Time) time.Duration {
	return span(int64(int32(ts-t.wall(now))), t.rate)
}

// unmap makes the next packet begin a new mapping.
func (t *timeline) unmap() { t.mapped = false }

// own returns number and timestamp of a packet that the sender makes itself (a
// filler), of dur clock units.
func (t *timeline) own(now time.Time, rate int, dur uint32) (uint16, uint32) {
	ts := t.due(now, rate)
	t.seq++
	t.ts, t.dur, t.sentAt = ts, dur, now
	t.unmap()
	return t.seq, ts
}

// remap begins a mapping with p as the first packet.
func (t *timeline) remap(p *Packet, now time.Time) {
	t.shift = t.due(now, p.Codec.ClockRate()) - p.Timestamp
	t.ssrc = p.SSRC
	t.numbering.begin(p.Seq, t.seq+1)
	t.mapped, t.mappedAt = true, now
}

// skip closes the numbering over a packet that is not sent. One that comes
// late leaves the hole that was sent already.
func (t *timeline) skip(p *Packet) {
	if !t.mapped || p.SSRC != t.ssrc {
		return
	}
	n := t.extend(p.Seq)
	if n <= t.highest || n > t.highest+maxJump {
		return
	}
	t.highest = n
	t.close(n)
}

// place returns number and timestamp of a packet of the source that is heard;
// first is true if it begins a new mapping. ok is false if it must not be sent.
func (t *timeline) place(p *Packet, now time.Time) (seq uint16, ts uint32, first, ok bool) {
	if t.broken(p, now) {
		t.remap(p, now)
		first = true
	}
	n := t.extend(p.Seq)
	ts = p.Timestamp + t.shift
	if n < t.highest {
		seq, ok = t.number(n)
		return seq, ts, false, ok && t.highest-n <= maxLate
	}
	dur := codec.Duration(p.Codec, p.Payload)
	if now.Sub(t.mappedAt) < settling {
		if t.ahead(ts, now) > max(maxAhead, span(int64(dur), t.rate)) && !first {
			t.highest = n
			t.close(n)
			t.shift -= dur
			return 0, 0, false, false
		}
	} else {
		t.followSource(ts, now)
	}
	t.highest = n
	seq, ok = t.number(n)
	t.seq, t.ts, t.dur, t.sentAt = seq, ts, dur, now
	return seq, ts, first, ok
}

// broken says whether p cannot be part of the present mapping.
func (t *timeline) broken(p *Packet, now time.Time) bool {
	if !t.mapped || p.SSRC != t.ssrc || p.Codec.ClockRate() != t.rate {
		return true
	}
	n := t.extend(p.Seq)
	if n < t.highest {
		return n < t.highest-maxBack
	}
	ts := p.Timestamp + t.shift
	ahead := t.ahead(ts, now)
	return n > t.highest+maxJump || int32(ts-t.ts) < 0 || ahead.Abs() > maxOff || (p.Marker && ahead < -maxSpurtOff)
}

// followSource lets the wall clock mapping follow the clock of a source that is
// heard for long, so that a switch after an hour does not jump by the drift.
func (t *timeline) followSource(ts uint32, now time.Time) {
	due := t.wallAt.Add(span(int64(int32(ts-t.wallTS)), t.rate))
	t.wallTS, t.wallAt = ts, due.Add(now.Sub(due)/follow)
}
