//go:build linux

package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// generator sends and receives for all streams.
type generator struct {
	mu      sync.Mutex
	streams []stream // by phase
	ep      int
	byFD    map[int32]*leg
	stop    atomic.Bool
	work    sync.WaitGroup

	due, sent atomic.Int64
	recording atomic.Bool
	samples   sync.Mutex
	delays    []sample
}

// sample is one packet's way: when it came and how long it took.
type sample struct {
	at    int64
	delay time.Duration
}

func newGenerator() (*generator, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	g := &generator{ep: ep, byFD: map[int32]*leg{}}
	// Sleeping is exact to some 5 us instead of 50.
	g.work.Go(func() { runtime.LockOSThread(); _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); g.send() })
	g.work.Go(func() { runtime.LockOSThread(); g.receive() })
	return g, nil
}

// phone adds a leg.
func (g *generator) phone() (*leg, error) {
	l, err := newLeg()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	g.byFD[int32(l.fd)] = l
	g.mu.Unlock()
	if err := unix.EpollCtl(g.ep, unix.EPOLL_CTL_ADD, l.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(l.fd)}); err != nil {
		return nil, err
	}
	g.add(l)
	return l, nil
}

func (g *generator) add(s stream) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i, _ := slices.BinarySearchFunc(g.streams, s, func(a, b stream) int { return int(a.at() - b.at()) })
	g.streams = slices.Insert(slices.Clone(g.streams), i, s)
}

func (g *generator) list() []stream {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.streams
}

// send lets each stream speak at its own time within every 20 ms.
func (g *generator) send() {
	begin := time.Now()
	for cycle := time.Duration(0); !g.stop.Load(); cycle += frameTime {
		late := time.Since(begin) - cycle
		if late > 5*frameTime { // the machine stood still: those packets were due and are not sent
			g.due.Add(int64(len(g.list())) * int64(late/frameTime))
			cycle += late / frameTime * frameTime
		}
		for _, s := range g.list() {
			if !s.on() {
				continue
			}
			sleepUntil(begin.Add(cycle + s.at()))
			g.due.Add(1)
			s.say(time.Now().UnixNano())
			g.sent.Add(1)
		}
		sleepUntil(begin.Add(cycle + frameTime))
	}
}

func sleepUntil(t time.Time) {
	if d := time.Until(t); d > 3*time.Microsecond {
		ts := unix.NsecToTimespec(int64(d))
		_ = unix.Nanosleep(&ts, nil)
	}
}

// receive fetches what came, each millisecond; the kernel says when it came.
func (g *generator) receive() {
	events := make([]unix.EpollEvent, 512)
	r := newReader()
	for !g.stop.Load() {
		n, err := unix.EpollWait(g.ep, events, 0)
		if err != nil || n == 0 {
			ts := unix.NsecToTimespec(int64(time.Millisecond))
			_ = unix.Nanosleep(&ts, nil)
			continue
		}
		for _, e := range events[:n] {
			g.mu.Lock()
			l := g.byFD[e.Fd]
			g.mu.Unlock()
			if l == nil {
				continue
			}
			if payload, at, ok := r.read(l.fd); ok {
				l.received.Add(1)
				g.note(l, payload, at)
			}
		}
	}
}

// note takes a packet's delay.
func (g *generator) note(l *leg, payload []byte, at int64) {
	sent, ok := stamped(payload)
	if !ok {
		return
	}
	if l != nil {
		l.first.CompareAndSwap(0, at)
	}
	if g.recording.Load() {
		g.samples.Lock()
		g.delays = append(g.delays, sample{at, time.Duration(at - sent)})
		g.samples.Unlock()
	}
}

// reader reads datagrams with the kernel's time of arrival.
type reader struct {
	message unix.Msghdr
	vector  unix.Iovec
	data    [2048]byte
	control [64]byte
}

func newReader() *reader {
	r := &reader{}
	r.vector.Base = &r.data[0]
	r.message.Iov = &r.vector
	r.message.SetIovlen(1)
	r.message.Control = &r.control[0]
	return r
}

func (r *reader) read(fd int) (payload []byte, at int64, ok bool) {
	r.vector.SetLen(len(r.data))
	r.message.SetControllen(len(r.control))
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.message)), unix.MSG_DONTWAIT)
	if errno != 0 || n < headerOctets {
		return nil, 0, false
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&r.control[0]))
	if h.Level != unix.SOL_SOCKET || h.Type != unix.SCM_TIMESTAMPNS {
		return nil, 0, false
	}
	ts := (*unix.Timespec)(unsafe.Pointer(&r.control[unix.CmsgLen(0)]))
	return r.data[headerOctets:n], ts.Nano(), true
}

// window measures a steady stretch.
type window struct {
	CPU      float64 // % of a core
	Sent     int64
	Received int64
	Delays   []sample // of what was sent within it
	from, to int64
}

// underWay is how long a packet of the window may take.
const underWay = 500 * time.Millisecond

// own returns a copy of the samples of what was sent within the window.
func (w window) own(all []sample) []sample {
	return slices.DeleteFunc(slices.Clone(all), func(s sample) bool {
		sent := s.at - int64(s.delay)
		return sent < w.from || sent >= w.to
	})
}

// errStarved refuses a run.
var errStarved = errors.New("the generator could not keep up")

// measure lets it run for d. It returns an error if the generator did not keep
// up, and says what was lost.
func (g *generator) measure(p *process, d time.Duration, during func()) (window, error) {
	received := func() (n int64) {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, l := range g.byFD {
			n += l.received.Load()
		}
		return n
	}
	before, err := p.cpu()
	if err != nil {
		return window{}, err
	}
	due, sent, got, begin := g.due.Load(), g.sent.Load(), received(), time.Now()
	g.samples.Lock()
	g.delays = g.delays[:0]
	g.samples.Unlock()
	g.recording.Store(true)
	if during != nil {
		during()
	}
	time.Sleep(d - time.Since(begin))
	end := time.Now()
	after, err := p.cpu()
	if err != nil {
		return window{}, err
	}
	w := window{
		CPU: 100 * (after - before).Seconds() / end.Sub(begin).Seconds(), Sent: g.sent.Load() - sent, Received: received() - got,
		from: begin.UnixNano(), to: end.UnixNano(),
	}
	due = g.due.Load() - due
	time.Sleep(underWay)
	g.recording.Store(false)
	g.samples.Lock()
	w.Delays = w.own(g.delays)
	g.samples.Unlock()
	if float64(w.Sent) < 0.99*float64(due) {
		return w, fmt.Errorf("refused: %w: it sent %d of %d packets", errStarved, w.Sent, due)
	}
	return w, nil
}

func (g *generator) close() {
	g.stop.Store(true)
	g.work.Wait()
	for _, l := range g.byFD {
		l.close()
	}
	_ = unix.Close(g.ep)
}
