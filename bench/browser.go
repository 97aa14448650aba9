//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// browser is a peer connection with one PCMU track each way, for the peers of
// W6, which do not speak our seat's protocol.
type browser struct {
	pc      *webrtc.PeerConnection
	track   *webrtc.TrackLocalStaticRTP
	phase   time.Duration
	talking atomic.Bool
	packet  rtp.Packet
	up      chan struct{}
}

func newBrowser(g *generator) (*browser, error) {
	var m webrtc.MediaEngine
	pcmu := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}
	if err := m.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 0, RTPCodecCapability: pcmu}, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetHandleUndeclaredSSRCWithoutAnswer(true) // rtpengine names no SSRC
	api := webrtc.NewAPI(webrtc.WithMediaEngine(&m), webrtc.WithSettingEngine(s), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	b := &browser{pc: pc, phase: rand.N(frameTime), up: make(chan struct{})}
	b.packet.Version, b.packet.SSRC, b.packet.Payload = 2, rand.Uint32(), make([]byte, frameOctets)
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			close(b.up)
		}
	})
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		buf := make([]byte, 1500)
		var p rtp.Packet
		for {
			n, _, err := t.Read(buf)
			if err != nil {
				return
			}
			if p.Unmarshal(buf[:n]) == nil {
				g.note(nil, p.Payload, time.Now().UnixNano())
			}
		}
	})
	b.track, err = webrtc.NewTrackLocalStaticRTP(pcmu, "mic", "mic")
	if err == nil {
		_, err = pc.AddTrack(b.track)
	}
	return b, errors.Join(err)
}

// offer is its description with all candidates.
func (b *browser) offer() (string, error) {
	done := webrtc.GatheringCompletePromise(b.pc)
	offer, err := b.pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	if err := b.pc.SetLocalDescription(offer); err != nil {
		return "", err
	}
	<-done
	return b.pc.LocalDescription().SDP, nil
}

// accept takes the answer and waits until the connection stands.
func (b *browser) accept(answer string) error {
	if err := b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("%w\n%s", err, answer)
	}
	select {
	case <-b.up:
		b.talking.Store(true)
		return nil
	case <-time.After(15 * time.Second):
		return errors.New("no connection to the peer within 15 s")
	}
}

func (b *browser) at() time.Duration { return b.phase }
func (b *browser) on() bool          { return b.talking.Load() }

func (b *browser) say(now int64) {
	b.packet.SequenceNumber++
	b.packet.Timestamp += frameOctets
	stamp(b.packet.Payload, now)
	_ = b.track.WriteRTP(&b.packet)
}

func (b *browser) close() {
	b.talking.Store(false)
	_ = b.pc.Close()
}
