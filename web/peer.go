package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"callfloor/media"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// failedKept is how long a peer connection that failed may wait for an ICE
// restart.
const failedKept = 30 * time.Second

// maxPacket is the longest packet that is read whole; longer ones are cut by
// no browser on any path with a common MTU.
const maxPacket = 1500

// peer is one peer connection of a seat. The seat's lock guards the fields
// from page on.
type peer struct {
	seat         *Seat
	number       int // as the browser counts
	fingerprints string
	pc           *webrtc.PeerConnection
	receiver     *media.Receiver
	intake       *intake
	film         *media.VideoReceiver // the pictures that the browser sends
	outgoing     [len(trackNames)]*LocalTrack
	pictures     [len(videoNames)]*LocalTrack
	reports      reports

	ctx  context.Context // ends with close
	stop context.CancelFunc
	work sync.WaitGroup
	once sync.Once

	page       int      // of the seat, when it was offered
	who        Identity // who offered it last
	up         bool
	failedAt   time.Time // zero: not failed
	hasMic     bool
	hasCamera  bool
	candidates int
	played     uint64 // samples of the customer's track, as the page counts them
	concealed  uint64 // of those
	answered   bool
	gathered   []Candidate // ours, until the answer is on its way
}

// newPeer makes a peer connection; the caller holds the seat's lock and is one
// of the server's goroutines.
func newPeer(s *Seat, number int, fingerprints string) (*peer, error) {
	e := s.server.engine
	in := &intake{server: s.server, receiver: media.NewReceiver("agent"), intakes: e.intakes}
	pc, err := e.newPeerConnection(in)
	if err != nil {
		return nil, fmt.Errorf("web: making a peer connection: %w", err)
	}
	p := &peer{seat: s, number: number, fingerprints: fingerprints, pc: pc, receiver: in.receiver, intake: in, page: s.page}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.receiver.Source().Attach(p)
	for i, t := range s.tracks {
		p.outgoing[i] = t.connect(in)
	}
	p.film = media.NewVideoReceiver("agent", func() uint32 { return p.pictures[0].ssrc.Load() }, func(k []rtcp.Packet) { _ = pc.WriteRTCP(k) })
	p.film.Source().Attach(filmed{p})
	for i, v := range s.views {
		p.pictures[i] = v.connect()
	}
	pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) { s.peerChanged(p) })
	pc.OnICECandidate(func(c *webrtc.ICECandidate) { s.gathered(p, c) })
	pc.OnTrack(func(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) { p.hear(t, r) })
	s.server.work.Add(1)
	s.server.metrics.peers.Inc()
	p.work.Go(p.sendReports)
	return p, nil
}

// answer makes the answer to an offer. The first time it also adds the tracks.
func (p *peer) answer(offer string) (string, error) {
	first := p.pc.RemoteDescription() == nil
	err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer})
	if err != nil {
		return "", fmt.Errorf("reading the offer: %w", err)
	}
	if first {
		if err := p.addTracks(); err != nil {
			return "", err
		}
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("making the answer: %w", err)
	}
	if err := p.pc.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("using the answer: %w", err)
	}
	if first {
		p.receiver.SetPayloadTypes(PayloadTypes(p.pc.GetTransceivers()[0].Receiver().GetParameters().Codecs))
		p.expectPictures()
	}
	return answer.SDP, nil
}

// addTracks gives each media section its track, in order, and puts PCMU and VP8
// first.
func (p *peer) addTracks() error {
	var video []*webrtc.RTPTransceiver
	for i, t := range p.pc.GetTransceivers() {
		if t.Kind() == webrtc.RTPCodecTypeVideo {
			video = append(video, t)
			continue
		}
		if i == len(p.outgoing) {
			break
		}
		if err := t.SetCodecPreferences(inOurOrder(t.Receiver().GetParameters().Codecs)); err != nil {
			return fmt.Errorf("preferring PCMU: %w", err)
		}
		sender, err := p.pc.AddTrack(p.outgoing[i])
		if err != nil {
			return fmt.Errorf("adding track %s: %w", trackNames[i], err)
		}
		if i == 0 { // one ICE transport carries them all
			p.meet(sender.Transport())
		}
		p.work.Go(func() { p.readReports(sender.Read) })
	}
	return p.addPictures(video)
}

// meet tells the intake of the transport and of the pairs that ICE chooses.
func (p *peer) meet(t *webrtc.DTLSTransport) {
	p.intake.transport = t
	t.ICETransport().OnSelectedCandidatePairChange(func(pair *webrtc.ICECandidatePair) {
		p.intake.follow(pair)
		p.showWay()
	})
}

// inOurOrder sorts what both sides speak as formats has it.
func inOurOrder(params []webrtc.RTPCodecParameters) []webrtc.RTPCodecParameters {
	rank := func(p webrtc.RTPCodecParameters) int {
		for i, f := range formats {
			if strings.EqualFold(f.params.MimeType, p.MimeType) {
				return i
			}
		}
		return len(formats)
	}
	sorted := slices.DeleteFunc(slices.Clone(params), func(p webrtc.RTPCodecParameters) bool { return rank(p) == len(formats) })
	slices.SortStableFunc(sorted, func(a, b webrtc.RTPCodecParameters) int { return rank(a) - rank(b) })
	return sorted
}

// hear reads what pion decrypts of what the person says or shows, and their
// reports, until the peer connection ends: nearly all comes by the intake. Only
// the first track of each kind is taken; checkOffer leaves no place for others.
func (p *peer) hear(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
	write, has := p.receiver.WriteRTP, &p.hasMic
	if t.Kind() == webrtc.RTPCodecTypeVideo {
		write, has = p.film.WriteRTP, &p.hasCamera
	}
	p.seat.mu.Lock()
	taken := *has || p.ctx.Err() != nil
	*has = true
	if !taken {
		p.work.Add(1)
	}
	p.seat.mu.Unlock()
	if taken {
		return
	}
	defer p.work.Done()
	defer p.seat.server.recovered("microphone or camera", nil)
	p.work.Go(func() { p.readReports(r.Read) })
	buf := make([]byte, maxPacket)
	for {
		n, _, err := t.Read(buf)
		if n > 0 && err == nil {
			// What is wrong with a packet is in the receiver's figures.
			_ = write(buf[:n], time.Now())
		}
		if n == 0 && err != nil || errors.Is(err, io.EOF) {
			return // a payload type that was never negotiated has n > 0
		}
	}
}

// WritePacket passes the microphone on to the seat, unless this peer
// connection was replaced.
func (p *peer) WritePacket(k *media.Packet) {
	s := p.seat
	s.micLock.Lock()
	defer s.micLock.Unlock()
	if s.live.Load() == p {
		s.mic.Emit(k)
	}
}

// close ends the peer connection. It does not wait; the server does.
func (p *peer) close() {
	p.once.Do(func() {
		p.stop()
		s := p.seat.server
		go func() {
			defer s.work.Done()
			defer s.metrics.peers.Dec()
			defer s.recovered("closing a peer connection", nil)
			p.intake.close()
			_ = p.pc.GracefulClose() // it may have been closed by the browser
			p.work.Wait()
		}()
	})
}

// failedFor says how long ago the peer connection failed; 0 if it did not.
func (p *peer) failedFor(now time.Time) time.Duration {
	if p.failedAt.IsZero() {
		return 0
	}
	return now.Sub(p.failedAt)
}

// peerChanged looks at the state of p's connection. pion reports each change
// in a goroutine of its own, in any order, so the state is asked for here.
func (s *Seat) peerChanged(p *peer) {
	defer s.server.recovered("peer connection state", nil)
	s.mu.Lock()
	if s.peer == p {
		state := p.pc.ConnectionState()
		s.log.Info("peer connection", "state", state.String(), "peer", p.number)
		p.up = state == webrtc.PeerConnectionStateConnected
		if p.up {
			p.intake.open()
		}
		switch state {
		case webrtc.PeerConnectionStateFailed:
			p.failedAt = time.Now()
			p.intake.out.way.Store(nil) // who does not answer gets nothing (RFC 7675)
		case webrtc.PeerConnectionStateClosed:
			s.dropPeer()
		default:
			p.failedAt = time.Time{}
		}
		s.judge()
	}
	s.mu.Unlock()
	s.notices.run()
}

// gathered sends one of our own ICE candidates, but never before the answer: a
// browser would have to refuse it. nil ends them.
func (s *Seat) gathered(p *peer, c *webrtc.ICECandidate) {
	defer s.server.recovered("ICE candidate", nil)
	m := Candidate{Type: TypeCandidate, Peer: p.number}
	if c != nil {
		init := c.ToJSON()
		m.Candidate, m.SDPMid, m.SDPMLineIndex = init.Candidate, init.SDPMid, init.SDPMLineIndex
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.peer != p:
	case !p.answered:
		p.gathered = append(p.gathered, m)
	case s.phone != nil:
		s.phone.out.push(encode(m))
	}
}
