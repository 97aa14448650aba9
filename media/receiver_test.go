package media

import (
	"bytes"
	"math"
	"testing"
	"time"

	"callfloor/media/codec"
)

// collector is a sink that keeps copies.
type collector struct{ all []Packet }

func (c *collector) WritePacket(p *Packet) {
	q := *p
	q.Payload = bytes.Clone(p.Payload)
	c.all = append(c.all, q)
}

func newTestReceiver() (*Receiver, *collector) {
	r, c := NewReceiver("customer"), &collector{}
	r.SetPayloadTypes(map[uint8]codec.ID{0: codec.PCMU, 8: codec.PCMA, 101: codec.TelephoneEvent})
	r.Source().Attach(c)
	return r, c
}

func TestParseRTP(t *testing.T) {
	plain := rawRTP(0, 1, 2, 3, []byte("sound"))
	edit := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(plain)) }
	for name, c := range map[string]struct {
		raw  []byte
		want string
		err  error
	}{
		"OK":            {plain, "sound", nil},
		"OKEmpty":       {plain[:12], "", nil},
		"OKCSRC":        {edit(func(b []byte) []byte { b[0] |= 2; return append(b[:12], append(make([]byte, 8), "sound"...)...) }), "sound", nil},
		"OKPadding":     {edit(func(b []byte) []byte { b[0] |= 0x20; return append(b, 0, 0, 3) }), "sound", nil},
		"OKOnlyPadding": {edit(func(b []byte) []byte { b[0] |= 0x20; return append(b[:12], 0, 2) }), "", nil},
		"OKExtension": {edit(func(b []byte) []byte {
			b[0] |= 0x10
			return append(b[:12], append([]byte{0xBE, 0xDE, 0, 1, 1, 2, 3, 4}, "sound"...)...)
		}), "sound", nil},
		"ErrShort":           {plain[:11], "", errShort},
		"ErrNothing":         {nil, "", errShort},
		"ErrVersion":         {edit(func(b []byte) []byte { b[0] = 0; return b }), "", errVersion},
		"ErrRTCP":            {edit(func(b []byte) []byte { b[1] = 200; return b }), "", errRTCP},
		"ErrCSRC":            {edit(func(b []byte) []byte { b[0] |= 15; return b }), "", errShort},
		"ErrExtension":       {edit(func(b []byte) []byte { b[0] |= 0x10; b[14], b[15] = 0xFF, 0xFF; return b }), "", errShort},
		"ErrExtensionCut":    {edit(func(b []byte) []byte { b[0] |= 0x10; return b[:14] }), "", errShort},
		"ErrPaddingZero":     {edit(func(b []byte) []byte { b[0] |= 0x20; return append(b, 0) }), "", errPadding}, // CVE-2025-49140
		"ErrPaddingTooLong":  {edit(func(b []byte) []byte { b[0] |= 0x20; return append(b, 200) }), "", errPadding},
		"ErrPaddingNoOctets": {edit(func(b []byte) []byte { b[0] |= 0x20; return b[:12] }), "", errPadding},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := parseRTP(c.raw)
			if err != c.err || (err == nil && string(w.payload) != c.want) {
				t.Errorf("got %q, error %v", w.payload, err)
			}
		})
	}
}

// Each number that came is emitted; what is no audio without payload.
func TestReceiverEmits(t *testing.T) {
	r, got := newTestReceiver()
	now := time.Now()
	for i, c := range []struct {
		pt      uint8
		payload string
	}{{0, "u"}, {8, "a"}, {101, "\x05\x0a\x00\xa0"}, {77, "unknown"}, {0, ""}} {
		if err := r.WriteRTP(rawRTP(c.pt, uint16(i), uint32(i), 9, []byte(c.payload)), now); err != nil {
			t.Fatal(err)
		}
	}
	_ = r.WriteRTP(rawRTP(0, 4, 4, 9, nil), now) // twice
	want := []Packet{{Codec: codec.PCMU, Payload: []byte("u")}, {Codec: codec.PCMA, Payload: []byte("a")}, {Codec: codec.TelephoneEvent}, {}, {Codec: codec.PCMU}}
	if len(got.all) != len(want) {
		t.Fatalf("%d packets emitted, want %d", len(got.all), len(want))
	}
	for i, p := range got.all {
		if p.Codec != want[i].Codec || string(p.Payload) != string(want[i].Payload) || int(p.Seq) != i || p.SSRC != 9 || p.From != r.Source() {
			t.Errorf("packet %d: %+v", i, p)
		}
	}
	if s := r.Stats(); s.Packets != 5 || s.Duplicates != 1 || s.Lost != 0 {
		t.Errorf("figures: %+v", s)
	}
}

func TestLossIsCountedOverWraps(t *testing.T) {
	for _, first := range wraps {
		r, _ := newTestReceiver()
		now := time.Now()
		for i := range 200 {
			if i%10 == 3 {
				continue // 20 of 200
			}
			j := i
			if i%10 == 5 || i%10 == 6 { // swap 5 and 6
				j = i/10*10 + 11 - i%10
			}
			_ = r.WriteRTP(rawRTP(0, first+uint16(j), uint32(j*160), 9, make([]byte, 160)), now.Add(time.Duration(j)*frameTime))
		}
		s := r.Stats()
		if s.Packets != 180 || s.Lost != 20 || s.Octets != 180*160 {
			t.Errorf("from %d: %+v", first, s)
		}
		rep := r.Report()
		if rep.TotalLost != 20 || rep.FractionLost != 25 || uint16(rep.LastSequenceNumber) != first+199 {
			t.Errorf("from %d: report %+v", first, rep)
		}
		if rep := r.Report(); rep.FractionLost != 0 {
			t.Errorf("from %d: a new interval begins with loss %d", first, rep.FractionLost)
		}
	}
}

// RFC 3550 A.8: packets that are late by 0 and 20 ms in turn converge to 20 ms.
func TestJitter(t *testing.T) {
	r, _ := newTestReceiver()
	now := time.Now()
	for i := range 500 {
		_ = r.WriteRTP(rawRTP(0, uint16(i), uint32(i*160), 9, make([]byte, 160)), now.Add(time.Duration(i)*frameTime+time.Duration(i%2)*frameTime))
	}
	if j := r.Stats().Jitter; math.Abs(j.Seconds()-0.020) > 0.001 {
		t.Errorf("jitter is %v", j)
	}
}

// A stray packet of another SSRC changes nothing; a new stream takes over when
// the old one is quiet, after five packets at the latest.
func TestNewSSRC(t *testing.T) {
	r, got := newTestReceiver()
	now := time.Now()
	write := func(ssrc uint32, seq int) {
		_ = r.WriteRTP(rawRTP(0, uint16(seq), uint32(seq*160), ssrc, make([]byte, 160)), now)
	}
	for i := range 20 {
		write(1, i)
		write(2, 500+i) // beside it
		now = now.Add(frameTime)
	}
	if s := r.Stats(); s.SSRC != 1 || s.Packets != 20 || s.Foreign != 20 {
		t.Fatalf("beside each other: %+v", s)
	}
	for i := range 10 {
		write(3, 60000+i)
		now = now.Add(frameTime)
	}
	s := r.Stats()
	if s.SSRC != 3 || s.Packets < 26 || s.Lost != 0 {
		t.Errorf("after the change: %+v", s)
	}
	if last := got.all[len(got.all)-1]; last.SSRC != 3 {
		t.Errorf("last emitted: %+v", last)
	}
}

func TestWildJump(t *testing.T) {
	r, got := newTestReceiver()
	now := time.Now()
	for i, seq := range []uint16{1, 2, 30000, 3, 4, 50000, 50001, 50002} {
		_ = r.WriteRTP(rawRTP(0, seq, uint32(i*160), 9, []byte{1}), now.Add(time.Duration(i)*frameTime))
	}
	if s := r.Stats(); s.Packets != 6 || s.Lost != 0 {
		t.Errorf("figures: %+v", s)
	}
	if len(got.all) != 6 {
		t.Errorf("%d packets emitted", len(got.all))
	}
}

func TestReportAnswersSenderReport(t *testing.T) {
	r, _ := newTestReceiver()
	_ = r.WriteRTP(rawRTP(0, 1, 1, 9, []byte{1}), time.Now())
	at := time.Now().Add(-time.Second)
	r.NoteSenderReport(8, NTP(at), at)
	if rep := r.Report(); rep.LastSenderReport != 0 {
		t.Error("a stranger's sender report was taken")
	}
	r.NoteSenderReport(9, NTP(at), at)
	rep := r.Report()
	if rep.LastSenderReport != uint32(NTP(at)>>16) || rep.Delay < 65536 {
		t.Errorf("report: %+v", rep)
	}
	if d, ok := RoundTrip(rep, time.Now()); !ok || d > 100*time.Millisecond {
		t.Errorf("round trip %v, %v", d, ok)
	}
	rep.Delay = 0
	if d, ok := RoundTrip(rep, at.Add(80*time.Millisecond)); !ok || (d-80*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("round trip %v, %v", d, ok)
	}
	if _, ok := RoundTrip(rep, at.Add(time.Minute)); ok {
		t.Error("a round trip of a minute was believed")
	}
}

func TestTranscoder(t *testing.T) {
	p := NewPacer()
	defer p.Close()
	tr, got := NewTranscoder(p, "x", codec.PCMA), &collector{}
	defer tr.Close()
	tr.Source().Attach(got)
	src := NewSource("mic")
	src.Attach(tr)
	in := Packet{Codec: codec.PCMU, Seq: 7, Payload: []byte{0xFF, 0x80}}
	src.Emit(&in)
	if in.From != src || in.Codec != codec.PCMU {
		t.Error("the source's packet was changed")
	}
	src.Emit(&Packet{Codec: codec.PCMA, Seq: 8, Payload: []byte{1}})
	src.Emit(&Packet{Codec: codec.VP8, Seq: 9, Payload: []byte{1}})
	if len(got.all) != 3 || got.all[0].Codec != codec.PCMA || got.all[0].From != tr.Source() || got.all[0].Seq != 7 ||
		string(got.all[1].Payload) != "\x01" || len(got.all[2].Payload) != 0 {
		t.Errorf("got %+v", got.all)
	}
	var dst [1]int16
	codec.Decode(codec.PCMA, dst[:], got.all[0].Payload[1:])
	if dst[0] < 31000 {
		t.Errorf("full scale became %d", dst[0])
	}
	tr.Source().Detach(got)
	if n := testing.AllocsPerRun(100, func() { src.Emit(&in) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestScore(t *testing.T) {
	for name, c := range map[string]struct {
		codec               codec.ID
		loss, jitter, delay float64
		min, max            float64
	}{
		"Perfect":        {codec.PCMU, 0, 0, 0, 4.35, 4.5},
		"Good":           {codec.PCMA, 0.5, 5, 50, 4.2, 4.45},
		"TenPercentLost": {codec.PCMU, 10, 20, 60, 3.0, 3.7},
		"Satellite":      {codec.PCMU, 0, 0, 600, 1.5, 3.5},
		"NothingLeft":    {codec.PCMU, 100, 500, 2000, 1, 1},
		"NoCodec":        {codec.None, 0, 0, 0, 1, 1},
		"NoNumber":       {codec.PCMU, math.NaN(), math.Inf(1), -5, 4.3, 4.5},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Score(c.codec, c.loss, c.jitter, c.delay); got < c.min || got > c.max {
				t.Errorf("%.3f, want %v to %v", got, c.min, c.max)
			}
		})
	}
	last := 5.0
	for loss := range 101 {
		got := Score(codec.PCMU, float64(loss), 0, 0)
		if got > last || got < 1 || got > 4.5 {
			t.Fatalf("loss %d %%: %v after %v", loss, got, last)
		}
		last = got
	}
}

// FuzzReceiver: no datagram panics; what comes out is part of what went in, one
// digit a timestamp at most.
func FuzzReceiver(f *testing.F) {
	f.Add(rawRTP(0, 1, 2, 3, make([]byte, 160)), uint16(1))
	f.Add(rawRTP(101, 1, 2, 3, []byte{5, 10, 0, 160}), uint16(1))
	f.Add([]byte{0xB0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xBE, 0xDE, 0, 1, 1, 2, 3, 4, 9, 1}, uint16(9))
	f.Fuzz(func(t *testing.T, raw []byte, add uint16) {
		r, got := newTestReceiver()
		digits := 0
		r.OnDigit(func(Digit) { digits++ })
		now := time.Now()
		original := bytes.Clone(raw)
		for range 3 {
			err := r.WriteRTP(raw, now)
			if len(raw) >= 4 && err == nil {
				raw[3] += byte(add)
			}
		}
		if digits > 1 || len(got.all) > 3 {
			t.Fatalf("%d digits, %d packets", digits, len(got.all))
		}
		for _, p := range got.all {
			if !bytes.Contains(original[12:], p.Payload) {
				t.Fatalf("payload % x of % x", p.Payload, original)
			}
		}
		_ = r.Report()
		_ = r.Stats()
	})
}
