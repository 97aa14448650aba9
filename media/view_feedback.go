package media

import "time"

// Packets that are kept for a far end that loses some: a second and more of
// pictures at 1.5 Mbit/s.
const (
	keptCount  = 256
	keptOctets = 1300 // of a payload; browsers stay below 1,200
	// againEvery keeps a far end that asks in every report from getting a packet
	// more often than it can have missed it.
	againEvery = 20 * time.Millisecond
)

// keptPackets is a ring of what was sent last, by number.
type keptPackets [keptCount]struct {
	sent   bool
	marker bool
	pt     uint8
	seq    uint16
	octets uint16
	ts     uint32
	stamp  [3]byte
	again  time.Time
	buf    [keptOctets]byte
}

func (k *keptPackets) keep(pt uint8, marker bool, seq uint16, ts uint32, stamp [3]byte, payload []byte) {
	s := &k[seq%keptCount]
	s.sent = len(payload) <= keptOctets
	if !s.sent {
		return
	}
	s.pt, s.marker, s.seq, s.ts, s.stamp, s.again = pt, marker, seq, ts, stamp, time.Time{}
	s.octets = uint16(copy(s.buf[:], payload))
}

// Resend sends a packet again that the far end says it lost (RFC 4585 §6.2.1);
// one that is too old, or that was sent again just now, it does not. It is octet
// for octet the same, its time of sending too: AES-GCM forbids that one number
// ever stands for two packets (RFC 7714 §8.4).
func (v *View) Resend(seq uint16, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.kept == nil || v.out.Write == nil {
		return
	}
	s := &v.kept[seq%keptCount]
	if !s.sent || s.seq != seq || now.Sub(s.again) < againEvery {
		return
	}
	s.again = now
	v.stamp = s.stamp
	if v.write(s.pt, s.marker, s.seq, s.ts, s.buf[:s.octets]) == nil {
		v.stats.Again++
		v.meter(int(s.octets)+40, now)
	}
}

// KeyFrame is the far end's request for one (PLI or FIR).
func (v *View) KeyFrame(now time.Time) {
	if c := v.Showing(); c != nil {
		c.KeyFrame(now)
	}
}

// NoteEstimate takes what the far end thinks that its network brings, in bit/s
// (REMB), and lets the camera know.
func (v *View) NoteEstimate(bps uint64, now time.Time) {
	v.note(func(b *budget, rate uint64) { b.noteEstimate(bps, rate, now) })
}

// NoteLoss takes which share the far end lost, in 1/256 (RFC 3550 §6.4.1), and
// lets the camera know.
func (v *View) NoteLoss(fraction uint8, now time.Time) {
	v.note(func(b *budget, rate uint64) { b.noteLoss(fraction, rate, now) })
}

func (v *View) note(report func(b *budget, rate uint64)) {
	v.mu.Lock()
	c := v.camera
	if c == nil || !v.open {
		v.mu.Unlock()
		return
	}
	report(&v.budget, v.rate)
	limit := v.budget.ceiling()
	v.mu.Unlock()
	c.limit(v, limit)
}

// Weak says that the far end's network cannot carry what is shown: it is better
// to Show nothing and leave the network to the sound.
func (v *View) Weak() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.budget.weak
}
