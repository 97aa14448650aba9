package media

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
)

// reportState is what RTCP needs to know. The session's lock guards it.
type reportState struct {
	learned   netip.AddrPort // where the far end's RTCP comes from
	roundTrip time.Duration
	known     bool
	sent      bool
	far       farReport
}

func (r *reportState) roundTripMS() *float64 {
	if !r.known {
		return nil
	}
	ms := float64(r.roundTrip) / float64(time.Millisecond)
	return &ms
}

// reportTo returns where RTCP goes; zero: nowhere. s.mu is held.
func (s *Session) reportTo() netip.AddrPort {
	to := s.latch.target()
	switch {
	case !sendable(to):
		return netip.AddrPort{}
	case s.remote.Mux:
		return to
	case s.reports.learned.IsValid():
		return s.reports.learned
	case to == s.remote.Addr && sendable(s.remote.RTCP):
		return s.remote.RTCP
	case to.Port() == 65535:
		return netip.AddrPort{}
	default:
		return netip.AddrPortFrom(to.Addr(), to.Port()+1)
	}
}

// report sends a sender or receiver report (RFC 3550 §6.4).
func (s *Session) report(now time.Time) { s.sendRTCP(s.compound(now)) }

// goodbye sends BYE if anything was sent before (RFC 3550 §6.3.7).
func (s *Session) goodbye(now time.Time) {
	s.mu.Lock()
	sent := s.reports.sent
	s.mu.Unlock()
	if !sent && s.sender.Stats().Packets == 0 {
		return
	}
	s.sendRTCP(append(s.compound(now), &rtcp.Goodbye{Sources: []uint32{s.ssrc}}))
}

// compound makes SR or RR with SDES (RFC 3550 §6.1), and where something came
// the VoIP metrics of it (RFC 3611).
func (s *Session) compound(now time.Time) []rtcp.Packet {
	sent := s.sender.Stats()
	var blocks []rtcp.ReceptionReport
	if s.receiver.Stats().Packets > 0 {
		blocks = []rtcp.ReceptionReport{s.receiver.Report()}
	}
	var first rtcp.Packet = &rtcp.ReceiverReport{SSRC: s.ssrc, Reports: blocks}
	if sent.Packets > 0 && now.Sub(sent.LastSent) < 2*reportInterval {
		first = &rtcp.SenderReport{
			SSRC: s.ssrc, NTPTime: NTP(now), RTPTime: sent.LastRTP + uint32(units(now.Sub(sent.LastSent), sent.RateHz)),
			PacketCount: uint32(sent.Packets), OctetCount: uint32(sent.Octets), Reports: blocks,
		}
	}
	name := &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: s.ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: s.cname}},
	}}}
	if len(blocks) == 0 {
		return []rtcp.Packet{first, name}
	}
	s.mu.Lock()
	trip := s.reports.roundTrip
	s.mu.Unlock()
	return []rtcp.Packet{first, name, &rtcp.ExtendedReport{SenderSSRC: s.ssrc, Reports: []rtcp.ReportBlock{s.receiver.Metrics(trip)}}}
}

func (s *Session) sendRTCP(packets []rtcp.Packet) {
	b, err := rtcp.Marshal(packets)
	if err != nil {
		s.log.Error("RTCP report could not be made", "leg", s.config.Name, "err", err)
		return
	}
	s.mu.Lock()
	to, mux := s.reportTo(), s.remote.Mux
	s.reports.sent = s.reports.sent || to.IsValid()
	s.mu.Unlock()
	if !to.IsValid() {
		return
	}
	socket := s.socks.rtcp
	if mux {
		socket = s.socks.rtp
	}
	// What is lost the next report says again.
	switch p := s.protector.Load(); {
	case p == nil:
		_, _ = socket.WriteToUDPAddrPort(b, to)
	case p.seal == nil, p.muxed && !mux:
	default:
		_ = p.seal.sendRTCP(socket, b, to)
	}
}

func (s *Session) handleRTCPSocket(b []byte, from netip.AddrPort, at time.Time) {
	s.handleRTCP(b, from, at, false)
}

// handleRTCP takes a compound packet if it comes from where the far end's must
// come from.
func (s *Session) handleRTCP(b []byte, from netip.AddrPort, at time.Time, mux bool) {
	if !s.ownRTCP(b, from, mux) {
		s.strangers.Add(1)
		return
	}
	if p := s.protector.Load(); p != nil {
		if b = s.openRTCP(p, b); b == nil {
			return
		}
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return
	}
	for _, p := range packets {
		s.takeReport(p, at)
	}
}

// ownRTCP says whether RTCP from there is the leg's: from the RTP address if
// muxed, from the SDP's RTCP address if RTP comes from the SDP's address too,
// and behind a NAT from the host that RTP comes from, with its SSRC.
func (s *Session) ownRTCP(b []byte, from netip.AddrPort, mux bool) bool {
	ssrc := s.receiver.Stats().SSRC
	s.mu.Lock()
	defer s.mu.Unlock()
	to := s.latch.chosen
	switch {
	case !to.IsValid():
		return false
	case mux:
		return from == to
	case to == s.remote.Addr:
		return from == s.reportTo()
	case from.Addr() != to.Addr() || len(b) < 8 || binary.BigEndian.Uint32(b[4:]) != ssrc:
		return false
	}
	if !s.reports.learned.IsValid() {
		s.reports.learned = from
	}
	return from == s.reports.learned
}

// takeReport reads what concerns us. A BYE ends nothing: signalling does.
func (s *Session) takeReport(p rtcp.Packet, at time.Time) {
	switch p := p.(type) {
	case *rtcp.SenderReport:
		s.receiver.NoteSenderReport(p.SSRC, p.NTPTime, at)
		s.takeBlocks(p.Reports, at)
	case *rtcp.ReceiverReport:
		s.takeBlocks(p.Reports, at)
	case *rtcp.ExtendedReport:
		for _, block := range p.Reports {
			if m, ok := block.(*rtcp.VoIPMetricsReportBlock); ok && m.SSRC == s.ssrc {
				s.mu.Lock()
				s.reports.far.noteMetrics(m)
				s.mu.Unlock()
			}
		}
	}
}

func (s *Session) takeBlocks(blocks []rtcp.ReceptionReport, at time.Time) {
	for _, r := range blocks {
		if r.SSRC != s.ssrc {
			continue
		}
		s.mu.Lock()
		s.reports.far.note(r, s.remote.Codec.ClockRate())
		if d, ok := RoundTrip(r, at); ok {
			s.reports.roundTrip, s.reports.known = d, true
		}
		s.mu.Unlock()
	}
}
