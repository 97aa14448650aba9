package web

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/media"
	"callfloor/media/codec"

	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

func nopPacer(t *testing.T) *media.Pacer {
	p := media.NewPacer()
	t.Cleanup(p.Close)
	return p
}

// page is the media of a tab, on the far side of the virtual network.
type page struct {
	pc     *webrtc.PeerConnection
	number int
	mic    media.Output
	next   int // packet to say
	mu     sync.Mutex
	heard  map[string]int // packets by track
}

// connect makes a peer connection, offers it on k and takes the answer.
func (b *bubble) connect(k *tab, number int) *page {
	b.t.Helper()
	p := &page{number: number, heard: map[string]int{}}
	m, err := codecs()
	if err != nil {
		b.t.Fatal(err)
	}
	var s webrtc.SettingEngine
	s.SetNet(b.far)
	s.SetIPFilter(func(ip net.IP) bool { return b.farIP == "" || ip.String() == b.farIP })
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.LoggerFactory = logFactory{slog.New(slog.NewTextHandler(io.Discard, nil))}
	p.pc, err = webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = p.pc.GracefulClose(); synctest.Wait() })
	mic := NewLocalTrack("mic", func(o media.Output) { p.mu.Lock(); p.mic = o; p.mu.Unlock() })
	_, err = p.pc.AddTransceiverFromTrack(mic, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv})
	for i := 1; i < len(trackNames) && err == nil; i++ {
		_, err = p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	}
	if err != nil {
		b.t.Fatal(err)
	}
	p.pc.OnTrack(func(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		go func() { // pion's own reports want to see RTCP
			for {
				if _, _, err := r.ReadRTCP(); err != nil {
					return
				}
			}
		}()
		buf := make([]byte, maxPacket)
		for {
			if _, _, err := t.Read(buf); err != nil {
				return
			}
			p.mu.Lock()
			p.heard[t.StreamID()]++
			p.mu.Unlock()
		}
	})
	p.offer(b.t, k)
	return p
}

// offer offers p on k, with all candidates in it, and takes the answer.
func (p *page) offer(t *testing.T, k *tab) {
	t.Helper()
	gathered := webrtc.GatheringCompletePromise(p.pc)
	offer, err := p.pc.CreateOffer(nil)
	if err == nil {
		err = p.pc.SetLocalDescription(offer)
	}
	if err != nil {
		t.Fatal(err)
	}
	<-gathered
	k.send(SDP{Type: TypeOffer, SDP: p.pc.LocalDescription().SDP, Peer: p.number})
	time.Sleep(100 * time.Millisecond)
	answer := k.last(TypeAnswer)
	if answer == nil || answer["peer"] != float64(p.number) {
		t.Fatalf("answer %v, bye %v", answer, k.last(TypeBye))
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer["sdp"].(string)}); err != nil {
		t.Fatal(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	seen := false
	for _, m := range k.got {
		seen = seen || m["type"] == TypeAnswer && m["peer"] == float64(p.number)
		if m["type"] == TypeCandidate && m["peer"] == float64(p.number) {
			if !seen {
				t.Error("a candidate came before the answer")
			}
			if err := p.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: m["candidate"].(string)}); err != nil {
				t.Error(err)
			}
		}
	}
}

// say sends n packets of PCMU, one each 20 ms, and leaves out every lose-th
// number if that is not 0.
func (p *page) say(n, lose int) {
	h := rtp.Header{Version: 2, SSRC: p.mic.SSRC, PayloadType: p.mic.PayloadTypes[codec.PCMU]}
	payload := make([]byte, 160)
	for i := p.next; i < p.next+n; i++ {
		h.SequenceNumber, h.Timestamp = uint16(i), uint32(160*i)
		if lose == 0 || i%lose != 1 {
			_ = p.mic.Write(&h, payload)
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.next += n
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) WritePacket(*media.Packet) { c.mu.Lock(); c.n++; c.mu.Unlock() }
func (c *counter) take() int {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	c.n = 0
	return n
}

// Ready follows the connection and the microphone, and the network's end is
// seen after five seconds though the socket lives.
func TestMediaReady(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		k := b.hello(Hello{Tab: "one"})
		b.connect(k, 1)
		time.Sleep(2 * time.Second)
		b.house.want(t, "up", WhyMicrophone)
		for _, m := range []string{"ok", "silent", "denied", "ok"} {
			k.send(MediaReport{Type: TypeMedia, Microphone: m, Playback: true})
			synctest.Wait()
		}
		b.house.want(t, "ready", WhyMicrophone, "ready")
		seat, _ := b.server.Seat("alice")
		if !seat.MediaReady() {
			t.Error("not ready")
		}
		if err := b.router.Stop(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(disconnectedAfter + 3*time.Second)
		b.house.want(t, WhyConnection)
		if !seat.Online() || seat.MediaReady() {
			t.Error("the socket must be up and the media not")
		}
		time.Sleep(failedAfter + failedKept + time.Minute)
		seat.mu.Lock()
		if seat.peer != nil {
			t.Error("a peer connection that failed is kept for ever")
		}
		seat.mu.Unlock()
		if err := b.router.Start(); err != nil {
			t.Fatal(err)
		}
	})
}

// A reload in mid-call: the microphone and the tracks stay the same objects,
// the old page's sound stops, the new one's comes.
func TestNewPeerReplacesOld(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		k := b.hello(Hello{Tab: "one"})
		k.send(MediaReport{Type: TypeMedia, Microphone: "ok"})
		old := b.connect(k, 1)
		time.Sleep(2 * time.Second)
		b.house.want(t, "up", "ready")
		seat, _ := b.server.Seat("alice")
		var said counter
		seat.Mic().Attach(&said)
		tone := media.NewPlayer(b.server.opts.Pacer, "customer", codec.PCMU)
		tone.Loop(media.ToneClip("tone", []float64{440}, time.Second, -10), 0)
		seat.Track(TrackCustomer).Hear(tone.Source())
		old.say(50, 0)
		if n := said.take(); n != 50 {
			t.Errorf("%d packets of the old page, want 50", n)
		}

		reloaded := b.hello(Hello{Tab: "one"})
		b.house.want(t, "up", WhyConnection)
		old.say(10, 0) // until the new one is offered, what comes is still heard
		if n := said.take(); n != 10 {
			t.Errorf("%d packets of the old page before the offer, want 10", n)
		}
		reloaded.send(MediaReport{Type: TypeMedia, Microphone: "ok"})
		fresh := b.connect(reloaded, 1) // the new page counts from 1 too
		time.Sleep(2 * time.Second)
		b.house.want(t, "ready")
		said.take()
		fresh.say(50, 0)
		if n := said.take(); n != 50 {
			t.Errorf("%d packets of the new page, want 50", n)
		}
		fresh.mu.Lock()
		if n := fresh.heard[TrackCustomer]; n < 50 {
			t.Errorf("the new page heard %d packets of the customer", n)
		}
		fresh.mu.Unlock()
		if old.pc.ConnectionState() == webrtc.PeerConnectionStateConnected {
			t.Error("the old peer connection still stands")
		}
		tone.Close()
	})
}

// Loss and round trip both ways are in the figures, and each call has its own.
func TestQuality(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		k := b.hello(Hello{Tab: "one"})
		p := b.connect(k, 1)
		time.Sleep(2 * time.Second)
		seat, _ := b.server.Seat("alice")
		first := seat.Measure()
		tone := media.NewPlayer(b.server.opts.Pacer, "customer", codec.PCMU)
		tone.Loop(media.ToneClip("tone", []float64{440}, time.Second, -10), 0)
		seat.Track(TrackCustomer).Hear(tone.Source())
		p.say(1000, 10)
		q := first()
		if q.Codec != "PCMU" || q.Received != 900 || q.Lost < 99 || q.Lost > 100 || q.LossPercent < 9 || q.LossPercent > 11 {
			t.Errorf("of 1000 packets, 100 lost: %+v", q)
		}
		if q.RTTMS == nil || *q.RTTMS < 0 || *q.RTTMS > 100 {
			t.Errorf("round trip %v", q.RTTMS)
		}
		if q.Sent < 900 || q.Score >= media.Score(codec.PCMU, 1, 0, 0) {
			t.Errorf("sent %d, score %.2f", q.Sent, q.Score)
		}
		if _, err := json.Marshal(q); err != nil {
			t.Error(err)
		}
		second := seat.Measure()
		if again := first(); again.Received != q.Received {
			t.Errorf("a second call took %d packets of the first one's %d", q.Received-again.Received, q.Received)
		}
		if q := second(); q.Received != 0 || q.Lost != 0 || q.Sent != 0 || q.LossPercent != 0 {
			t.Errorf("a new call begins with %+v", q)
		}
		tone.Close()
	})
}

// The phone's socket is lost and comes back: the peer connection goes on, and
// another offer with the same number is a change of it, not a new one.
func TestSocketLossKeepsMedia(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		k := b.hello(Hello{Tab: "one"})
		k.send(MediaReport{Type: TypeMedia, Microphone: "ok"})
		p := b.connect(k, 1)
		time.Sleep(2 * time.Second)
		b.house.want(t, "up", "ready")
		seat, _ := b.server.Seat("alice")
		epoch := k.last(TypeWelcome)["epoch"].(string)
		var said counter
		seat.Mic().Attach(&said)
		_ = k.conn.Close()
		b.house.want(t, "down")
		p.say(10, 0)
		if n := said.take(); n != 10 {
			t.Errorf("%d packets while the socket was gone, want 10", n)
		}
		again := b.hello(Hello{Tab: "one", Epoch: epoch})
		b.house.want(t, "up")
		if !seat.MediaReady() {
			t.Error("not ready though the same page is back and its media never went")
		}
		before := seat.peer
		p.offer(t, again)
		if seat.peer != before {
			t.Error("a change of the peer connection made another one")
		}
		again.send(Candidate{Type: TypeCandidate, Peer: 9, Candidate: "candidate:1 1 udp 1 10.0.0.9 9 typ host"})
		for i := range 90 {
			again.send(Candidate{Type: TypeCandidate, Peer: 1, Candidate: fmt.Sprintf("candidate:%d 1 udp 1 10.0.0.9 %d typ host", i, 1000+i)})
		}
		synctest.Wait()
		seat.mu.Lock()
		if seat.peer.candidates != maxCandidates {
			t.Errorf("%d candidates were looked at, want %d", seat.peer.candidates, maxCandidates)
		}
		seat.mu.Unlock()
		_ = p.pc.Close()
		time.Sleep(20 * time.Second)
		b.house.want(t, WhyConnection)
	})
}
