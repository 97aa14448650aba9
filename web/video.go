package web

import (
	"fmt"
	"slices"
	"strings"

	"callfloor/media"
	"callfloor/media/codec"

	"github.com/pion/webrtc/v4"
)

// Header extensions of pictures: transportCC lets a browser find out what its
// network carries from our feedback (draft-holmer-rmcat-transport-wide-cc),
// sendTime lets it tell us what its network brings (draft-alvestrand-rmcat-remb).
const (
	transportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
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

// registerVideo makes m negotiate pictures.
func registerVideo(m *webrtc.MediaEngine) error {
	for _, f := range videoFormats() {
		if err := m.RegisterCodec(f, webrtc.RTPCodecTypeVideo); err != nil {
			return fmt.Errorf("webrtc: registering %s: %w", f.MimeType, err)
		}
	}
	for _, uri := range []string{transportCC, sendTime} {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo); err != nil {
			return fmt.Errorf("webrtc: registering the header extension %s: %w", uri, err)
		}
	}
	return nil
}

// videoTypes maps what a peer connection negotiated for pictures to our formats.
func videoTypes(params []webrtc.RTPCodecParameters) map[uint8]codec.ID {
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
			return len(videoTypes([]webrtc.RTPCodecParameters{c})) == 0
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
