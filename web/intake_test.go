package web

import (
	"encoding/base64"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"callfloor/media"
	"callfloor/media/codec"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"
)

// What a browser says comes by the intake, over UDP and TCP and with each
// protection profile, and not one packet of it by pion once there are keys.
func TestIntake(t *testing.T) {
	for name, c := range map[string]struct {
		network webrtc.NetworkType
		profile dtls.SRTPProtectionProfile
	}{
		"UDP, GCM": {webrtc.NetworkTypeUDP4, dtls.SRTP_AEAD_AES_128_GCM},
		"UDP, CM":  {webrtc.NetworkTypeUDP4, dtls.SRTP_AES128_CM_HMAC_SHA1_80},
		"TCP":      {webrtc.NetworkTypeTCP4, dtls.SRTP_AEAD_AES_128_GCM},
	} {
		t.Run(name, func(t *testing.T) { testIntake(t, c.network, c.profile) })
	}
}

func testIntake(t *testing.T, network webrtc.NetworkType, profile dtls.SRTPProtectionProfile) {
	engine := media.NewEngine(slog.New(slog.DiscardHandler))
	t.Cleanup(engine.Close)
	s := testServerWith(t, engine, nil)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	in := &intake{receiver: media.NewReceiver("test"), intakes: s.engine.intakes}
	in.receiver.SetPayloadTypes(map[uint8]codec.ID{0: codec.PCMU})
	near, err := s.engine.newPeerConnection(in)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = near.GracefulClose() }()
	defer in.close()
	far, track := farBrowser(t, network, profile)
	connected := make(chan struct{})
	near.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			in.open()
			close(connected)
		}
	})
	var byPion atomic.Int64
	near.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			if _, _, err := track.ReadRTP(); err != nil {
				return
			}
			byPion.Add(1)
		}
	})
	if _, err := near.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio); err != nil {
		t.Fatal(err)
	}
	near.GetTransceivers()[0].Sender().Transport().ICETransport().OnSelectedCandidatePairChange(in.follow)
	exchange(t, far, near)
	select {
	case <-connected:
	case <-time.After(30 * time.Second):
		t.Fatal("not connected")
	}
	if in.opener.Load() == nil {
		t.Fatal("the handshake showed no keys")
	}
	send(t, track, 65500, func() bool { return in.receiver.Stats().Packets >= 50 })
	if n := byPion.Load(); n != 0 {
		t.Errorf("%d packets came by pion", n)
	}
	// Over UDP the port's own reader takes them, which is what the intake is for.
	detours, got := in.detours.Load(), in.receiver.Stats().Packets
	send(t, track, 70000, func() bool { return in.receiver.Stats().Packets >= got+20 })
	if n := in.detours.Load() - detours; (network == webrtc.NetworkTypeUDP4) != (n == 0) {
		t.Errorf("over %v a candidate's reader took %d packets", network, n)
	}
	in.mu.Lock()
	bound := in.bound
	in.mu.Unlock()
	if udp := network == webrtc.NetworkTypeUDP4; udp != (s.engine.intakes.find(bound) == in) {
		t.Errorf("over %v the media port knows the browser at %v", network, bound)
	}
	in.close()
	if s.engine.intakes.find(bound) != nil {
		t.Error("the media port remembers a browser that has gone")
	}
}

// farBrowser is a peer connection of pion's with one track of PCMU.
func farBrowser(t *testing.T, network webrtc.NetworkType, profile dtls.SRTPProtectionProfile) (*webrtc.PeerConnection, *webrtc.TrackLocalStaticRTP) {
	t.Helper()
	m, err := codecs()
	if err != nil {
		t.Fatal(err)
	}
	var only webrtc.SettingEngine
	only.SetNetworkTypes([]webrtc.NetworkType{network})
	only.SetIncludeLoopbackCandidate(true)
	only.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	only.SetSRTPProtectionProfiles(profile)
	far, err := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(only)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.GracefulClose() })
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}, "mic", "mic")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := far.AddTrack(track); err != nil {
		t.Fatal(err)
	}
	return far, track
}

// send sends packets from a number on until enough have come.
func send(t *testing.T, track *webrtc.TrackLocalStaticRTP, from int, enough func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for seq := uint16(from); !enough(); seq++ { // over the wrap
		packet := rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(seq) * 160}, Payload: make([]byte, 160)}
		if err := track.WriteRTP(&packet); err != nil {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("too few packets came")
		}
	}
}

// sealed is a stream of encrypted packets and the intake that opens them.
func sealed(tb testing.TB) (in *intake, packet func(i int) []byte) {
	tb.Helper()
	key := media.GenerateKey(media.AES128GCM)
	opener, err := media.NewOpener(key)
	if err != nil {
		tb.Fatal(err)
	}
	in = &intake{receiver: media.NewReceiver("test"), intakes: newIntakes()}
	in.receiver.SetPayloadTypes(map[uint8]codec.ID{0: codec.PCMU})
	in.opener.Store(opener)
	master, err := base64.StdEncoding.DecodeString(key.Inline())
	if err != nil {
		tb.Fatal(err)
	}
	c, err := srtp.CreateContext(master[:16], master[16:], srtp.ProtectionProfileAeadAes128Gcm)
	if err != nil {
		tb.Fatal(err)
	}
	out := make([]byte, 0, 300)
	h := rtp.Header{Version: 2, SSRC: 7}
	plain := make([]byte, 172)
	return in, func(i int) []byte {
		h.SequenceNumber, h.Timestamp = uint16(i), uint32(i)*160
		n, _ := h.MarshalTo(plain)
		b, err := c.EncryptRTP(out[:0], plain[:n+160], nil)
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
}

// Nothing is allocated for a packet that comes in; what was changed, what comes
// twice and what is no RTP goes no further.
func TestIntakeTakes(t *testing.T) {
	in, packet := sealed(t)
	for i := range 20 {
		if !in.take(packet(i)) {
			t.Fatal("a packet is left to pion")
		}
	}
	if got := in.receiver.Stats().Packets; got != 20 {
		t.Fatalf("%d of 20 packets came through", got)
	}
	bad := append([]byte(nil), packet(20)...)
	bad[30] ^= 1
	old := append([]byte(nil), packet(5)...)
	if !in.take(bad) || !in.take(old) {
		t.Error("RTP that is not authentic is left to pion")
	}
	if got, forged := in.receiver.Stats().Packets, in.forged.Load(); got != 20 || forged != 2 {
		t.Errorf("%d packets came through, of which some were forged or old; %d were counted as such", got, forged)
	}
	for _, b := range [][]byte{nil, {0x80}, {0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0, 0}, {0x80, 200, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}} {
		if in.take(b) {
			t.Errorf("%x was taken for RTP", b)
		}
	}
	i := 100
	if n := testing.AllocsPerRun(500, func() { in.take(packet(i)); i++ }); n > 1 { // pion's sealing may take one
		t.Errorf("%v allocations for a packet", n)
	}
}

// A fault over one packet ends neither pion's goroutine nor the process.
func TestIntakeSurvivesAFault(t *testing.T) {
	in, packet := sealed(t)
	in.server = testServerWith(t, nil, nil)
	fault := media.SinkFunc(func(*media.Packet) { panic("a fault") })
	in.receiver.Source().Attach(&fault)
	if !in.take(packet(0)) {
		t.Error("a packet that was decrypted is left to pion")
	}
	in.receiver.Source().Detach(&fault)
	if !in.take(packet(1)) || in.receiver.Stats().Packets != 2 {
		t.Error("nothing comes through after a fault")
	}
}

// A browser that moves is found at its new address alone, and another that
// comes to its old one has that.
func TestIntakesMove(t *testing.T) {
	all := newIntakes()
	a, b := &intake{intakes: all}, &intake{intakes: all}
	one, two := netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2")
	a.bind(one)
	b.bind(one)
	a.bind(two)
	if all.find(one) != b || all.find(two) != a {
		t.Error("two browsers at two addresses are mixed up")
	}
	b.close()
	b.bind(two)
	if all.find(one) != nil || all.find(two) != a {
		t.Error("a browser that has gone has an address")
	}
}
