package media

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"callfloor/media/codec"
	"callfloor/media/dtmf"
)

// How digits are sent (RFC 4733 §2.5.1).
const (
	digitsQueued  = 64
	digitEnds     = 3 // §2.5.1.4: the last packet is sent three times
	digitGap      = 3 // frames of pause between two digits
	digitVolume   = 10
	shortestDigit = 40 * time.Millisecond // ITU-T Q.24
	longestDigit  = 8 * time.Second       // below dtmf.MaxDuration at 8 kHz
	ordinaryDigit = 100 * time.Millisecond
	// eventClockRate is that of events beside G.711 and G.722.
	eventClockRate = 8000
	// toneLevel is the peak of a key's two tones together, in dBFS: -6 dBm0
	// each, what ITU-T Q.24 expects of a phone.
	toneLevel = -3
)

// errNoEvents is returned where a key can be sent in no way.
var errNoEvents = errors.New("send digit: the far end takes neither telephone-event (RFC 4733) nor one audio codec; it must offer them in SDP")

// pressed is one digit to send.
type pressed struct {
	code   uint8
	frames int
	tone   [][]byte // payloads of its tones; nil: it is sent as an event
	codec  codec.ID // of tone
}

// digitQueue holds the digits that a Sender still sends. The Sender's lock
// guards it.
//
//	idle ──SendDigit──► running: updates ──► three ends ──► gap ──► running or idle
//	                            (in-band: its tones ──► gap)
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

// SendDigit sends a key of length d (40 ms to 8 s; 0 means 100 ms) and returns
// at once: as an RFC 4733 event, or as its two tones where the far end takes no
// events. Digits go out one after the other with a pause between them;
// meanwhile audio is held back. It returns an error if the key is none, the far
// end hears nothing, or 64 digits wait already.
func (s *Sender) SendDigit(key rune, d time.Duration) error {
	code, ok := dtmf.Code(key)
	if !ok {
		return errors.New("send digit: a key is one of 0-9, *, #, A-D")
	}
	if d == 0 {
		d = ordinaryDigit
	}
	d = min(max(d, shortestDigit), longestDigit)
	p := pressed{code: code, frames: int((d + frameTime - 1) / frameTime)}
	if in := s.inBand(); in != codec.None {
		low, high := dtmf.Tones(key)
		p.codec, p.tone = in, ToneClip("key", []float64{low, high}, time.Duration(p.frames)*frameTime, toneLevel).Frames(in)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &s.digits
	if s.out.Write == nil || s.out.Events == 0 && p.tone == nil {
		return errNoEvents
	}
	if len(q.queue) >= digitsQueued {
		return fmt.Errorf("send digit: %d digits wait already", digitsQueued)
	}
	q.queue = append(q.queue, p)
	if !q.onClock {
		q.onClock = true
		s.pacer.add(q.slot, digitTick{s})
	}
	return nil
}

// inBand is the codec to send a key's tones in: None if the far end takes
// events, or if it is not known which codec it expects.
func (s *Sender) inBand() codec.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out.Events != 0 {
		return codec.None
	}
	only := codec.None
	for c := range s.out.PayloadTypes {
		switch {
		case !c.Audio():
		case only != codec.None:
			return s.fill
		default:
			only = c
		}
	}
	return only
}

func (t digitTick) tick(_ int64, now time.Time) { t.s.sendKey(now) }

// sendKey sends the next packet of the digit at the head of the queue.
func (s *Sender) sendKey(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &s.digits
	if s.out.Write == nil || s.out.Events == 0 && len(q.queue) > 0 && q.queue[0].tone == nil {
		q.clear() // the far end is gone, on hold, or takes no events any more
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
	p, last := &q.queue[0], 0
	if p.tone != nil {
		last = len(p.tone)
		s.sendTone(p, now)
	} else {
		last = p.frames + digitEnds - 1
		s.sendEvent(p, now)
	}
	if q.step >= last {
		q.queue = q.queue[1:]
		q.running, q.gap = false, digitGap
	}
}

// sendEvent sends one packet of an event. s.mu is held.
func (s *Sender) sendEvent(p *pressed, now time.Time) {
	q, rate := &s.digits, cmp.Or(s.out.EventsRate, eventClockRate)
	unit := int(perFrame(rate))
	if !q.running {
		q.running, q.step = true, 0
		q.start = s.line.due(now, rate)
		p.frames = min(p.frames, dtmf.MaxDuration/unit) // 1.3 s at 48 kHz
	}
	q.step++
	end := q.step >= p.frames
	frames := min(q.step, p.frames)
	e := dtmf.Event{Code: p.code, End: end, Volume: digitVolume, Duration: uint16(frames * unit)}
	e.Put(q.payload[:])
	s.line.seq++
	s.line.ts, s.line.dur, s.line.sentAt = q.start, uint32(frames*unit), now
	s.line.unmap()
	s.fillAt = now.Add(frameTime + fillSlack) // not counted from the event's end, which lies ahead
	s.write(now, s.out.Events, s.line.seq, q.start, q.step == 1, q.payload[:])
}

// sendTone sends one packet of a key's tones. s.mu is held.
func (s *Sender) sendTone(p *pressed, now time.Time) {
	q, pt := &s.digits, s.types[p.codec]
	if pt < 0 { // another codec was agreed on meanwhile
		q.step = len(p.tone)
		return
	}
	if !q.running {
		q.running, q.step = true, 0
	}
	rate := p.codec.ClockRate()
	seq, ts := s.line.own(now, rate, uint32(perFrame(rate)))
	s.fillAt = time.Time{}
	s.write(now, uint8(pt), seq, ts, q.step == 0, p.tone[q.step])
	q.step++
}

// Sending says whether digits are being sent or wait to be.
func (s *Sender) Sending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.digits.queue) > 0
}
