package poll

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxEvents is how many sockets are looked at before the epoll is asked again.
const maxEvents = 256

// waker is the mark of the waiter's own eventfd among its events.
const waker = -1

// waiter waits for sockets: at once or on the tick. One goroutine uses it; only
// add, remove and wake may be called by others.
//
//	sockets, eventfd ──► ep ──(in it while waiting at once)──► gate ──► Go's poller
//	                                               timerfd (armed on the tick) ──► Go's poller
//
// ep is not always in the gate, because each packet would then wake Go's poller
// on the tick too.
type waiter struct {
	ep, event, timer int
	gate             int
	gateFile         *os.File // own their descriptors
	timerFile        *os.File
	gateConn         syscall.RawConn
	timerConn        syscall.RawConn
	ticking          bool

	events [maxEvents]unix.EpollEvent
	n      int
	// Made once, so that waiting allocates nothing.
	onGate, onTimer func(fd uintptr) bool
}

func newWaiter() (w *waiter, err error) {
	w = &waiter{ep: -1, event: -1}
	defer func() {
		if err != nil {
			w.close()
			w, err = nil, fmt.Errorf("make a poller for media sockets: %w", err)
		}
	}()
	if w.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return w, os.NewSyscallError("epoll_create1", err)
	}
	if w.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return w, os.NewSyscallError("eventfd", err)
	}
	if err = w.add(w.event, waker); err != nil {
		return w, err
	}
	if w.gate, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return w, os.NewSyscallError("epoll_create1", err)
	}
	if w.gateFile, w.gateConn, err = pollable(w.gate, "gate"); err != nil {
		return w, err
	}
	if w.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return w, os.NewSyscallError("timerfd_create", err)
	}
	if w.timerFile, w.timerConn, err = pollable(w.timer, "tick"); err != nil {
		return w, err
	}
	w.onGate = func(uintptr) bool { w.look(); return w.n > 0 }
	w.onTimer = func(fd uintptr) bool {
		var expired [8]byte
		n, _, _ := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&expired)), 8)
		return n == 8
	}
	return w, w.openGate(true)
}

// pollable gives a descriptor to Go's poller.
func pollable(fd int, name string) (*os.File, syscall.RawConn, error) {
	if err := unix.SetNonblock(fd, true); err != nil { // os.NewFile asks for it
		_ = unix.Close(fd)
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	f := os.NewFile(uintptr(fd), name)
	c, err := f.SyscallConn()
	return f, c, err
}

func (w *waiter) openGate(open bool) error {
	op := unix.EPOLL_CTL_DEL
	if open {
		op = unix.EPOLL_CTL_ADD
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(w.gate, op, w.ep, &unix.EpollEvent{Events: unix.EPOLLIN}))
}

// add begins to wait for fd; mark comes back in its events.
func (w *waiter) add(fd int, mark int32) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(w.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: mark}))
}

func (w *waiter) remove(fd int) {
	_ = unix.EpollCtl(w.ep, unix.EPOLL_CTL_DEL, fd, nil) // closing it would do the same
}

// wake ends a wait, on the tick within it.
func (w *waiter) wake() {
	one := [8]byte{1} // any number will do
	_, _ = unix.Write(w.event, one[:])
}

// look fills events with what is ready now.
func (w *waiter) look() {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(w.ep), uintptr(unsafe.Pointer(&w.events[0])), maxEvents, 0, 0, 0)
	w.n = int(n)
	if errno != 0 {
		w.n = 0
	}
}

// woken takes a wake back.
func (w *waiter) woken() {
	var b [8]byte
	_, _ = unix.Read(w.event, b[:])
}

// wait returns what is ready: not before there is something, or on the tick
// not before the next. The slice is good until the next call. Call it again
// until it is short, or the edge that wakes the gate is missed.
func (w *waiter) wait() ([]unix.EpollEvent, error) {
	if w.ticking {
		if err := w.timerConn.Read(w.onTimer); err != nil {
			return nil, err
		}
		w.look()
		return w.events[:w.n], nil
	}
	err := w.gateConn.Read(w.onGate)
	return w.events[:w.n], err
}

// again returns what else is ready, without waiting.
func (w *waiter) again() []unix.EpollEvent {
	w.look()
	return w.events[:w.n]
}

// tick switches between the tick and waiting at once.
func (w *waiter) tick(on bool) error {
	if on == w.ticking {
		return nil
	}
	var spec unix.ItimerSpec
	if on {
		spec.Interval = unix.NsecToTimespec(int64(tickTime))
		spec.Value = spec.Interval
	}
	if err := unix.TimerfdSettime(w.timer, 0, &spec, nil); err != nil {
		return os.NewSyscallError("timerfd_settime", err)
	}
	if err := w.openGate(!on); err != nil {
		return err
	}
	w.ticking = on
	return nil
}

// close gives everything back; a wait that is under way ends with an error.
func (w *waiter) close() {
	for _, f := range []*os.File{w.gateFile, w.timerFile} {
		if f != nil {
			_ = f.Close()
		}
	}
	for _, fd := range []int{w.ep, w.event} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}
