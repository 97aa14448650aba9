package seatclient

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/web"

	"github.com/gorilla/websocket"
)

// Times of a client.
const (
	dialWithin  = 10 * time.Second
	readWithin  = 15 * time.Second // the server pings every 3 s
	writeWithin = 5 * time.Second
	reportEvery = 5 * time.Second
	retryFirst  = 100 * time.Millisecond
	retryMost   = 5 * time.Second
	maxFrame    = 16 << 20 // a snapshot of a large floor
)

// Options say where to sit and as whom.
type Options struct {
	// URL is the server, http://host:port or ws://host:port; without a path it
	// is that of the seat socket.
	URL string
	// Token is what POST /api/v1/session answered.
	Token string
	// Tab names the tab; empty makes a new one.
	Tab string
	// TakeOver makes this the phone even if another tab is.
	TakeOver bool
	// Microphone is what the first report says; empty means "ok".
	Microphone string
	// NoMedia makes no peer connection: a tab that only looks.
	NoMedia bool
	// Relay lets media go through the server's TURN server only: "udp" or
	// "tcp", as from behind a firewall; empty for the direct way.
	Relay string
	// Video offers pictures too: see Show and Picture.
	Video bool
	// TLS is how the server's certificate is checked; nil: as the system does it.
	TLS *tls.Config
	// Pacer drives the microphone's fillers. Needed unless NoMedia.
	Pacer *media.Pacer
	// Log defaults to slog.Default().
	Log *slog.Logger
}

// Client is a seat. Its methods may be called by any goroutine.
type Client struct {
	opts  Options
	url   string
	log   *slog.Logger
	mic   *media.Sender
	heard [tracks]*media.Source
	shown *media.View
	seen  [pictures]*media.Source
	limit atomic.Uint64 // of what is shown, bit/s

	ctx  context.Context // ends with Close, or when the server sent us away
	stop context.CancelCauseFunc
	done chan struct{} // closed when every goroutine has ended

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at every change of what is below
	conn     *websocket.Conn
	welcome  web.Welcome
	welcomed bool // on the present socket
	phone    bool
	epoch    string
	seq      uint64
	doc      map[string]json.RawMessage
	results  map[int]chan web.Result
	requests int
	micState string
	peer     *peer
	peers    int
	media    bool // connected

	closing sync.WaitGroup // peer connections on their way out
	writing sync.Mutex     // one writer at a time, as gorilla asks
}

// tracks is how many audio transceivers a seat has.
const tracks = 3

// trackNames are their names, in order.
var trackNames = [tracks]string{web.TrackCustomer, web.TrackThird, web.TrackCoach}

// Dial connects, says hello and waits for the document. Media follows by
// itself; see WaitMedia. ctx limits Dial alone.
func Dial(ctx context.Context, o Options) (*Client, error) {
	address, err := socketURL(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Pacer == nil && !o.NoMedia {
		return nil, errors.New("seatclient: Options need a Pacer")
	}
	if o.Relay != "" && o.Relay != "udp" && o.Relay != "tcp" {
		return nil, fmt.Errorf("seatclient: relay %q is neither udp nor tcp", o.Relay)
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Tab == "" {
		o.Tab = "tab-" + string(contact.NewID())
	}
	if o.Microphone == "" {
		o.Microphone = "ok"
	}
	c := &Client{
		opts: o, url: address, log: o.Log, done: make(chan struct{}), changed: make(chan struct{}),
		doc: map[string]json.RawMessage{}, results: map[int]chan web.Result{}, micState: o.Microphone,
	}
	c.ctx, c.stop = context.WithCancelCause(context.Background())
	if !o.NoMedia {
		c.mic = media.NewSender(o.Pacer, "mic")
	}
	for i, name := range trackNames {
		c.heard[i] = media.NewSource(name)
	}
	c.shown = media.NewView("camera")
	for i, name := range pictureNames {
		c.seen[i] = media.NewSource(name)
	}
	go c.run()
	if err := c.waitFor(ctx, func() bool { return c.epoch != "" }); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("seatclient: connecting to %s: %w", address, err)
	}
	return c, nil
}

// socketURL turns a server's address into that of its seat socket.
func socketURL(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", fmt.Errorf("seatclient: %q is not a URL; write http://127.0.0.1:8080", server)
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "ws"
	case "https", "wss":
		u.Scheme = "wss"
	default:
		return "", fmt.Errorf("seatclient: %q must begin with http:// or https://; write http://127.0.0.1:8080", server)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/api/v1/seat"
	}
	return u.String(), nil
}

// Mic is what the person says: let it Hear a source. nil with NoMedia.
func (c *Client) Mic() *media.Sender { return c.mic }

// Track is what the person hears on web.TrackCustomer, TrackThird or
// TrackCoach; nil for another name. It stays the same source while peer
// connections are replaced.
func (c *Client) Track(name string) *media.Source {
	for i, n := range trackNames {
		if n == name {
			return c.heard[i]
		}
	}
	return nil
}

// Welcome returns the last welcome.
func (c *Client) Welcome() web.Welcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.welcome
}

// Phone says whether the server made this tab the phone.
func (c *Client) Phone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phone
}

// Get returns the value of a key of the document; not ok if it is absent.
func (c *Client) Get(key string) (value json.RawMessage, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	value, ok = c.doc[key]
	return value, ok
}

// Seq returns the number of the last change that was applied.
func (c *Client) Seq() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seq
}

// WaitKey waits until the value of a key pleases: it is called with nil while
// the key is absent. The error is that of ctx, or why the server sent us away.
func (c *Client) WaitKey(ctx context.Context, key string, pleases func(json.RawMessage) bool) error {
	return c.waitFor(ctx, func() bool { return pleases(c.doc[key]) })
}

// WaitPhone waits until this tab is the phone, or is not.
func (c *Client) WaitPhone(ctx context.Context, phone bool) error {
	return c.waitFor(ctx, func() bool { return c.phone == phone })
}

// WaitMedia waits until the peer connection stands.
func (c *Client) WaitMedia(ctx context.Context) error {
	return c.waitFor(ctx, func() bool { return c.media })
}

// waitFor waits until ready, which is called with the lock held, says so.
func (c *Client) waitFor(ctx context.Context, ready func() bool) error {
	for {
		c.mu.Lock()
		ok, changed := ready(), c.changed
		c.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.ctx.Done():
			return context.Cause(c.ctx)
		}
	}
}

// notify wakes everyone in waitFor. The caller holds the lock.
func (c *Client) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// Do sends a command, when there is a socket, and waits for its result. A
// refusal is a *contact.Error; one with contact.Busy may mean that the socket
// was lost before the answer, so that nobody knows whether it was done.
func (c *Client) Do(ctx context.Context, cmd web.Command) error {
	if err := c.waitFor(ctx, func() bool { return c.conn != nil && c.welcomed }); err != nil {
		return err
	}
	answer := make(chan web.Result, 1)
	c.mu.Lock()
	c.requests++
	cmd.Type, cmd.Req = web.TypeDo, c.requests
	c.results[cmd.Req] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.results, cmd.Req)
		c.mu.Unlock()
	}()
	if err := c.send(cmd); err != nil {
		return err
	}
	select {
	case r := <-answer:
		if r.Code != "" {
			return &contact.Error{Code: r.Code, Message: r.Error}
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
}

// SetMicrophone reports another state of the microphone ("denied").
func (c *Client) SetMicrophone(state string) error {
	c.mu.Lock()
	c.micState = state
	c.mu.Unlock()
	return c.send(web.MediaReport{Type: web.TypeMedia, Microphone: state, Playback: true})
}

// TakeOver makes this tab the phone and connects its media.
func (c *Client) TakeOver() error {
	return c.send(web.Hello{Type: web.TypeHello, Tab: c.opts.Tab, TakeOver: true})
}

// send writes one message to the present socket.
func (c *Client) send(m any) error {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	return c.write(conn, m)
}

// write writes one message to a socket, if there is one.
func (c *Client) write(conn *websocket.Conn, m any) error {
	if conn == nil {
		return errors.New("seatclient: there is no socket at the moment")
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = conn.SetWriteDeadline(time.Now().Add(writeWithin))
	if err := conn.WriteJSON(m); err != nil {
		return fmt.Errorf("seatclient: writing to the seat socket: %w", err)
	}
	return nil
}

// DropSocket cuts the socket, as a lost network does; the client comes back by
// itself. For tests.
func (c *Client) DropSocket() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

// Done is closed when the client is over: closed, or sent away.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err says why the client is over; nil before.
func (c *Client) Err() error { return context.Cause(c.ctx) }

// Close ends media and socket and waits for them.
func (c *Client) Close() error {
	c.stop(errors.New("seatclient: closed"))
	<-c.done
	if c.mic != nil {
		c.mic.Close()
	}
	c.shown.Close()
	return nil
}

// header is what the handshake carries besides the token in Hello.
func (c *Client) header() http.Header {
	return http.Header{"User-Agent": {"callfloor seat client"}}
}
