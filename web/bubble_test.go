package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/media"

	"github.com/gorilla/websocket"
	"github.com/pion/transport/v4/vnet"
)

// notebook is a House that writes down what it is told.
type notebook struct {
	mu   sync.Mutex
	told []string
	do   func(context.Context, Command) error
}

func (n *notebook) note(what string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = append(n.told, what)
}

func (n *notebook) SeatUp(*Seat)   { n.note("up") }
func (n *notebook) SeatDown(*Seat) { n.note("down") }
func (n *notebook) SeatMedia(_ *Seat, ready bool, why string) {
	if ready {
		why = "ready"
	}
	n.note(why)
}

func (n *notebook) Do(ctx context.Context, _ *Seat, c Command) error {
	if n.do == nil {
		return nil
	}
	return n.do(ctx, c)
}

// want compares what the house was told since the last time.
func (n *notebook) want(t *testing.T, told ...string) {
	t.Helper()
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Equal(n.told, told) {
		t.Errorf("the house was told %q, want %q", n.told, told)
	}
	n.told = nil
}

// bubble is a server in fake time: sockets are pipes, media is a virtual
// network.
type bubble struct {
	t      *testing.T
	server *Server
	house  *notebook
	pipes  *pipes
	router *vnet.Router
	far    *vnet.Net // the browsers' side
	farIP  string    // the only address there that browsers use; "" for all
}

// inBubble runs f with a server in a synctest bubble.
func inBubble(t *testing.T, f func(t *testing.T, b *bubble)) {
	synctest.Test(t, func(t *testing.T) {
		quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
		b := &bubble{t: t, house: &notebook{}, pipes: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}}
		pacer := media.NewPacer()
		cfg := DefaultConfig()
		server, err := New(cfg, Options{Log: quiet, Pacer: pacer, House: b.house, Authenticate: func(_ *http.Request, token string) (Identity, error) {
			if token == "" {
				return Identity{}, contact.Errorf(contact.Unauthorized, "sign in again")
			}
			return Identity{User: token, Role: contact.RoleAgent}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		b.server = server
		near := b.network()
		e, err := newEngineOn(cfg, quiet, network{net: near})
		if err != nil {
			t.Fatal(err)
		}
		server.mu.Lock()
		server.run(e)
		server.mu.Unlock()
		h := &http.Server{Handler: server, ReadHeaderTimeout: time.Minute}
		served := make(chan error)
		go func() { served <- h.Serve(b.pipes) }()
		f(t, b)
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
		_ = h.Close()
		<-served
		if b.router != nil {
			_ = b.router.Stop()
		}
		pacer.Close()
		synctest.Wait()
	})
}

// network makes the virtual network and returns the server's side.
func (b *bubble) network() *vnet.Net {
	router, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/24", LoggerFactory: logFactory{slog.New(slog.DiscardHandler)}})
	if err != nil {
		b.t.Fatal(err)
	}
	side := func(ips ...string) *vnet.Net {
		n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: ips})
		if err == nil {
			err = router.AddNet(n)
		}
		if err != nil {
			b.t.Fatal(err)
		}
		return n
	}
	near := side("10.0.0.1")
	b.far = side("10.0.0.2", "10.0.0.3")
	if err := router.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.router = router
	return near
}

// pipes is a net.Listener of net.Pipes.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// tab is a browser's tab: a bare WebSocket whose messages are collected.
type tab struct {
	t    *testing.T
	conn *websocket.Conn

	mu   sync.Mutex
	got  []map[string]any
	over error
}

// open connects without saying anything.
func (b *bubble) open() *tab {
	b.t.Helper()
	d := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		select {
		case b.pipes.conns <- far:
			return near, nil
		case <-b.pipes.closed:
			return nil, net.ErrClosed
		}
	}}
	conn, resp, err := d.Dial("ws://desk/api/v1/seat", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = resp.Body.Close()
	k := &tab{t: b.t, conn: conn}
	b.t.Cleanup(func() { _ = conn.Close() })
	return k
}

// read collects messages, and answers pings, until the socket is over.
func (k *tab) read() {
	go func() {
		for {
			var m map[string]any
			err := k.conn.ReadJSON(&m)
			k.mu.Lock()
			if err != nil {
				k.over = err
				k.mu.Unlock()
				_ = k.conn.Close()
				return
			}
			k.got = append(k.got, m)
			k.mu.Unlock()
		}
	}()
}

// hello opens a tab and says hello.
func (b *bubble) hello(h Hello) *tab {
	b.t.Helper()
	k := b.open()
	k.read()
	h.Type = TypeHello
	if h.Token == "" {
		h.Token = "alice"
	}
	k.send(h)
	synctest.Wait()
	return k
}

func (k *tab) send(m any) {
	k.t.Helper()
	if err := k.conn.WriteJSON(m); err != nil {
		k.t.Fatal(err)
	}
}

func (k *tab) raw(kind int, frame string) {
	_ = k.conn.WriteMessage(kind, []byte(frame)) // the server may have closed
}

// last returns the last message of a type, nil if there is none.
func (k *tab) last(kind string) map[string]any {
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range slices.Backward(k.got) {
		if m["type"] == kind {
			return m
		}
	}
	return nil
}

func (k *tab) count(kind string) int {
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, m := range k.got {
		if m["type"] == kind {
			n++
		}
	}
	return n
}

func (k *tab) isPhone() bool {
	k.t.Helper()
	m := k.last(TypeTab)
	if m == nil {
		k.t.Fatal("the tab was not told its role")
	}
	return m["phone"] == true
}

// ended says whether the socket is over, and the code of its close frame.
func (k *tab) ended() (bool, int) {
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	if c, ok := errors.AsType[*websocket.CloseError](k.over); ok {
		return true, c.Code
	}
	return k.over != nil, 0
}

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
