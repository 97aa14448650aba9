package media

import (
	"testing"
	"testing/synctest"
	"time"

	"callfloor/media/codec"
)

// Ten minutes of playing are ten minutes of packets: no drift.
func TestPacerDoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer()
		defer p.Close()
		pl := NewPlayer(p, "music", codec.PCMU)
		defer pl.Close()
		n := 0
		count := SinkFunc(func(*Packet) { n++ })
		pl.Source().Attach(&count)
		pl.Loop(tone(time.Second), 0)
		time.Sleep(10 * time.Minute)
		pl.Stop()
		if n < 29999 || n > 30001 {
			t.Errorf("%d packets in ten minutes, want 30000", n)
		}
	})
}

// countTicks is a member of the clock.
type countTicks struct{ frames []int64 }

func (c *countTicks) tick(frame int64, _ time.Time) { c.frames = append(c.frames, frame) }

// After a stop of the process the clock goes on from now: no burst.
func TestPacerAfterAStop(t *testing.T) {
	start := time.Unix(1000, 0)
	for name, c := range map[string]struct {
		stop time.Duration
		most int
	}{
		"40ms, caught up":  {40 * time.Millisecond, 3},
		"500ms, skipped":   {500 * time.Millisecond, 1},
		"an hour, skipped": {time.Hour, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Pacer{start: start, wake: make(chan struct{}, 1)}
			var k countTicks
			p.add(1, &k)
			next := p.runDue(1, start.Add(5*time.Millisecond))
			k.frames = nil
			now := start.Add(5*time.Millisecond + c.stop)
			next = p.runDue(next, now)
			if len(k.frames) > c.most {
				t.Errorf("%d ticks at once: %v", len(k.frames), k.frames)
			}
			if want := p.slotAt(now) + 1; next != want {
				t.Errorf("goes on at slot %d, want %d", next, want)
			}
			p.runDue(next, now.Add(frameTime))
			if last := k.frames[len(k.frames)-1]; last != int64((c.stop+frameTime)/frameTime) {
				t.Errorf("last frame %d", last)
			}
		})
	}
}

type panics struct{}

func (panics) tick(int64, time.Time) { panic("a fault") }

func TestPacerOutlivesAFaultyMember(t *testing.T) {
	p := &Pacer{start: time.Unix(0, 0), wake: make(chan struct{}, 1)}
	var k countTicks
	p.add(0, panics{})
	p.add(0, &k)
	p.runDue(0, p.start)
	p.runDue(4, p.start.Add(frameTime))
	if len(k.frames) != 2 || len(p.members[0]) != 1 {
		t.Errorf("ticks %v, %d members", k.frames, len(p.members[0]))
	}
}
