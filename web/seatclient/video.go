package seatclient

import (
	"time"

	"callfloor/media"
	"callfloor/web"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// pictures is how many video transceivers a seat has.
const pictures = 2

// pictureNames are their names, in order.
var pictureNames = [pictures]string{web.TrackCustomer, web.TrackThird}

// Show sends what a camera shows, from its next key frame on; nil ends it. The
// server must have been told (web.DoVideo), or nobody sees it.
func (c *Client) Show(cam *media.Camera) { c.shown.Show(cam) }

// Picture is what the person sees on web.TrackCustomer or web.TrackThird; nil for
// another name. It stays the same source while peer connections are replaced.
func (c *Client) Picture(name string) *media.Source {
	for i, n := range pictureNames {
		if n == name {
			return c.seen[i]
		}
	}
	return nil
}

// AskPicture asks the server for a key frame on one of those, as a decoder does
// that cannot go on.
func (c *Client) AskPicture(name string) {
	c.mu.Lock()
	p := c.peer
	c.mu.Unlock()
	for i, n := range pictureNames {
		if n == name && p != nil && p.films[i] != nil {
			p.films[i].KeyFrame()
		}
	}
}

// Estimate tells the server what our network brings, in bit/s, as a browser does
// for the pictures that it gets on a track.
func (c *Client) Estimate(name string, bps uint64) {
	c.mu.Lock()
	p := c.peer
	c.mu.Unlock()
	for i, n := range pictureNames {
		if n == name && p != nil && p.films[i] != nil {
			p.films[i].Limit(bps)
		}
	}
}

// addPictures adds the video sections after the audio ones.
func (p *peer) addPictures() error {
	c := p.client
	camera := web.NewLocalVideo("camera", func(out media.Output) { c.setPictures(p, out) })
	_, err := p.pc.AddTransceiverFromTrack(camera, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv})
	for i := 1; i < pictures && err == nil; i++ {
		_, err = p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	}
	for i, name := range pictureNames {
		p.films[i] = media.NewVideoReceiver(name, func() uint32 { return 1 }, func(k []rtcp.Packet) { _ = p.pc.WriteRTCP(k) })
		forward := media.SinkFunc(func(k *media.Packet) { c.seen[i].Emit(k) })
		p.films[i].Source().Attach(&forward)
	}
	return err
}

// setPictures directs what is shown, unless p was replaced.
func (c *Client) setPictures(p *peer, out media.Output) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peer == p || c.peer == nil {
		c.shown.SetOutput(out)
	}
}

// expectPictures returns what takes the packets of a video section.
func (p *peer) expectPictures(i int, params webrtc.RTPParameters) func([]byte, time.Time) error {
	var transport uint8
	for _, e := range params.HeaderExtensions {
		if e.URI == web.TransportCC {
			transport = uint8(e.ID)
		}
	}
	p.films[i].Negotiated(web.VideoTypes(params.Codecs), transport)
	return p.films[i].WriteRTP
}

// answerFeedback reads what the server says of the pictures that it gets.
func (p *peer) answerFeedback(read func([]byte) (int, interceptor.Attributes, error)) {
	buf := make([]byte, 1500)
	for {
		n, _, err := read(buf)
		if err != nil {
			return
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			continue
		}
		now := time.Now()
		for _, k := range packets {
			switch k := k.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				p.client.shown.KeyFrame(now)
			case *rtcp.TransportLayerNack:
				for _, pair := range k.Nacks {
					pair.Range(func(seq uint16) bool { p.client.shown.Resend(seq, now); return true })
				}
			case *rtcp.ReceiverEstimatedMaximumBitrate:
				p.client.limit.Store(uint64(k.Bitrate))
			}
		}
	}
}

// PictureLimit is what the server allows what is shown, in bit/s; 0: it did not say.
func (c *Client) PictureLimit() uint64 { return c.limit.Load() }
