package web

import "sync"

// Limits of what may wait to be written to one browser. One that does not read
// so much is disconnected and gets a snapshot when it comes back.
const (
	maxWaiting       = 1024
	maxWaitingOctets = 1 << 20
)

// outbox is the queue between everyone who tells a browser something and the
// one goroutine that writes to its socket. Nothing that puts into it waits.
type outbox struct {
	wake chan struct{} // holds one token while there is something to look at

	mu     sync.Mutex
	frames [][]byte
	octets int
	state  outboxState
	code   int // WebSocket close code, once closing
}

// outboxState is where an outbox stands: open → closing → (written) or
// overflown; the last two end the writer.
type outboxState int

const (
	outboxOpen outboxState = iota
	outboxClosing
	outboxOverflown
)

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// push queues a frame. When the queue is full everything in it is thrown away
// and the socket ends.
func (o *outbox) push(frame []byte) {
	o.mu.Lock()
	switch {
	case o.state != outboxOpen:
	case len(o.frames) >= maxWaiting || (o.octets > 0 && o.octets+len(frame) > maxWaitingOctets):
		o.state, o.frames, o.octets = outboxOverflown, nil, 0
	default:
		o.frames = append(o.frames, frame)
		o.octets += len(frame)
	}
	o.mu.Unlock()
	o.signal()
}

// close ends the socket with a WebSocket close code after what is queued and
// last, if that is not nil. Only the first close counts.
func (o *outbox) close(code int, last []byte) {
	o.mu.Lock()
	if o.state == outboxOpen {
		if last != nil {
			o.frames = append(o.frames, last)
		}
		o.state, o.code = outboxClosing, code
	}
	o.mu.Unlock()
	o.signal()
}

// take removes what is queued. state tells what comes after it.
func (o *outbox) take() (frames [][]byte, state outboxState, code int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	frames, o.frames, o.octets = o.frames, nil, 0
	return frames, o.state, o.code
}

// closing says whether close was called.
func (o *outbox) closing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state == outboxClosing
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}
