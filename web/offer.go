package web

import (
	"strings"

	"callfloor/contact"

	"github.com/pion/webrtc/v4"
)

// maxCandidates is how many ICE candidates of one browser are looked at; each
// makes the server send connectivity checks.
const maxCandidates = 64

// checkOffer reads an offer before anything is made of it: one to three audio
// sections and after them up to two of video; only the first of each kind may
// send to us. It returns the DTLS fingerprints, by which one peer connection of
// the browser is told from the next.
func checkOffer(text string) (fingerprints string, err error) {
	offer := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: text}
	parsed, err := offer.Unmarshal()
	if err != nil {
		return "", contact.Errorf(contact.Invalid, "the offer is not SDP")
	}
	var prints []string
	if v, ok := parsed.Attribute("fingerprint"); ok {
		prints = append(prints, v)
	}
	var audio, video int
	for i, m := range parsed.MediaDescriptions {
		nth := 0 // of its kind
		switch m.MediaName.Media {
		case "audio":
			nth = audio
			audio++
			if video > 0 {
				return "", contact.Errorf(contact.Invalid, "the offer's media section %d is audio after video; audio comes first", i)
			}
		case "video":
			nth = video
			video++
		default:
			return "", contact.Errorf(contact.Invalid, "the offer's media section %d is neither audio nor video", i)
		}
		_, recvonly := m.Attribute("recvonly")
		_, inactive := m.Attribute("inactive")
		if nth > 0 && !recvonly && !inactive {
			return "", contact.Errorf(contact.Invalid, "the offer's media section %d must be recvonly; only the first of its kind may send", i)
		}
		if v, ok := m.Attribute("fingerprint"); ok {
			prints = append(prints, v)
		}
	}
	if audio < 1 || audio > len(trackNames) || video > len(videoNames) {
		return "", contact.Errorf(contact.Invalid, "the offer has %d audio and %d video sections; it needs customer, third, coach, in this order, and may have video of customer and third", audio, video)
	}
	if len(prints) == 0 {
		return "", contact.Errorf(contact.Invalid, "the offer has no DTLS fingerprint")
	}
	return strings.Join(prints, " "), nil
}

// offer takes a WebRTC offer of the phone tab: a new peer connection, or a
// change (an ICE restart) of the one that is there. Errors are contact.Errors.
func (s *Seat) offer(k *socket, m *SDP) error {
	if !k.offers.Allow() {
		return contact.Errorf(contact.Busy, "too many offers")
	}
	prints, err := checkOffer(m.SDP)
	if err != nil {
		return err
	}
	p, err := s.peerFor(k, m.Peer, prints)
	if err != nil || p == nil {
		return err
	}
	defer p.work.Done()
	defer s.notices.run()
	answer, err := p.answer(m.SDP)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.peer != p {
		return nil // replaced or ended meanwhile
	}
	if err != nil {
		s.log.Info("the offer of a browser could not be answered", "error", err)
		s.dropPeer()
		return contact.Errorf(contact.Invalid, "the offer could not be answered")
	}
	k.out.push(encode(SDP{Type: TypeAnswer, SDP: answer, Peer: p.number}))
	p.answered, s.sees = true, p.intake.video.Load() != nil
	for _, c := range p.gathered {
		k.out.push(encode(c))
	}
	p.gathered = nil
	return nil
}

// peerFor returns the peer connection that an offer is for, a new one if it is
// not the one that is there. nil without an error if k is not the phone. To make
// the answer is work of the connection, whose close waits for it: the caller says
// when it is done.
func (s *Seat) peerFor(k *socket, number int, fingerprints string) (*peer, error) {
	defer s.notices.run()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.retired:
		return nil, contact.Errorf(contact.Busy, "the seat is being closed; try again")
	case s.phone != k:
		k.out.push(encode(Tab{Type: TypeTab, Phone: false}))
		return nil, nil
	case s.peer != nil && s.peer.number == number && s.peer.fingerprints == fingerprints:
		s.peer.answered, s.peer.page, s.peer.candidates, s.peer.who = false, s.page, 0, k.who
		s.peer.work.Add(1)
		return s.peer, nil
	}
	s.dropPeer()
	p, err := newPeer(s, number, fingerprints)
	if err != nil {
		s.log.Error("a peer connection cannot be made", "error", err)
		return nil, err
	}
	p.work.Add(1)
	s.peer, p.who = p, k.who
	s.live.Store(p)
	s.camera.SetLens(p.film)
	return p, nil
}

// dropPeer closes the peer connection, if there is one. The senders and the
// microphone stay. The caller holds the lock and runs the notices after it.
func (s *Seat) dropPeer() {
	if s.peer == nil {
		return
	}
	s.live.Store(nil)
	s.camera.SetLens(nil)
	s.past.add(s.peer)
	s.peer.close()
	s.peer = nil
	s.judge()
}

// candidate takes an ICE candidate of the phone tab's present peer connection;
// others come too late and are dropped, and so are those beyond the limit.
func (s *Seat) candidate(k *socket, m *Candidate) {
	s.mu.Lock()
	p := s.peer
	if s.phone != k || p == nil || p.number != m.Peer || p.candidates >= maxCandidates {
		s.mu.Unlock()
		s.server.metrics.refused.WithLabelValues("candidate").Inc()
		return
	}
	p.candidates++
	s.mu.Unlock()
	err := p.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: m.Candidate, SDPMid: m.SDPMid, SDPMLineIndex: m.SDPMLineIndex})
	if err != nil {
		s.log.Debug("a browser's ICE candidate was refused", "error", err)
	}
}
