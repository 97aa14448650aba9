package media

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/media/codec"
	"callfloor/media/wav"
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
	pl := NewPlayer(p, "x", codec.Opus)
	defer pl.Close()
	if err := pl.Play(t.Context(), tone(time.Second)); err == nil || !strings.Contains(err.Error(), "opus") {
		t.Errorf("Play in opus returned %v", err)
	}
	if err := NewPlayer(p, "x", codec.PCMU).Play(t.Context()); err != nil {
		t.Errorf("Play of nothing returned %v", err)
	}
}

// An hour of playing is an hour of packets: no drift.
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
		time.Sleep(time.Hour)
		pl.Stop()
		if n < 179999 || n > 180001 {
			t.Errorf("%d packets in an hour, want 180000", n)
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

// level returns the amplitude of a frequency in 8 kHz samples, 1 is full scale.
func level(samples []int16, hz float64) float64 {
	var re, im float64
	for i, s := range samples {
		re += float64(s) * math.Cos(2*math.Pi*hz*float64(i)/8000)
		im += float64(s) * math.Sin(2*math.Pi*hz*float64(i)/8000)
	}
	return 2 * math.Hypot(re, im) / float64(len(samples)) / math.MaxInt16
}

func decoded(c *Clip, id codec.ID) []int16 {
	var out []int16
	for _, f := range c.Frames(id) {
		var b [frameSamples]int16
		out = append(out, b[:codec.Decode(id, b[:], f)]...)
	}
	return out
}

func TestToneClip(t *testing.T) {
	c := ToneClip("ring", []float64{440, 480}, time.Second, -6.02)
	if c.Duration() != time.Second || c.Name() != "ring" {
		t.Errorf("%q of %v", c.Name(), c.Duration())
	}
	for _, id := range []codec.ID{codec.PCMU, codec.PCMA} {
		got := decoded(c, id)
		for hz, want := range map[float64]float64{440: 0.25, 480: 0.25, 1000: 0} {
			if l := level(got, hz); math.Abs(l-want) > 0.01 {
				t.Errorf("%v: %v Hz at %.3f, want %.3f", id, hz, l, want)
			}
		}
	}
	if &c.Frames(codec.PCMU)[0][0] != &c.Frames(codec.PCMU)[0][0] {
		t.Error("frames are made anew for each listener")
	}
}

// wavOf makes a WAV file of tones.
func wavOf(t *testing.T, rateHz, channels int, hz ...float64) *bytes.Reader {
	path := filepath.Join(t.TempDir(), "x.wav")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := wav.NewWriter(f, rateHz, channels)
	if err != nil {
		t.Fatal(err)
	}
	samples := make([]int16, rateHz*channels)
	for i := range samples {
		for _, f := range hz {
			samples[i] += int16(8000 * math.Sin(2*math.Pi*f*float64(i)/float64(rateHz)))
		}
	}
	if err := errors.Join(w.Write(samples), w.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b)
}

// Speech passes, and what 8 kHz cannot hold does not fold into it: 5 kHz would
// come back as 3 kHz.
func TestLoadClip(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		hz := []float64{1000}
		if rate > 8000 {
			hz = append(hz, 5000)
		}
		c, err := LoadClip("x", wavOf(t, rate, 1, hz...))
		if err != nil {
			t.Fatal(err)
		}
		if c.Duration() != time.Second {
			t.Errorf("%d Hz: %v", rate, c.Duration())
		}
		got := c.samples[400 : len(c.samples)-400]
		if l := level(got, 1000); math.Abs(l-8000.0/32767) > 0.01 {
			t.Errorf("%d Hz: 1 kHz at %.4f", rate, l)
		}
		if l := level(got, 3000); l > 0.001 {
			t.Errorf("%d Hz: 5 kHz folded to 3 kHz at %.4f", rate, l)
		}
	}
}

func TestLoadClipRefuses(t *testing.T) {
	for name, r := range map[string]*bytes.Reader{
		"ErrStereo": wavOf(t, 8000, 2, 400),
		"ErrRate":   wavOf(t, 44100, 1, 400),
		"ErrNotWAV": bytes.NewReader([]byte("nothing")),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := LoadClip("greeting", r); err == nil || !strings.Contains(err.Error(), "greeting") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestPorts(t *testing.T) {
	if p, err := NewPorts(20001, 20010); err != nil || p.Free() != 4 {
		t.Fatalf("20001-20010: %v, %v", p, err)
	}
	for _, r := range [][2]int{{20001, 20002}, {0, 10}, {10, 5}, {20000, 70000}, {20000, 20000}} {
		if _, err := NewPorts(r[0], r[1]); err == nil {
			t.Errorf("%v was taken", r)
		}
	}
	p, _ := NewPorts(20000, 20005)
	now := time.Unix(1000, 0)
	var got []int
	for range 3 {
		port, err := p.take(now)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, port)
	}
	if got[0] != 20000 || got[1] != 20002 || got[2] != 20004 {
		t.Errorf("took %v", got)
	}
	if _, err := p.take(now); err == nil {
		t.Error("a fourth of three was taken")
	}
	p.give(20002, now)
	p.give(20000, now.Add(time.Second))
	if _, err := p.take(now.Add(portRest - 1)); err == nil || p.free(now.Add(portRest-1)) != 0 {
		t.Error("a pair was taken before its rest was over")
	}
	if p.free(now.Add(portRest)) != 1 {
		t.Errorf("%d free after the rest", p.free(now.Add(portRest)))
	}
	if port, err := p.take(now.Add(portRest)); err != nil || port != 20002 {
		t.Errorf("took %d, %v; the longest unused is 20002", port, err)
	}
}
