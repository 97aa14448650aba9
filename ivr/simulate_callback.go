package ivr

import (
	"cmp"
	"context"
	"strings"
	"time"

	"callfloor/contact"
)

// Callbacks and messages of a simulated caller.

// Callback implements Caller.
func (s *simulation) Callback(_ context.Context, q CallbackRequest) error {
	s.callback = string(q.Queue)
	when := "when it is their turn"
	if !q.At.IsZero() {
		when = "at " + q.At.Format("15:04")
		s.callback += " " + q.At.Format("15:04")
	}
	s.note("will be called back by %s on %s %s", q.Queue, cmp.Or(q.Number, "the number they call from"), when)
	return nil
}

// RecordMessage implements Caller.
func (s *simulation) RecordMessage(ctx context.Context, q MessageRequest) (Message, error) {
	s.note("beep")
	m := Message{Recording: "simulated"}
	begun := s.now
	var err error
	if one := s.step(); one != nil && one.Speak.set {
		m.Length = min(one.Speak.d, q.Max)
		s.note("  speaks for %v", m.Length)
		_, _, err = s.until(ctx, s.now.Add(m.Length), false)
		s.pass(s.now)
	}
	for err == nil && m.Why == "" {
		left := min(q.Silence, q.Max-s.now.Sub(begun))
		if m.Why = "silence"; left <= 0 {
			m.Why = "length"
			break
		}
		var k rune
		var pressed bool
		if k, pressed, err = s.until(ctx, s.now.Add(left), true); pressed {
			m.Why = map[bool]string{true: "key"}[k == q.Ends]
		}
	}
	if err != nil {
		m.Why = "hangup"
	}
	return m, err
}

// KeepMessage implements Caller.
func (s *simulation) KeepMessage(_ context.Context, m Message, queue contact.QueueID, _ int) error {
	s.message = string(queue)
	s.note("a message of %v for %s", m.Length, queue)
	return nil
}

// DropMessage implements Caller.
func (s *simulation) DropMessage(context.Context, Message) { s.note("the message is erased") }

// keyIn waits, and returns early with a key that the queue takes.
func (s *simulation) keyIn(ctx context.Context, keys string, end time.Time) (rune, error) {
	for {
		k, pressed, err := s.until(ctx, end, keys != "")
		switch {
		case err != nil || !pressed:
			return 0, err
		case strings.ContainsRune(keys, k):
			return k, nil
		}
	}
}
