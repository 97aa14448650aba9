package media

import (
	"math"
	"time"

	"github.com/pion/rtcp"

	"callfloor/media/codec"
)

// gapMin is Gmin: so many packets in a row end a burst of losses (RFC 3611
// §4.7.2).
const gapMin = 16

// unknownLevel says in an XR block that a figure is not known (RFC 3611 §4.7):
// the server hears nothing, it passes packets on.
const unknownLevel = 127

// burstMeter tells bursts of losses from single ones, by the counters of RFC
// 3611 appendix A.2. A packet that comes after its successors counts as lost:
// a small jitter buffer has no use for it.
type burstMeter struct {
	run, lost                    uint64 // packets since the last loss; losses of this burst
	c11, c13, c14, c22, c23, c33 uint64
}

// advance takes a packet that came with a number that is n higher than the
// highest before.
func (m *burstMeter) advance(n int64) {
	if n > 1 {
		m.loss(uint64(n - 1))
	}
	m.run++
}

// loss takes n losses in a row.
func (m *burstMeter) loss(n uint64) {
	if m.run >= gapMin {
		m.settle()
		m.lost = 1
	} else {
		m.lost++
		if m.run == 0 {
			m.c33++
		} else {
			m.c23++
			m.c22 += m.run - 1
		}
	}
	m.lost += n - 1
	m.c33 += n - 1
	m.run = 0
}

// settle counts what ended with the run: a loss by itself or a burst.
func (m *burstMeter) settle() {
	switch {
	case m.lost == 1:
		m.c14++
	case m.lost > 1:
		m.c13++
	}
	m.c11 += m.run
}

// bursts are a burstMeter's results.
type bursts struct {
	burstDensity, gapDensity uint8 // parts of 256
	burstPackets, gapPackets float64
}

// result says how it looks if the stream ended now.
func (m burstMeter) result() bursts {
	m.settle()
	c11 := m.c11
	if m.c13 == 0 { // one long gap
		return bursts{gapDensity: part(m.c14, c11+m.c14), gapPackets: float64(c11 + m.c14)}
	}
	c31, c32 := float64(m.c13), float64(m.c23)
	p32 := c32 / (c31 + c32 + float64(m.c33))
	p23 := 1.0
	if m.c22+m.c23 > 0 {
		p23 = 1 - float64(m.c22)/float64(m.c22+m.c23)
	}
	all := float64(c11+m.c14+m.c13+m.c22+m.c23+m.c33) + c31 + c32
	gap := float64(c11+m.c14+m.c13) / float64(m.c13)
	return bursts{
		burstDensity: uint8(min(256*p23/(p23+p32), 255)), gapDensity: part(m.c14, c11+m.c14),
		burstPackets: all/float64(m.c13) - gap, gapPackets: gap,
	}
}

func part(n, of uint64) uint8 {
	if of == 0 {
		return 0
	}
	return uint8(min(n*256/of, 255))
}

// metrics makes the VoIP metrics block about what is received (RFC 3611 §4.7).
func (s *streamStats) metrics(c codec.ID, roundTrip time.Duration) *rtcp.VoIPMetricsReportBlock {
	expected, lost := s.expected(), s.lostNow()
	b := s.bursts.result()
	var percent float64
	if expected > 0 {
		percent = 100 * float64(lost) / float64(expected)
	}
	jitter := float64(s.stats().Jitter) / float64(time.Millisecond)
	delay := float64(roundTrip) / float64(2*time.Millisecond)
	return &rtcp.VoIPMetricsReportBlock{
		SSRC: s.total.SSRC, LossRate: part(lost, expected),
		BurstDensity: b.burstDensity, GapDensity: b.gapDensity,
		BurstDuration: milliseconds(b.burstPackets), GapDuration: milliseconds(b.gapPackets),
		RoundTripDelay: uint16(min(roundTrip/time.Millisecond, math.MaxUint16)),
		SignalLevel:    unknownLevel, NoiseLevel: unknownLevel, RERL: unknownLevel, ExtRFactor: unknownLevel,
		Gmin: gapMin, RFactor: uint8(min(rating(c, percent, jitter, delay), 100)),
		MOSLQ: uint8(10*Score(c, percent, 0, 0) + 0.5), MOSCQ: uint8(10*Score(c, percent, jitter, delay) + 0.5),
	}
}

// milliseconds is how long so many packets last.
func milliseconds(packets float64) uint16 {
	return uint16(min(max(packets, 0)*packetisationMS, math.MaxUint16))
}

// Metrics makes the VoIP metrics block about what came so far; roundTrip is 0
// if it is not known.
func (r *Receiver) Metrics(roundTrip time.Duration) *rtcp.VoIPMetricsReportBlock {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats.metrics(r.stats.total.Codec, roundTrip)
}

// farReport is what the far end says of what it hears of us. The session's lock
// guards it.
type farReport struct {
	told        bool // a reception report
	lossPercent float64
	jitterMS    float64
	score       *float64 // the listening quality of its XR
}

// note takes a reception report.
func (f *farReport) note(r rtcp.ReceptionReport, rateHz int) {
	f.told = true
	f.lossPercent = 100 * float64(r.FractionLost) / 256
	f.jitterMS = 1000 * float64(r.Jitter) / float64(max(rateHz, 1))
}

// noteMetrics takes a VoIP metrics block; scores that cannot be are passed over
// (127: unknown).
func (f *farReport) noteMetrics(b *rtcp.VoIPMetricsReportBlock) {
	if b.MOSLQ >= 10 && b.MOSLQ <= 50 {
		score := float64(b.MOSLQ) / 10
		f.score = &score
	}
}

// fill writes what is known into q.
func (f *farReport) fill(q *Quality) {
	if f.told {
		loss, jitter := f.lossPercent, f.jitterMS
		q.FarLossPercent, q.FarJitterMS = &loss, &jitter
	}
	q.FarScore = f.score
}
