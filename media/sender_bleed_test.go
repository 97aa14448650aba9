package media

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"

	"callfloor/media/codec"
)

// TestNoBleed switches while every source talks at full speed: after Hear has
// returned, nothing of another source goes out.
func TestNoBleed(t *testing.T) {
	p := NewPacer()
	defer p.Close()
	s := NewSender(p, "agent")
	defer s.Close()
	const talkers = 4
	var allowed, bled, seen atomic.Uint64 // allowed: bit i for talker i
	types := map[codec.ID]uint8{codec.PCMU: 0}
	var lastSeq uint16
	s.SetOutput(Output{SSRC: 1, PayloadTypes: types, Write: func(h *rtp.Header, payload []byte) error {
		if allowed.Load()&(1<<payload[0]) == 0 {
			bled.Add(1)
		}
		if seen.Add(1) > 1 && h.SequenceNumber != lastSeq+1 {
			bled.Add(1 << 32)
		}
		lastSeq = h.SequenceNumber
		return nil
	}})
	sources := make([]*Source, talkers)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	dawdle := SinkFunc(func(*Packet) { runtime.Gosched() })
	for i := range sources {
		sources[i] = NewSource(fmt.Sprint(i))
		sources[i].Attach(&dawdle) // a switch falls between it and the sender
		wg.Go(func() {
			payload := make([]byte, 160)
			payload[0] = byte(i)
			p := Packet{Codec: codec.PCMU, SSRC: uint32(i), Payload: payload}
			for {
				select {
				case <-stop:
					return
				default:
				}
				p.Arrival = time.Now()
				sources[i].Emit(&p)
				runtime.Gosched()
				p.Seq++
				p.Timestamp++ // far slower than the clock, so that nothing is cut as a burst
			}
		})
	}
	for i := range 300 {
		next := i % (talkers + 1)
		if next == talkers {
			s.Hear(nil)
			allowed.Store(0)
			continue
		}
		allowed.Or(1 << next) // old and new may speak while it switches
		s.Hear(sources[next])
		allowed.Store(1 << next)
		for before := seen.Load(); seen.Load() == before; { // let it be heard
			runtime.Gosched()
		}
	}
	s.Hear(nil)
	close(stop)
	wg.Wait()
	if bled.Load() != 0 {
		t.Errorf("%d packets of a source that is not heard, %d holes", bled.Load()&0xFFFFFFFF, bled.Load()>>32)
	}
}
