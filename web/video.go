package web

import (
	"fmt"
	"slices"
	"strings"

	"callfloor/media"
	"callfloor/media/codec"

	"github.com/pion/webrtc/v4"
)

// TransportCC and sendTime are header extensions of pictures. TransportCC lets a browser find out what its
// network carries from our feedback (draft-holmer-rmcat-transport-wide-cc),
// sendTime lets it tell us what its network brings (draft-alvestrand-rmcat-remb).
const (
	TransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	sendTime    = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
)

// videoFormats are the formats of pictures that are answered to a browser, VP8
// first: every browser encodes it without a licence. The payload types are the
// browser's. Never RTX: what is sent again goes under its own number.
func videoFormats() []webrtc.RTPCodecParameters {
	feedback := []webrtc.RTCPFeedback{
		{Type: webrtc.TypeRTCPFBGoogREMB}, {Type: webrtc.TypeRTCPFBTransportCC}, {Type: webrtc.TypeRTCPFBCCM, Parameter: "fir"},
		{Type: webrtc.TypeRTCPFBNACK}, {Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"},
	}
	return []webrtc.RTPCodecParameters{
		{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: feedback}},
		{PayloadType: 106, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeH264, ClockRate: 90000, RTCPFeedback: feedback,
			SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
		}},
	}
}

// RegisterVideo makes m negotiate pictures, as the seats' own engine does.
func RegisterVideo(m *webrtc.MediaEngine) error {
	for _, f := range videoFormats() {
		if err := m.RegisterCodec(f, webrtc.RTPCodecTypeVideo); err != nil {
			return fmt.Errorf("webrtc: registering %s: %w", f.MimeType, err)
		}
	}
	for _, uri := range []string{TransportCC, sendTime} {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo); err != nil {
			return fmt.Errorf("webrtc: registering the header extension %s: %w", uri, err)
		}
	}
	return nil
}

// VideoTypes maps what a peer connection negotiated for pictures to our formats.
func VideoTypes(params []webrtc.RTPCodecParameters) map[uint8]codec.ID {
	m := map[uint8]codec.ID{}
	for _, p := range params {
		_, name, _ := strings.Cut(p.MimeType, "/")
		if id := codec.Parse(name); id == codec.VP8 || id == codec.H264 {
			m[uint8(p.PayloadType)] = id
		}
	}
	return m
}

// addPictures gives each video section its track, in order, and puts VP8 first.
// A section with nothing in common is answered as refused, and costs the sound
// nothing.
func (p *peer) addPictures(sections []*webrtc.RTPTransceiver) error {
	for i, t := range sections {
		all := t.Receiver().GetParameters().Codecs
		common := slices.DeleteFunc(slices.Clone(all), func(c webrtc.RTPCodecParameters) bool {
			return len(VideoTypes([]webrtc.RTPCodecParameters{c})) == 0
		})
		if len(common) == 0 || i == len(p.pictures) {
			continue
		}
		slices.SortStableFunc(common, func(a, b webrtc.RTPCodecParameters) int { return videoRank(a) - videoRank(b) })
		if err := t.SetCodecPreferences(common); err != nil {
			return fmt.Errorf("preferring VP8: %w", err)
		}
		sender, err := p.pc.AddTrack(p.pictures[i])
		if err != nil {
			return fmt.Errorf("adding the pictures of track %s: %w", videoNames[i], err)
		}
		p.work.Go(func() { p.readReports(sender.Read) })
	}
	return nil
}

// expectPictures makes the browser's pictures come in, if it can send any.
func (p *peer) expectPictures() {
	for _, t := range p.pc.GetTransceivers() {
		if t.Kind() != webrtc.RTPCodecTypeVideo {
			continue
		}
		params := t.Receiver().GetParameters()
		in := &videoIntake{film: p.film}
		types := VideoTypes(params.Codecs)
		if len(types) == 0 {
			return
		}
		for pt := range types {
			in.types[pt&0x7F] = true
		}
		var transport uint8
		for _, e := range params.HeaderExtensions {
			if e.URI == TransportCC {
				transport = uint8(e.ID)
			}
		}
		p.film.Negotiated(types, transport)
		p.intake.video.Store(in)
		return
	}
}

// filmed passes a peer connection's pictures on to the seat, unless it was
// replaced.
type filmed struct{ p *peer }

// WritePacket implements media.Sink.
func (f filmed) WritePacket(k *media.Packet) {
	s := f.p.seat
	s.camLock.Lock()
	defer s.camLock.Unlock()
	if s.live.Load() == f.p {
		s.camera.Source().Emit(k)
	}
}

// view is one of the things that a seat sees.
type view struct {
	slot
	name string
	view *media.View
}

// connect returns the track for a new peer connection.
func (v *view) connect() *LocalTrack {
	return v.slot.connect(NewLocalVideo(v.name, nil), v.view.SetOutput)
}

// Camera is what the person shows. It stays the same for the seat's life.
func (s *Seat) Camera() *media.Camera { return s.camera }

// View returns what the person sees as TrackCustomer or TrackThird: one view
// each for the seat's life; nil for another name.
func (s *Seat) View(name string) *media.View {
	for i, n := range videoNames {
		if n == name {
			return s.views[i].view
		}
	}
	return nil
}

// CanSee says whether the page that is the phone takes pictures, and so can send
// them. A new peer connection of the same page changes nothing.
func (s *Seat) CanSee() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sees
}

func videoRank(p webrtc.RTPCodecParameters) int {
	if strings.EqualFold(p.MimeType, webrtc.MimeTypeVP8) {
		return 0
	}
	return 1
}

// NewLocalVideo is NewLocalTrack for pictures.
func NewLocalVideo(name string, output func(media.Output)) *LocalTrack {
	t := NewLocalTrack(name, output)
	t.video = true
	return t
}
