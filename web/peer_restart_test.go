package web

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/media"
	"callfloor/media/codec"

	"github.com/pion/transport/v4/vnet"
	"github.com/pion/webrtc/v4"
)

// The browser moves to another network in mid-call and restarts ICE: the same
// peer connection, microphone and tracks go on, and the gap is what finding
// the way takes.
func TestICERestartOnAnotherNetwork(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.farIP = "10.0.0.2"
		k := b.hello(Hello{Tab: "one"})
		k.send(MediaReport{Type: TypeMedia, Microphone: "ok"})
		p := b.connect(k, 1)
		time.Sleep(2 * time.Second)
		b.house.want(t, "up", "ready")
		seat, _ := b.server.Seat("alice")
		before := seat.peer
		var said arrivals
		seat.Mic().Attach(&said)
		tone := media.NewPlayer(b.server.opts.Pacer, "customer", codec.PCMU)
		tone.Loop(media.ToneClip("tone", []float64{440}, time.Second, -10), 0)
		seat.Track(TrackCustomer).Hear(tone.Source())
		talked := make(chan struct{})
		go func() { defer close(talked); p.say(500, 0) }()
		time.Sleep(2 * time.Second)

		b.router.AddChunkFilter(func(c vnet.Chunk) bool {
			return !strings.HasPrefix(c.SourceAddr().String(), "10.0.0.2:") && !strings.HasPrefix(c.DestinationAddr().String(), "10.0.0.2:")
		})
		b.farIP = "10.0.0.3"
		time.Sleep(500 * time.Millisecond) // until the browser notices
		p.mu.Lock()
		heard := p.heard[TrackCustomer]
		p.mu.Unlock()
		p.restart(t, k)
		<-talked
		gap := said.longest()
		t.Logf("the customer's sound paused for %s", gap)
		if gap < 500*time.Millisecond || gap > 2*time.Second {
			t.Errorf("the gap was %s; it begins 500 ms before the restart and is over within 2 s", gap)
		}
		if seat.peer != before || !seat.MediaReady() {
			t.Error("the restart made another peer connection, or the seat is not ready")
		}
		p.mu.Lock()
		if n := p.heard[TrackCustomer] - heard; n < 250 {
			t.Errorf("the page heard %d packets on the new network", n)
		}
		p.mu.Unlock()
		b.house.want(t, WhyConnection, "ready")
		tone.Close()
	})
}

// arrivals notes when packets come.
type arrivals struct {
	mu   sync.Mutex
	last time.Time
	gap  time.Duration
}

func (a *arrivals) WritePacket(p *media.Packet) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.last.IsZero() {
		a.gap = max(a.gap, p.Arrival.Sub(a.last))
	}
	a.last = p.Arrival
}

func (a *arrivals) longest() time.Duration {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gap
}

// restart restarts ICE with candidates that trickle, as the page does it.
func (p *page) restart(t *testing.T, k *tab) {
	t.Helper()
	p.pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			return
		}
		i := c.ToJSON()
		k.send(Candidate{Type: TypeCandidate, Peer: p.number, Candidate: i.Candidate, SDPMid: i.SDPMid, SDPMLineIndex: i.SDPMLineIndex})
	})
	offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		t.Fatal(err)
	}
	answers, candidates := k.count(TypeAnswer), k.count(TypeCandidate)
	k.send(SDP{Type: TypeOffer, SDP: offer.SDP, Peer: p.number})
	if err := p.pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	for k.count(TypeAnswer) == answers {
		time.Sleep(10 * time.Millisecond)
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: k.last(TypeAnswer)["sdp"].(string)}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.got {
		if m["type"] != TypeCandidate || m["candidate"] == "" {
			continue
		}
		if candidates--; candidates >= 0 {
			continue // of the way before
		}
		if err := p.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: m["candidate"].(string)}); err != nil {
			t.Error(err)
		}
	}
}
