package bus

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Local is the bus of one process. It has no goroutine of its own: Publish
// puts the message into each reader's channel.
type Local struct {
	mu     sync.RWMutex // held for reading while publishing, for writing while the list or a channel closes
	closed bool
	subs   []*Subscription
}

var _ Bus = (*Local)(nil)

// NewLocal returns an open bus.
func NewLocal() *Local { return &Local{} }

// Publish implements Bus.
func (l *Local) Publish(topic string, payload []byte) {
	if !ValidTopic(topic) {
		return
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, s := range l.subs {
		if Match(s.pattern, topic) {
			s.deliver(Message{Topic: topic, Payload: payload})
		}
	}
}

// Subscribe implements Bus.
func (l *Local) Subscribe(pattern string, size int) *Subscription {
	s := &Subscription{pattern: pattern, ch: make(chan Message, max(size, 1))}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || !ValidPattern(pattern) {
		s.finish()
		return s
	}
	s.leave = l.remove
	l.subs = append(l.subs, s)
	return s
}

// Close implements Bus.
func (l *Local) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, s := range l.subs {
		s.finish()
	}
	l.subs = nil
}

func (l *Local) remove(s *Subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.subs, s); i >= 0 {
		l.subs = slices.Delete(l.subs, i, i+1)
		s.finish()
	}
}

// Subscription is one reader of a bus.
type Subscription struct {
	pattern string
	ch      chan Message
	missed  atomic.Uint64
	leave   func(*Subscription) // nil if it never was on a bus
	once    sync.Once
}

// C delivers the messages in order. It is closed when the subscription or the
// bus is; what waited in it can still be read.
func (s *Subscription) C() <-chan Message { return s.ch }

// Missed counts the messages that were dropped for this reader because its
// channel was full. A reader that sees it grow reads the state again.
func (s *Subscription) Missed() uint64 { return s.missed.Load() }

// Close ends the subscription; it may be called several times.
func (s *Subscription) Close() {
	if s.leave != nil {
		s.leave(s)
	}
}

// deliver never blocks. The bus calls it while it holds its lock for reading,
// so that finish cannot come between.
func (s *Subscription) deliver(m Message) {
	select {
	case s.ch <- m:
	default:
		s.missed.Add(1)
	}
}

func (s *Subscription) finish() { s.once.Do(func() { close(s.ch) }) }
