package media

import (
	"errors"
	"fmt"
	"time"

	"callfloor/media/dtmf"
)

// How digits are sent (RFC 4733 §2.5.1).
const (
	digitsQueued   = 64
	digitEnds      = 3 // §2.5.1.4: the last packet is sent three times
	digitGap       = 3 // frames of pause between two digits
	digitVolume    = 10
	shortestDigit  = 40 * time.Millisecond // ITU-T Q.24
	longestDigit   = 8 * time.Second       // below dtmf.MaxDuration at 8 kHz
	ordinaryDigit  = 100 * time.Millisecond
	eventClockRate = 8000
)

// errNoEvents is returned where the far end takes no telephone-event.
var errNoEvents = errors.New("send digit: the far end takes no telephone-event (RFC 4733); it must offer it in SDP")

// pressed is one digit to send.
type pressed struct {
	code   uint8
	frames int
}

// digitQueue holds the digits that a Sender still sends. The Sender's lock
// guards it.
//
//	idle ──SendDigit──► running: updates ──► three ends ──► gap ──► running or idle
type digitQueue struct {
	slot    int // on the pacer
	queue   []pressed
	running bool // audio is suppressed
	onClock bool
	step    int
	gap     int
	start   uint32 // timestamp of the event
	payload [dtmf.PayloadSize]byte
}

func (q *digitQueue) clear() { q.queue, q.running, q.step, q.gap = nil, false, 0, 0 }

// SendDigit sends a key as an RFC 4733 event of length d (40 ms to 8 s; 0 means
// 100 ms) and returns at once. Digits go out one after the other with a pause
// between them; meanwhile audio is held back. It returns an error if the key is
// none, the far end takes no events, or 64 digits wait already.
func (s *Sender) SendDigit(key rune, d time.Duration) error {
	code, ok := dtmf.Code(key)
	if !ok {
		return errors.New("send digit: a key is one of 0-9, *, #, A-D")
	}
	if d == 0 {
		d = ordinaryDigit
	}
	d = min(max(d, shortestDigit), longestDigit)
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &s.digits
	if s.out.Write == nil || s.out.Events == 0 {
		return errNoEvents
	}
	if len(q.queue) >= digitsQueued {
		return fmt.Errorf("send digit: %d digits wait already", digitsQueued)
	}
	q.queue = append(q.queue, pressed{code: code, frames: int((d + frameTime - 1) / frameTime)})
	if !q.onClock {
		q.onClock = true
		s.pacer.add(q.slot, digitTick{s})
	}
	return nil
}

func (t digitTick) tick(_ int64, now time.Time) { t.s.sendEvent(now) }

// sendEvent sends the next packet of the digit at the head of the queue.
func (s *Sender) sendEvent(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &s.digits
	if s.out.Write == nil || s.out.Events == 0 { // the far end is gone or on hold
		q.clear()
	}
	if q.gap > 0 {
		q.gap--
		return
	}
	if len(q.queue) == 0 {
		q.onClock = false
		s.pacer.remove(q.slot, digitTick{s})
		return
	}
	p := q.queue[0]
	if !q.running {
		q.running, q.step = true, 0
		q.start = s.line.due(now, eventClockRate)
	}
	q.step++
	end := q.step >= p.frames
	frames := min(q.step, p.frames)
	e := dtmf.Event{Code: p.code, End: end, Volume: digitVolume, Duration: uint16(frames * frameSamples)}
	e.Put(q.payload[:])
	s.line.seq++
	s.line.ts, s.line.dur, s.line.sentAt = q.start, uint32(frames*frameSamples), now
	s.line.unmap()
	s.fillAt = now.Add(frameTime + fillSlack) // not counted from the event's end, which lies ahead
	s.write(now, s.out.Events, s.line.seq, q.start, q.step == 1, q.payload[:])
	if q.step == p.frames+digitEnds-1 {
		q.queue = q.queue[1:]
		q.running, q.gap = false, digitGap
	}
}

// Sending says whether digits are being sent or wait to be.
func (s *Sender) Sending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.digits.queue) > 0
}
