package media

import (
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"

	"callfloor/media/poll"
)

// loopFull is how many sockets a loop takes before the next is used: some 250
// calls, a tenth of a core. Fewer loops fetch more packets with each wake-up,
// and legs of one call are likely to share one.
const loopFull = 512

// Engine reads the sockets of many Sessions with one loop for each core, while
// packets come often once a millisecond (see package poll). On systems without
// epoll, and for the nil Engine, each socket has a goroutine.
type Engine struct {
	log *slog.Logger

	mu     sync.Mutex
	most   int // loops
	loops  []*poll.Loop
	after  []func()
	closed bool
}

// NewEngine returns an engine that makes its loops when they are needed. Close
// it after its Sessions. log may be nil.
func NewEngine(log *slog.Logger) *Engine {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Engine{log: log, most: runtime.GOMAXPROCS(0)}
}

// After makes f be called after each batch of packets that a loop has handled:
// to send what they caused and was put together. f must not block.
func (e *Engine) After(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.after = append(e.after, f)
	for _, l := range e.loops {
		l.After(f)
	}
}

// Close ends the loops and waits for them.
func (e *Engine) Close() {
	if e == nil {
		return
	}
	e.mu.Lock()
	loops := e.loops
	e.loops, e.closed = nil, true
	e.mu.Unlock()
	for _, l := range loops {
		l.Close()
	}
}

// of returns what a Session of e reads its sockets with.
func (e *Engine) of(log *slog.Logger) engine {
	if e == nil || !poll.Supported {
		return goEngine{log: log}
	}
	l, err := e.loop()
	if err != nil {
		log.Error("the media engine cannot be used; a goroutine reads each socket instead", "err", err)
		return goEngine{log: log}
	}
	return loopEngine{l}
}

// loop returns the first loop that is not full, else the one that has least.
func (e *Engine) loop() (*poll.Loop, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var least *poll.Loop
	for _, l := range e.loops {
		if l.Len() < loopFull {
			return l, nil
		}
		if least == nil || l.Len() < least.Len() {
			least = l
		}
	}
	if e.closed {
		return nil, fmt.Errorf("media engine: it is closed")
	}
	if len(e.loops) == e.most {
		return least, nil
	}
	l, err := poll.NewLoop(e.log)
	if err != nil {
		return nil, err
	}
	for _, f := range e.after {
		l.After(f)
	}
	e.loops = append(e.loops, l)
	return l, nil
}

// loopEngine is a loop for both sockets of a Session.
type loopEngine struct{ loop *poll.Loop }

func (e loopEngine) listen(addr netip.AddrPort) (datagrams, error) {
	s, err := poll.Listen(addr, socketBuffer)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (e loopEngine) serve(socket datagrams, handle handler, done func()) {
	s := socket.(*poll.Socket) // of listen
	e.loop.Serve(s, handle, done)
}
