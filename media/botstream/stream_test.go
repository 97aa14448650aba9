package botstream

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"callfloor/media"
	"callfloor/media/codec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// within is how long a condition may take on a busy machine.
const within = 20 * time.Second

// bot is a server that talks as a test wants.
type bot struct {
	t    *testing.T
	url  string
	got  chan map[string]any
	conn chan *websocket.Conn
}

// newBot starts a server; talk is run with each connection.
func newBot(t *testing.T) *bot {
	t.Helper()
	b := &bot{t: t, got: make(chan map[string]any, 10_000), conn: make(chan *websocket.Conn, 8)}
	var up websocket.Upgrader
	done := make(chan struct{})
	var running sync.WaitGroup
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/deaf" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		running.Add(1)
		defer running.Done()
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		b.conn <- c
		if r.URL.Path == "/idle" { // never reads
			<-done
			return
		}
		for {
			_, text, err := c.ReadMessage()
			if err != nil {
				close(b.got)
				return
			}
			var m map[string]any
			if json.Unmarshal(text, &m) != nil {
				t.Errorf("no JSON: %s", text)
			}
			b.got <- m
		}
	}))
	t.Cleanup(func() { close(done); srv.CloseClientConnections(); running.Wait(); srv.Close() })
	b.url = "ws" + strings.TrimPrefix(srv.URL, "http")
	return b
}

// next is the next message of an event.
func (b *bot) next(event string) map[string]any {
	b.t.Helper()
	for {
		select {
		case m, ok := <-b.got:
			if !ok {
				b.t.Fatalf("the line ended before %s", event)
			}
			if m["event"] == event {
				return m
			}
		case <-time.After(within):
			b.t.Fatalf("no %s came", event)
		}
	}
}

func (b *bot) say(c *websocket.Conn, text string) {
	b.t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		b.t.Error(err)
	}
}

func anywhere(netip.Addr, bool) error { return nil }

func dial(t *testing.T, b *bot, path string) (*Stream, *websocket.Conn) {
	t.Helper()
	p := media.NewPacer()
	d := &Dialer{Log: slog.New(slog.DiscardHandler), Pacer: p, Allow: anywhere}
	s, err := d.Dial(t.Context(), Start{URL: b.url + path, Call: "call1", Parameters: map[string]string{"order": "0018"}, Connect: within})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); p.Close() })
	return s, <-b.conn
}

// TestTheFormOfMediaStreams: what goes out is what bots for Media Streams read.
func TestTheFormOfMediaStreams(t *testing.T) {
	b := newBot(t)
	s, _ := dial(t, b, "/")
	if m := b.next("connected"); m["protocol"] != "Call" || m["version"] != "1.0.0" {
		t.Errorf("%v", m)
	}
	start := b.next("start")
	body, _ := json.Marshal(start["start"])
	want := `{"accountSid":"callfloor","callSid":"call1","customParameters":{"order":"0018"},"mediaFormat":{"channels":1,"encoding":"audio/x-mulaw","sampleRate":8000},"streamSid":"` + s.ID() + `","tracks":["inbound"]}`
	if string(body) != want || start["sequenceNumber"] != "1" || start["streamSid"] != s.ID() || len(s.ID()) != 34 {
		t.Errorf("start: %s", body)
	}
	sound := bytes.Repeat([]byte{0x7F, 0x80}, 80)
	for range 3 {
		s.WritePacket(&media.Packet{Codec: codec.PCMU, Payload: sound})
	}
	last := 1
	for i := range 3 {
		m := b.next("media")["media"].(map[string]any)
		octets, err := base64.StdEncoding.DecodeString(m["payload"].(string))
		if err != nil || !bytes.Equal(octets, sound) || m["track"] != "inbound" || m["chunk"] != strconv.Itoa(i+1) {
			t.Errorf("media: %v", m)
		}
		if _, err := strconv.Atoi(m["timestamp"].(string)); err != nil {
			t.Errorf("timestamp: %v", m["timestamp"])
		}
		last++
	}
	s.Digit('7')
	m := b.next("dtmf")
	if n, err := strconv.Atoi(m["sequenceNumber"].(string)); err != nil || n != last+1 {
		t.Errorf("the sequence number of the key: %v", m["sequenceNumber"])
	}
	if d := m["dtmf"].(map[string]any); d["digit"] != "7" || d["track"] != "inbound_track" {
		t.Errorf("dtmf: %v", d)
	}
	s.Close()
	if m := b.next("stop"); m["stop"].(map[string]any)["callSid"] != "call1" {
		t.Errorf("stop: %v", m)
	}
	if o := s.Outcome(); o.Ended != Left {
		t.Errorf("%+v", o)
	}
}

// ear counts what is heard of the bot.
type ear struct {
	mu sync.Mutex
	n  int
}

func (e *ear) WritePacket(p *media.Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n += bytes.Count(p.Payload, []byte{0x55})
}

func (e *ear) heard() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.n
}

// TestMarksAndClear: a mark comes back when everything before it has been
// heard; clear cuts short what is still to be heard.
func TestMarksAndClear(t *testing.T) {
	b := newBot(t)
	s, c := dial(t, b, "/")
	var e ear
	s.Source().Attach(&e)
	said := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0x55}, 1600))
	b.say(c, `{"event":"media","streamSid":"x","media":{"payload":"`+said+`"}}`)
	b.say(c, `{"event":"mark","streamSid":"x","mark":{"name":"one"}}`)
	if m := b.next("mark"); m["mark"].(map[string]any)["name"] != "one" || e.heard() != 1600 {
		t.Errorf("%v after %d octets", m, e.heard())
	}
	long := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0x55}, 60*8000))
	b.say(c, `{"event":"media","media":{"payload":"`+long+`"}}`)
	b.say(c, `{"event":"mark","mark":{"name":"two"}}`)
	b.say(c, `{"event":"clear"}`)
	if m := b.next("mark"); m["mark"].(map[string]any)["name"] != "two" || e.heard() > 1600+40*8000 {
		t.Errorf("%v after %d octets", m, e.heard())
	}
}

func TestHandover(t *testing.T) {
	b := newBot(t)
	s, c := dial(t, b, "/")
	said := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0x55}, 4000))
	b.say(c, `{"event":"media","media":{"payload":"`+said+`"}}`)
	b.say(c, `{"event":"handover","queue":"sales","context":{"intent":"order","slots":{"size":"XL"}}}`)
	waitFor(t, s.Done())
	o := s.Outcome()
	if o.Ended != HandedOver || o.Queue != "sales" || o.Context["intent"] != "order" {
		t.Errorf("%+v", o)
	}
	var e ear
	s.Source().Attach(&e)
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	if err := s.Heard(ctx); err != nil {
		t.Errorf("what the bot said last is not heard: %v", err)
	}
	b.next("stop")
}

func waitFor(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(within):
		t.Fatal("it did not end")
	}
}

// TestEnds: who closes has finished; what breaks is lost.
func TestEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(*bot, *websocket.Conn)
		want Ended
	}{
		"closed": {func(b *bot, c *websocket.Conn) {
			_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
		}, Closed},
		"broken": {func(_ *bot, c *websocket.Conn) { _ = c.UnderlyingConn().Close() }, Lost},
		"refused": {func(_ *bot, c *websocket.Conn) {
			_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseInternalServerErr, "oh"), time.Now().Add(time.Second))
		}, Lost},
		"too large": {func(b *bot, c *websocket.Conn) {
			// The far end may have hung up before it was all written.
			_ = c.WriteMessage(websocket.TextMessage, []byte(`{"event":"`+strings.Repeat("x", maxMessage)+`"}`))
		}, Lost},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBot(t)
			s, c := dial(t, b, "/")
			tt.end(b, c)
			waitFor(t, s.Done())
			if o := s.Outcome(); o.Ended != tt.want {
				t.Errorf("%+v", o)
			}
		})
	}
}

// TestSlowBot: a bot that reads nothing costs a second of sound and no call.
func TestSlowBot(t *testing.T) {
	b := newBot(t)
	s, _ := dial(t, b, "/idle")
	sound := make([]byte, 160)
	for range 200_000 { // more than sockets hold
		s.WritePacket(&media.Packet{Codec: codec.PCMU, Payload: sound})
		if s.Stats().Dropped > 0 {
			break
		}
	}
	if c := s.Stats(); c.Dropped == 0 {
		t.Errorf("nothing was dropped: %+v", c)
	}
	for range maxControl + 2 {
		s.Digit('1')
	}
	select {
	case <-s.Done():
		if o := s.Outcome(); o.Ended != Lost || !strings.Contains(o.Why, "does not read") {
			t.Errorf("%+v", o)
		}
	default: // the writer took them in time
	}
}

func TestWhoMayNotBeDialled(t *testing.T) {
	b := newBot(t)
	p := media.NewPacer()
	defer p.Close()
	private := errors.New("it is not a public address")
	for _, tt := range []struct {
		name, url, want string
		d               Dialer
		refused         bool
	}{
		{"private", b.url, private.Error(), Dialer{Allow: func(netip.Addr, bool) error { return private }}, true},
		{"no address", "https://bot.example", "wss://", Dialer{Allow: anywhere}, true},
		{"not listed", b.url, "bots.hosts", Dialer{Allow: anywhere, Hosts: []string{"bot.example"}}, true},
		{"no WebSocket", b.url + "/deaf", "403", Dialer{Allow: anywhere}, false},
		{"nobody there", "ws://127.0.0.1:1/", "cannot be reached", Dialer{Allow: anywhere}, false},
	} {
		tt.d.Log, tt.d.Pacer = slog.New(slog.DiscardHandler), p
		_, err := tt.d.Dial(t.Context(), Start{URL: tt.url, Connect: within})
		var refused *RefusedError
		if err == nil || !strings.Contains(err.Error(), tt.want) || errors.As(err, &refused) != tt.refused || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// FuzzBotMessage: nothing that a bot says may break a call.
func FuzzBotMessage(f *testing.F) {
	for _, seed := range []string{
		`{"event":"media","media":{"payload":"////"}}`, `{"event":"mark","mark":{"name":"a"}}`, `{"event":"clear"}`,
		`{"event":"handover","queue":"sales","context":{"a":[1,{"b":null}]}}`, `{"event":"media","media":{"payload":5}}`, `[]`, `{"event":"media"`,
	} {
		f.Add([]byte(seed))
	}
	p := media.NewPacer()
	f.Cleanup(p.Close)
	f.Fuzz(func(_ *testing.T, text []byte) {
		s := newStream(&websocket.Conn{}, p, slog.New(slog.DiscardHandler), "MZ", Start{})
		s.end.Do(func() {}) // there is no connection to end
		s.take(text, nil)
		s.feed.Close()
	})
}
