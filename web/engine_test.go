package web

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"

	"callfloor/media"
)

func testServer(t *testing.T, change func(*Config)) *Server {
	t.Helper()
	return testServerWith(t, nil, change)
}

// testServerWith makes a server on a media engine, nil for none.
func testServerWith(t *testing.T, with *media.Engine, change func(*Config)) *Server {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg, Options{Log: slog.New(slog.DiscardHandler), Pacer: nopPacer(t), Engine: with, House: &notebook{}, Authenticate: nobody})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// UDP and TCP are on one port, and the error of a second server names it.
func TestStartTwice(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", ":0"} {
		t.Run(listen, func(t *testing.T) {
			engine := media.NewEngine(nil)
			t.Cleanup(engine.Close)
			first := testServerWith(t, engine, func(c *Config) { c.Listen = listen })
			if err := first.Start(); err != nil {
				t.Fatal(err)
			}
			if err := first.Start(); err == nil {
				t.Error("started twice")
			}
			_, port, _ := net.SplitHostPort(first.Addr().String())
			second := testServerWith(t, engine, func(c *Config) { c.Listen = strings.TrimSuffix(listen, "0") + port })
			err := second.Start()
			if err == nil || !strings.Contains(err.Error(), port) {
				t.Errorf("the error is %v, want port %s in it", err, port)
			}
		})
	}
}

func TestUDPPortTaken(t *testing.T) {
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = udp.Close() }()
	s := testServer(t, func(c *Config) { c.Listen = udp.LocalAddr().String() })
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), udp.LocalAddr().String()) {
		t.Errorf("the error is %v, want the address in it", err)
	}
}

// What a browser is offered: candidates on the one port, UDP and TCP, and the
// external address besides.
func TestCandidates(t *testing.T) {
	s := testServer(t, func(c *Config) { c.External = "203.0.113.7" })
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	pc, err := s.engine.newPeerConnection(&intake{receiver: media.NewReceiver("test"), intakes: s.engine.intakes})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pc.GracefulClose() }()
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio); err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	sdp := pc.LocalDescription().SDP
	_, port, _ := net.SplitHostPort(s.Addr().String())
	for _, want := range []string{" 127.0.0.1 " + port, " 203.0.113.7 " + port, "udp", "tcptype passive"} {
		if !strings.Contains(sdp, want) {
			t.Errorf("no %q in\n%s", want, sdp)
		}
	}
	for _, never := range []string{"CN/8000", "red/", "telephone-event", "extmap:", ".local"} {
		if strings.Contains(sdp, never) {
			t.Errorf("%q in\n%s", never, sdp)
		}
	}
}

// A browser behind a firewall that lets only TCP through still connects.
func TestTCPOnly(t *testing.T) {
	s := testServer(t, nil)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	near, err := s.engine.newPeerConnection(&intake{receiver: media.NewReceiver("test"), intakes: s.engine.intakes})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = near.GracefulClose() }()
	m, err := codecs()
	if err != nil {
		t.Fatal(err)
	}
	var only webrtc.SettingEngine
	only.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	only.SetIncludeLoopbackCandidate(true)
	only.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	far, err := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(only)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = far.GracefulClose() }()
	connected := make(chan struct{})
	far.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			close(connected)
		}
	})
	if _, err := far.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio); err != nil {
		t.Fatal(err)
	}
	exchange(t, far, near)
	select {
	case <-connected:
	case <-time.After(20 * time.Second):
		t.Fatal("not connected over TCP")
	}
}

// exchange lets from offer and to answer, all candidates included.
func exchange(t *testing.T, from, to *webrtc.PeerConnection) {
	t.Helper()
	offered := webrtc.GatheringCompletePromise(from)
	offer, err := from.CreateOffer(nil)
	if err == nil {
		err = from.SetLocalDescription(offer)
	}
	if err != nil {
		t.Fatal(err)
	}
	<-offered
	if err := to.SetRemoteDescription(*from.LocalDescription()); err != nil {
		t.Fatal(err)
	}
	answered := webrtc.GatheringCompletePromise(to)
	answer, err := to.CreateAnswer(nil)
	if err == nil {
		err = to.SetLocalDescription(answer)
	}
	if err != nil {
		t.Fatal(err)
	}
	<-answered
	if err := from.SetRemoteDescription(*to.LocalDescription()); err != nil {
		t.Fatal(err)
	}
}
