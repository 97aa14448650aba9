package media

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
)

// The keeper's times.
const (
	keeperTick     = time.Second
	reportInterval = 5 * time.Second // RFC 3550 §6.2
	reportSpread   = time.Second     // ± half of it, so that legs do not report in step
)

// silenceWatch is RTP silence (design § 8: warns at 30 s, ends at 60 s). It is
// pure; the session's lock guards it.
type silenceWatch struct {
	warn, end time.Duration
	notify    func(silent time.Duration, ended bool)
	since     time.Time // last packet, or when listening began
	held      bool
	warned    bool
	ended     bool
}

func (w *silenceWatch) heard(now time.Time)   { w.since, w.warned = now, false }
func (w *silenceWatch) restart(now time.Time) { w.since, w.warned, w.ended = now, false, false }

// check says whether the silence calls for a warning or the end; each once.
func (w *silenceWatch) check(now time.Time, sends bool) (silent time.Duration, ended, due bool) {
	if w.notify == nil || w.ended {
		return 0, false, false
	}
	if w.held || !sends {
		w.since, w.warned = now, false
		return 0, false, false
	}
	silent = now.Sub(w.since)
	switch {
	case w.end > 0 && silent >= w.end:
		w.ended = true
		return silent, true, true
	case w.warn > 0 && silent >= w.warn && !w.warned:
		w.warned = true
		return silent, false, true
	}
	return silent, false, false
}

// OnSilence makes fn be called once when nothing came from the far end for
// warn, and once (ended) when nothing came for end; zero leaves one out. The
// silence counts from now at the earliest, and not while the leg is held or the
// far end does not send. fn runs on the session's own goroutine and may call
// Close.
func (s *Session) OnSilence(warn, end time.Duration, fn func(silent time.Duration, ended bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch.warn, s.watch.end, s.watch.notify = warn, end, fn
	s.watch.restart(time.Now())
}

// SetHeld tells that our side holds the leg: no silence alarm meanwhile.
func (s *Session) SetHeld(held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch.held = held
	s.watch.restart(time.Now())
}

// keep does what comes by the clock: RTCP and the silence watch.
func (s *Session) keep() {
	defer close(s.keeper)
	ticker := time.NewTicker(keeperTick)
	defer ticker.Stop()
	report := time.Now().Add(keeperTick)
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
		}
		now := time.Now()
		s.checkSilence(now)
		if !now.Before(report) {
			s.report(now)
			report = now.Add(reportInterval - reportSpread/2 + rand.N(reportSpread))
		}
	}
}

func (s *Session) checkSilence(now time.Time) {
	s.mu.Lock()
	silent, ended, due := s.watch.check(now, s.remote.Sends)
	notify := s.watch.notify
	s.mu.Unlock()
	if !due {
		return
	}
	s.watching.Store(true) // before stop is looked at: Close does it the other way round
	defer s.watching.Store(false)
	select {
	case <-s.stop:
	default:
		notify(silent, ended)
	}
}

// reportState is what RTCP needs to know. The session's lock guards it.
type reportState struct {
	learned   netip.AddrPort // where the far end's RTCP comes from
	roundTrip time.Duration
	known     bool
	sent      bool
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

// compound makes SR or RR with SDES (RFC 3550 §6.1).
func (s *Session) compound(now time.Time) []rtcp.Packet {
	sent := s.sender.Stats()
	var blocks []rtcp.ReceptionReport
	if s.receiver.Stats().Packets > 0 {
		blocks = []rtcp.ReceptionReport{s.receiver.Report()}
	}
	var first rtcp.Packet = &rtcp.ReceiverReport{SSRC: s.ssrc, Reports: blocks}
	if sent.Packets > 0 && now.Sub(sent.LastSent) < 2*reportInterval {
		first = &rtcp.SenderReport{
			SSRC: s.ssrc, NTPTime: NTP(now), RTPTime: sent.LastRTP + uint32(units(now.Sub(sent.LastSent), clipRateHz)),
			PacketCount: uint32(sent.Packets), OctetCount: uint32(sent.Octets), Reports: blocks,
		}
	}
	name := &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: s.ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: s.cname}},
	}}}
	return []rtcp.Packet{first, name}
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
	_, _ = socket.WriteToUDPAddrPort(b, to) // the next report says it again
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
	}
}

func (s *Session) takeBlocks(blocks []rtcp.ReceptionReport, at time.Time) {
	for _, r := range blocks {
		if r.SSRC != s.ssrc {
			continue
		}
		if d, ok := RoundTrip(r, at); ok {
			s.mu.Lock()
			s.reports.roundTrip, s.reports.known = d, true
			s.mu.Unlock()
		}
	}
}
