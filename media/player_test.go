package media

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/media/codec"
)

// listener is a sink that may be read while it is written.
type listener struct {
	mu sync.Mutex
	collector
	at []time.Time
}

func (l *listener) WritePacket(p *Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.collector.WritePacket(p)
	l.at = append(l.at, time.Now())
}

func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}

func newTestPlayer(t *testing.T) (*Player, *listener) {
	p := NewPacer()
	pl, l := NewPlayer(p, "prompt", codec.PCMU), &listener{}
	pl.Source().Attach(l)
	t.Cleanup(func() { pl.Close(); p.Close() })
	return pl, l
}

func tone(d time.Duration) *Clip { return ToneClip("tone", []float64{400}, d, -10) }

// Clips follow each other without a gap, within a Play and from Play to Play.
func TestPlayIsGapless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pl, l := newTestPlayer(t)
		begin := time.Now()
		if err := pl.Play(t.Context(), tone(time.Second), tone(500*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 1470*time.Millisecond || took > 1520*time.Millisecond {
			t.Errorf("1.5 s took %v", took)
		}
		if err := pl.Play(t.Context(), tone(time.Second)); err != nil {
			t.Fatal(err)
		}
		if l.count() != 125 {
			t.Fatalf("%d packets, want 125", l.count())
		}
		for i := 1; i < len(l.all); i++ {
			if l.at[i].Sub(l.at[i-1]) != frameTime || l.all[i].Seq != l.all[i-1].Seq+1 || l.all[i].Timestamp != l.all[i-1].Timestamp+frameSamples {
				t.Fatalf("packet %d: %v after, %+v", i, l.at[i].Sub(l.at[i-1]), l.all[i])
			}
			if l.all[i].Marker != (i == 75) {
				t.Errorf("packet %d: marker %v", i, l.all[i].Marker)
			}
		}
	})
}

func TestPlayStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pl, l := newTestPlayer(t)
		why := errors.New("a key was pressed")
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() { done <- pl.Play(ctx, tone(10*time.Second)) }()
		time.Sleep(time.Second)
		cancel(why)
		if err := <-done; err != why {
			t.Errorf("Play returned %v", err)
		}
		n := l.count()
		time.Sleep(time.Second)
		if l.count() != n || n > 51 {
			t.Errorf("%d packets, then %d", n, l.count())
		}
		if err := pl.Play(ctx, tone(time.Second)); err != why {
			t.Errorf("Play with a context that is over returned %v", err)
		}
	})
}

func TestPlayIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pl, l := newTestPlayer(t)
		for name, by := range map[string]func(){
			"Loop":  func() { pl.Loop(tone(time.Second), 0) },
			"Stop":  pl.Stop,
			"Close": pl.Close,
		} {
			if name == "Close" {
				continue // last, below
			}
			done := make(chan error)
			go func() { done <- pl.Play(t.Context(), tone(10*time.Second)) }()
			synctest.Wait()
			by()
			if err := <-done; !errors.Is(err, ErrReplaced) {
				t.Errorf("%s: Play returned %v", name, err)
			}
		}
		pl.Close()
		if err := pl.Play(t.Context(), tone(time.Second)); !errors.Is(err, ErrReplaced) {
			t.Errorf("a closed player returned %v", err)
		}
		n := l.count()
		time.Sleep(time.Second)
		if l.count() != n {
			t.Error("a closed player plays")
		}
	})
}

// Music goes on where it is said to, and over its end.
func TestLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pl, l := newTestPlayer(t)
		samples := make([]int16, 100*frameSamples)
		for i := range samples {
			samples[i] = int16(i / frameSamples * 300)
		}
		c := NewClip("music", samples)
		pl.Loop(c, 3*time.Second+500*time.Millisecond) // 75 frames into the second round
		time.Sleep(4 * time.Second)
		pl.Stop()
		frames := c.Frames(codec.PCMU)
		if n := l.count(); n < 199 || n > 200 {
			t.Fatalf("%d packets in 4 s", n)
		}
		for i, p := range l.all {
			if !bytes.Equal(p.Payload, frames[(75+i)%100]) {
				t.Fatalf("packet %d is another frame", i)
			}
		}
	})
}

// The timestamps follow the wall clock over a pause.
func TestPlayerKeepsTheClockOverPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pl, l := newTestPlayer(t)
		_ = pl.Play(t.Context(), tone(time.Second))
		time.Sleep(10 * time.Second)
		_ = pl.Play(t.Context(), tone(time.Second))
		for i := range l.all {
			off := span(int64(l.all[i].Timestamp-l.all[0].Timestamp), 8000) - l.at[i].Sub(l.at[0])
			if off != 0 {
				t.Fatalf("packet %d is %v off", i, off)
			}
		}
	})
}

func TestPlayerWithoutFrames(t *testing.T) {
	p := NewPacer()
	defer p.Close()
	pl := NewPlayer(p, "x", codec.VP8)
	defer pl.Close()
	if err := pl.Play(t.Context(), tone(time.Second)); err == nil || !strings.Contains(err.Error(), "VP8") {
		t.Errorf("Play in a video format returned %v", err)
	}
	if err := NewPlayer(p, "x", codec.PCMU).Play(t.Context()); err != nil {
		t.Errorf("Play of nothing returned %v", err)
	}
}

func TestPlayingAllocatesNothing(t *testing.T) {
	p := &Pacer{start: time.Unix(0, 0), wake: make(chan struct{}, 1)}
	pl := NewPlayer(p, "music", codec.PCMU)
	pl.Loop(tone(time.Second), 0)
	var frame int64
	if n := testing.AllocsPerRun(500, func() {
		frame++
		pl.tick(frame, time.Unix(0, frame))
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func BenchmarkPlay(b *testing.B) {
	p := &Pacer{start: time.Unix(0, 0), wake: make(chan struct{}, 1)}
	pl := NewPlayer(p, "music", codec.PCMU)
	pl.Loop(tone(time.Second), 0)
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		pl.tick(i, p.start)
	}
}

// What a listener costs does not grow with what is played: the frames are
// everybody's.
func TestPlayKeepsNoFrames(t *testing.T) {
	clips := make([]*Clip, 40)
	for i := range clips {
		clips[i] = ToneClip("tone", []float64{400}, time.Minute, -20)
		clips[i].Frames(codec.PCMU)
	}
	n := testing.AllocsPerRun(10, func() {
		j := &job{next: clips}
		for turns := 1; j.turn(codec.PCMU); turns++ {
			if len(j.frames) != 3000 || len(j.next) != len(clips)-turns {
				t.Fatal("not the next clip")
			}
		}
	})
	if n > 1 {
		t.Errorf("%v allocations to go through %d clips", n, len(clips))
	}
}
