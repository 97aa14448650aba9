package media

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"

	"callfloor/media/codec"
)

// transportEvery is how often the sender is told when its packets arrived: what
// a browser needs to follow its network within a second.
const transportEvery = 100 * time.Millisecond

// VideoReceiver reads one incoming stream of pictures, as a Receiver does, and
// asks for what is missing: lost packets (NACK, RFC 4585 §6.2.1) and key frames
// (PLI, §6.3.1; it is the Lens of a Camera). It tells the sender what to use
// (REMB) and, where that was negotiated, when its packets arrived (transport-cc).
type VideoReceiver struct {
	*Receiver
	feedback func([]rtcp.Packet)
	own      func() uint32 // our SSRC, as the sender of reports
	ssrc     atomic.Uint32 // of the stream

	mu      sync.Mutex // one packet at a time; guards the rest
	missing missing
	asked   time.Time // when a key frame was, because too much is missing
	id      uint8     // of the header extension transport-cc; 0: none
	clock   *twcc.Recorder
	began   time.Time
	toldAt  time.Time
}

// NewVideoReceiver returns a receiver that knows no payload type yet. feedback
// sends RTCP to the sender, own returns the SSRC that it is sent under.
func NewVideoReceiver(name string, own func() uint32, feedback func([]rtcp.Packet)) *VideoReceiver {
	return &VideoReceiver{Receiver: NewReceiver(name), own: own, feedback: feedback}
}

// Negotiated says what the payload types are, and under which number packets
// carry the header extension transport-cc (0: not at all).
func (r *VideoReceiver) Negotiated(types map[uint8]codec.ID, transport uint8) {
	r.SetPayloadTypes(types)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.id = transport
}

// WriteRTP takes one datagram, which is borrowed by the sinks while it runs, and
// sends what feedback is due. Errors are as of Receiver.WriteRTP. Without loss it
// allocates nothing but for the report of arrivals, ten times a second.
func (r *VideoReceiver) WriteRTP(raw []byte, arrival time.Time) error {
	if err := r.Receiver.WriteRTP(raw, arrival); err != nil {
		return err
	}
	ssrc, seq := binary.BigEndian.Uint32(raw[8:]), binary.BigEndian.Uint16(raw[2:])
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ssrc.Store(ssrc)
	lost, gaveUp := r.missing.note(ssrc, seq, arrival)
	if len(lost) > 0 {
		r.feedback([]rtcp.Packet{&rtcp.TransportLayerNack{SenderSSRC: r.own(), MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(lost)}})
	}
	if gaveUp && arrival.Sub(r.asked) >= keyFrameEvery {
		r.asked = arrival
		r.KeyFrame()
	}
	if r.id != 0 {
		r.noteTransport(raw, ssrc, arrival)
	}
	return nil
}

// noteTransport keeps when a packet came, and reports from time to time. r.mu is
// held.
func (r *VideoReceiver) noteTransport(raw []byte, ssrc uint32, arrival time.Time) {
	value := headerExtension(raw, r.id)
	if len(value) != 2 {
		return
	}
	if r.clock == nil {
		r.clock, r.began, r.toldAt = twcc.NewRecorder(r.own()), arrival, arrival
	}
	r.clock.Record(ssrc, binary.BigEndian.Uint16(value), arrival.Sub(r.began).Microseconds())
	if arrival.Sub(r.toldAt) < transportEvery {
		return
	}
	r.toldAt = arrival
	if report := r.clock.BuildFeedbackPacket(); len(report) > 0 {
		r.feedback(report)
	}
}

// KeyFrame implements Lens.
func (r *VideoReceiver) KeyFrame() {
	if ssrc := r.ssrc.Load(); ssrc != 0 {
		r.feedback([]rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: r.own(), MediaSSRC: ssrc}})
	}
}

// Limit implements Lens.
func (r *VideoReceiver) Limit(bps uint64) {
	if ssrc := r.ssrc.Load(); ssrc != 0 {
		r.feedback([]rtcp.Packet{&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: r.own(), Bitrate: float32(bps), SSRCs: []uint32{ssrc}}})
	}
}

// headerExtension returns the value of a header extension of a packet that
// parseRTP has read, in the one-octet or the two-octet form (RFC 8285 §4.2 and
// §4.3); nil if there is none.
func headerExtension(raw []byte, id uint8) []byte {
	at := 12 + 4*int(raw[0]&0x0F)
	if raw[0]&0x10 == 0 || len(raw) < at+4 {
		return nil
	}
	profile := binary.BigEndian.Uint16(raw[at:])
	end := at + 4 + 4*int(binary.BigEndian.Uint16(raw[at+2:]))
	if len(raw) < end {
		return nil
	}
	b := raw[at+4 : end]
	switch {
	case profile == 0xBEDE:
		return oneOctetExtension(b, id)
	case profile&0xFFF0 == 0x1000:
		return twoOctetExtension(b, id)
	default:
		return nil
	}
}

func oneOctetExtension(b []byte, id uint8) []byte {
	for len(b) > 0 {
		if b[0] == 0 { // padding
			b = b[1:]
			continue
		}
		this, size := b[0]>>4, int(b[0]&0x0F)+1
		if this == 15 || len(b) < 1+size {
			return nil
		}
		if this == id {
			return b[1 : 1+size]
		}
		b = b[1+size:]
	}
	return nil
}

func twoOctetExtension(b []byte, id uint8) []byte {
	for len(b) > 1 {
		if b[0] == 0 {
			b = b[1:]
			continue
		}
		size := int(b[1])
		if len(b) < 2+size {
			return nil
		}
		if b[0] == id {
			return b[2 : 2+size]
		}
		b = b[2+size:]
	}
	return nil
}
