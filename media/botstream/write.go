package botstream

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

// writer is the goroutine that alone writes to the connection.
type writer struct {
	s     *Stream
	seq   int
	chunk int
	buf   []byte
	one   piece
}

// write sends what waits until the stream is over, and then stop.
func (s *Stream) write() {
	defer s.conn.Close() //nolint:errcheck // it ends the reader too
	w := &writer{s: s}
	if err := w.begin(); err != nil {
		s.over(Outcome{Ended: Lost, Why: "the connection broke"})
		return
	}
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var err error
		select {
		case <-s.wake:
			err = w.drain()
		case <-ping.C:
			err = s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWithin))
		case <-s.done:
			w.finish()
			return
		}
		if err != nil {
			s.over(Outcome{Ended: Lost, Why: "the bot does not read what it is sent"})
			return
		}
	}
}

// begin sends connected and start.
func (w *writer) begin() error {
	if err := w.send([]byte(`{"event":"connected","protocol":"Call","version":"1.0.0"}`)); err != nil {
		return err
	}
	parameters := w.s.start.Parameters
	if parameters == nil {
		parameters = map[string]string{}
	}
	return w.number(map[string]any{"event": "start", "streamSid": w.s.id, "start": map[string]any{
		"accountSid": "callfloor", "streamSid": w.s.id, "callSid": w.s.start.Call, "tracks": []string{"inbound"},
		"mediaFormat":      map[string]any{"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
		"customParameters": parameters,
	}})
}

// number sends a message with the next sequence number.
func (w *writer) number(m map[string]any) error {
	w.seq++
	m["sequenceNumber"] = strconv.Itoa(w.seq)
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return w.send(text)
}

func (w *writer) send(text []byte) error {
	_ = w.s.conn.SetWriteDeadline(time.Now().Add(writeWithin))
	return w.s.conn.WriteMessage(websocket.TextMessage, text)
}

// drain sends everything that waits: keys and marks first.
func (w *writer) drain() error {
	for {
		s := w.s
		s.mu.Lock()
		control := s.control
		s.control = nil
		more := s.waiting > 0
		if more {
			from := &s.pieces[s.first]
			w.one.at, w.one.octets = from.at, copy(w.one.pcmu[:], from.pcmu[:from.octets])
			s.first, s.waiting = (s.first+1)%maxWaiting, s.waiting-1
			s.stats.Sent++
		}
		s.mu.Unlock()
		for _, m := range control {
			if err := w.number(m); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		if err := w.sound(); err != nil {
			return err
		}
	}
}

// sound sends one piece; it is written by hand, fifty times a second.
func (w *writer) sound() error {
	w.seq++
	w.chunk++
	b := append(w.buf[:0], `{"event":"media","sequenceNumber":"`...)
	b = strconv.AppendInt(b, int64(w.seq), 10)
	b = append(b, `","streamSid":"`...)
	b = append(b, w.s.id...)
	b = append(b, `","media":{"track":"inbound","chunk":"`...)
	b = strconv.AppendInt(b, int64(w.chunk), 10)
	b = append(b, `","timestamp":"`...)
	b = strconv.AppendInt(b, w.one.at.Milliseconds(), 10)
	b = append(b, `","payload":"`...)
	b = base64.StdEncoding.AppendEncode(b, w.one.pcmu[:w.one.octets])
	b = append(b, `"}}`...)
	w.buf = b
	return w.send(b)
}

// finish says stop and closes; a bot that is gone hears nothing.
func (w *writer) finish() {
	if w.s.Outcome().Ended == Lost {
		return
	}
	if w.number(map[string]any{"event": "stop", "streamSid": w.s.id, "stop": map[string]string{"accountSid": "callfloor", "callSid": w.s.start.Call}}) != nil {
		return
	}
	deadline := time.Now().Add(closeWithin)
	_ = w.s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), deadline)
}
