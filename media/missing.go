package media

import "time"

// Packets that are missing.
const (
	// missingCount is how many are asked for at the same time; with more, a key
	// frame is quicker.
	missingCount = 64
	// missingTries is how often one is asked for, each time after askAgain more.
	missingTries = 5
	askAgain     = 50 * time.Millisecond
)

// missing keeps which packets of a stream did not come and when they are to be
// asked for. Packets drive it, so it needs no clock of its own. It is pure.
type missing struct {
	started bool
	ssrc    uint32
	highest uint16
	list    [missingCount]lostPacket
	n       int
	due     [missingCount]uint16
}

type lostPacket struct {
	seq   uint16
	tries uint8
	next  time.Time // when it is asked for
}

// note takes a packet that came and returns the numbers to ask for now, which
// are borrowed until the next call. gaveUp says that so much is lost that only a
// key frame helps.
func (m *missing) note(ssrc uint32, seq uint16, now time.Time) (lost []uint16, gaveUp bool) {
	ahead := int16(seq - m.highest)
	switch {
	case !m.started || ssrc != m.ssrc:
		m.started, m.ssrc, m.highest, m.n = true, ssrc, seq, 0
		return nil, false
	case ahead == 1:
		m.highest = seq
	case ahead <= 0:
		m.came(seq)
	default:
		gaveUp = m.gap(int(ahead)-1, now)
		m.highest = seq
	}
	if m.n == 0 {
		return nil, gaveUp
	}
	return m.ask(now), gaveUp
}

// gap adds the packets after highest; true if they are too many.
func (m *missing) gap(count int, now time.Time) bool {
	if m.n+count > missingCount {
		m.n = 0
		return true
	}
	for i := range count {
		m.list[m.n] = lostPacket{seq: m.highest + 1 + uint16(i), next: now}
		m.n++
	}
	return false
}

// came takes out a packet that was late or was sent again.
func (m *missing) came(seq uint16) {
	for i := range m.n {
		if m.list[i].seq == seq {
			m.n--
			copy(m.list[i:m.n], m.list[i+1:m.n+1])
			return
		}
	}
}

// ask returns what is due, and forgets what was asked for in vain: who looks at
// the pictures asks for a key frame then.
func (m *missing) ask(now time.Time) []uint16 {
	due, left := 0, 0
	for i := range m.n {
		p := m.list[i]
		if !now.Before(p.next) {
			if p.tries == missingTries {
				continue
			}
			p.tries++
			p.next = now.Add(time.Duration(p.tries) * askAgain)
			m.due[due] = p.seq
			due++
		}
		m.list[left] = p
		left++
	}
	m.n = left
	return m.due[:due]
}
