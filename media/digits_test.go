package media

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/media/codec"
	"callfloor/media/dtmf"
)

// keyPress is what a phone sends for a key: five updates and three ends.
func keyPress(pt uint8, key rune, seq uint16, ts, ssrc uint32) [][]byte {
	code, _ := dtmf.Code(key)
	var w [][]byte
	for i := range 8 {
		b := make([]byte, dtmf.PayloadSize)
		dtmf.Event{Code: code, End: i >= 5, Duration: uint16(160 * (1 + min(i, 5)))}.Put(b)
		w = append(w, rawRTP(pt, seq+uint16(i), ts, ssrc, b))
	}
	return w
}

func digitsOf(r *Receiver, packets [][]byte) string {
	var got strings.Builder
	r.OnDigit(func(d Digit) { got.WriteRune(d.Key) })
	now := time.Now()
	for i, p := range packets {
		_ = r.WriteRTP(p, now.Add(time.Duration(i)*frameTime))
	}
	return got.String()
}

// TestDigits are the cases of dtmf/testdata/cases.tsv that need a leg; the
// others are in media/dtmf.
func TestDigits(t *testing.T) {
	t.Run("pt_other", func(t *testing.T) {
		for _, pt := range []uint8{96, 100, 127} {
			r := NewReceiver("x")
			r.SetPayloadTypes(map[uint8]codec.ID{0: codec.PCMU, pt: codec.TelephoneEvent})
			if got := digitsOf(r, keyPress(pt, '5', 1, 1000, 9)); got != "5" {
				t.Errorf("payload type %d: %q", pt, got)
			}
		}
	})
	t.Run("pt_not_negotiated", func(t *testing.T) {
		r := NewReceiver("x")
		r.SetPayloadTypes(map[uint8]codec.ID{0: codec.PCMU})
		if got := digitsOf(r, keyPress(101, '5', 1, 1000, 9)); got != "" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("clock_16k", func(t *testing.T) { // G722 and opus: two event types, one may be used
		r := NewReceiver("x")
		r.SetPayloadTypes(map[uint8]codec.ID{9: codec.G722, 111: codec.Opus, 101: codec.TelephoneEvent, 110: codec.TelephoneEvent})
		if got := digitsOf(r, append(keyPress(101, '5', 1, 1000, 9), keyPress(110, '6', 9, 20000, 9)...)); got != "56" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("wrong_source", testDigitOfAStranger)
	t.Run("srtp_plain", func(t *testing.T) {
		// What guards an SRTP call unwraps a packet before WriteRTP; a plain
		// one fails there. The other way round, an encrypted event on a plain
		// call is noise: an event code above 15 or a number seen already.
		r, _ := newTestReceiver()
		if got := digitsOf(r, [][]byte{rawRTP(101, 1, 1, 9, bytes.Repeat([]byte{0xC3}, 14))}); got != "" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("inband_and_event", func(t *testing.T) {
		r, _ := newTestReceiver()
		var all [][]byte
		for i, f := range ToneClip("5", []float64{770, 1336}, 160*time.Millisecond, -6).Frames(codec.PCMU) {
			all = append(all, rawRTP(0, uint16(2*i), uint32(i*160), 9, f))
			event := keyPress(101, '5', 0, 0, 9)[i]
			step(event) // its own number between the tone's
			copy(event[2:4], []byte{0, byte(2*i + 1)})
			all = append(all, event)
		}
		if got := digitsOf(r, all); got != "5" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("info_and_event", func(t *testing.T) {
		r, _ := newTestReceiver()
		var m dtmf.Merger
		var got []string
		take := func(d Digit) {
			if m.Accept(d.Key, d.Via, d.At) {
				got = append(got, d.Via)
			}
		}
		r.OnDigit(take)
		now := time.Now()
		for _, p := range keyPress(101, '5', 1, 1000, 9) {
			_ = r.WriteRTP(p, now)
		}
		take(Digit{Key: '5', Via: ViaInfo, At: now.Add(150 * time.Millisecond)})
		if len(got) != 1 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("while_prompt", testDigitStopsPrompt)
	t.Run("pci", testNoDigitLeaks)
}

func testDigitOfAStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLeg(t)
		l.SetRemote(legRemote)
		l.talk(sdpAddr, 5, 1, 5)
		for _, p := range keyPress(101, '5', 6, 5000, 5) {
			l.rtp.in <- datagram{p, stranger}
		}
		synctest.Wait()
		if len(l.digits) != 0 {
			t.Errorf("%d digits", len(l.digits))
		}
	})
}

// A digit stops a prompt within 200 ms (at once, as fake time shows).
func testDigitStopsPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLeg(t)
		l.SetRemote(legRemote)
		pl := NewPlayer(l.pacer, "prompt", codec.PCMU)
		defer pl.Close()
		l.Sender().Hear(pl.Source())
		pressed := errors.New("pressed")
		ctx, cancel := context.WithCancelCause(t.Context())
		l.OnDigit(func(Digit) { cancel(pressed) })
		go func() {
			time.Sleep(time.Second)
			l.rtp.in <- datagram{keyPress(101, '1', 1, 1000, 5)[0], sdpAddr}
		}()
		begin := time.Now()
		if err := pl.Play(ctx, tone(10*time.Second)); err != pressed {
			t.Errorf("Play returned %v", err)
		}
		if took := time.Since(begin); took > 1200*time.Millisecond {
			t.Errorf("the prompt stopped %v after the key", took-time.Second)
		}
	})
}

// Neither the log nor a sink (the recorder is one) gets a digit.
func testNoDigitLeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLeg(t)
		l.SetRemote(legRemote)
		for _, p := range keyPress(101, '7', 1, 1000, 5) {
			l.rtp.in <- datagram{p, sdpAddr}
		}
		synctest.Wait()
		if len(l.digits) != 1 || l.digits[0].Key != '7' {
			t.Fatalf("%d digits", len(l.digits))
		}
		if log := l.log.String(); strings.ContainsAny(log[strings.LastIndex(log, "level"):], "7*#") {
			t.Errorf("the log: %s", log)
		}
		for _, p := range l.heard.all {
			if len(p.Payload) != 0 {
				t.Errorf("a sink was given %v % x", p.Codec, p.Payload)
			}
		}
	})
}

// What SendDigit sends is what RFC 4733 wants, in one numbering with the audio,
// and comes back as the same keys through any receiver.
func TestSendDigits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newTapped(t, 65530, 1<<32-2000)
		a := newTalker("a", 1, 7, 7)
		s.Hear(a.Source)
		s.Fill(codec.PCMU)
		r := NewReceiver("far")
		r.SetPayloadTypes(map[uint8]codec.ID{0: codec.PCMU, 101: codec.TelephoneEvent})
		const keys = "1234567890*#ABCD11"
		for _, k := range keys {
			if err := s.SendDigit(k, 100*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		for s.Sending() {
			a.say(time.Now())
			time.Sleep(frameTime)
		}
		for range 10 {
			a.say(time.Now())
			time.Sleep(frameTime)
		}
		all := w.take()
		checkContiguous(t, all)
		var got strings.Builder
		r.OnDigit(func(d Digit) { got.WriteRune(d.Key) })
		ends, markers := map[uint32]int{}, map[uint32]int{}
		for i, p := range all {
			if i > 0 && p.at.Sub(all[i-1].at) > 60*time.Millisecond {
				t.Errorf("packet %d comes after %v", i, p.at.Sub(all[i-1].at))
			}
			_ = r.WriteRTP(rawRTP(p.PayloadType, p.SequenceNumber, p.Timestamp, p.SSRC, []byte(p.data)), p.at)
			if p.PayloadType != 101 {
				continue
			}
			e, _ := dtmf.Parse([]byte(p.data))
			if e.End {
				ends[p.Timestamp]++
				if e.Duration != 800 {
					t.Errorf("an end says %d", e.Duration)
				}
			}
			if p.Marker {
				markers[p.Timestamp]++
			}
		}
		if got.String() != keys {
			t.Errorf("got %q", got.String())
		}
		for ts, n := range ends {
			if n != 3 || markers[ts] != 1 {
				t.Errorf("event %d: %d ends, %d markers", ts, n, markers[ts])
			}
		}
		if len(ends) != len(keys) {
			t.Errorf("%d events", len(ends))
		}
		off := span(int64(all[len(all)-1].Timestamp-all[0].Timestamp), 8000) - all[len(all)-1].at.Sub(all[0].at)
		if math.Abs(off.Seconds()) > 0.06 {
			t.Errorf("after the digits the audio is %v off the clock", off)
		}
	})
}

// With nobody to hear, silence goes on between and after the digits.
func TestSendDigitsIntoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newTapped(t, 65530, 1<<32-2000)
		s.Fill(codec.PCMU)
		time.Sleep(time.Second)
		for _, k := range "1234" {
			if err := s.SendDigit(k, 200*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(4 * time.Second)
		all := w.take()
		checkContiguous(t, all)
		for i := 1; i < len(all); i++ {
			if gap := all[i].at.Sub(all[i-1].at); gap > 60*time.Millisecond {
				t.Errorf("packet %d of type %d comes after %v", i, all[i].PayloadType, gap)
			}
		}
	})
}

func TestSendDigitErrors(t *testing.T) {
	s, w := newTapped(t, 1, 1)
	if err := s.SendDigit('x', 0); err == nil {
		t.Error("x was taken for a key")
	}
	o := w.output()
	o.Events = 0
	s.SetOutput(o)
	if err := s.SendDigit('5', 0); !errors.Is(err, errNoEvents) {
		t.Errorf("without events: %v", err)
	}
	s.SetOutput(w.output())
	full := false
	for range digitsQueued + 2 {
		full = full || s.SendDigit('5', 0) != nil
	}
	if !full {
		t.Error("the queue has no end")
	}
}
