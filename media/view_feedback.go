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
	// againCredit is how many octets may be sent again at most in one go: all that
	// are kept.
	againCredit = keptCount * keptOctets
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
// one that is too old, or that was sent again just now, it does not, and in all
// never more octets than were sent at first: what is lost because a network is
// full must not fill it more, and small requests not make large answers. It is octet
// for octet the same, its time of sending too: AES-GCM forbids that one number
// ever stands for two packets (RFC 7714 §8.4).
func (v *View) Resend(seq uint16, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.kept == nil || v.out.Write == nil {
		return
	}
	s := &v.kept[seq%keptCount]
	if !s.sent || s.seq != seq || now.Sub(s.again) < againEvery || v.credit < int(s.octets) {
		return
	}
	s.again = now
	v.credit -= int(s.octets)
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
	defer v.mu.Unlock()
	if v.camera == nil || !v.open {
		return
	}
	report(&v.budget, v.rate)
	// Under the lock, lest a camera keep the limit of a view that shows another
	// one by now.
	v.camera.limit(v, v.budget.ceiling())
}

// Weak says that the far end's network cannot carry what is shown: it is better
// to Show nothing and leave the network to the sound.
func (v *View) Weak() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.budget.weak
}
