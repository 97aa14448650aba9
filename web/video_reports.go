package web

import (
	"time"

	"callfloor/media"

	"github.com/pion/rtcp"
)

// viewOf returns what the browser sees under an SSRC; nil if that is none of it.
func (p *peer) viewOf(ssrc uint32) *media.View {
	for i, o := range p.pictures {
		if ssrc != 0 && o.ssrc.Load() == ssrc {
			return p.seat.views[i].view
		}
	}
	return nil
}

// noteFeedback takes what the browser says of the pictures that it gets: it has
// lost some (RFC 4585 §6.2.1), it cannot go on without a key frame (§6.3.1, RFC
// 5104 §4.3.1), or its network brings so much (draft-alvestrand-rmcat-remb).
func (p *peer) noteFeedback(k rtcp.Packet, now time.Time) {
	switch k := k.(type) {
	case *rtcp.PictureLossIndication:
		p.keyFrame(k.MediaSSRC, now)
	case *rtcp.FullIntraRequest:
		for _, f := range k.FIR {
			p.keyFrame(f.SSRC, now)
		}
	case *rtcp.TransportLayerNack:
		v := p.viewOf(k.MediaSSRC)
		if v == nil {
			return
		}
		for _, pair := range k.Nacks {
			pair.Range(func(seq uint16) bool { v.Resend(seq, now); return true })
		}
	case *rtcp.ReceiverEstimatedMaximumBitrate:
		p.noteEstimate(k, now)
	}
}

func (p *peer) keyFrame(ssrc uint32, now time.Time) {
	if v := p.viewOf(ssrc); v != nil {
		v.KeyFrame(now)
	}
}

// noteEstimate shares an estimate among the views that it is for and that show
// something.
func (p *peer) noteEstimate(k *rtcp.ReceiverEstimatedMaximumBitrate, now time.Time) {
	var shown []*media.View
	for _, ssrc := range k.SSRCs {
		if v := p.viewOf(ssrc); v != nil && v.Showing() != nil {
			shown = append(shown, v)
		}
	}
	for _, v := range shown {
		v.NoteEstimate(uint64(k.Bitrate)/uint64(len(shown)), now)
	}
}

// videoReports makes a sender report for each view that showed something lately.
func (p *peer) videoReports(now time.Time) []rtcp.Packet {
	var all []rtcp.Packet
	for i, o := range p.pictures {
		s := p.seat.views[i].view.Stats()
		if ssrc := o.ssrc.Load(); ssrc == 0 || s.SSRC != ssrc || s.Packets == 0 || now.Sub(s.LastSent) > 2*reportEvery {
			continue
		}
		all = append(all, &rtcp.SenderReport{
			SSRC: s.SSRC, NTPTime: media.NTP(now), RTPTime: s.LastRTP + uint32(now.Sub(s.LastSent).Milliseconds()*90),
			PacketCount: uint32(s.Packets), OctetCount: uint32(s.Octets),
		})
	}
	return all
}
