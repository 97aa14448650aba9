package botstream

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"callfloor/media"
)

const (
	// maxMessage is the largest message that is taken from a bot: a minute of
	// sound in one piece, as base64.
	maxMessage = 1 << 20
	// maxWaiting is how many pieces of what the customer says wait for a slow
	// bot: a second.
	maxWaiting = 50
	// maxPiece is the largest packet that is sent on: 60 ms.
	maxPiece = 480
	// maxControl is how many marks and keys wait for a slow bot; with more it is
	// lost.
	maxControl = 512
	// writeWithin is how long one message may take to go out, silentFor how long
	// nothing at all may come in; pings ask for something.
	writeWithin = 5 * time.Second
	pingEvery   = 10 * time.Second
	silentFor   = 30 * time.Second
	closeWithin = time.Second
)

// Ended is how a bot's part of a call ended.
type Ended string

// The ends.
const (
	Closed     Ended = "closed"      // the bot closed the connection
	HandedOver Ended = "handed_over" // it handed the call over
	Lost       Ended = "lost"        // the connection broke
	Left       Ended = "left"        // we closed it
)

// Outcome is what came of a stream.
type Outcome struct {
	Ended Ended
	// Queue and Context are what the bot said when it handed the call over.
	Queue   string
	Context map[string]any
	// Why says what was wrong with a lost connection.
	Why string
}

// Stats count what went through a stream.
type Stats struct {
	Sent      int // pieces of sound to the bot
	Dropped   int // pieces that a slow bot did not take
	Received  int // messages of sound from the bot
	NotPlayed int // octets from the bot that there was no room for
	Odd       int // messages that could not be understood
}

// Stream is a connection to a bot that is up. It is the sink of what the
// customer says (PCMU) and has a source of what the bot says.
type Stream struct {
	conn  *websocket.Conn
	log   *slog.Logger
	feed  *media.Feed
	id    string
	start Start
	begun time.Time

	wake chan struct{} // size 1: something is to be sent
	done chan struct{}
	end  sync.Once
	runs sync.WaitGroup

	mu      sync.Mutex // guards all below
	pieces  [maxWaiting]piece
	first   int
	waiting int
	control []map[string]any // without their sequence numbers
	outcome Outcome
	stats   Stats
}

// piece is a packet of what the customer says.
type piece struct {
	at     time.Duration
	octets int
	pcmu   [maxPiece]byte
}

func newStream(conn *websocket.Conn, p *media.Pacer, log *slog.Logger, id string, s Start) *Stream {
	return &Stream{
		conn: conn, log: log, feed: media.NewFeed(p, "bot"), id: id, start: s, begun: time.Now(),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

func (s *Stream) run() {
	s.runs.Go(func() { defer s.recovered(); s.write() })
	s.runs.Go(func() { defer s.recovered(); s.read() })
}

func (s *Stream) recovered() {
	if r := recover(); r != nil {
		s.log.Error("the line to a bot failed", "panic", r, "stack", string(debug.Stack()))
		s.over(Outcome{Ended: Lost, Why: "the line failed"})
	}
}

// ID is the streamSid that the bot knows.
func (s *Stream) ID() string { return s.id }

// Source is what the bot says.
func (s *Stream) Source() *media.Source { return s.feed.Source() }

// Done is closed when the bot's part is over; Outcome says how.
func (s *Stream) Done() <-chan struct{} { return s.done }

// Outcome is valid once Done is closed.
func (s *Stream) Outcome() Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outcome
}

// Stats returns the counts so far.
func (s *Stream) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// WritePacket takes what the customer says: PCMU. It implements media.Sink.
func (s *Stream) WritePacket(p *media.Packet) {
	if n := len(p.Payload); n == 0 || n > maxPiece {
		return
	}
	s.mu.Lock()
	if s.waiting == maxWaiting { // the oldest goes: what is late is of no use
		s.first, s.waiting = (s.first+1)%maxWaiting, s.waiting-1
		s.stats.Dropped++
	}
	one := &s.pieces[(s.first+s.waiting)%maxWaiting]
	one.at, one.octets = time.Since(s.begun), copy(one.pcmu[:], p.Payload)
	s.waiting++
	s.mu.Unlock()
	s.stir()
}

func (s *Stream) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Digit tells the bot a key that the customer pressed.
func (s *Stream) Digit(key rune) {
	s.tell(map[string]any{"event": "dtmf", "dtmf": map[string]string{"track": "inbound_track", "digit": string(key)}})
}

// tell queues a message that is no sound; the writer numbers it.
func (s *Stream) tell(m map[string]any) {
	m["streamSid"] = s.id
	s.mu.Lock()
	full := len(s.control) >= maxControl
	if !full {
		s.control = append(s.control, m)
	}
	s.mu.Unlock()
	if full {
		s.over(Outcome{Ended: Lost, Why: "the bot does not read what it is sent"})
		return
	}
	s.stir()
}

// Heard waits until everything that the bot said has been heard, or ctx ends.
func (s *Stream) Heard(ctx context.Context) error {
	heard := make(chan struct{})
	if !s.feed.Mark(func() { close(heard) }) {
		return nil
	}
	select {
	case <-heard:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close ends the stream, if it is not over, and waits for its goroutines. The
// bot is told stop.
func (s *Stream) Close() {
	s.over(Outcome{Ended: Left})
	s.runs.Wait()
	s.feed.Close()
}

// over notes how it ended, once.
func (s *Stream) over(o Outcome) {
	s.end.Do(func() {
		s.mu.Lock()
		s.outcome = o
		s.mu.Unlock()
		close(s.done)
		// Wake the reader; the writer says stop first.
		_ = s.conn.SetReadDeadline(time.Now().Add(closeWithin))
	})
}

// message is what a bot sends.
type message struct {
	Event string `json:"event"`
	Media struct {
		Payload string `json:"payload"`
	} `json:"media"`
	Mark struct {
		Name string `json:"name"`
	} `json:"mark"`
	Queue   string         `json:"queue"`
	Context map[string]any `json:"context"`
}

// read takes what the bot sends until the connection is over.
func (s *Stream) read() {
	s.conn.SetReadLimit(maxMessage)
	alive := func(string) error { return s.conn.SetReadDeadline(time.Now().Add(silentFor)) }
	_ = alive("")
	s.conn.SetPongHandler(alive)
	var sound []byte
	for {
		kind, text, err := s.conn.ReadMessage()
		if err != nil {
			s.over(ended(err))
			return
		}
		select {
		case <-s.done:
			return
		default:
		}
		if kind == websocket.TextMessage {
			sound = s.take(text, sound)
		} else {
			s.count(func(c *Stats) { c.Odd++ })
		}
		_ = alive("")
	}
}

// ended says how a connection ended by the error of its reader.
func ended(err error) Outcome {
	var timeout net.Error
	switch {
	case websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived):
		return Outcome{Ended: Closed}
	case errors.Is(err, websocket.ErrReadLimit):
		return Outcome{Ended: Lost, Why: "a message of the bot was too large"}
	case errors.As(err, &timeout) && timeout.Timeout():
		return Outcome{Ended: Lost, Why: "nothing came from the bot"}
	}
	return Outcome{Ended: Lost, Why: "the connection broke"}
}

func (s *Stream) count(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}

// take does what one message says; it returns the buffer of sounds for the next.
func (s *Stream) take(text, sound []byte) []byte {
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		s.count(func(c *Stats) { c.Odd++ })
		return sound
	}
	switch m.Event {
	case "media":
		var err error
		sound, err = base64.StdEncoding.AppendDecode(sound[:0], []byte(m.Media.Payload))
		if err != nil {
			s.count(func(c *Stats) { c.Odd++ })
			return sound
		}
		n := s.feed.Write(sound)
		s.count(func(c *Stats) { c.Received++; c.NotPlayed += len(sound) - n })
	case "mark":
		name := m.Mark.Name
		if !s.feed.Mark(func() { s.tell(map[string]any{"event": "mark", "mark": map[string]string{"name": name}}) }) {
			s.count(func(c *Stats) { c.Odd++ })
		}
	case "clear":
		s.feed.Clear()
	case "handover":
		s.over(Outcome{Ended: HandedOver, Queue: m.Queue, Context: m.Context})
	default:
		s.count(func(c *Stats) { c.Odd++ })
	}
	return sound
}
