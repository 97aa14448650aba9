package web

import (
	"context"
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

	"github.com/gorilla/websocket"
	"github.com/pion/transport/v4/vnet"

	"callfloor/contact"
	"callfloor/media"
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
	ends   time.Time // of sessions
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
			user, session, _ := strings.Cut(token, "/")
			return Identity{User: user, Role: contact.RoleAgent, Session: session, Ends: b.ends}, nil
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
