package sip

import (
	"fmt"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// Trace is one SIP message of a leg, for its timeline.
type Trace struct {
	At   time.Time
	Sent bool // by us
	// Summary is "INVITE" or "200 OK (INVITE)".
	Summary   string
	Method    string
	Status    int    // 0 for a request
	Transport string // "UDP", "TCP"
}

// maxTraces bounds what a leg keeps; a call of an hour with a refresh every
// 90 s has about 100.
const maxTraces = 300

// tracer keeps a leg's traces and hands them on from the leg's own goroutine,
// so that no lock of the leg is held meanwhile.
type tracer struct {
	transport string // static

	mu   sync.Mutex
	list []Trace
	subs []traceSub
}

type traceSub struct {
	fn   func(Trace)
	next int
}

func (t *tracer) add(e Trace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.list) < maxTraces {
		e.Transport = t.transport
		t.list = append(t.list, e)
	}
}

// deliver hands what is new to every subscriber. One goroutine at a time.
func (t *tracer) deliver() {
	for i := 0; ; i++ {
		t.mu.Lock()
		if i >= len(t.subs) {
			t.mu.Unlock()
			return
		}
		fn, fresh := t.subs[i].fn, t.list[t.subs[i].next:]
		t.subs[i].next = len(t.list)
		t.mu.Unlock()
		for _, e := range fresh {
			fn(e)
		}
	}
}

// OnTrace calls fn for every message of the leg, in order, those before first.
// It is called on the leg's goroutine and must not block for long. At most
// 300 messages are kept.
func (l *Leg) OnTrace(fn func(Trace)) {
	l.trace.mu.Lock()
	l.trace.subs = append(l.trace.subs, traceSub{fn: fn})
	l.trace.mu.Unlock()
	select {
	case <-l.gone: // its goroutine is over
		l.trace.deliver()
	default:
		l.poke()
	}
}

func (l *Leg) traceRequest(req *gosip.Request, sent bool) {
	m := string(req.Method)
	l.trace.add(Trace{At: time.Now(), Sent: sent, Summary: m, Method: m})
	l.poke()
}

func (l *Leg) traceResponse(status int, reason string, method gosip.RequestMethod, sent bool) {
	l.trace.add(Trace{At: time.Now(), Sent: sent, Summary: fmt.Sprintf("%d %s (%s)", status, printable(reason, 80), method), Method: string(method), Status: status})
	l.poke()
}

// poke makes the leg's goroutine look again.
func (l *Leg) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
