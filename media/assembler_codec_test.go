package media

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"callfloor/media/codec"
)

// recorded speaks n frames in a codec and returns the packets.
func recorded(c codec.ID, count uint32, n int) []Packet {
	m := newMouth(c, count)
	start := time.Unix(1000, 0)
	var all []Packet
	for i := range n {
		p := m.frame()
		p.Arrival = start.Add(time.Duration(i) * frameTime)
		all = append(all, p)
	}
	return all
}

func assembled(packets []Packet, n int) []int16 {
	a := NewAssembler(time.Unix(1000, 0))
	for _, p := range packets {
		a.Add(p.Codec, p.SSRC, p.Seq, p.Timestamp, p.Arrival, p.Payload)
	}
	return a.Read(time.Duration(n) * frameTime)
}

// Every codec is placed and heard as it was said, whatever its counters.
func TestAssembledInEveryCodec(t *testing.T) {
	for c := range audioCodecs {
		for _, count := range []uint32{0, 127, 32767, 65535, math.MaxUint32 - 9000} {
			got := assembled(recorded(c, count, 100), 150)
			if part, level := share(got[1600:15200], 500); part < 0.95 || math.Abs(level+15.2) > 1 {
				t.Errorf("%v from %d: 500 Hz has %.2f of the power at %.1f dBFS", c, count, part, level)
			}
			if _, level := share(got[16200:], 500); level > -90 {
				t.Errorf("%v from %d: behind the end the level is %.0f dBFS", c, count, level)
			}
		}
	}
}

// A bad network: what came is in its place and decoded in its turn; what did not
// is silence.
func TestAssembledOverABadNetwork(t *testing.T) {
	for c, least := range map[codec.ID]float64{codec.G722: 0.85, codec.Opus: 0.55} { // a speech coder's tone is rough after a loss
		chance := rand.New(rand.NewPCG(1, uint64(c)))
		all := recorded(c, 65500, 400)
		for i := range all {
			all[i].Arrival = all[i].Arrival.Add(time.Duration(chance.IntN(120)) * time.Millisecond)
		}
		slices.SortStableFunc(all, func(a, b Packet) int { return a.Arrival.Compare(b.Arrival) })
		whole := assembled(all, 400)
		if part, level := share(whole[4000:60000], 500); part < 0.9 || math.Abs(level+15.2) > 1 {
			t.Errorf("%v: reordered, 500 Hz has %.2f of the power at %.1f dBFS", c, part, level)
		}
		lossy := slices.DeleteFunc(slices.Clone(all), func(Packet) bool { return chance.IntN(10) == 0 })
		got, part, level := assembled(lossy, 400)[4000:60000], 0.0, 0.0
		const window = 400 // a loss may shift the phase
		for at := 0; at < len(got); at += window {
			p, l := share(got[at:at+window], 500)
			if l > -90 {
				part, level = part+p*math.Pow(10, l/10), level+math.Pow(10, l/10)
			}
		}
		if loud := 10 * math.Log10(level*window/float64(len(got))); part < least*level || math.Abs(loud+15.7) > 1.5 {
			t.Errorf("%v: with a tenth lost, 500 Hz has %.2f of the power at %.1f dBFS", c, part/level, loud)
		}
	}
}

// An agent's browser changes codec in mid-call.
func TestAssembledOverAChangeOfCodec(t *testing.T) {
	var all []Packet
	at := time.Unix(1000, 0)
	for i, c := range []codec.ID{codec.PCMU, codec.Opus, codec.G722, codec.PCMA} {
		for _, p := range recorded(c, uint32(i*777777), 50) {
			p.Arrival = at
			p.Seq = uint16(len(all))
			at = at.Add(frameTime)
			all = append(all, p)
		}
	}
	got := assembled(all, 200)
	for from := 1600; from < 30000; from += 1600 {
		if _, level := share(got[from:from+1600], 500); math.Abs(level+15.2) > 2 {
			t.Errorf("at %d ms the level is %.1f dBFS", from/8, level)
		}
	}
}

func TestAssemblingAllocatesNoPacket(t *testing.T) {
	for c := range audioCodecs {
		all := recorded(c, 0, 1)
		a, p := NewAssembler(time.Unix(1000, 0)), all[0]
		a.Add(p.Codec, p.SSRC, p.Seq, p.Timestamp, p.Arrival, p.Payload)
		n := testing.AllocsPerRun(40, func() { // within the first page of a second
			p.Seq++
			p.Timestamp += uint32(perFrame(c.ClockRate()))
			p.Arrival = p.Arrival.Add(frameTime)
			a.Add(p.Codec, p.SSRC, p.Seq, p.Timestamp, p.Arrival, p.Payload)
		})
		if n != 0 {
			t.Errorf("%v: %v allocations a packet", c, n)
		}
	}
}

func FuzzAssemblerOfAnyCodec(f *testing.F) {
	f.Add([]byte("some packets, though nobody would send them like that"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a := NewAssembler(time.Unix(0, 0))
		at := time.Unix(0, 0)
		var ts uint32
		for ; len(b) >= 5; b = b[5:] {
			ts += uint32(int32(int8(b[1]))) * uint32(b[2])
			at = at.Add(time.Duration(b[3]) * time.Millisecond)
			a.Add(codec.ID(b[0]&7), uint32(b[0]>>3&1), uint16(b[4]), ts, at, b[:min(len(b), int(b[2]))])
			if b[0]&0x80 != 0 {
				a.Read(at.Sub(time.Unix(0, 0)))
			}
		}
	})
}

func BenchmarkAssemble(b *testing.B) {
	for c := range audioCodecs {
		b.Run(fmt.Sprint(c), func(b *testing.B) {
			b.ReportAllocs()
			a, p := NewAssembler(time.Unix(1000, 0)), recorded(c, 0, 1)[0]
			for b.Loop() {
				p.Seq++
				p.Timestamp += uint32(perFrame(c.ClockRate()))
				p.Arrival = p.Arrival.Add(frameTime)
				a.Add(p.Codec, p.SSRC, p.Seq, p.Timestamp, p.Arrival, p.Payload)
				if p.Seq%50 == 0 {
					a.Read(p.Arrival.Sub(time.Unix(1000, 0)) - time.Second)
				}
			}
		})
	}
}
