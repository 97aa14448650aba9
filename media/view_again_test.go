package media

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A loss stays a hole, which the late packet fills; what the far end lost is sent
// again as it was, and not more often than it can ask.
func TestViewSendsAgain(t *testing.T) {
	v := NewView("view")
	defer v.Close()
	out := record(v)
	s := newShot(1, 65530, 0)
	v.Show(s.Camera)
	now := time.Now()
	var late *Packet
	for i := range 20 {
		p := s.packet(i == 0, true, now)
		s.seq++
		if i == 10 {
			late = p
			continue
		}
		s.source.Emit(p)
	}
	s.source.Emit(late)
	first := (*out)[0].header.SequenceNumber
	if k := (*out)[19]; k.header.SequenceNumber != first+10 || !bytes.Equal(k.payload, late.Payload) {
		t.Errorf("the late packet went out as number %d, want %d", k.header.SequenceNumber, first+10)
	}
	time.Sleep(time.Millisecond) // another time of sending
	for range 3 {
		v.Resend(first+4, now)
	}
	v.Resend(first+100, now)
	v.Resend(first-1, now)
	v.Resend(first+4, now.Add(time.Second))
	if n := len(*out); n != 22 {
		t.Fatalf("%d packets in all, want 22", n)
	}
	for _, k := range (*out)[20:] {
		if want := (*out)[4]; !bytes.Equal(k.raw, want.raw) {
			t.Errorf("sent again as %+v, was %+v", k.header, want.header)
		}
	}
	if got := v.Stats().Again; got != 2 {
		t.Errorf("%d sent again", got)
	}
}

// However often a far end says that it lost everything, it gets no more than was
// sent at first.
func TestSendingAgainIsBounded(t *testing.T) {
	v := NewView("view")
	defer v.Close()
	out := record(v)
	s := newShot(1, 0, 0)
	v.Show(s.Camera)
	now := time.Now()
	for i := range 20 {
		s.source.Emit(s.packet(i == 0, true, now))
		s.seq++
	}
	first := (*out)[0].header.SequenceNumber
	for range 50 {
		now = now.Add(time.Second)
		for i := range uint16(20) {
			v.Resend(first+i, now)
		}
	}
	if got := v.Stats().Again; got != 20 {
		t.Errorf("%d packets sent again, of 20", got)
	}
	s.source.Emit(s.packet(false, true, now))
	v.Resend(first+20, now)
	if got := v.Stats().Again; got != 21 {
		t.Errorf("%d packets sent again, of 21", got)
	}
}

func TestBudget(t *testing.T) {
	at := func(s float64) time.Time { return time.Unix(1000, 0).Add(time.Duration(s * float64(time.Second))) }
	t.Run("an estimate above what is sent is none", func(t *testing.T) {
		var b budget
		for s := range 20 {
			b.noteEstimate(60_000, 40_000, at(float64(s))) // a still screen
		}
		if b.weak || b.ceiling() != maxRate {
			t.Errorf("%+v", b)
		}
	})
	t.Run("below it limits, and grows again", func(t *testing.T) {
		var b budget
		b.noteEstimate(400_000, 1_000_000, at(0))
		if b.ceiling() != 400_000 {
			t.Errorf("limit %d", b.ceiling())
		}
		for s := 1; s < 30; s++ {
			b.noteEstimate(3_000_000, 400_000, at(float64(s)))
		}
		if b.ceiling() != maxRate || b.weak {
			t.Errorf("%+v", b)
		}
	})
	t.Run("too little for long is weak", func(t *testing.T) {
		var b budget
		for s := 0.0; s <= 5; s += 0.5 {
			if b.weak != (s > weakFor.Seconds()) {
				t.Errorf("after %v s: %v", s, b.weak)
			}
			b.noteEstimate(100_000, 400_000, at(s))
		}
	})
	t.Run("too little for a moment is not", func(t *testing.T) {
		var b budget
		b.noteEstimate(100_000, 400_000, at(0))
		b.noteEstimate(200_000, 400_000, at(2))
		b.noteEstimate(100_000, 400_000, at(5))
		if b.weak {
			t.Error("weak")
		}
	})
	t.Run("heavy loss is weak, whatever the rate", func(t *testing.T) {
		var b budget
		for s := range 6 {
			b.noteLoss(90, 0, at(float64(s)))
			b.noteLoss(90, 0, at(float64(s)+0.01)) // told twice
		}
		if !b.weak {
			t.Errorf("%+v", b)
		}
	})
	t.Run("a little loss is borne", func(t *testing.T) {
		var b budget
		for s := range 60 {
			b.noteLoss(15, 1_000_000, at(float64(s)))
		}
		if b.weak || b.ceiling() != maxRate {
			t.Errorf("%+v", b)
		}
	})
}

// What did not come is asked for, a few times, and no more once it came or so
// much is missing that a key frame is quicker.
func TestMissing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m missing
		now := time.Unix(1000, 0)
		seq := uint16(rapid.Uint32().Draw(t, "first"))
		gone := map[uint16]int{}
		m.note(1, seq, now)
		for range rapid.IntRange(1, 60).Draw(t, "packets") {
			now = now.Add(time.Duration(rapid.IntRange(0, 80).Draw(t, "ms")) * time.Millisecond)
			came := seq
			switch skip := rapid.IntRange(0, 12).Draw(t, "what"); {
			case skip < 8:
				seq++
				came = seq
			case skip < 11:
				for range skip - 7 {
					seq++
					gone[seq] = 0
				}
				seq++
				came = seq
			default:
				for n := range gone {
					came = n
				}
				delete(gone, came)
			}
			lost, gaveUp := m.note(1, came, now)
			if gaveUp {
				clear(gone)
			}
			for _, n := range lost {
				if _, ok := gone[n]; !ok {
					t.Fatalf("%d is asked for but not missing", n)
				}
				if gone[n]++; gone[n] > missingTries {
					t.Fatalf("%d is asked for %d times", n, gone[n])
				}
			}
			for n, tries := range gone {
				if tries == 0 {
					t.Fatalf("%d is missing and was not asked for", n)
				}
			}
		}
	})
	var m missing
	m.note(1, 0, time.Time{})
	if lost, gaveUp := m.note(1, 500, time.Time{}); len(lost) != 0 || !gaveUp {
		t.Errorf("%d asked for after a hole of 499, gave up %v", len(lost), gaveUp)
	}
}
