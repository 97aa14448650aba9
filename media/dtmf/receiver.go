package dtmf

import (
	"cmp"
	"time"
)

// Limits of what belongs to one press.
const (
	// idle is how long after its last packet an event without an end packet
	// counts as over: three packet times of 50 ms, the slowest in use (RFC 4733
	// §2.5.2.2).
	idle = 150 * time.Millisecond
	// segmentSlack is how much less than MaxDuration the timestamps of two
	// segments of one long event may differ.
	segmentSlack = 0x0400
	// staleSeconds is how far back in RTP time a packet of an earlier event may
	// lie. Further back, the sender has started its clock anew.
	staleSeconds = 10
	// usualRate is the clock rate of events beside G.711 and G.722, in Hz.
	usualRate = 8000
)

// Receiver turns the event packets of one stream into keys. A key is reported
// once, at the first packet of its event with a duration above zero, so that a
// prompt stops as early as possible; all later packets of the event, in any
// order, are the same press, for an event is known by its RTP timestamp.
//
//	nothing ──packet──► running ──end packet, or idle──► over ──later timestamp──► running
//
// The zero Receiver is ready.
type Receiver struct {
	// RateHz is the clock rate that was negotiated for the events, which is that
	// of the audio beside them (RFC 4733 §2.1); 0 means 8000.
	RateHz int

	seen  bool
	ssrc  uint32
	start uint32 // timestamp of the latest event, or of its latest segment
	code  uint8
	ended bool
	last  time.Time // arrival of its latest packet
}

// Write takes the payload of an event packet that arrived at now and returns
// the key that begins with it, or false if it begins none: a repetition, an
// update, a packet of an earlier event, another stream's packet while an event
// runs, no key, or not a payload at all.
func (r *Receiver) Write(ssrc, timestamp uint32, payload []byte, now time.Time) (key rune, ok bool) {
	e, ok := Parse(payload)
	if !ok || e.Duration == 0 { // RFC 4733 §2.5.1.2: zero is for state events
		return 0, false
	}
	key, ok = e.Key()
	if !ok {
		return 0, false
	}
	if !r.begins(ssrc, timestamp, e, now) {
		return 0, false
	}
	*r = Receiver{RateHz: r.RateHz, seen: true, ssrc: ssrc, start: timestamp, code: e.Code, ended: e.End, last: now}
	return key, true
}

// begins says whether the packet starts an event that was not seen before, and
// notes it if it continues the present one.
func (r *Receiver) begins(ssrc, timestamp uint32, e Event, now time.Time) bool {
	if !r.seen {
		return true
	}
	if ssrc != r.ssrc {
		return !r.Running(now)
	}
	ahead := int32(timestamp - r.start)
	switch {
	case ahead == 0:
		r.ended = r.ended || e.End
		r.last = now
		return false
	case ahead < 0:
		return int(ahead) < -staleSeconds*cmp.Or(r.RateHz, usualRate)
	case r.continues(ahead, e, now):
		r.start, r.ended, r.last = timestamp, e.End, now
		return false
	default:
		return true
	}
}

// continues says whether a packet that much ahead of the present event is the
// next segment of it (RFC 4733 §2.5.1.3): the same key, not ended, starting
// where the longest possible duration ends.
func (r *Receiver) continues(ahead int32, e Event, now time.Time) bool {
	return e.Code == r.code && r.Running(now) && ahead <= MaxDuration && ahead >= MaxDuration-segmentSlack
}

// Running says whether a key is being held down at now.
func (r *Receiver) Running(now time.Time) bool {
	return r.seen && !r.ended && now.Sub(r.last) < idle
}
