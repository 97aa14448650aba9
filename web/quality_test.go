package web

import (
	"testing"
	"time"

	"callfloor/media"
	"callfloor/media/codec"
)

// TestTheCustomersLossIsNotTheSeats: what was lost between the customer's phone
// and us leaves holes in what the browser gets; they are not the agent's
// network's.
func TestTheCustomersLossIsNotTheSeats(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		k := b.hello(Hello{Tab: "one"})
		p := b.connect(k, 1)
		time.Sleep(2 * time.Second)
		seat, _ := b.server.Seat("alice")
		phone := media.NewSource("customer")
		seat.Track(TrackCustomer).Hear(phone)
		k.send(MediaReport{Type: TypeMedia, Microphone: "ok", Samples: 1000, Concealed: 900}) // in an earlier call
		time.Sleep(100 * time.Millisecond)
		quality := seat.Measure()
		say := func(n int, every int) {
			payload := make([]byte, 160)
			for i := range n {
				if every == 0 || i%every != every-1 {
					phone.Emit(&media.Packet{Codec: codec.PCMU, Seq: uint16(i), Timestamp: uint32(160 * i), SSRC: 7, Payload: payload, Arrival: time.Now()})
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
		done := make(chan struct{})
		go func() { defer close(done); p.say(1500, 0) }()
		say(1500, 10)
		<-done
		q := quality()
		skipped := seat.Track(TrackCustomer).Stats().Skipped
		if skipped < 140 || skipped > 150 {
			t.Errorf("%d holes were counted, want 150", skipped)
		}
		if q.LossPercent > 1 || q.FarLost == nil || *q.FarLost > 15 {
			t.Errorf("the agent's loss is %.1f %%, %v packets; only the customer lost any", q.LossPercent, q.FarLost)
		}
		if q.ConcealedPercent != nil || q.FarJitterMS == nil || q.FarScore == nil || *q.FarScore < q.Score {
			t.Errorf("concealed %v, jitter there %v, score there %v, in all %v", q.ConcealedPercent, q.FarJitterMS, q.FarScore, q.Score)
		}
		// The page's own count, over a new connection too.
		k.send(MediaReport{Type: TypeMedia, Microphone: "ok", Samples: 5000, Concealed: 1000})
		time.Sleep(100 * time.Millisecond)
		b.connect(k, 2)
		k.send(MediaReport{Type: TypeMedia, Microphone: "ok", Samples: 4000, Concealed: 300})
		time.Sleep(100 * time.Millisecond)
		if c := quality().ConcealedPercent; c == nil || *c != 5 {
			t.Errorf("concealed %v, want 400 of 8000", c)
		}
	})
}
