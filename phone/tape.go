package phone

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"callfloor/media"
	"callfloor/media/wav"
)

// Every flushEvery what is older than settleFor is written: by then a packet
// has come or is lost.
const (
	flushEvery = 200 * time.Millisecond
	settleFor  = 300 * time.Millisecond
)

// tape writes what is heard into a WAV file, from the answer on, with gaps as
// silence. The nil tape does nothing.
type tape struct {
	file   *os.File
	wav    *wav.Writer
	start  time.Time
	source *media.Source
	sink   media.SinkFunc
	stop   chan struct{}
	done   chan struct{}
	err    error // of the writer's goroutine; read after done

	mu  sync.Mutex
	asm *media.Assembler
}

func newTape(name string, start time.Time, source *media.Source) (*tape, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	w, err := wav.NewWriter(f, 8000, 1)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("record into %s: %w", name, err), f.Close())
	}
	t := &tape{file: f, wav: w, start: start, source: source, asm: media.NewAssembler(start), stop: make(chan struct{}), done: make(chan struct{})}
	t.sink = t.hear
	source.Attach(&t.sink)
	go t.run()
	return t, nil
}

func (t *tape) hear(p *media.Packet) {
	if len(p.Payload) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asm.Add(p.Codec, p.SSRC, p.Seq, p.Timestamp, p.Arrival, p.Payload)
}

func (t *tape) run() {
	defer close(t.done)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.write(time.Since(t.start) - settleFor)
		case <-t.stop:
			t.write(time.Since(t.start))
			return
		}
	}
}

func (t *tape) write(until time.Duration) {
	if until <= 0 {
		return
	}
	t.mu.Lock()
	samples := t.asm.Read(until)
	t.mu.Unlock()
	if err := t.wav.Write(samples); err != nil && t.err == nil {
		t.err = err
	}
}

// close writes the rest and repairs the header.
func (t *tape) close() error {
	if t == nil {
		return nil
	}
	t.source.Detach(&t.sink)
	close(t.stop)
	<-t.done
	if err := errors.Join(t.err, t.wav.Close(), t.file.Close()); err != nil {
		return fmt.Errorf("record into %s: %w", t.file.Name(), err)
	}
	return nil
}
