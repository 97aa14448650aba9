package media

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"callfloor/media/codec"
	"callfloor/media/dtmf"
)

// Digit is a key that the far end pressed.
type Digit struct {
	Key rune // one of 0-9, *, #, A-D
	At  time.Time
	Via string // how it came: one of the Via constants
}

// The ways by which a digit comes.
const (
	ViaEvent  = "rfc4733"
	ViaInfo   = "info"
	ViaInBand = "inband"
)

// Receiver reads one incoming RTP stream: it maps payload types to codecs,
// counts as RFC 3550 says, takes out the digits and emits the packets. Its
// source emits a packet for each number that came, without payload where there
// is nothing to hear (an event, comfort noise, padding, an unknown payload type), so that a
// Sender can tell what is no audio from what was lost. Digits do not leave it
// but by OnDigit.
type Receiver struct {
	source *Source
	types  atomic.Pointer[[128]codec.ID]
	digit  atomic.Pointer[func(Digit)]

	writing sync.Mutex // one packet at a time; guards packet, events and inBand
	packet  Packet
	events  dtmf.Receiver
	inBand  *inBand // nil: keys are not listened for

	mu    sync.Mutex // guards stats; never held while something is called
	stats streamStats
}

// NewReceiver returns a receiver that knows no payload type yet; name is for
// logs.
func NewReceiver(name string) *Receiver {
	r := &Receiver{source: NewSource(name)}
	r.types.Store(&[128]codec.ID{})
	return r
}

// SetPayloadTypes tells what was negotiated; codec.TelephoneEvent for events.
func (r *Receiver) SetPayloadTypes(m map[uint8]codec.ID) {
	var t [128]codec.ID
	for pt, c := range m {
		t[pt&0x7F] = c
	}
	r.types.Store(&t)
}

// Source returns where the packets come out.
func (r *Receiver) Source() *Source { return r.source }

// OnDigit makes f be called for each digit, at the first packet of its event,
// on the goroutine that writes; f must not block. nil ends it.
func (r *Receiver) OnDigit(f func(Digit)) {
	if f == nil {
		r.digit.Store(nil)
		return
	}
	r.digit.Store(&f)
}

// WriteRTP takes one datagram. raw is borrowed by the sinks while it runs. It
// returns an error if raw is no RTP packet; duplicates and packets of a second
// stream are dropped and counted. It allocates nothing.
func (r *Receiver) WriteRTP(raw []byte, arrival time.Time) error {
	w, err := parseRTP(raw)
	r.writing.Lock()
	defer r.writing.Unlock()
	c := r.types.Load()[w.pt]
	r.mu.Lock()
	if err != nil {
		r.stats.total.Bad++
		r.mu.Unlock()
		return err
	}
	verdict := r.stats.note(&w, c, arrival)
	r.mu.Unlock()
	if c == codec.TelephoneEvent && verdict != seenTwice {
		r.takeEvent(&w, arrival)
	}
	if verdict != seenNew {
		return nil
	}
	if !c.Audio() && c != codec.VP8 && c != codec.H264 { // events, comfort noise, unknown
		w.payload = nil
	}
	r.packet = Packet{
		Codec: c, Marker: w.marker, Seq: w.seq, Timestamp: w.timestamp,
		SSRC: w.ssrc, Payload: w.payload, Arrival: arrival,
	}
	r.source.Emit(&r.packet)
	if r.inBand != nil {
		r.takeTones(c, w.payload, arrival)
	}
	return nil
}

// takeEvent reports a digit if one begins. Events of a second SSRC are read
// too: some gateways send them so.
func (r *Receiver) takeEvent(w *wirePacket, arrival time.Time) {
	key, ok := r.events.Write(w.ssrc, w.timestamp, w.payload, arrival)
	if !ok {
		return
	}
	if f := r.digit.Load(); f != nil {
		(*f)(Digit{Key: key, At: arrival, Via: ViaEvent})
	}
}

// Stats returns what was received so far.
func (r *Receiver) Stats() ReceiveStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats.stats()
}

// Report makes the reception report block for the next RTCP packet. Each call
// begins a new interval of FractionLost.
func (r *Receiver) Report() rtcp.ReceptionReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats.report(time.Now())
}

// NoteSenderReport takes the far end's sender report, which Report answers
// (LSR and DLSR, RFC 3550 §6.4.1). One of another SSRC is ignored.
func (r *Receiver) NoteSenderReport(ssrc uint32, ntp uint64, arrival time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stats.started && ssrc == r.stats.total.SSRC {
		r.stats.srNTP, r.stats.srAt = uint32(ntp>>16), arrival
	}
}
