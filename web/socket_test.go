package web

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

func TestHello(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		silent := b.open()
		silent.read()
		time.Sleep(helloWithin + time.Second)
		if over, _ := silent.ended(); !over {
			t.Error("a socket without hello lives on")
		}
		b.house.want(t)

		k := b.hello(Hello{Tab: "one"})
		w := k.last(TypeWelcome)
		if w == nil || w["user"] != "alice" || w["protocol"] != float64(ProtocolVersion) || w["epoch"] == "" {
			t.Fatalf("welcome %v", w)
		}
		if k.last(TypeSnapshot) == nil || !k.isPhone() {
			t.Error("no snapshot, or not the phone")
		}
		b.house.want(t, "up")
		k.send(Ping{Type: TypePing, ID: 7})
		if p := k.last(TypePong); p == nil || p["id"] != float64(7) {
			t.Errorf("pong %v", p)
		}

		stranger := b.open()
		stranger.read()
		stranger.send(Hello{Type: TypeHello, Tab: "x"}) // no token
		bye := stranger.last(TypeBye)
		if bye == nil || bye["code"] != "unauthorized" || bye["reconnect"] != false {
			t.Errorf("a stranger was told %v", bye)
		}
		time.Sleep(2 * time.Second)
		if over, code := stranger.ended(); !over || code != websocket.ClosePolicyViolation {
			t.Errorf("over %v with %d", over, code)
		}
	})
}

// A peer that neither speaks nor answers pings is dead after 8 s, and the house
// knows at once; one that answers pings stays.
func TestDeadPeer(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		alive := b.hello(Hello{Tab: "one"})
		dead := b.open()
		dead.send(Hello{Type: TypeHello, Token: "bob", Tab: "one"})
		go func() { // reads its first messages, then hangs
			for range 3 {
				_, _, _ = dead.conn.ReadMessage()
			}
		}()
		b.house.want(t, "up", "up")
		time.Sleep(deadAfter + writeWithin + time.Second)
		b.house.want(t, "down")
		time.Sleep(time.Minute)
		if over, _ := alive.ended(); over {
			t.Error("a tab that answers pings was closed")
		}
		if s, _ := b.server.Seat("bob"); s == nil || s.Online() {
			t.Error("bob's seat must be there, but offline")
		}
		time.Sleep(seatKept)
		if _, ok := b.server.Seat("bob"); ok {
			t.Error("bob's seat was not forgotten after ten minutes")
		}
		if _, ok := b.server.Seat("alice"); !ok {
			t.Error("alice's seat was forgotten though she is there")
		}
	})
}

func TestCommands(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.house.do = func(ctx context.Context, c Command) error {
			switch c.Do {
			case DoAnswer: // hangs
				<-ctx.Done()
				return ctx.Err()
			case DoHold:
				panic("a bug in the house")
			default:
				return nil
			}
		}
		k := b.hello(Hello{Tab: "one"})
		k.send(Command{Type: TypeDo, Req: 1, Do: DoAnswer})
		k.send(Ping{Type: TypePing, ID: 1})
		if k.last(TypePong) == nil {
			t.Error("a slow command keeps other messages waiting")
		}
		for i := range maxCommands + 1 { // one is at work, 16 wait
			k.send(Command{Type: TypeDo, Req: 10 + i, Do: DoMute})
		}
		if r := k.last(TypeResult); r == nil || r["code"] != "busy" || r["req"] != float64(10+maxCommands) {
			t.Errorf("one command too many got %v", r)
		}
		time.Sleep(doWithin)
		if n := k.count(TypeResult); n != maxCommands+2 {
			t.Errorf("%d results, want %d", n, maxCommands+2)
		}
		k.send(Command{Type: TypeDo, Req: 50, Do: DoHold})
		if r := k.last(TypeResult); r["code"] != "internal" || strings.Contains(r["error"].(string), "bug") {
			t.Errorf("a panic of the house was answered by %v", r)
		}
		k.send(Command{Type: TypeDo, Req: 51, Do: DoMute})
		if r := k.last(TypeResult); r["req"] != float64(51) || r["code"] != nil {
			t.Errorf("after the panic: %v", r)
		}
	})
}

// What no browser sends ends the socket with a reason, and nothing else.
func TestHostileMessages(t *testing.T) {
	for name, c := range map[string]struct {
		kind      int
		frame     string
		code      string
		reconnect bool
	}{
		"garbage":     {websocket.TextMessage, "\x00\x01", "invalid", false},
		"binary":      {websocket.BinaryMessage, "{}", "invalid", false},
		"type":        {websocket.TextMessage, `{"type":"explode"}`, "invalid", false},
		"wrong type":  {websocket.TextMessage, `{"type":"ping","id":"x"}`, "invalid", false},
		"wrong SDP":   {websocket.TextMessage, `{"type":"offer","sdp":"v=0","peer":1}`, "invalid", false},
		"empty frame": {websocket.TextMessage, "", "invalid", false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				k := b.hello(Hello{Tab: "one"})
				k.raw(c.kind, c.frame)
				bye := k.last(TypeBye)
				if bye == nil || bye["code"] != c.code || bye["reconnect"] != c.reconnect {
					t.Errorf("bye %v", bye)
				}
				time.Sleep(2 * closeWithin)
				if over, _ := k.ended(); !over {
					t.Error("the socket lives on")
				}
				b.house.want(t, "up", "down")
			})
		})
	}
}

func TestFlood(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		k := b.hello(Hello{Tab: "one"})
		for i := range 1000 {
			if k.conn.WriteJSON(Ping{Type: TypePing, ID: i}) != nil {
				break
			}
		}
		bye := k.last(TypeBye)
		if bye == nil || bye["code"] != "busy" || bye["reconnect"] != true {
			t.Errorf("bye %v", bye)
		}
		time.Sleep(2 * closeWithin)
		if n := k.count(TypePong); n > 2*DefaultConfig().MessagesPerSecond {
			t.Errorf("%d pongs", n)
		}
		b.house.want(t, "up", "down")
	})
}

func TestHugeFrame(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		k := b.hello(Hello{Tab: "one"})
		go k.raw(websocket.TextMessage, `{"type":"ping","x":"`+strings.Repeat("x", maxFrame)+`"}`)
		time.Sleep(time.Second)
		if over, code := k.ended(); !over || code != websocket.CloseMessageTooBig {
			t.Errorf("over %v with %d, want 1009", over, code)
		}
		_ = k.conn.Close()
		b.house.want(t, "up", "down")
	})
}

// A browser that does not read is cut off; the others get every change.
func TestSlowBrowser(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		good := b.hello(Hello{Tab: "one"})
		slow := b.open()
		slow.send(Hello{Type: TypeHello, Token: "alice", Tab: "two"})
		synctest.Wait()
		seat, _ := b.server.Seat("alice")
		for i := range 2 * maxWaiting {
			seat.Put("n", i)
			if i%100 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		time.Sleep(2 * writeWithin)
		synctest.Wait()
		seat.mu.Lock()
		n := len(seat.tabs)
		seat.mu.Unlock()
		if n != 1 {
			t.Errorf("%d tabs, want the good one only", n)
		}
		if got := good.count(TypeChange); got != 2*maxWaiting {
			t.Errorf("the good tab has %d changes of %d", got, 2*maxWaiting)
		}
		b.house.want(t, "up")
	})
}

func TestMarshalError(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		k := b.hello(Hello{Tab: "one"})
		synctest.Wait()
		seat, _ := b.server.Seat("alice")
		seat.Put("bad", func() {})
		seat.Put("nil", nil)
		seat.Put("raw", json.RawMessage(`{"a":1}`))
		if n := k.count(TypeChange); n != 1 {
			t.Errorf("%d changes, want 1", n)
		}
	})
}
