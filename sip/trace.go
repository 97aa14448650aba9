package sip

import (
	"fmt"
	"net/netip"
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
	// From and To are the message's way; zero where it is not known.
	From, To netip.AddrPort
	// Text is the whole message without secrets (see Redact), "" where the leg
	// has kept too much already.
	Text string
}

// What a leg keeps: a call of an hour with a refresh every 90 s has about 100
// messages, and an ordinary call 6 kB of text.
const (
	maxTraces    = 300
	maxTraceText = 256 << 10
)

// tracer keeps a leg's traces and hands them on from the leg's own goroutine,
// so that no lock of the leg is held meanwhile.
type tracer struct {
	mu        sync.Mutex // guards what follows
	transport string
	near, far netip.AddrPort
	list      []Trace
	text      int // octets of text in list
	subs      []traceSub
}

type traceSub struct {
	fn   func(Trace)
	next int
}

// way is how the leg's messages go: another trunk is another way.
func (t *tracer) way() (transport string, near, far netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.transport, t.near, t.far
}

func (t *tracer) add(e Trace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.list) == maxTraces {
		return
	}
	if t.text += len(e.Text); t.text > maxTraceText {
		e.Text = ""
	}
	t.list = append(t.list, e)
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
// 300 messages and 256 KiB of their text are kept.
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
	l.keepTrace(Trace{Sent: sent, Summary: m, Method: m}, req)
}

func (l *Leg) traceResponse(res *gosip.Response, sent bool) {
	method := ""
	if c := res.CSeq(); c != nil {
		method = string(c.MethodName)
	}
	l.keepTrace(Trace{
		Sent: sent, Summary: fmt.Sprintf("%d %s (%s)", res.StatusCode, printable(res.Reason, 80), printable(method, 32)),
		Method: method, Status: res.StatusCode,
	}, res)
}

// keepTrace fills in what every trace has, keeps it and exports it.
func (l *Leg) keepTrace(e Trace, m gosip.Message) {
	transport, near, far := l.trace.way()
	e.At, e.Transport, e.Text = time.Now(), transport, Redact(m)
	if e.Sent {
		if ap, err := parseFlow(m.Destination()); err == nil {
			far = ap
		}
		e.From, e.To = near, far
	} else {
		if ap, err := parseFlow(m.Source()); err == nil {
			far = ap
		}
		e.From, e.To = far, near
	}
	l.s.export(l, e)
	l.trace.add(e)
	l.poke()
}

// poke makes the leg's goroutine look again.
func (l *Leg) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
