package media

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"callfloor/media/codec"
)

// tonal speaks a tone in packets.
type tonal struct {
	src   *Source
	codec codec.ID
	hz    float64
	level float64 // peak, of full scale
	n     int     // samples so far
	seq   uint16
}

func newTonal(name string, hz, level float64) *tonal {
	return &tonal{src: NewSource(name), codec: codec.PCMU, hz: hz, level: level, seq: 65530}
}

func (k *tonal) packet(samples int) *Packet {
	pcm := make([]int16, samples)
	for i := range pcm {
		pcm[i] = int16(k.level * 32767 * math.Sin(2*math.Pi*k.hz*float64(k.n+i)/8000))
	}
	payload := make([]byte, samples)
	codec.Encode(k.codec, payload, pcm)
	p := &Packet{Codec: k.codec, Seq: k.seq, Timestamp: uint32(k.n) - 4000, SSRC: 7, Payload: payload}
	k.seq++
	k.n += samples
	return p
}

func (k *tonal) say(samples int) { k.src.Emit(k.packet(samples)) }

// newTestMixer returns a mixer whose clock stands still: the test mixes.
func newTestMixer(t *testing.T) *Mixer {
	p := NewPacer()
	m := NewMixer(p, "mix")
	m.on = true
	t.Cleanup(p.Close)
	return m
}

// pcm is a sink that decodes what it hears.
type pcm struct{ samples []int16 }

func (k *pcm) WritePacket(p *Packet) {
	frame := make([]int16, len(p.Payload))
	codec.Decode(p.Codec, frame, p.Payload)
	k.samples = append(k.samples, frame...)
}

// at returns the peak level of a tone, of full scale.
func (k *pcm) at(hz float64, from int) float64 {
	var re, im float64
	part := k.samples[from:]
	for i, v := range part {
		a := 2 * math.Pi * hz * float64(i) / 8000
		re, im = re+float64(v)*math.Cos(a), im+float64(v)*math.Sin(a)
	}
	return 2 * math.Hypot(re, im) / float64(len(part)) / 32768
}

func (k *pcm) peak() (p int) {
	for _, v := range k.samples {
		p = max(p, max(int(v), -int(v)))
	}
	return p
}

// Everybody hears the others at their own level, and no echo of themselves.
func TestMixMinus(t *testing.T) {
	const db12 = 0.251 // -12 dBFS
	m := newTestMixer(t)
	a, b, c := newTonal("a", 400, db12), newTonal("b", 1000, db12), newTonal("c", 1700, db12)
	b.codec = codec.PCMA
	m.Hear(a.src, b.src, c.src)
	outs := map[*tonal]*pcm{nil: {}}
	m.Output(nil, codec.PCMU).Attach(outs[nil])
	for _, k := range []*tonal{a, b, c} {
		outs[k] = &pcm{}
		m.Output(k.src, k.codec).Attach(outs[k])
	}
	for f := range 100 {
		for _, k := range []*tonal{a, b, c} {
			k.say(160)
		}
		m.mixOnce(int64(f), time.Now())
	}
	for who, out := range outs {
		for _, k := range []*tonal{a, b, c} {
			want := db12
			if k == who {
				want = 0
			}
			if got := out.at(k.hz, 1600); math.Abs(got-want) > 0.01 {
				t.Errorf("the listener who leaves out %v hears %s at %.3f of full scale, want %.3f", who, k.src.Name(), got, want)
			}
		}
	}
}

// Sums that fit are not touched; those that do not are bent, not cut.
func TestLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int32Range(-1<<20, 1<<20).Draw(t, "v")
		got := int32(limit(v))
		switch {
		case v >= -limitKnee && v <= limitKnee && got != v:
			t.Fatalf("%d became %d", v, got)
		case got != -int32(limit(-v)):
			t.Fatalf("%d and %d are not limited alike", v, -v)
		case v < 1<<20 && int32(limit(v+1)) < got:
			t.Fatalf("the limiter falls at %d", v)
		}
	})
	m := newTestMixer(t)
	loud, more, out := newTonal("loud", 440, 0.99), newTonal("more", 440, 0.99), &pcm{}
	m.Hear(loud.src, more.src)
	m.Output(nil, codec.PCMU).Attach(out)
	for f := range 50 {
		loud.say(160)
		more.say(160)
		m.mixOnce(int64(f), time.Now())
	}
	if p := out.peak(); p < 28000 || p > 32767 {
		t.Errorf("two full tones peak at %d", p)
	}
}

// Packets come late, double, out of order, in bursts and not at all, 10 to 60
// ms long: the tone stays a tone, and its delay does not grow.
func TestMixerRidesOutJitter(t *testing.T) {
	for _, samples := range []int{80, 160, 240, 480} {
		m := newTestMixer(t)
		k, quiet, out := newTonal("k", 500, 0.25), newTonal("quiet", 500, 0), &pcm{}
		m.Hear(k.src, quiet.src)
		m.Output(nil, codec.PCMU).Attach(out)
		sent := 0
		for f := range 500 {
			for sent < (f+1)*160 {
				k.say(samples)
				quiet.say(samples)
				sent += samples
			}
			m.mixOnce(int64(f), time.Now())
		}
		if got := out.at(500, 1600); math.Abs(got-0.25) > 0.01 {
			t.Errorf("packets of %d samples: the tone is at %.3f of full scale, want 0.25", samples, got)
		}
	}
	m := newTestMixer(t)
	k, out := newTonal("k", 500, 0.25), &pcm{}
	m.Hear(k.src)
	m.Output(nil, codec.PCMU).Attach(out)
	var held []*Packet
	for f := range 500 {
		p := k.packet(160)
		switch {
		case f%100 >= 90 && f%100 < 97: // 140 ms late, then all at once
			held = append(held, p)
		case f%25 == 0: // lost
		case f%10 == 0 && len(held) == 0:
			held = append(held, p) // the next one overtakes it
		default:
			k.src.Emit(p)
			k.src.Emit(p) // twice
			for _, h := range held {
				k.src.Emit(h)
			}
			held = nil
		}
		m.mixOnce(int64(f), time.Now())
	}
	in := m.inputs[0]
	if waiting := in.play.waiting(); waiting > backlogMost {
		t.Errorf("%d samples wait: the delay stayed", waiting)
	}
	if got := out.at(500, 1600); got < 0.18 {
		t.Errorf("with loss and bursts the tone is at %.3f of full scale, want most of 0.25", got)
	}
}

// One who leaves is not heard from that moment on, however much of them waits;
// the others go on without a gap.
func TestHearIsAtOnce(t *testing.T) {
	m := newTestMixer(t)
	a, b, out := newTonal("a", 400, 0.25), newTonal("b", 1000, 0.25), &pcm{}
	m.Hear(a.src, b.src)
	m.Output(nil, codec.PCMU).Attach(out)
	for f := range 50 {
		a.say(160)
		b.say(160)
		m.mixOnce(int64(f), time.Now())
	}
	b.say(160)
	b.say(160)
	m.Hear(a.src)
	out.samples = nil
	for f := range 50 {
		a.say(160)
		b.say(160)
		m.mixOnce(int64(50+f), time.Now())
	}
	if got := out.at(1000, 0); got > 0.002 {
		t.Errorf("the one who left is still at %.4f of full scale", got)
	}
	if got := out.at(400, 0); math.Abs(got-0.25) > 0.005 {
		t.Errorf("the one who stayed is at %.3f of full scale, want 0.25 without a gap", got)
	}
}

// What several hear alike is encoded once.
func TestOutputsAreShared(t *testing.T) {
	m := newTestMixer(t)
	a := NewSource("a")
	if m.Output(nil, codec.PCMU) != m.Output(nil, codec.PCMU) || m.Output(a, codec.PCMA) != m.Output(a, codec.PCMA) {
		t.Error("the same output was made twice")
	}
	if m.Output(nil, codec.PCMU) == m.Output(nil, codec.PCMA) || m.Output(a, codec.PCMU) == m.Output(nil, codec.PCMU) {
		t.Error("different outputs are one")
	}
}

// On its clock a mixer sends a packet each 20 ms while somebody is named, with
// numbers and timestamps in step.
func TestMixerKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer()
		defer p.Close()
		m, l := NewMixer(p, "mix"), &listener{}
		defer m.Close()
		k := newTonal("k", 500, 0.25)
		m.Output(nil, codec.PCMU).Attach(l)
		m.Hear(k.src)
		for range 50 {
			k.say(160)
			time.Sleep(20 * time.Millisecond)
		}
		m.Hear()
		synctest.Wait()
		n := l.count()
		time.Sleep(time.Second)
		if n < 49 || n > 51 || l.count() != n {
			t.Fatalf("%d packets in a second, %d more after the end", n, l.count()-n)
		}
		for i := 1; i < n; i++ {
			a, b := l.all[i-1], l.all[i]
			if b.Seq != a.Seq+1 || b.Timestamp != a.Timestamp+160 || len(b.Payload) != 160 {
				t.Fatalf("packet %d: %d/%d after %d/%d", i, b.Seq, b.Timestamp, a.Seq, a.Timestamp)
			}
		}
		m.Hear(k.src) // and again
		time.Sleep(time.Second)
		if l.count() < n+49 {
			t.Error("it did not begin again")
		}
	})
}

func TestMixingAllocatesNothing(t *testing.T) {
	m, a, b := mixOfTwo(t)
	pa, pb := a.packet(160), b.packet(160)
	if n := testing.AllocsPerRun(200, func() { mixFrame(m, a, b, pa, pb) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func mixOfTwo(t *testing.T) (*Mixer, *tonal, *tonal) {
	m := newTestMixer(t)
	a, b := newTonal("a", 400, 0.25), newTonal("b", 1000, 0.25)
	m.Hear(a.src, b.src)
	m.Output(nil, codec.PCMU)
	m.Output(nil, codec.PCMA)
	return m, a, b
}

func mixFrame(m *Mixer, a, b *tonal, pa, pb *Packet) {
	a.src.Emit(pa)
	b.src.Emit(pb)
	pa.Timestamp, pb.Timestamp = pa.Timestamp+160, pb.Timestamp+160
	m.mixOnce(0, time.Time{})
}

func BenchmarkMix(b *testing.B) {
	p := NewPacer()
	defer p.Close()
	m := NewMixer(p, "mix")
	m.on = true
	x, y := newTonal("x", 400, 0.25), newTonal("y", 1000, 0.25)
	m.Hear(x.src, y.src)
	m.Output(nil, codec.PCMU)
	px, py := x.packet(160), y.packet(160)
	b.ReportAllocs()
	for b.Loop() {
		mixFrame(m, x, y, px, py)
	}
}
