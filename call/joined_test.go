package call

import (
	"testing"
	"time"

	"callfloor/contact"
)

// TestJoined: who talked with the agent in another call is the agent of this one; the
// recording goes on. An agent who was lent to another call can be given back, and a
// telephone that goes from call to call is not hung up.
func TestJoined(t *testing.T) {
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		h.connect()
		if agent, queue, flow := h.call.Where(); agent != "alice" || queue != "" || flow {
			t.Errorf("with alice: %q, %q, %v", agent, queue, flow)
		}
		must(t, h.call.Hold("alice", true))
		conflict(t, h.call.Join("bob", h.alice, allowed))
		conflict(t, h.call.Join("alice", h.alice, allowed))
		desk := &deskSeat{"bob", h.outside}
		must(t, h.call.Join("alice", desk, allowed))
		if s := h.see(); s.Agent != "bob" || s.Stage != StageTalking || s.Handover == nil || s.Handover.From != "alice" {
			t.Errorf("joined: %+v", s)
		}
		if got := h.round(); got["customer"] != "outside" || got["outside"] != "customer" || got["recording/agent"] != "outside" || h.started != 1 {
			t.Errorf("with bob: %v, %d recordings", got, h.started)
		}
		if len(h.queues.release) != 0 {
			t.Errorf("the queue engine was told of %v", h.queues.release)
		}

		_, _, err := h.call.Yield("alice")
		conflict(t, err)
		seat, undo, err := h.call.Yield("bob")
		must(t, err)
		if agent, queue, flow := h.call.Where(); seat != desk || agent != "" || queue != "" || flow {
			t.Errorf("lent: %v, %q, %q, %v", seat, agent, queue, flow)
		}
		if got := h.round(); got["customer"] != "music" || got["outside"] != "" || got["recording/agent"] != "" {
			t.Errorf("while bob is lent: %v", got)
		}
		undo()
		undo() // once is enough
		if s := h.see(); s.Agent != "bob" || s.Stage != StageTalking {
			t.Errorf("given back: %+v", s)
		}
		if got := h.round(); got["customer"] != "outside" || got["outside"] != "customer" {
			t.Errorf("with bob again: %v", got)
		}
		_, undo, err = h.call.Yield("bob")
		must(t, err)
		h.leg.leave()
		<-h.call.Over()
		select {
		case <-h.outside.Done():
			t.Error("the telephone was hung up with the call that it had left")
		default:
		}
		undo()
		<-h.outside.Done() // there is nothing to go back to
		if len(h.queues.release) != 0 {
			t.Errorf("the queue engine was told that %v is over", h.queues.release)
		}
		conflict(t, h.call.Join("alice", desk, allowed))
	})
	inHouse(t, toQueue(contact.ConsentGranted), func(h *house) {
		<-h.queues.join
		time.Sleep(time.Second)
		if agent, queue, flow := h.call.Where(); agent != "" || queue != "sales" || flow {
			t.Errorf("in the queue: %q, %q, %v", agent, queue, flow)
		}
	})
}
