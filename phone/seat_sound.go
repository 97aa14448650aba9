package phone

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"callfloor/media"
	"callfloor/media/wav"
)

// seatSound loads what a seat says: "tone:HZ", a WAV file, or "" for nothing.
func seatSound(play string) (*media.Clip, error) {
	if play == "" {
		return nil, nil
	}
	if hz, ok := strings.CutPrefix(play, "tone:"); ok {
		f, err := strconv.ParseFloat(hz, 64)
		if err != nil || f < 50 || f > 3900 {
			return nil, fmt.Errorf("play %q: the tone needs a frequency from 50 to 3900 Hz, like tone:440", play)
		}
		return media.ToneClip(play, []float64{f}, time.Second, -10), nil
	}
	file, err := os.Open(play)
	if err != nil {
		return nil, fmt.Errorf("play %q: %w; write tone:440 or the name of a WAV file", play, err)
	}
	defer func() { _ = file.Close() }()
	clip, err := media.LoadClip(play, file)
	if err != nil {
		return nil, fmt.Errorf("play %q: %w", play, err)
	}
	return clip, nil
}

// Times of a tape.
const (
	tapeEvery = time.Second
	// tapeBehind is how late a packet may come and still be on the tape.
	tapeBehind = 400 * time.Millisecond
)

// seatTape writes what a source says to a WAV file of 8 kHz mono, as it comes.
type seatTape struct {
	start  time.Time
	file   *os.File
	writer *wav.Writer
	source *media.Source
	stop   chan struct{}
	done   chan struct{}

	mu        sync.Mutex
	assembler *media.Assembler
	err       error
}

func newSeatTape(name string, source *media.Source) (*seatTape, error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("recording to %q: %w", name, err)
	}
	w, err := wav.NewWriter(file, 8000, 1)
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("recording to %q: %w", name, err)
	}
	now := time.Now()
	t := &seatTape{start: now, file: file, writer: w, source: source, stop: make(chan struct{}), done: make(chan struct{}), assembler: media.NewAssembler(now)}
	source.Attach(t)
	go t.run()
	return t, nil
}

// WritePacket takes what is heard.
func (t *seatTape) WritePacket(p *media.Packet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.assembler.Add(p.Codec, p.SSRC, p.Seq, p.Timestamp, p.Arrival, p.Payload)
}

func (t *seatTape) run() {
	defer close(t.done)
	tick := time.NewTicker(tapeEvery)
	defer tick.Stop()
	for {
		select {
		case <-t.stop:
			t.write(time.Since(t.start))
			return
		case <-tick.C:
			t.write(time.Since(t.start) - tapeBehind)
		}
	}
}

// write puts everything up to a moment on disk. After an error it only empties
// the assembler.
func (t *seatTape) write(until time.Duration) {
	t.mu.Lock()
	samples := t.assembler.Read(until)
	failed := t.err != nil
	t.mu.Unlock()
	if failed {
		return
	}
	if err := t.writer.Write(samples); err != nil {
		t.mu.Lock()
		t.err = fmt.Errorf("recording to %q: %w", t.file.Name(), err)
		t.mu.Unlock()
	}
}

// close ends the tape and returns its first error.
func (t *seatTape) close() error {
	t.source.Detach(t)
	close(t.stop)
	<-t.done
	err := t.err
	if e := t.writer.Close(); err == nil && e != nil {
		err = fmt.Errorf("recording to %q: %w", t.file.Name(), e)
	}
	if e := t.file.Close(); err == nil && e != nil {
		err = fmt.Errorf("recording to %q: %w", t.file.Name(), e)
	}
	return err
}
