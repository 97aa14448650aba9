package web

import (
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"callfloor/media"
	"callfloor/media/codec"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// ears are a browser of pion's and what it hears.
type ears struct {
	mu    sync.Mutex
	heard []uint32 // what the payloads begin with
}

func (e *ears) listen(pc *webrtc.PeerConnection) {
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			p, _, err := t.ReadRTP()
			if err != nil {
				return
			}
			e.mu.Lock()
			e.heard = append(e.heard, binary.BigEndian.Uint32(p.Payload))
			e.mu.Unlock()
		}
	})
}

func (e *ears) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.heard)
}

// hearing is a seat's track and the browser that hears it.
type hearing struct {
	*ears
	in        *intake
	near, far *webrtc.PeerConnection
	out       media.Output
	next      uint32 // packet to send
}

// hears connects them over a real port.
func hears(t *testing.T, network webrtc.NetworkType, profile dtls.SRTPProtectionProfile) *hearing {
	t.Helper()
	engine := media.NewEngine(slog.New(slog.DiscardHandler))
	t.Cleanup(engine.Close)
	s := testServerWith(t, engine, nil)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	h := &hearing{ears: &ears{}, in: &intake{receiver: media.NewReceiver("test"), intakes: s.engine.intakes}, next: 65500}
	var err error
	if h.near, err = s.engine.newPeerConnection(h.in); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.in.close(); _ = h.near.GracefulClose() })
	h.far, _ = farBrowser(t, network, profile)
	h.listen(h.far)
	bound := make(chan media.Output, 1)
	local := NewLocalTrack("customer", func(out media.Output) {
		if out.Write != nil {
			out.Write = h.in.through(func(*rtp.Header, []byte) error {
				t.Error("a packet went by pion")
				return nil
			})
			bound <- out
		}
	})
	p := &peer{pc: h.near, outgoing: [len(trackNames)]*LocalTrack{local}, intake: h.in}
	sender, err := h.near.AddTrack(local)
	if err != nil {
		t.Fatal(err)
	}
	p.meet(sender.Transport())
	exchange(t, h.far, h.near)
	h.out = <-bound
	return h
}

// hear sends until n more packets have come.
func (h *hearing) hear(t *testing.T, n int) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	header, payload := rtp.Header{Version: 2, SSRC: h.out.SSRC}, make([]byte, 160)
	for want := h.count() + n; h.count() < want; h.next++ {
		header.SequenceNumber, header.Timestamp = uint16(h.next), h.next*160
		binary.BigEndian.PutUint32(payload, h.next)
		_ = h.out.Write(&header, payload) // what is lost on the way is counted by what comes
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("too few packets came")
		}
	}
}

// What a browser hears goes by the outlet, over UDP straight by the media port
// and over TCP by pion's connection, with each protection profile, and is read
// by the browser on both sides of the turn of the numbers.
func TestOutlet(t *testing.T) {
	for name, c := range map[string]struct {
		network webrtc.NetworkType
		profile dtls.SRTPProtectionProfile
	}{
		"UDP, GCM": {webrtc.NetworkTypeUDP4, dtls.SRTP_AEAD_AES_128_GCM},
		"UDP, CM":  {webrtc.NetworkTypeUDP4, dtls.SRTP_AES128_CM_HMAC_SHA1_80},
		"TCP":      {webrtc.NetworkTypeTCP4, dtls.SRTP_AEAD_AES_128_GCM},
	} {
		t.Run(name, func(t *testing.T) {
			h := hears(t, c.network, c.profile)
			h.hear(t, 80) // over the turn
			h.mu.Lock()
			defer h.mu.Unlock()
			for i, n := range h.heard[1:] {
				if n <= h.heard[i] {
					t.Fatalf("packet %d came after %d", n, h.heard[i])
				}
			}
			if first, last := h.heard[0], h.heard[len(h.heard)-1]; first > 65535 || last <= 65535 {
				t.Errorf("packets %d to %d came: not both sides of the turn", first, last)
			}
			w := h.in.out.way.Load()
			if udp := c.network == webrtc.NetworkTypeUDP4; udp != (w.port != nil) {
				t.Errorf("over %v the way by the media port is %v", c.network, w.port)
			}
		})
	}
}

// When ICE chooses another pair the packets go there at once, under the numbers
// that they had; a browser that has gone gets none.
func TestOutletFollowsICE(t *testing.T) {
	h := hears(t, webrtc.NetworkTypeUDP4, dtls.SRTP_AEAD_AES_128_GCM)
	h.hear(t, 10)
	before := h.in.out.way.Load().to
	restart, err := h.far.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(h.far)
	if err := h.far.SetLocalDescription(restart); err != nil {
		t.Fatal(err)
	}
	<-gathered
	if err := h.near.SetRemoteDescription(*h.far.LocalDescription()); err != nil {
		t.Fatal(err)
	}
	gathered = webrtc.GatheringCompletePromise(h.near)
	answer, err := h.near.CreateAnswer(nil)
	if err == nil {
		err = h.near.SetLocalDescription(answer)
	}
	if err != nil {
		t.Fatal(err)
	}
	<-gathered
	if err := h.far.SetRemoteDescription(*h.near.LocalDescription()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); h.in.out.way.Load().to == before; h.hear(t, 0) {
		if time.Now().After(deadline) {
			t.Fatal("the way is the old one")
		}
		time.Sleep(5 * time.Millisecond)
	}
	h.hear(t, 50)
	h.in.close()
	if err := h.out.Write(&rtp.Header{Version: 2, SSRC: h.out.SSRC, SequenceNumber: uint16(h.next)}, make([]byte, 160)); err == nil {
		t.Error("a browser that has gone is sent to")
	}
}

// Before the handshake nothing goes anywhere; where nobody shows the way pion
// encrypts, for good.
func TestOutletWithoutKeys(t *testing.T) {
	byPion := 0
	in := &intake{}
	write := in.through(func(*rtp.Header, []byte) error { byPion++; return nil })
	if err := write(&rtp.Header{Version: 2}, nil); err == nil || byPion > 0 {
		t.Error("a packet goes out before the handshake")
	}
	in.out.chosen.Store(&chosen{})
	sealer, err := media.NewSealer(media.GenerateKey(media.AES128GCM))
	if err != nil {
		t.Fatal(err)
	}
	in.sealer, in.out.shown = sealer, true // too late
	if err := write(&rtp.Header{Version: 2}, nil); err != nil || byPion != 1 {
		t.Error("pion does not encrypt any more")
	}
}

// Nothing is allocated for a packet that goes out.
func TestOutletAllocatesNothing(t *testing.T) {
	engine := media.NewEngine(slog.New(slog.DiscardHandler))
	t.Cleanup(engine.Close)
	s := testServerWith(t, engine, nil)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sink.Close() }()
	in := &intake{receiver: media.NewReceiver("test"), intakes: s.engine.intakes}
	sealer, err := media.NewSealer(media.GenerateKey(media.AES128GCM))
	if err != nil {
		t.Fatal(err)
	}
	in.out.chosen.Store(&chosen{sealer})
	var port *mediaPort
	for _, port = range s.engine.ports {
	}
	in.out.way.Store(&way{port: port, to: netip.MustParseAddrPort(sink.LocalAddr().String())})
	sender := media.NewSender(nopPacer(t), "customer")
	defer sender.Close()
	sender.SetOutput(media.Output{SSRC: 7, PayloadTypes: map[codec.ID]uint8{codec.PCMU: 0}, Write: in.through(nil)})
	customer := media.NewSource("customer")
	sender.Hear(customer)
	packet := media.Packet{Codec: codec.PCMU, SSRC: 3, Payload: make([]byte, 160)}
	i, begin := 0, time.Now()
	if n := testing.AllocsPerRun(1000, func() {
		packet.Seq, packet.Timestamp = uint16(i), uint32(160*i)
		packet.Arrival = begin.Add(time.Duration(i) * 20 * time.Millisecond)
		customer.Emit(&packet)
		i++
	}); n != 0 {
		t.Errorf("%v allocations for a packet, want 0", n)
	}
	if st := sender.Stats(); st.Packets < 1000 || st.Failed > 0 {
		t.Errorf("%d packets went out, %d failed", st.Packets, st.Failed)
	}
}
