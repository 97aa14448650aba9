package media

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/media/codec"
)

// A player that changes its format goes on with what it plays, in the new one.
func TestPlayerRecode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pacer := NewPacer()
		defer pacer.Close()
		p := NewPlayer(pacer, "test", codec.PCMU)
		defer p.Close()
		clip := NewClip("tone", make([]int16, 8000))
		var heard []codec.ID
		var sink SinkFunc = func(packet *Packet) { heard = append(heard, packet.Codec) }
		p.Source().Attach(&sink)
		done := make(chan error, 1)
		go func() { done <- p.Play(context.Background(), clip, clip) }()
		time.Sleep(500 * time.Millisecond)
		p.Recode(codec.PCMA)
		if err := <-done; err != nil {
			t.Error(err)
		}
		ulaw := 0
		for i, c := range heard {
			if c == codec.PCMU {
				ulaw++
			} else if c != codec.PCMA || i < ulaw {
				t.Fatalf("packet %d is %v", i, c)
			}
		}
		if len(heard) < 95 || len(heard) > 105 || ulaw < 20 || ulaw > 30 {
			t.Errorf("%d packets, %d of them PCMU", len(heard), ulaw)
		}
	})
}
