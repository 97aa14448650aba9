package web

import (
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"callfloor/media"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
)

// reportEvery is the mean time between our RTCP reports on one peer connection
// (RFC 3550 §6.2 says 5 s at least; RFC 4585 lets a small group be quicker, and
// a call's first figures are wanted soon). Each is 0.5 to 1.5 times it.
const reportEvery = 2500 * time.Millisecond

// reports is what the browser says of the way to it.
type reports struct {
	mu     sync.Mutex
	rtt    *float64 // ms
	jitter float64  // ms, on the customer's track
	lost   uint64   // packets of all tracks
	each   map[uint32]uint32
}

// readReports takes RTCP of one stream until it ends.
func (p *peer) readReports(read func([]byte) (int, interceptor.Attributes, error)) {
	defer p.seat.server.recovered("RTCP", nil)
	buf := make([]byte, maxPacket)
	for {
		n, _, err := read(buf)
		if err != nil {
			// A buffer that is too short for a packet is the one error after
			// which more can come.
			if errors.Is(err, io.ErrShortBuffer) {
				continue
			}
			return
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			continue // authenticated nonsense harms nobody but its sender
		}
		now := time.Now()
		for _, k := range packets {
			switch k := k.(type) {
			case *rtcp.SenderReport:
				p.receiver.NoteSenderReport(k.SSRC, k.NTPTime, now)
				p.film.NoteSenderReport(k.SSRC, k.NTPTime, now)
				p.noteReports(k.Reports, now)
			case *rtcp.ReceiverReport:
				p.noteReports(k.Reports, now)
			default:
				p.noteFeedback(k, now)
			}
		}
	}
}

// noteReports takes reception reports about our tracks. pion hands a compound
// packet to every stream that it names, so all of this happens several times;
// it does no harm.
func (p *peer) noteReports(all []rtcp.ReceptionReport, now time.Time) {
	r := &p.reports
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, report := range all {
		i := p.trackOf(report.SSRC)
		if i < 0 {
			if v := p.viewOf(report.SSRC); v != nil {
				v.NoteLoss(report.FractionLost, now)
			}
			continue
		}
		if trip, ok := media.RoundTrip(report, now); ok {
			ms := trip.Seconds() * 1000
			r.rtt = &ms
		}
		if report.TotalLost <= 0x7FFFFF { // 24 bits, signed; negative means duplicates
			if r.each == nil {
				r.each = map[uint32]uint32{}
			}
			r.lost += uint64(max(report.TotalLost, r.each[report.SSRC]) - r.each[report.SSRC])
			r.each[report.SSRC] = max(report.TotalLost, r.each[report.SSRC])
		}
		if i == 0 {
			r.jitter = float64(report.Jitter) / 8 // G.711: 8 units a ms
		}
	}
}

func (p *peer) trackOf(ssrc uint32) int {
	for i, o := range p.outgoing {
		if ssrc != 0 && o.ssrc.Load() == ssrc {
			return i
		}
	}
	return -1
}

// sendReports sends RTCP until the peer connection ends.
func (p *peer) sendReports() {
	defer p.seat.server.recovered("RTCP reports", nil)
	next := func() time.Duration { return reportEvery/2 + rand.N(reportEvery) }
	timer := time.NewTimer(next())
	defer timer.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case now := <-timer.C:
			if compound := p.report(now); compound != nil {
				// Not connected (yet, or any more): the next one may do.
				_ = p.pc.WriteRTCP(compound)
			}
			timer.Reset(next())
		}
	}
}

// report makes one compound packet: a sender report for each track that was
// heard lately, or a receiver report, with what came from the microphone, and
// the CNAME of the SDP, as RFC 3550 §6.1 wants. nil if there is nothing to say.
func (p *peer) report(now time.Time) []rtcp.Packet {
	var blocks []rtcp.ReceptionReport
	if p.receiver.Stats().Packets > 0 {
		blocks = []rtcp.ReceptionReport{p.receiver.Report()}
	}
	if s := p.film.Stats(); s.Packets > 0 && now.Sub(s.Last) < 2*reportEvery {
		block := p.film.Report()
		p.seat.camera.NoteLoss(block.FractionLost, now)
		blocks = append(blocks, block)
	}
	var compound []rtcp.Packet
	for i, o := range p.outgoing {
		s := p.seat.tracks[i].sender.Stats()
		if ssrc := o.ssrc.Load(); ssrc == 0 || s.SSRC != ssrc || now.Sub(s.LastSent) > 2*reportEvery {
			continue
		}
		// The tracks carry G.711: 8 units a ms.
		compound = append(compound, &rtcp.SenderReport{
			SSRC: s.SSRC, NTPTime: media.NTP(now), RTPTime: s.LastRTP + uint32(now.Sub(s.LastSent).Milliseconds()*8),
			PacketCount: uint32(s.Packets), OctetCount: uint32(s.Octets), Reports: blocks,
		})
		blocks = nil
	}
	compound = append(compound, p.videoReports(now)...)
	own := p.outgoing[0].ssrc.Load()
	switch {
	case own == 0 || len(compound) == 0 && blocks == nil:
		return nil
	case blocks != nil:
		compound = append(compound, &rtcp.ReceiverReport{SSRC: own, Reports: blocks})
	}
	return append(compound, rtcp.NewCNAMESourceDescription(own, trackNames[0]))
}
