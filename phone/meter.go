package phone

import (
	"sync"
	"time"

	"callfloor/media"
)

// meter watches the far end's stream for what a listener would notice: pauses,
// a new SSRC, missing numbers.
type meter struct {
	mu       sync.Mutex
	answered time.Time // zero before the 200
	over     bool
	first    time.Time
	last     time.Time
	maxGap   time.Duration
	ssrc     uint32
	highest  uint16
	packets  int
	early    int // of them before the 200
	changes  int
	holes    int
}

// begin and end frame what counts: from the 200 to the hang-up.
func (m *meter) begin(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answered = at
}

func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = true
}

// note is a media.SinkFunc.
func (m *meter) note(p *media.Packet) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over {
		return
	}
	if m.answered.IsZero() {
		m.early++
	}
	if m.first.IsZero() {
		m.first = p.Arrival
	}
	if m.packets++; m.packets > 1 {
		m.maxGap = max(m.maxGap, p.Arrival.Sub(m.last))
		m.number(p)
	}
	if m.packets == 1 || p.SSRC != m.ssrc {
		m.ssrc, m.highest = p.SSRC, p.Seq
	}
	m.last = p.Arrival
}

// number counts holes in the numbering of one SSRC; a packet that comes late
// fills its hole.
func (m *meter) number(p *media.Packet) {
	if p.SSRC != m.ssrc {
		m.changes++
		return
	}
	switch ahead := int16(p.Seq - m.highest); {
	case ahead > 0:
		m.holes += int(ahead) - 1
		m.highest = p.Seq
	case ahead < 0 && m.holes > 0:
		m.holes--
	}
}

func (m *meter) fill(res *CallResult) {
	m.mu.Lock()
	defer m.mu.Unlock()
	res.MaxGapMS, res.SSRCChanges, res.SeqHoles, res.Early = milliseconds(m.maxGap), m.changes, m.holes, m.early
	if !m.first.IsZero() && !m.answered.IsZero() {
		ms := max(milliseconds(m.first.Sub(m.answered)), 0)
		res.FirstPacketMS = &ms
	}
}
