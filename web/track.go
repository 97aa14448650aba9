package web

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"callfloor/media"
	"callfloor/media/codec"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// LocalTrack is a track in one peer connection: a webrtc.TrackLocal that
// writes each packet under the payload type of its own codec, so that a track
// carries PCMU now and PCMA or Opus later without renegotiation.
type LocalTrack struct {
	name   string
	video  bool
	output func(media.Output)
	ssrc   atomic.Uint32
}

// NewLocalTrack returns a track; output is called with where to write when the
// connection stands, and with the zero Output when it ends.
func NewLocalTrack(name string, output func(media.Output)) *LocalTrack {
	return &LocalTrack{name: name, output: output}
}

// Bind implements webrtc.TrackLocal. pion calls it when both have agreed, before
// the handshake.
func (t *LocalTrack) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	// pion narrows CodecParameters to the one that Bind returns as soon as it
	// has returned, so the payload types are copied here.
	params := c.CodecParameters()
	types := PayloadTypes(params)
	if t.video {
		types = VideoTypes(params)
	}
	out := media.Output{SSRC: uint32(c.SSRC()), PayloadTypes: map[codec.ID]uint8{}}
	for pt, id := range types {
		out.PayloadTypes[id] = pt
	}
	if len(out.PayloadTypes) == 0 {
		return webrtc.RTPCodecParameters{}, errors.New("web: the other side takes none of our formats")
	}
	for _, e := range c.HeaderExtensions() {
		if t.video && e.URI == sendTime {
			out.SendTime = uint8(e.ID)
		}
	}
	w := c.WriteStream()
	out.Write = func(h *rtp.Header, payload []byte) error {
		_, err := w.WriteRTP(h, payload)
		return err
	}
	t.ssrc.Store(out.SSRC)
	t.output(out)
	return params[0], nil
}

// Unbind implements webrtc.TrackLocal.
func (t *LocalTrack) Unbind(webrtc.TrackLocalContext) error {
	t.output(media.Output{})
	return nil
}

// ID implements webrtc.TrackLocal.
func (t *LocalTrack) ID() string {
	if t.video {
		return t.name + "-video"
	}
	return t.name
}

// RID implements webrtc.TrackLocal.
func (t *LocalTrack) RID() string { return "" }

// StreamID implements webrtc.TrackLocal. Each track is a stream of its own, so
// that a browser does not try to keep them in step with one another.
func (t *LocalTrack) StreamID() string { return t.ID() }

// Kind implements webrtc.TrackLocal.
func (t *LocalTrack) Kind() webrtc.RTPCodecType {
	if t.video {
		return webrtc.RTPCodecTypeVideo
	}
	return webrtc.RTPCodecTypeAudio
}

// PayloadTypes maps what a peer connection negotiated to our formats; others
// are left out.
func PayloadTypes(params []webrtc.RTPCodecParameters) map[uint8]codec.ID {
	m := map[uint8]codec.ID{}
	for _, p := range params {
		for _, f := range formats {
			if strings.EqualFold(p.MimeType, f.params.MimeType) {
				m[uint8(p.PayloadType)] = f.id
			}
		}
	}
	return m
}

// slot is the end of one of a seat's streams, which lives as long as the seat;
// peer connections come and go behind it.
type slot struct {
	mu    sync.Mutex
	bound *LocalTrack // whose output the stream has now, or nil
}

// connect leads a track of a new peer connection's to set. When an older one ends
// later, its end does not silence the new one.
func (s *slot) connect(local *LocalTrack, set func(media.Output)) *LocalTrack {
	local.output = func(out media.Output) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if out.Write == nil && s.bound != local {
			return
		}
		s.bound = local
		set(out)
	}
	return local
}

// track is one of the things that a seat hears.
type track struct {
	slot
	name   string
	sender *media.Sender
}

func newTrack(p *media.Pacer, name string) *track {
	return &track{name: name, sender: media.NewSender(p, name)}
}

// connect returns the track for a new peer connection, of whose RTP in takes
// care.
func (t *track) connect(in *intake) *LocalTrack {
	return t.slot.connect(NewLocalTrack(t.name, nil), func(out media.Output) {
		if out.Write != nil {
			out.Write = in.through(out.Write)
		}
		t.sender.SetOutput(out)
	})
}
