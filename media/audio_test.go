package media

import (
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"callfloor/media/codec"
	"callfloor/media/dtmf"
)

// audioCodecs is every format that sound travels in, with a payload type.
var audioCodecs = map[codec.ID]uint8{codec.PCMU: 0, codec.PCMA: 8, codec.G722: 9, codec.Opus: 96}

// share is how much of the power lies at hz, and level the RMS in dBFS.
func share(x []int16, hz float64) (part, level float64) {
	var re, im, all float64
	for i, v := range x {
		w := 2 * math.Pi * hz * float64(i) / clipRateHz
		re += float64(v) * math.Cos(w)
		im += float64(v) * math.Sin(w)
		all += float64(v) * float64(v)
	}
	n := float64(len(x))
	return 2 * (re*re + im*im) / (n * all), 10 * math.Log10(all/n/(32768*32768)+1e-12)
}

// hearing decodes what a Sender writes, as the far end would.
type hearing struct {
	decoders map[uint8]codec.Decoder
	pcm      []int16
	events   []rtp.Header
	rates    []uint32 // steps of the timestamps
	last     rtp.Header
	packets  int
	holes    int
}

func newHearing() *hearing {
	h := &hearing{decoders: map[uint8]codec.Decoder{}}
	for c, pt := range audioCodecs {
		h.decoders[pt] = codec.NewDecoder(c)
	}
	return h
}

func (h *hearing) write(p *rtp.Header, payload []byte) error {
	if h.packets > 0 {
		h.rates = append(h.rates, p.Timestamp-h.last.Timestamp)
		if p.SequenceNumber != h.last.SequenceNumber+1 {
			h.holes++
		}
	}
	h.packets++
	h.last = *p
	d := h.decoders[p.PayloadType]
	if d == nil {
		h.events = append(h.events, *p)
		return nil
	}
	var buf [codec.MaxSamples]int16
	h.pcm = append(h.pcm, buf[:d.Decode(buf[:], payload)]...)
	return nil
}

// A player, its pauses filled with silence, in each codec: what is heard is the
// clip, at its level, and then nothing.
func TestPlayedInEveryCodec(t *testing.T) {
	for c, pt := range audioCodecs {
		t.Run(c.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, h := NewPacer(), newHearing()
				defer p.Close()
				s, pl := NewSender(p, "phone"), NewPlayer(p, "flow", c)
				defer s.Close()
				defer pl.Close()
				s.SetOutput(Output{SSRC: 1, PayloadTypes: map[codec.ID]uint8{c: pt}, Write: h.write})
				s.Hear(pl.Source())
				s.Fill(c)
				if err := pl.Play(t.Context(), ToneClip("a", []float64{600}, 400*time.Millisecond, -12), ToneClip("b", []float64{900}, 400*time.Millisecond, -12)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(500 * time.Millisecond)
				s.Hear(nil)
				s.Close()
				for at, hz := range map[int]float64{800: 600, 4400: 900} {
					if part, level := share(h.pcm[at:at+1600], hz); part < 0.9 || math.Abs(level+15) > 1.5 {
						t.Errorf("after %d samples %.0f Hz has %.2f of the power at %.1f dBFS", at, hz, part, level)
					}
				}
				if _, level := share(h.pcm[7600:], 600); level < -200 || level > -60 {
					t.Errorf("the pause is at %.1f dBFS", level)
				}
				if want := uint32(perFrame(c.ClockRate())); h.holes > 0 || h.rates[3] != want || h.rates[len(h.rates)-1] != want {
					t.Errorf("%d holes, timestamps step by %d and %d", h.holes, h.rates[3], h.rates[len(h.rates)-1])
				}
			})
		})
	}
}

// A sound that begins again and again is as loud at its joints as elsewhere.
func TestLoopedInEveryCodec(t *testing.T) {
	for c := range audioCodecs {
		d := codec.NewDecoder(c)
		var pcm []int16
		var buf [codec.MaxSamples]int16
		clip := ToneClip("a", []float64{440}, time.Second, -12)
		for range 5 {
			for _, f := range clip.loop(c) {
				pcm = append(pcm, buf[:d.Decode(buf[:], f)]...)
			}
		}
		for at := 800; at < len(pcm); at += 400 {
			if _, level := share(pcm[at:at+400], 440); math.Abs(level+15) > 1.5 {
				t.Errorf("%v: at %d ms the level is %.1f dBFS", c, at/8, level)
			}
		}
		d.Close()
	}
}

// Keys go as tones to who takes no events, and are heard as keys again.
func TestKeysInBand(t *testing.T) {
	const keys = "1590*#D77"
	for c, pt := range audioCodecs {
		t.Run(c.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := NewPacer()
				defer p.Close()
				s, r := NewSender(p, "phone"), NewReceiver("server")
				defer s.Close()
				r.SetPayloadTypes(map[uint8]codec.ID{pt: c})
				r.SetInBand(true)
				defer r.SetInBand(false)
				var got strings.Builder
				r.OnDigit(func(d Digit) {
					if d.Via != ViaInBand {
						t.Errorf("a key came by %s", d.Via)
					}
					got.WriteRune(d.Key)
				})
				s.SetOutput(Output{SSRC: 1, PayloadTypes: map[codec.ID]uint8{c: pt}, Write: func(h *rtp.Header, payload []byte) error {
					raw, err := h.Marshal()
					if err != nil {
						return err
					}
					return r.WriteRTP(append(raw, payload...), time.Now())
				}})
				s.Fill(c)
				for _, key := range keys {
					if err := s.SendDigit(key, 0); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(3 * time.Second)
				synctest.Wait()
				if got.String() != keys {
					t.Errorf("heard %q", got.String())
				}
			})
		})
	}
}

func TestKeysNeedAWay(t *testing.T) {
	p := NewPacer()
	defer p.Close()
	s := NewSender(p, "browser")
	defer s.Close()
	s.SetOutput(Output{SSRC: 1, PayloadTypes: audioCodecs, Write: newHearing().write})
	if err := s.SendDigit('5', 0); err == nil {
		t.Error("a key was sent in a codec that nobody agreed on")
	}
}

// Beside Opus an event's clock is that of Opus (RFC 4733 §2.1).
func TestEventsAtTheClockOfOpus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, h := NewPacer(), newHearing()
		defer p.Close()
		s, r := NewSender(p, "phone"), NewReceiver("server")
		defer s.Close()
		r.SetPayloadTypes(map[uint8]codec.ID{96: codec.Opus, 101: codec.TelephoneEvent})
		r.SetEventRate(48000)
		var got strings.Builder
		r.OnDigit(func(d Digit) { got.WriteRune(d.Key) })
		var longest uint16
		s.SetOutput(Output{SSRC: 1, PayloadTypes: map[codec.ID]uint8{codec.Opus: 96}, Events: 101, EventsRate: 48000, Write: func(rh *rtp.Header, payload []byte) error {
			if rh.PayloadType == 101 {
				e, _ := dtmf.Parse(payload)
				longest = max(longest, e.Duration)
			}
			raw, err := rh.Marshal()
			if err == nil {
				err = r.WriteRTP(append(raw, payload...), time.Now())
			}
			return errors.Join(err, h.write(rh, payload))
		}})
		s.Fill(codec.Opus)
		for _, key := range "55" {
			if err := s.SendDigit(key, 100*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got.String() != "55" || longest != 4800 {
			t.Errorf("heard %q, the longest event is %d units; want 4800", got.String(), longest)
		}
		if err := s.SendDigit('7', 3*time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if got.String() != "557" || longest < 63000 {
			t.Errorf("heard %q, the longest event is %d units", got.String(), longest)
		}
		for _, step := range h.rates {
			if step%240 != 0 { // the clock has slots of 5 ms
				t.Fatalf("a timestamp steps by %d", step)
			}
		}
	})
}

// Comfort noise (RFC 3389) and anything unknown is nothing to hear.
func TestComfortNoiseIsSilence(t *testing.T) {
	r, got := NewReceiver("phone"), &collector{}
	r.SetPayloadTypes(map[uint8]codec.ID{0: codec.PCMU, 13: codec.ComfortNoise})
	r.Source().Attach(got)
	_ = r.WriteRTP(rawRTP(0, 1, 160, 5, make([]byte, 160)), time.Now())
	_ = r.WriteRTP(rawRTP(13, 2, 320, 5, []byte{70}), time.Now())
	if all := got.all; len(all) != 2 || len(all[1].Payload) != 0 || all[1].Codec != codec.ComfortNoise {
		t.Errorf("emitted %+v", all)
	}
}
