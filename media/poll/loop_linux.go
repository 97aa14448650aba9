package poll

import (
	"errors"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// maxErrors is how many errors in a row a socket may have before it is given
// up; the silence watch ends the call then.
const maxErrors = 1000

// errorPause is the time between two tries where the kernel refuses to wait.
const errorPause = 100 * time.Millisecond

// Loop reads any number of sockets on one goroutine. Handlers run on it one
// after the other, so what they share on one Loop meets no other core.
type Loop struct {
	log   *slog.Logger
	wait  *waiter
	gauge gauge
	count atomic.Int64 // sockets
	ticks atomic.Bool
	done  chan struct{}

	mu     sync.Mutex
	queue  []func() // run by the loop between packets; bounded by the sockets there are
	closed bool

	after atomic.Pointer[[]func()]

	// The loop's own.
	sockets []*served // by mark; nil: free
	free    []int32
	buffer  [MaxDatagram]byte
	pass    int // packets of this pass
	turn    uint64
}

// served is a socket on a Loop.
type served struct {
	loop   *Loop
	sock   *Socket
	handle Handler
	done   func()
	mark   int32 // -1: not in the loop yet, or any more
	failed int
	turn   uint64 // of the Loop, when it was last ready
}

// NewLoop starts a Loop; Close ends it. log may be nil.
func NewLoop(log *slog.Logger) (*Loop, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	w, err := newWaiter()
	if err != nil {
		return nil, err
	}
	l := &Loop{log: log, wait: w, done: make(chan struct{})}
	go l.run()
	return l, nil
}

// Len returns how many sockets the Loop serves.
func (l *Loop) Len() int { return int(l.count.Load()) }

// Ticking says whether packets are fetched once a millisecond now.
func (l *Loop) Ticking() bool { return l.ticks.Load() }

// Serve hands every datagram of s to handle until s is closed or the Loop is,
// then calls done; both run on the Loop's goroutine. Nothing else may read s.
func (l *Loop) Serve(s *Socket, handle Handler, done func()) {
	v := &served{loop: l, sock: s, handle: handle, done: done, mark: -1}
	s.served = v
	l.count.Add(1)
	if !l.do(func() { l.begin(v) }) {
		l.end(v)
	}
}

// After makes f be called on the Loop's goroutine after each pass in which
// there were packets: to send what they caused and was put together.
func (l *Loop) After(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []func()
	if old := l.after.Load(); old != nil {
		all = append(all, *old...)
	}
	all = append(all, f)
	l.after.Store(&all)
}

// Close ends the loop and closes its sockets. It must not be called by a
// handler.
func (l *Loop) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wait.wake()
	<-l.done
}

// do runs f on the loop; false if the Loop is closed.
func (l *Loop) do(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.queue = append(l.queue, f)
	l.wait.wake() // with the lock held: the loop closes the waiter only after it
	return true
}

func (l *Loop) begin(v *served) {
	if n := len(l.free); n > 0 {
		v.mark, l.free = l.free[n-1], l.free[:n-1]
		l.sockets[v.mark] = v
	} else {
		v.mark = int32(len(l.sockets))
		l.sockets = append(l.sockets, v)
	}
	if err := l.wait.add(v.sock.fd, v.mark); err != nil {
		l.log.Error("a media socket cannot be read", "err", err)
	}
}

// forget takes v out of the loop.
func (l *Loop) forget(v *served) {
	if !l.do(func() { l.end(v) }) {
		<-l.done // the loop ends everything itself
	}
}

// end is the loop's part of forget; it may be called again.
func (l *Loop) end(v *served) {
	if v.done == nil {
		return
	}
	if v.mark >= 0 {
		l.wait.remove(v.sock.fd)
		l.sockets[v.mark] = nil
		l.free = append(l.free, v.mark)
		v.mark = -1
	}
	_ = v.sock.release()
	l.count.Add(-1)
	done := v.done
	v.done = nil
	done()
}

func (l *Loop) run() {
	defer close(l.done)
	defer l.wait.close()
	for {
		events, err := l.wait.wait()
		if err != nil {
			l.log.Error("media sockets cannot be waited for", "err", err)
			time.Sleep(errorPause)
		}
		if !l.passes(events) {
			return
		}
		if err := l.wait.tick(l.gauge.note(l.pass, time.Now())); err != nil {
			l.log.Error("the media tick cannot be switched", "err", err)
		}
		l.ticks.Store(l.wait.ticking)
	}
}

// passes handles events, and what else is ready, until nothing is or, on the
// tick, all that is ready has had its turn. It returns false if the Loop was
// closed.
func (l *Loop) passes(events []unix.EpollEvent) bool {
	l.pass = 0
	l.turn++
	for len(events) > 0 {
		before := l.pass
		woken := l.read(events)
		if l.pass > before {
			l.runAfter()
		}
		if woken && !l.runQueue() {
			return false
		}
		if l.wait.ticking && len(events) < maxEvents {
			return true // a second packet of the same socket can wait for the next tick
		}
		events = l.wait.again()
	}
	return true
}

// read fetches one datagram of each socket that is ready and says whether
// functions wait too.
func (l *Loop) read(events []unix.EpollEvent) (woken bool) {
	for i := range events {
		mark := events[i].Fd
		if mark == waker {
			l.wait.woken()
			woken = true
			continue
		}
		if v := l.sockets[mark]; v != nil {
			l.readOne(v)
		}
	}
	return woken
}

// maxBurst is how many datagrams are fetched at once from a socket that is
// flooded, so that the others have their turn.
const maxBurst = 256

// readOne fetches one datagram. A socket that was ready a tick ago too gets far
// more than a call sends: then all that it holds is fetched, or the flood would
// fill the kernel's buffer and the call's own packets would find no room.
func (l *Loop) readOne(v *served) {
	flooded := l.wait.ticking && v.turn+1 == l.turn
	v.turn = l.turn
	for n := 1; l.fetch(v) && flooded && n < maxBurst; n++ {
	}
}

// fetch hands on a datagram and returns false if there was none.
func (l *Loop) fetch(v *served) bool {
	n, from, err := v.sock.receive(l.buffer[:])
	if err == nil {
		v.failed = 0
		l.pass++
		l.handle(v, l.buffer[:n:n], from)
		return true
	}
	if errors.Is(err, unix.EAGAIN) {
		return false
	}
	v.failed++ // a far end's ICMP message for example: the socket goes on
	if v.failed == maxErrors {
		l.wait.remove(v.sock.fd)
		l.log.Error("a media socket cannot be read any more", "errors", maxErrors, "err", err)
	}
	return false
}

// handle keeps a fault over one datagram from ending the process.
func (l *Loop) handle(v *served, b []byte, from netip.AddrPort) {
	defer func() {
		if r := recover(); r != nil {
			l.log.Error("a media packet made the server fail and was dropped", "panic", r, "stack", string(debug.Stack()))
		}
	}()
	v.handle(b, from, time.Now())
}

func (l *Loop) runAfter() {
	if all := l.after.Load(); all != nil {
		for _, f := range *all {
			f()
		}
	}
}

// runQueue runs what others handed in; false if the Loop is closed.
func (l *Loop) runQueue() bool {
	l.mu.Lock()
	queue, closed := l.queue, l.closed
	l.queue = nil
	l.mu.Unlock()
	for _, f := range queue {
		f()
	}
	if !closed {
		return true
	}
	for _, v := range l.sockets {
		if v != nil {
			l.end(v)
		}
	}
	return false
}
