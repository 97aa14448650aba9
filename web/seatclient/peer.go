package seatclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"callfloor/media"
	"callfloor/web"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/webrtc/v4"
)

// peer is one peer connection of the client.
type peer struct {
	client    *Client
	number    int
	pc        *webrtc.PeerConnection
	receivers [tracks]*media.Receiver
	films     [pictures]*media.VideoReceiver
	work      sync.WaitGroup

	// The client's lock guards these.
	remote  bool // the answer was set
	waiting []webrtc.ICECandidateInit
	closed  bool
}

// formats are those of a browser.
var formats = [...]webrtc.RTPCodecParameters{
	{PayloadType: 0, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}},
	{PayloadType: 8, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMA, ClockRate: 8000}},
	{PayloadType: 9, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeG722, ClockRate: 8000}},
	{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
	}},
}

// newAPI returns pion with the formats of a seat, reports both ways, no other
// interceptor.
func newAPI() (*webrtc.API, error) {
	m := &webrtc.MediaEngine{}
	for _, f := range formats {
		if err := m.RegisterCodec(f, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, fmt.Errorf("seatclient: registering %s: %w", f.MimeType, err)
		}
	}
	if err := web.RegisterVideo(m); err != nil {
		return nil, fmt.Errorf("seatclient: %w", err)
	}
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	reports := &interceptor.Registry{}
	receiver, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, fmt.Errorf("seatclient: receiver reports: %w", err)
	}
	sender, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, fmt.Errorf("seatclient: sender reports: %w", err)
	}
	reports.Add(receiver)
	reports.Add(sender)
	return webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(s), webrtc.WithInterceptorRegistry(reports)), nil
}

// ensurePeer makes a peer connection and offers it, unless one is there.
func (c *Client) ensurePeer() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peer != nil || c.ctx.Err() != nil {
		return nil
	}
	c.peers++
	p, err := c.newPeer(c.peers)
	if err != nil {
		return err
	}
	c.peer = p
	offer, err := p.pc.CreateOffer(nil)
	if err == nil {
		err = p.pc.SetLocalDescription(offer)
	}
	if err != nil {
		c.dropPeer()
		return fmt.Errorf("seatclient: making an offer: %w", err)
	}
	// The lock orders this before the candidates, which wait for it.
	if err := c.sendLocked(web.SDP{Type: web.TypeOffer, SDP: offer.SDP, Peer: p.number}); err != nil {
		c.dropPeer() // the next socket makes another
		return err
	}
	return nil
}

// sendLocked is send for a caller that holds the lock.
func (c *Client) sendLocked(m any) error { return c.write(c.conn, m) }

func (c *Client) newPeer(number int) (*peer, error) {
	api, err := newAPI()
	if err != nil {
		return nil, err
	}
	pc, err := api.NewPeerConnection(c.configuration())
	if err != nil {
		return nil, fmt.Errorf("seatclient: making a peer connection: %w", err)
	}
	p := &peer{client: c, number: number, pc: pc}
	mic := web.NewLocalTrack("mic", func(out media.Output) { c.setOutput(p, out) })
	_, err = pc.AddTransceiverFromTrack(mic, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv})
	for i := 1; i < tracks && err == nil; i++ {
		_, err = pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	}
	if err == nil && c.opts.Video {
		err = p.addPictures()
	}
	if err != nil {
		_ = pc.Close()
		return nil, fmt.Errorf("seatclient: adding the transceivers: %w", err)
	}
	for i, name := range trackNames {
		p.receivers[i] = media.NewReceiver(name)
		forward := media.SinkFunc(func(k *media.Packet) { c.heard[i].Emit(k) })
		p.receivers[i].Source().Attach(&forward)
	}
	pc.OnICECandidate(func(cand *webrtc.ICECandidate) { c.sendCandidate(p, cand) })
	pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) { c.peerChanged(p) })
	pc.OnTrack(func(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) { p.hear(t, r) })
	for _, s := range pc.GetSenders() {
		if t := s.Track(); t != nil && t.Kind() == webrtc.RTPCodecTypeVideo {
			p.work.Go(func() { p.answerFeedback(s.Read) })
			continue
		}
		p.work.Go(func() { drain(s.Read) })
	}
	return p, nil
}

// configuration says which way media takes. The caller holds the lock.
func (c *Client) configuration() webrtc.Configuration {
	if c.opts.Relay == "" {
		return webrtc.Configuration{}
	}
	var servers []webrtc.ICEServer
	for _, s := range c.welcome.ICEServers {
		for _, u := range s.URLs {
			if strings.HasSuffix(u, "transport="+c.opts.Relay) {
				servers = append(servers, webrtc.ICEServer{URLs: []string{u}, Username: s.Username, Credential: s.Credential})
			}
		}
	}
	return webrtc.Configuration{ICEServers: servers, ICETransportPolicy: webrtc.ICETransportPolicyRelay}
}

// setOutput directs the microphone, unless p was replaced.
func (c *Client) setOutput(p *peer, out media.Output) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peer == p || c.peer == nil {
		c.mic.SetOutput(out)
	}
}

// hear reads one track until the peer connection ends.
func (p *peer) hear(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
	i := -1
	for n, tr := range p.pc.GetTransceivers() {
		if tr.Receiver() == r {
			i = n
		}
	}
	p.client.mu.Lock()
	ok := i >= 0 && i < tracks+pictures && !p.closed
	if ok {
		p.work.Add(2)
	}
	p.client.mu.Unlock()
	if !ok {
		return
	}
	go func() { defer p.work.Done(); drain(r.Read) }()
	defer p.work.Done()
	var write func([]byte, time.Time) error
	if i < tracks {
		p.receivers[i].SetPayloadTypes(web.PayloadTypes(r.GetParameters().Codecs))
		write = p.receivers[i].WriteRTP
	} else {
		write = p.expectPictures(i-tracks, r.GetParameters())
	}
	buf := make([]byte, 1500)
	for {
		n, _, err := t.Read(buf)
		if n == 0 && err != nil || errors.Is(err, io.EOF) {
			return
		}
		_ = write(buf[:n], time.Now())
	}
}

// drain reads RTCP, which makes pion's reports work, and drops it.
func drain(read func([]byte) (int, interceptor.Attributes, error)) {
	buf := make([]byte, 1500)
	for {
		if _, _, err := read(buf); err != nil {
			return
		}
	}
}

func (c *Client) sendCandidate(p *peer, cand *webrtc.ICECandidate) {
	m := web.Candidate{Type: web.TypeCandidate, Peer: p.number}
	if cand != nil {
		init := cand.ToJSON()
		m.Candidate, m.SDPMid, m.SDPMLineIndex = init.Candidate, init.SDPMid, init.SDPMLineIndex
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peer == p {
		_ = c.sendLocked(m) // a lost socket is seen by the reader
	}
}

func (c *Client) takeAnswer(m web.SDP) error {
	p := c.currentPeer(m.Peer)
	if p == nil {
		return nil
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: m.SDP}); err != nil {
		return fmt.Errorf("seatclient: the server's answer cannot be used: %w", err)
	}
	c.mu.Lock()
	waiting := p.waiting
	p.remote, p.waiting = true, nil
	c.mu.Unlock()
	for _, cand := range waiting {
		_ = p.pc.AddICECandidate(cand) // one bad candidate is no reason to give up
	}
	return nil
}

func (c *Client) takeCandidate(m web.Candidate) error {
	p := c.currentPeer(m.Peer)
	if p == nil {
		return nil
	}
	cand := webrtc.ICECandidateInit{Candidate: m.Candidate, SDPMid: m.SDPMid, SDPMLineIndex: m.SDPMLineIndex}
	c.mu.Lock()
	early := !p.remote
	if early {
		p.waiting = append(p.waiting, cand)
	}
	c.mu.Unlock()
	if !early {
		_ = p.pc.AddICECandidate(cand)
	}
	return nil
}

func (c *Client) currentPeer(number int) *peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peer == nil || c.peer.number != number {
		return nil
	}
	return c.peer
}

// peerChanged follows the connection; a failed one is replaced.
func (c *Client) peerChanged(p *peer) {
	c.mu.Lock()
	if c.peer != p {
		c.mu.Unlock()
		return
	}
	state := p.pc.ConnectionState()
	c.media = state == webrtc.PeerConnectionStateConnected
	over := state == webrtc.PeerConnectionStateFailed || state == webrtc.PeerConnectionStateClosed
	again := over && c.phone
	if over {
		c.dropPeer()
	}
	c.notify()
	c.mu.Unlock()
	if again {
		if err := c.ensurePeer(); err != nil {
			c.log.Info("a new peer connection cannot be offered now", "error", err)
		}
	}
}

// dropPeer closes the peer connection; the caller holds the lock.
func (c *Client) dropPeer() {
	if p := c.peer; p != nil {
		c.peer, c.media, p.closed = nil, false, true
		c.closing.Go(func() {
			_ = p.pc.GracefulClose()
			p.work.Wait()
		})
	}
}

// closePeer ends media and waits for it.
func (c *Client) closePeer() {
	c.mu.Lock()
	c.dropPeer()
	c.mu.Unlock()
	c.closing.Wait()
}

// NewPeer throws the peer connection away and makes another, as the page does
// after a change of networks.
func (c *Client) NewPeer(ctx context.Context) error {
	c.mu.Lock()
	c.dropPeer()
	c.mu.Unlock()
	if err := c.ensurePeer(); err != nil {
		return err
	}
	return c.WaitMedia(ctx)
}

// Stats returns what was received on a track over the present peer connection.
func (c *Client) Stats(track string) media.ReceiveStats {
	c.mu.Lock()
	p := c.peer
	c.mu.Unlock()
	for i, n := range trackNames {
		if n == track && p != nil {
			return p.receivers[i].Stats()
		}
	}
	return media.ReceiveStats{}
}
