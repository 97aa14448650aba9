package media

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"callfloor/media/codec"
)

// The mixer's limiter: sums up to limitKnee pass unchanged, louder ones bend
// towards full scale and never reach it. Two talkers at -12 dBFS peak at half
// of full scale and are not touched.
const (
	limitKnee = 24000
	limitRoom = 32767 - limitKnee
)

// Mixer adds up what several talkers say, for legs that can play one stream
// only: phones. Each output hears all talkers but one, usually its own leg
// (mix-minus), so that nobody hears an echo of themselves. It runs on the
// shared clock, 20 ms at a time at 8 kHz, and only while there are talkers and
// outputs. Its methods may be called by any goroutine, but not by a sink from
// within WritePacket.
type Mixer struct {
	pacer *Pacer
	name  string
	slot  int

	mu      sync.Mutex // guards all below; held while packets are emitted
	inputs  []*mixInput
	outputs []*mixOutput
	on      bool // a member of the pacer
	closed  bool
	base    uint32 // RTP timestamp of the pacer's frame 0
	total   [frameSamples]int32
}

// mixOutput is what is heard by the listeners of one codec who leave out the
// same talker.
type mixOutput struct {
	except  *Source
	codec   codec.ID
	encoder codec.Encoder
	source  *Source
	packet  Packet
	frame   [frameSamples]int16
	buf     [codec.MaxFrameOctets]byte
}

// NewMixer returns a mixer without talkers; name is for logs.
func NewMixer(p *Pacer, name string) *Mixer {
	return &Mixer{pacer: p, name: name, slot: p.phase(), base: rand.Uint32()}
}

// Hear makes these sources the talkers and drops all others at once: when it
// returns, no sample of a source that is not named is mixed any more. Those
// that were talkers already go on without a gap. None is silence, and then
// nothing is emitted.
func (m *Mixer) Hear(talkers ...*Source) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		talkers = nil
	}
	next := make([]*mixInput, 0, len(talkers))
	for _, src := range talkers {
		i := slices.IndexFunc(m.inputs, func(in *mixInput) bool { return in.from == src })
		if i >= 0 {
			next = append(next, m.inputs[i])
			continue
		}
		in := newMixInput(src)
		src.Attach(in)
		next = append(next, in)
	}
	for _, in := range m.inputs {
		if !slices.Contains(next, in) {
			in.close()
		}
	}
	m.inputs = next
	m.join()
}

// Output returns a source that speaks c and carries every talker but except;
// nil leaves out nobody. Asked twice for the same it is the same source: what
// several listeners hear is encoded once. One that speaks no audio format, or
// is asked for after Close, is silent.
func (m *Mixer) Output(except *Source, c codec.ID) *Source {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range m.outputs {
		if o.except == except && o.codec == c {
			return o.source
		}
	}
	o := &mixOutput{except: except, codec: c, source: NewSource(m.name)}
	if m.closed || !c.Audio() {
		return o.source
	}
	o.encoder = codec.NewEncoder(c)
	o.packet = Packet{Codec: c, Seq: uint16(rand.Uint32()), SSRC: rand.Uint32()}
	m.outputs = append(m.outputs, o)
	m.join()
	return o.source
}

// Close ends the mixing for good.
func (m *Mixer) Close() {
	m.mu.Lock()
	outputs := m.outputs
	m.closed, m.outputs = true, nil
	m.mu.Unlock()
	m.Hear()
	m.pacer.remove(m.slot, m)
	for _, o := range outputs {
		o.encoder.Close()
	}
}

// join puts the mixer on the clock if it has something to do; tick takes it off.
func (m *Mixer) join() {
	if !m.on && len(m.inputs) > 0 && len(m.outputs) > 0 {
		m.on = true
		m.pacer.add(m.slot, m)
	}
}

// tick implements ticker. The timestamp follows the pacer's frame count, so
// that it keeps to the wall clock over pauses and stops of the process.
func (m *Mixer) tick(frame int64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.inputs) == 0 || m.closed {
		m.on = false
		m.pacer.remove(m.slot, m)
		return
	}
	m.mixOnce(frame, now)
}

// mixOnce takes one frame of every talker and emits one packet on every
// output. m.mu is held.
func (m *Mixer) mixOnce(frame int64, now time.Time) {
	clear(m.total[:])
	for _, in := range m.inputs {
		in.next()
		for i, s := range in.frame {
			m.total[i] += int32(s)
		}
	}
	for _, o := range m.outputs {
		m.render(o)
		n := o.encoder.Encode(o.buf[:], o.frame[:])
		o.packet.Seq++
		o.packet.Timestamp = m.base + uint32(frame*perFrame(o.codec.ClockRate()))
		o.packet.Payload = o.buf[:n]
		o.packet.Arrival = now
		o.source.Emit(&o.packet)
	}
}

// render puts what o hears into its frame: the total without the talker that
// it leaves out.
func (m *Mixer) render(o *mixOutput) {
	var own *mixInput
	for _, in := range m.inputs {
		if in.from == o.except {
			own = in
		}
	}
	for i, sum := range m.total {
		if own != nil {
			sum -= int32(own.frame[i])
		}
		o.frame[i] = limit(sum)
	}
}

// limit bends what is louder than the knee so that it fits into 16 bits: the
// slope is 1 at the knee and falls from there, so nothing clips.
func limit(v int32) int16 {
	switch {
	case v > limitKnee:
		over := v - limitKnee
		return int16(limitKnee + over*limitRoom/(over+limitRoom))
	case v < -limitKnee:
		over := -limitKnee - v
		return int16(-limitKnee - over*limitRoom/(over+limitRoom))
	default:
		return int16(v)
	}
}
