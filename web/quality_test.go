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
		seat.ResetQuality()
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
		q := seat.Quality()
		skipped := seat.Track(TrackCustomer).Stats().Skipped
		if skipped < 140 || skipped > 150 {
			t.Errorf("%d holes were counted, want 150", skipped)
		}
		if q.LossPercent > 1 || q.FarLost == nil || *q.FarLost > 15 {
			t.Errorf("the agent's loss is %.1f %%, %v packets; only the customer lost any", q.LossPercent, q.FarLost)
		}
	})
}
