package call

import "callfloor/media"

// recentSamples is over how many samples, one each qualityEvery, loss is
// counted: what people are told is how it is now, not how the call was.
const recentSamples = 4

// recent keeps what two legs counted in the last seconds.
type recent struct{ customer, agent meter }

// meter is one leg's counts, the oldest first.
type meter struct {
	counts [recentSamples]media.Quality
	n      int
}

// of returns q with the losses of the last seconds in place of those of the
// whole call.
func (m *meter) of(q media.Quality) *media.Quality {
	if m.n > 0 && (q.Received < m.counts[m.n-1].Received || q.Sent < m.counts[m.n-1].Sent) {
		m.n = 0 // counted anew: another agent
	}
	if m.n == recentSamples {
		copy(m.counts[:], m.counts[1:])
		m.n--
	}
	m.counts[m.n] = q
	m.n++
	since := m.counts[0]
	if m.n == 1 {
		return &q
	}
	q.LossPercent = lossPercent(q.Lost, since.Lost, q.Received, since.Received)
	if q.FarLost != nil && since.FarLost != nil {
		loss := min(100, 100*float64(*q.FarLost-min(*q.FarLost, *since.FarLost))/float64(max(1, q.Sent-since.Sent)))
		q.FarLossPercent = &loss
	}
	return &q
}

// lossPercent is the share of packets that was lost between two counts.
func lossPercent(lost, lostBefore, received, receivedBefore uint64) float64 {
	gone := lost - min(lost, lostBefore)
	if all := gone + received - receivedBefore; all > 0 {
		return 100 * float64(gone) / float64(all)
	}
	return 0
}
