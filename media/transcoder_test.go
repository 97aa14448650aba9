package media

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"callfloor/media/codec"
)

// mouth speaks a codec into a transcoder as a phone would.
type mouth struct {
	src     *Source
	codec   codec.ID
	encoder codec.Encoder
	p       Packet
	at      int // samples spoken
	hz      float64
	phase   float64
}

func newMouth(c codec.ID, count uint32) *mouth {
	return &mouth{src: NewSource("phone"), codec: c, encoder: codec.NewEncoder(c), hz: 500, p: Packet{Codec: c, SSRC: 5, Seq: uint16(count), Timestamp: count}}
}

// frame speaks 20 ms and returns the packet, which is the caller's.
func (m *mouth) frame() Packet {
	var pcm [frameSamples]int16
	for i := range pcm {
		pcm[i] = int16(math.Round(8000 * math.Sin(m.phase)))
		m.phase += 2 * math.Pi * m.hz / clipRateHz
	}
	payload := make([]byte, codec.MaxFrameOctets)
	p := m.p
	p.Payload = payload[:m.encoder.Encode(payload, pcm[:])]
	m.p.Seq++
	m.p.Timestamp += uint32(perFrame(m.codec.ClockRate()))
	return p
}

func (m *mouth) say(p Packet) {
	p.Arrival = time.Now()
	m.src.Emit(&p)
}

// farEnd notes when it hears what.
type farEnd struct {
	*hearing
	at []time.Time // of each frame
}

func (l *farEnd) write(h *rtp.Header, payload []byte) error {
	l.at = append(l.at, time.Now())
	return l.hearing.write(h, payload)
}

// onset returns when hz is first most of a frame.
func (l *farEnd) onset(hz float64) time.Time {
	synctest.Wait()
	for i := range l.at {
		if part, level := share(l.pcm[i*frameSamples:(i+1)*frameSamples], hz); part > 0.6 && level > -30 {
			return l.at[i]
		}
	}
	return time.Time{}
}

// transcoded runs f with a mouth that speaks from and a farEnd to to.
func transcoded(t *testing.T, from, to codec.ID, count uint32, f func(m *mouth, l *farEnd, tr *Transcoder)) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer()
		defer p.Close()
		m, l := newMouth(from, count), &farEnd{hearing: newHearing()}
		tr, s := NewTranscoder(p, "x", to), NewSender(p, "x")
		defer s.Close()
		defer tr.Close()
		s.SetOutput(Output{SSRC: 1, PayloadTypes: map[codec.ID]uint8{to: audioCodecs[to]}, Write: l.write})
		s.Hear(tr.Source())
		m.src.Attach(tr)
		f(m, l, tr)
	})
}

// TestEveryPair: a tone goes in in one codec and comes out in the other, at its
// level, without a hole, and soon.
func TestEveryPair(t *testing.T) {
	counts := []uint32{0, 127, 32767, 65535, math.MaxUint32 - 3000}
	i := 0
	for from := range audioCodecs {
		for to := range audioCodecs {
			count := counts[i%len(counts)]
			i++
			t.Run(fmt.Sprintf("%v to %v from %d", from, to, count), func(t *testing.T) {
				transcoded(t, from, to, count, func(m *mouth, l *farEnd, _ *Transcoder) {
					var changed time.Time
					for n := range 100 {
						if n == 50 {
							m.hz, changed = 900, time.Now()
						}
						m.say(m.frame())
						time.Sleep(frameTime)
					}
					synctest.Wait()
					for at, hz := range map[int]float64{30: 500, 70: 900} {
						if part, level := share(l.pcm[at*frameSamples:(at+10)*frameSamples], hz); part < 0.9 || math.Abs(level+15.2) > 1.5 {
							t.Errorf("%v Hz has %.2f of the power at %.1f dBFS, want all at -15.2", hz, part, level)
						}
					}
					if late := l.onset(900).Sub(changed); late < 0 || late > 60*time.Millisecond {
						t.Errorf("the delay is %v", late)
					}
					step := uint32(perFrame(to.ClockRate()))
					if l.holes > 0 || slices.Max(l.rates) != step || slices.Min(l.rates) != step || l.packets < 97 {
						t.Errorf("%d packets, %d holes, timestamps step by %d to %d", l.packets, l.holes, slices.Min(l.rates), slices.Max(l.rates))
					}
				})
			})
		}
	}
}

// Packets of 10 to 60 ms come out as packets of 20 ms.
func TestPacketTimes(t *testing.T) {
	for _, ms := range []int{10, 20, 30, 40, 60} {
		transcoded(t, codec.PCMU, codec.G722, 0, func(m *mouth, l *farEnd, _ *Transcoder) {
			var octets []byte
			for range 90 {
				octets = append(octets, m.frame().Payload...)
			}
			p := m.p
			for len(octets) > 0 {
				p.Payload = octets[:ms*8]
				octets = octets[min(ms*8, len(octets)):]
				m.say(p)
				p.Seq++
				p.Timestamp += uint32(ms * 8)
				time.Sleep(time.Duration(ms) * time.Millisecond)
			}
			synctest.Wait()
			if part, level := share(l.pcm[20*frameSamples:80*frameSamples], 500); part < 0.95 || math.Abs(level+15.2) > 1 {
				t.Errorf("%d ms: 500 Hz has %.2f of the power at %.1f dBFS", ms, part, level)
			}
		})
	}
}

// After a stop of 500 ms whose packets come all at once, the delay is what it
// was within a second.
func TestStopLeavesNoDelay(t *testing.T) {
	for _, from := range []codec.ID{codec.PCMU, codec.Opus} {
		transcoded(t, from, codec.G722, 0, func(m *mouth, l *farEnd, _ *Transcoder) {
			speak := func(n int) {
				for range n {
					m.say(m.frame())
					time.Sleep(frameTime)
				}
			}
			speak(50)
			var held []Packet
			for range 25 {
				held = append(held, m.frame())
				time.Sleep(frameTime)
			}
			for _, p := range held {
				m.say(p)
			}
			speak(50) // a second
			m.hz = 900
			changed := time.Now()
			speak(20)
			if late := l.onset(900).Sub(changed); late < 0 || late > 60*time.Millisecond {
				t.Errorf("%v: a second after the stop the delay is %v", from, late)
			}
		})
	}
}

// Loss, reordering and jitter: the tone is there all the while.
func TestBadNetwork(t *testing.T) {
	for from, to := range map[codec.ID]codec.ID{codec.PCMA: codec.G722, codec.G722: codec.PCMU, codec.Opus: codec.PCMA} {
		transcoded(t, from, to, 65500, func(m *mouth, l *farEnd, _ *Transcoder) {
			chance := rand.New(rand.NewPCG(7, uint64(from)))
			for range 500 {
				p := m.frame()
				if chance.IntN(10) > 0 {
					go func() {
						time.Sleep(time.Duration(chance.IntN(60)) * time.Millisecond)
						m.say(p)
					}()
				}
				time.Sleep(frameTime)
				synctest.Wait()
			}
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			quiet := 0
			for i := 100; i < 490; i++ {
				if _, level := share(l.pcm[i*frameSamples:(i+1)*frameSamples], 500); level < -25 {
					quiet++
				}
			}
			if l.holes > 0 || quiet > 20 {
				t.Errorf("%v: %d holes, %d of 390 frames are faint", from, l.holes, quiet)
			}
		})
	}
}

// A key press, comfort noise or a muted microphone is a pause and no loss: it is
// not carried on, and the sound behind it comes at once.
func TestPauseIsNoLoss(t *testing.T) {
	transcoded(t, codec.PCMU, codec.Opus, 0, func(m *mouth, l *farEnd, tr *Transcoder) {
		for range 20 {
			m.say(m.frame())
			time.Sleep(frameTime)
		}
		synctest.Wait()
		sent := l.packets
		for range 50 { // a second of keys
			p := m.frame()
			p.Payload, p.Codec = nil, codec.TelephoneEvent
			m.say(p)
			time.Sleep(frameTime)
		}
		synctest.Wait()
		if more := l.packets - sent; more > 2 {
			t.Errorf("%d packets were made up in the pause", more)
		}
		tr.mu.Lock()
		on := tr.onClock
		tr.mu.Unlock()
		if on {
			t.Error("the transcoder is still on the clock")
		}
		m.hz = 900
		began := time.Now()
		for range 10 {
			m.say(m.frame())
			time.Sleep(frameTime)
		}
		if late := l.onset(900).Sub(began); late < 0 || late > 45*time.Millisecond {
			t.Errorf("behind the pause the delay is %v", late)
		}
	})
}

// The browser changes codec in mid-call: conversion begins and ends with it.
func TestCodecChangesUnderWay(t *testing.T) {
	transcoded(t, codec.PCMU, codec.G722, 0, func(m *mouth, l *farEnd, _ *Transcoder) {
		for _, c := range []codec.ID{codec.PCMU, codec.Opus, codec.G722, codec.PCMA, codec.G722} {
			m.codec, m.encoder, m.p.Codec = c, codec.NewEncoder(c), c
			for range 25 {
				m.say(m.frame())
				time.Sleep(frameTime)
			}
		}
		synctest.Wait()
		if part, level := share(l.pcm, 500); l.holes > 0 || l.packets < 118 || part < 0.5 || level < -17 {
			t.Errorf("%d packets, %d holes, 500 Hz has %.2f of the power at %.1f dBFS", l.packets, l.holes, part, level)
		}
	})
}

func TestTranscodingAllocatesNothing(t *testing.T) {
	for from := range audioCodecs {
		for to := range audioCodecs {
			p := &Pacer{start: time.Unix(0, 0), wake: make(chan struct{}, 1)}
			tr, m := NewTranscoder(p, "x", to), newMouth(from, 0)
			m.src.Attach(tr)
			k := m.frame()
			now, frame := time.Unix(0, 0), int64(0)
			step := func() {
				k.Seq++
				k.Timestamp += uint32(perFrame(from.ClockRate()))
				k.Arrival = now
				m.src.Emit(&k)
				tr.tick(frame, now)
				frame++
				now = now.Add(frameTime)
			}
			for range 50 {
				step()
			}
			if n := testing.AllocsPerRun(200, step); n != 0 {
				t.Errorf("%v to %v: %v allocations a packet", from, to, n)
			}
			tr.Close()
		}
	}
}

// FuzzPlayout: no packet makes the jitter buffer fail or hold too much.
func FuzzPlayout(f *testing.F) {
	f.Add([]byte{1, 0, 0, 20, 3, 0, 40, 9, 4, 255, 255, 80})
	f.Add([]byte("a seed of no meaning at all, but of some length"))
	f.Fuzz(func(t *testing.T, b []byte) {
		play, src := newPlayout(), NewSource("x")
		defer play.close()
		ids := []codec.ID{codec.PCMU, codec.G722, codec.Opus, codec.TelephoneEvent}
		var out [frameSamples]int16
		var ts uint32
		for ; len(b) >= 4; b = b[4:] {
			ts += uint32(int32(int8(b[1]))) * uint32(b[2])
			payload := make([]byte, int(b[3])*int(b[0]>>4))
			play.write(&Packet{From: src, Codec: ids[b[0]&3], SSRC: uint32(b[0] >> 2 & 1), Timestamp: ts, Payload: payload})
			if b[0]&8 == 0 {
				play.pull(&out)
			}
			if play.n > heldMax || play.have > len(play.pcm) || play.have < 0 {
				t.Fatalf("%d packets, %d samples", play.n, play.have)
			}
		}
	})
}

func BenchmarkTranscode(b *testing.B) {
	for _, pair := range [][2]codec.ID{{codec.PCMU, codec.PCMA}, {codec.PCMU, codec.G722}, {codec.G722, codec.PCMU}, {codec.PCMU, codec.Opus}, {codec.Opus, codec.PCMU}} {
		b.Run(fmt.Sprintf("%vTo%v", pair[0], pair[1]), func(b *testing.B) {
			p := &Pacer{start: time.Unix(0, 0), wake: make(chan struct{}, 1)}
			tr, m := NewTranscoder(p, "x", pair[1]), newMouth(pair[0], 0)
			m.src.Attach(tr)
			k := m.frame()
			now, frame := time.Unix(0, 0), int64(0)
			b.ReportAllocs()
			for b.Loop() {
				k.Seq++
				k.Timestamp += uint32(perFrame(pair[0].ClockRate()))
				m.src.Emit(&k)
				tr.tick(frame, now)
				frame++
			}
		})
	}
}
