package media

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pion/rtp"
)

// Timestamps of pictures.
const (
	videoRate = 90000
	// videoFrame is how far the first picture of another camera is after the last
	// one at least: 1/30 s.
	videoFrame = videoRate / 30
)

// ViewStats is what a View has sent.
type ViewStats struct {
	Packets uint64
	Octets  uint64 // of their payloads
	Again   uint64 // packets that were sent again, since the far end had lost them
	Dropped uint64 // packets that were not sent: before a key frame, empty, of a format that the far end does not take
	Keys    uint64 // key frames that were waited for and came
	// LastSent and LastRTP are of the last packet, SSRC of the stream.
	LastSent time.Time
	LastRTP  uint32
	SSRC     uint32
}

// View is one outgoing stream of pictures to a leg: one SSRC and one numbering,
// whoever is shown. Like a Sender it forwards payloads under headers of its own
// and decodes nothing. After Show nothing of the new camera is sent before a key
// frame of it, which is asked for until it comes; and of any other camera
// nothing at all. Packets that the far end lost are sent again.
type View struct {
	name string

	showing sync.Mutex // serialises Show; never taken with mu held

	mu     sync.Mutex // guards all below; held while Output.Write runs
	camera *Camera
	out    Output
	types  payloadTypes
	stamp  [3]byte    // abs-send-time
	model  rtp.Header // has the extension with stamp, if there is one
	header rtp.Header
	stats  ViewStats
	closed bool

	open    bool // a key frame of camera came
	ssrc    uint32
	shift   uint32 // of timestamps
	seq     uint16 // the last one sent
	numbers numbering
	kept    *keptPackets // nil while nothing is shown
	credit  int          // octets that may be sent again

	budget  budget
	rateAt  time.Time // since when rateOct counts
	rateOct uint64
	rate    uint64 // bit/s of the last whole interval
}

// NewView returns a view without output; name is for logs.
func NewView(name string) *View {
	v := &View{name: name, seq: uint16(rand.Uint32()), types: typesOf(nil)}
	v.stats.LastRTP = rand.Uint32()
	return v
}

// Name returns what NewView was given.
func (v *View) Name() string { return v.name }

// SetOutput directs the stream, at first or anew. What is shown begins again
// with a key frame. The zero Output drops everything.
func (v *View) SetOutput(o Output) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return
	}
	v.out, v.stats.SSRC = o, o.SSRC
	v.types = typesOf(o.PayloadTypes)
	v.model = rtp.Header{}
	if o.SendTime != 0 {
		v.model.Extension, v.model.ExtensionProfile = true, rtp.ExtensionProfileOneByte
		if o.SendTime > 14 { // RFC 8285 §4.2
			v.model.ExtensionProfile = rtp.ExtensionProfileTwoByte
		}
		_ = v.model.SetExtension(o.SendTime, v.stamp[:]) // what fits into its form
	}
	v.begin()
}

// begin forgets what was known of stream and network. v.mu is held.
func (v *View) begin() {
	v.open, v.kept, v.credit, v.budget = false, nil, 0, budget{}
	v.rateAt, v.rateOct, v.rate = time.Time{}, 0, 0
}

// Show switches to c, or to nothing if it is nil. When it returns, no packet of
// another camera is sent any more. Showing the same one again changes nothing.
func (v *View) Show(c *Camera) {
	v.showing.Lock()
	defer v.showing.Unlock()
	v.mu.Lock()
	old := v.camera
	if v.closed {
		c = nil
	}
	if old == c {
		v.mu.Unlock()
		return
	}
	v.camera = c
	v.begin()
	v.mu.Unlock()
	if old != nil {
		old.source.Detach(v)
		old.limit(v, 0)
	}
	if c != nil {
		c.source.Attach(v)
		c.KeyFrame(time.Now())
	}
}

// Showing returns what is shown, or nil.
func (v *View) Showing() *Camera {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.camera
}

// WritePacket sends p on if it is of the camera that is shown, once that has
// sent a key frame.
func (v *View) WritePacket(p *Packet) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.camera == nil || p.From != v.camera.source || v.out.Write == nil {
		v.stats.Dropped++
		return
	}
	pt := v.types[p.Codec]
	if pt < 0 || len(p.Payload) == 0 {
		v.skip(p)
		return
	}
	if (!v.open || p.SSRC != v.ssrc || v.jumped(p.Seq)) && !v.remap(p) {
		v.open = false
		v.stats.Dropped++
		return
	}
	n := v.numbers.extend(p.Seq)
	seq, ok := v.numbers.number(n)
	if !ok {
		v.stats.Dropped++
		return
	}
	if n >= v.numbers.highest {
		v.numbers.highest, v.seq = n, seq
	}
	v.send(uint8(pt), seq, p)
}

// remap begins with a new camera, or a new stream of it, if p is the beginning of
// a key frame; else it asks for one. v.mu is held.
func (v *View) remap(p *Packet) bool {
	now := p.Arrival
	if !KeyFrame(p.Codec, p.Payload) {
		v.camera.KeyFrame(now)
		return false
	}
	next := v.stats.LastRTP
	if !v.stats.LastSent.IsZero() {
		passed := min(max(now.Sub(v.stats.LastSent), 0), time.Hour)
		next += uint32(max(units(passed, videoRate), videoFrame))
	}
	v.shift = next - p.Timestamp
	v.ssrc, v.open = p.SSRC, true
	v.numbers.begin(p.Seq, v.seq+1)
	v.stats.Keys++
	if v.kept == nil {
		v.kept = &keptPackets{}
	}
	return true
}

// jumped says whether a number is so far from the last one that it is of a new
// start, of which nobody told us. v.mu is held.
func (v *View) jumped(seq uint16) bool {
	n := v.numbers.extend(seq)
	return n > v.numbers.highest+maxJump || n < v.numbers.highest-maxJump
}

// skip closes the numbering over a packet that is not sent. v.mu is held.
func (v *View) skip(p *Packet) {
	v.stats.Dropped++
	if !v.open || p.SSRC != v.ssrc || v.jumped(p.Seq) {
		return
	}
	if n := v.numbers.extend(p.Seq); n > v.numbers.highest {
		v.numbers.highest = n
		v.numbers.close(n)
	}
}

// send stamps the header, keeps the packet for who lost it, and hands it out.
// v.mu is held.
func (v *View) send(pt uint8, seq uint16, p *Packet) {
	ts := p.Timestamp + v.shift
	now := time.Now()
	at := NTP(now) >> 14 // 6.18 bits of seconds
	v.stamp = [3]byte{byte(at >> 16), byte(at >> 8), byte(at)}
	v.kept.keep(pt, p.Marker, seq, ts, v.stamp, p.Payload)
	if v.write(pt, p.Marker, seq, ts, p.Payload) != nil {
		return
	}
	v.stats.Packets++
	v.stats.Octets += uint64(len(p.Payload))
	v.credit = min(v.credit+len(p.Payload), againCredit)
	v.stats.LastSent = p.Arrival
	if int32(ts-v.stats.LastRTP) > 0 {
		v.stats.LastRTP = ts
	}
	v.meter(len(p.Payload)+40, now)
}

func (v *View) write(pt uint8, marker bool, seq uint16, ts uint32, payload []byte) error {
	v.header = rtp.Header{Version: 2, Marker: marker, PayloadType: pt, SequenceNumber: seq, Timestamp: ts, SSRC: v.out.SSRC}
	v.header.Extension, v.header.ExtensionProfile, v.header.Extensions = v.model.Extension, v.model.ExtensionProfile, v.model.Extensions
	return v.out.Write(&v.header, payload)
}

// meter measures the rate, second by second. v.mu is held.
func (v *View) meter(octets int, now time.Time) {
	if passed := now.Sub(v.rateAt); passed >= time.Second {
		v.rate = v.rateOct * 8000 / uint64(passed.Milliseconds())
		v.rateAt, v.rateOct = now, 0
	}
	v.rateOct += uint64(octets)
}

// Stats returns what was sent so far.
func (v *View) Stats() ViewStats {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.stats
}

// Close ends the stream: nothing is sent after it returns.
func (v *View) Close() {
	v.Show(nil)
	v.mu.Lock()
	v.closed = true
	v.out = Output{}
	v.mu.Unlock()
	v.Show(nil)
}
