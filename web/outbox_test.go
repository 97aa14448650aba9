package web

import (
	"testing"

	"github.com/gorilla/websocket"
)

func TestOutbox(t *testing.T) {
	t.Run("order and close", func(t *testing.T) {
		o := newOutbox()
		o.push([]byte("a"))
		o.push([]byte("b"))
		o.close(websocket.CloseNormalClosure, []byte("bye"))
		o.push([]byte("late"))
		o.close(websocket.ClosePolicyViolation, []byte("again"))
		frames, state, code := o.take()
		if len(frames) != 3 || string(frames[2]) != "bye" || state != outboxClosing || code != websocket.CloseNormalClosure {
			t.Errorf("%q, %v, %d", frames, state, code)
		}
	})
	t.Run("too many frames", func(t *testing.T) {
		o := newOutbox()
		for range maxWaiting + 1 {
			o.push([]byte("x"))
		}
		if frames, state, _ := o.take(); len(frames) != 0 || state != outboxOverflown {
			t.Errorf("%d frames, state %v", len(frames), state)
		}
		o.close(websocket.CloseNormalClosure, nil)
		if _, state, _ := o.take(); state != outboxOverflown {
			t.Error("an overflown outbox must stay so")
		}
	})
	t.Run("too many octets", func(t *testing.T) {
		o := newOutbox()
		o.push(make([]byte, 2*maxWaitingOctets)) // one big snapshot may pass
		if _, state, _ := o.take(); state != outboxOpen {
			t.Errorf("state %v", state)
		}
		o.push(make([]byte, maxWaitingOctets))
		o.push(make([]byte, 1))
		if _, state, _ := o.take(); state != outboxOverflown {
			t.Errorf("state %v", state)
		}
	})
}
