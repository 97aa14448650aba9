package media

import (
	"net/netip"
	"time"
)

// Latching: who may send us media.
const (
	latchRun    = 5           // packets in sequence that make a candidate
	latchTime   = time.Second // how long the SDP address may still win
	latchPlaces = 4           // candidates that are remembered at a time
)

// candidate is an address other than the SDP's that sends one stream.
type candidate struct {
	from    netip.AddrPort
	ssrc    uint32
	next    uint16 // the number that comes next
	run     int
	ignored uint64 // its packets so far
	last    time.Time
}

// latch decides which address a leg's media comes from and goes to. It is pure.
//
//	open ──SDP address speaks──────────────────────────────► latched ──1 s──► locked
//	open ──SDP address silent for 1 s of our sending, and a candidate──► latched ──1 s──► locked
//	latched, not locked ──SDP address speaks──► latched to it
//	any ──reset (offer/answer)──► open
//
// The SDP address gets its second because a stranger may well be the first who
// speaks: nothing of a candidate is heard, and nothing sent to it, before. Only
// where the SDP address is private and the candidate's is public, so that the
// SDP address cannot speak at all, a candidate is taken at once.
type latch struct {
	sdp        netip.AddrPort
	opened     time.Time // when the SDP address had reason to speak; zero: not yet
	chosen     netip.AddrPort
	chosenAt   time.Time
	kept       bool // chosen stems from before the last reset and has not spoken since
	candidates [latchPlaces]candidate
}

// verdict is what the latch says of a packet.
type verdict struct {
	accept bool
	moved  bool   // chosen is new
	pardon uint64 // packets counted as a stranger's that were the leg's own
}

// reset opens the latch for a new offer or answer. If the SDP address is the
// same as before (a session refresh), the address that was found for it is kept
// as long as it speaks.
func (l *latch) reset(sdp netip.AddrPort, now time.Time) {
	old := *l
	*l = latch{sdp: sdp}
	if old.sdp == sdp && old.chosen.IsValid() {
		l.chosen, l.chosenAt, l.kept = old.chosen, now, true
		l.opened = old.opened
	}
}

// open notes that from now on the SDP address has reason to speak: we sent it a
// packet, or it is the only side that sends.
func (l *latch) open(now time.Time) {
	if l.opened.IsZero() {
		l.opened = now
	}
}

// target returns where to send to.
func (l *latch) target() netip.AddrPort {
	if l.chosen.IsValid() {
		return l.chosen
	}
	return l.sdp
}

// judge says whether a packet from there is the leg's.
func (l *latch) judge(from netip.AddrPort, ssrc uint32, seq uint16, now time.Time) verdict {
	if !l.sdp.IsValid() {
		return verdict{}
	}
	if l.kept && from != l.chosen && now.Sub(l.chosenAt) >= latchTime {
		l.chosen, l.kept = netip.AddrPort{}, false // it fell silent at the last offer
	}
	switch {
	case from == l.chosen:
		l.kept = false
		return verdict{accept: true}
	case l.chosen.IsValid() && (from != l.sdp || now.Sub(l.chosenAt) >= latchTime):
		return verdict{}
	case from == l.sdp:
		return l.choose(from, now, 0)
	}
	c := l.count(from, ssrc, seq, now)
	if c.run < latchRun || !l.mayTake(from, now) {
		return verdict{}
	}
	return l.choose(from, now, c.ignored-1) // this packet was not counted yet
}

// deaf says whether a packet from there cannot be the leg's, whatever it holds.
func (l *latch) deaf(from netip.AddrPort, now time.Time) bool {
	switch {
	case !l.sdp.IsValid():
		return true
	case from == l.chosen || l.kept || !l.chosen.IsValid():
		return false
	}
	return from != l.sdp || now.Sub(l.chosenAt) >= latchTime
}

func (l *latch) choose(a netip.AddrPort, now time.Time, pardon uint64) verdict {
	l.chosen, l.chosenAt, l.kept = a, now, false
	l.candidates = [latchPlaces]candidate{}
	return verdict{accept: true, moved: true, pardon: pardon}
}

// mayTake says whether the SDP address had its chance.
func (l *latch) mayTake(from netip.AddrPort, now time.Time) bool {
	if unreachable(l.sdp.Addr()) && !unreachable(from.Addr()) {
		return true
	}
	return !l.opened.IsZero() && now.Sub(l.opened) >= latchTime
}

// sharedSpace is what carriers use behind their own NAT (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// unreachable says whether a can only mean a host behind a NAT.
func unreachable(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsUnspecified() || sharedSpace.Contains(a)
}

// count keeps the run of packets in sequence of a candidate. The one that was
// silent longest makes place for a new one.
func (l *latch) count(from netip.AddrPort, ssrc uint32, seq uint16, now time.Time) *candidate {
	oldest := &l.candidates[0]
	for i := range l.candidates {
		c := &l.candidates[i]
		if c.from == from && c.ssrc == ssrc {
			if seq == c.next {
				c.run++
			} else {
				c.run = 1
			}
			c.next, c.last = seq+1, now
			c.ignored++
			return c
		}
		if c.last.Before(oldest.last) {
			oldest = c
		}
	}
	*oldest = candidate{from: from, ssrc: ssrc, next: seq + 1, run: 1, ignored: 1, last: now}
	return oldest
}
