package sip_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/sip"
)

// carrier is the far end of a trunk: it answers every request as a function
// says, and remembers what came.
type carrier struct {
	t    *testing.T
	conn net.PacketConn
	done chan struct{}

	mu   sync.Mutex
	came []siptest.Message
	from map[string]net.Addr
	// answer returns the responses to a request: "100 Trying", or with headers
	// and a body after the first line. An ACK is never answered.
	answer func(c *carrier, m siptest.Message) []string
}

func (w *world) carrier(addr string, answer func(*carrier, siptest.Message) []string) *carrier {
	w.t.Helper()
	conn, err := w.net.Listen(addr)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &carrier{t: w.t, conn: conn, done: make(chan struct{}), answer: answer}
	go c.serve()
	return c
}

func (c *carrier) close() { _ = c.conn.Close(); <-c.done }

func (c *carrier) serve() {
	defer close(c.done)
	buf := make([]byte, 65536)
	for {
		n, from, err := c.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m siptest.Message
		m.Raw = string(buf[:n])
		m.Start, _, _ = strings.Cut(m.Raw, "\r\n")
		_, m.Body, _ = strings.Cut(m.Raw, "\r\n\r\n")
		c.mu.Lock()
		c.came = append(c.came, m)
		c.mu.Unlock()
		if strings.HasPrefix(m.Start, "SIP/2.0") || strings.HasPrefix(m.Start, "ACK") {
			continue
		}
		for i, r := range c.answer(c, m) {
			if i > 0 {
				time.Sleep(50 * time.Millisecond) // they do not overtake each other
			}
			_, _ = c.conn.WriteTo([]byte(response(m, r)), from)
		}
	}
}

// response builds a response from "STATUS REASON\r\nHeader: …\r\n\r\nbody".
func response(m siptest.Message, r string) string {
	head, body, _ := strings.Cut(r, "\r\n\r\n")
	var b strings.Builder
	status, headers, _ := strings.Cut(head, "\r\n")
	b.WriteString("SIP/2.0 " + status + "\r\n")
	request, _, _ := strings.Cut(m.Raw, "\r\n\r\n")
	for line := range strings.SplitSeq(request, "\r\n") {
		switch k, _, _ := strings.Cut(line, ":"); strings.ToLower(k) {
		case "to":
			if !strings.Contains(line, "tag=") && !strings.HasPrefix(status, "100") {
				line += ";tag=carrier"
			}
			b.WriteString(line + "\r\n")
		case "via", "from", "call-id", "cseq":
			b.WriteString(line + "\r\n")
		}
	}
	if headers != "" {
		b.WriteString(headers + "\r\n")
	}
	if body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}

// got are the requests of a method that came, repetitions left out.
func (c *carrier) got(method string) []siptest.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []siptest.Message
	seen := map[string]bool{}
	for _, m := range c.came {
		if id := m.Header("Via"); strings.HasPrefix(m.Start, method+" ") && !seen[id] {
			seen[id] = true
			out = append(out, m)
		}
	}
	return out
}

const answered = "200 OK\r\nContact: <sip:carrier@10.0.1.1:5060>\r\n\r\n" + siptest.SDP

// takes is a carrier that answers every call.
func takes(_ *carrier, m siptest.Message) []string {
	if strings.HasPrefix(m.Start, "INVITE") {
		return []string{"100 Trying", "180 Ringing", answered}
	}
	return []string{"200 OK"}
}

// trunks are the trunks of the world's server, closed at the end of fn.
func (w *world) trunks(ask sip.Lookup, fn func(*sip.Trunks), list ...sip.TrunkConfig) {
	w.t.Helper()
	for i := range list {
		if list[i].OptionsEvery == 0 {
			list[i].OptionsEvery = time.Hour
		}
	}
	t, err := sip.NewTrunks(w.srv, list, ask)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := t.Start(); err != nil {
		w.t.Fatal(err)
	}
	fn(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := t.Close(ctx); err != nil {
		w.t.Error(err)
	}
}

func to(number string) sip.TrunkCall {
	return sip.TrunkCall{Number: sip.TrunkNumber{E164: number, Dialled: number}, Caller: "+861065529988"}
}

var done = contact.EndCause{By: contact.System, Class: contact.EndCompleted, Why: "done"}
