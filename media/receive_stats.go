package media

import (
	"time"

	"github.com/pion/rtcp"

	"callfloor/media/codec"
)

// newStreamRun is how many packets in sequence a new SSRC needs while the one
// that is received is still sending (RFC 3550 appendix A.1, MIN_SEQUENTIAL and
// more, so that one stray packet changes nothing).
const (
	newStreamRun   = 5
	quietStreamRun = 2
	quietStream    = 100 * time.Millisecond
)

// seen is what the statistics make of a packet.
type seen uint8

const (
	seenNew seen = iota
	seenTwice
	seenForeign // of a stream that is not (yet) the one received
)

// ReceiveStats is what a Receiver has received.
type ReceiveStats struct {
	SSRC       uint32
	Codec      codec.ID // of the last audio packet
	Packets    uint64   // without duplicates
	Octets     uint64   // of their payloads
	Lost       uint64
	Duplicates uint64
	Foreign    uint64 // of another SSRC beside the one received
	Bad        uint64 // no RTP packets
	Jitter     time.Duration
	Last       time.Time // arrival of the last packet; zero: none yet
}

// streamStats are the counters of RFC 3550 appendix A.1, A.3 and A.8, over all
// SSRCs that a leg used one after the other.
type streamStats struct {
	total ReceiveStats

	started  bool
	base     int64 // extended number of the first packet of this SSRC
	highest  int64
	got      uint64 // packets of this SSRC
	window   uint64 // bit i: highest-i was received
	lostPast uint64 // lost of earlier SSRCs

	candidate    uint32
	candidateSeq uint16
	candidateRun int

	bursts burstMeter // of this SSRC

	jumpSeq uint16 // what follows a wild jump, if it was one
	jumped  bool

	rate         int
	transitKnown bool
	transit      int64
	jitter       float64 // in clock units

	priorExpected, priorGot uint64 // at the last report
	srNTP                   uint32 // middle 32 bits
	srAt                    time.Time
}

// note takes one packet into account.
func (s *streamStats) note(w *wirePacket, c codec.ID, now time.Time) seen {
	switch {
	case !s.started:
		s.begin(w)
	case w.ssrc != s.total.SSRC:
		if !s.changes(w, now) {
			s.total.Foreign++
			return seenForeign
		}
		s.begin(w)
	default:
		s.candidateRun = 0
		switch v := s.advance(w.seq); v {
		case seenTwice:
			s.total.Duplicates++
			return v
		case seenForeign:
			s.total.Foreign++
			return v
		}
	}
	s.got++
	s.total.Packets++
	s.total.Octets += uint64(len(w.payload))
	s.total.Last = now
	s.noteJitter(w, c, now)
	return seenNew
}

// begin starts the counters for w's SSRC.
func (s *streamStats) begin(w *wirePacket) {
	s.lostPast += s.lostNow()
	s.total.SSRC = w.ssrc
	s.started, s.jumped, s.transitKnown = true, false, false
	s.base, s.highest = int64(w.seq)+1<<16, int64(w.seq)+1<<16
	s.got, s.window, s.candidateRun = 0, 1, 0
	s.bursts = burstMeter{run: 1}
	s.priorExpected, s.priorGot = 0, 0
	s.srNTP, s.srAt = 0, time.Time{}
}

// changes says whether the sender has a new SSRC now.
func (s *streamStats) changes(w *wirePacket, now time.Time) bool {
	if s.candidateRun > 0 && w.ssrc == s.candidate && w.seq == s.candidateSeq+1 {
		s.candidateRun++
	} else {
		s.candidate, s.candidateRun = w.ssrc, 1
	}
	s.candidateSeq = w.seq
	if now.Sub(s.total.Last) >= quietStream {
		return s.candidateRun >= quietStreamRun
	}
	return s.candidateRun >= newStreamRun
}

// advance moves the highest number on. A wild jump is believed at its second
// packet (RFC 3550 appendix A.1).
func (s *streamStats) advance(seq uint16) seen {
	delta := int64(int16(seq - uint16(s.highest)))
	switch {
	case delta > maxJump || delta < -maxJump:
		if !s.jumped || seq != s.jumpSeq {
			s.jumped, s.jumpSeq = true, seq+1
			return seenForeign
		}
		s.lostPast += s.lostNow()
		s.base, s.highest = int64(seq)+1<<16, int64(seq)+1<<16
		s.got, s.window, s.priorExpected, s.priorGot = 0, 1, 0, 0
		s.transitKnown = false
	case delta > 0:
		s.highest += delta
		s.bursts.advance(delta)
		s.window = s.window<<uint(min(delta, 64)) | 1
	case delta == 0:
		return seenTwice
	case delta >= -maxLate:
		bit := uint64(1) << uint(-delta)
		if s.window&bit != 0 {
			return seenTwice
		}
		s.window |= bit
		s.base = min(s.base, s.highest+delta)
	default: // too late to know whether it came before
		s.base = min(s.base, s.highest+delta)
	}
	s.jumped = false
	return seenNew
}

// noteJitter is RFC 3550 appendix A.8. Events are left out: their packets share
// one timestamp.
func (s *streamStats) noteJitter(w *wirePacket, c codec.ID, now time.Time) {
	if !c.Audio() || len(w.payload) == 0 {
		return
	}
	if c != s.total.Codec || c.ClockRate() != s.rate {
		s.rate, s.transitKnown = c.ClockRate(), false
	}
	s.total.Codec = c
	transit := units(time.Duration(now.UnixNano()), s.rate) - int64(w.timestamp)
	if s.transitKnown {
		d := float64(int32(transit - s.transit))
		// A jump of more than two seconds is a new clock and no jitter.
		if d = max(d, -d); d < float64(2*s.rate) {
			s.jitter += (d - s.jitter) / 16
		}
	}
	s.transit, s.transitKnown = transit, true
}

func (s *streamStats) expected() uint64 {
	if !s.started {
		return 0
	}
	return uint64(s.highest - s.base + 1)
}

func (s *streamStats) lostNow() uint64 {
	if e := s.expected(); e > s.got {
		return e - s.got
	}
	return 0
}

func (s *streamStats) stats() ReceiveStats {
	t := s.total
	t.Lost = s.lostPast + s.lostNow()
	if s.rate > 0 {
		t.Jitter = time.Duration(s.jitter * float64(time.Second) / float64(s.rate))
	}
	return t
}

// report makes a reception report block (RFC 3550 §6.4.1) and begins the next
// interval.
func (s *streamStats) report(now time.Time) rtcp.ReceptionReport {
	expected := s.expected()
	r := rtcp.ReceptionReport{
		SSRC:               s.total.SSRC,
		TotalLost:          uint32(min(s.lostNow(), 0x7FFFFF)),
		LastSequenceNumber: uint32(s.highest - 1<<16),
		Jitter:             uint32(s.jitter),
		LastSenderReport:   s.srNTP,
	}
	if interval := expected - min(s.priorExpected, expected); interval > 0 {
		got := s.got - min(s.priorGot, s.got)
		if got < interval {
			r.FractionLost = uint8(min((interval-got)<<8/interval, 255))
		}
	}
	s.priorExpected, s.priorGot = expected, s.got
	if s.srNTP != 0 {
		r.Delay = uint32(units(now.Sub(s.srAt), 1<<16))
	}
	return r
}
