//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// callers is the SIP side of many phones: one UDP socket, and as much of SIP as
// loopback needs.
type callers struct {
	conn *net.UDPConn
	to   netip.AddrPort

	mu    sync.Mutex
	calls map[string]*dialog
	done  chan struct{}
}

// dialog is one call.
type dialog struct {
	c       *callers
	id      string
	line    string
	leg     *leg
	toTag   string
	contact string
	answers chan string
	ended   atomic.Bool // by the far end
	setup   time.Duration
}

func newCallers(server string) (*callers, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	to, err := netip.ParseAddrPort(server)
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(1 << 20)
	c := &callers{conn: conn, to: to, calls: map[string]*dialog{}, done: make(chan struct{})}
	go c.read()
	return c, nil
}

var (
	callID     = regexp.MustCompile(`(?im)^(?:call-id|i): *([^\r\n]+)`)
	toTag      = regexp.MustCompile(`(?im)^(?:to|t): *[^\r\n]*;tag=([^;\r\n]+)`)
	contactURI = regexp.MustCompile(`(?im)^(?:contact|m): *<?([^>\r\n]+)>?`)
	copied     = regexp.MustCompile(`(?im)^(?:via|v|from|f|to|t|call-id|i|cseq): *[^\r\n]+`)
)

func (c *callers) read() {
	defer close(c.done)
	b := make([]byte, 65535)
	for {
		n, _, err := c.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		text := string(b[:n])
		id := callID.FindStringSubmatch(text)
		if id == nil {
			continue
		}
		c.mu.Lock()
		d := c.calls[strings.TrimSpace(id[1])]
		c.mu.Unlock()
		if d == nil {
			continue
		}
		if strings.HasPrefix(text, "SIP/2.0") {
			select {
			case d.answers <- text:
			default:
			}
			continue
		}
		if strings.HasPrefix(text, "BYE") {
			d.leg.talking.Store(false)
			d.ended.Store(true)
		}
		if !strings.HasPrefix(text, "ACK") {
			c.send("SIP/2.0 200 OK\r\n" + strings.Join(copied.FindAllString(text, -1), "\r\n") + "\r\nContent-Length: 0\r\n\r\n")
		}
	}
}

func (c *callers) send(text string) {
	_, _ = c.conn.WriteToUDPAddrPort([]byte(text), c.to)
}

// call rings a line and speaks when it is answered.
func (c *callers) call(line string, l *leg) (*dialog, error) {
	d := &dialog{c: c, id: fmt.Sprintf("%016x", rand.Uint64()), line: line, leg: l, answers: make(chan string, 16)}
	c.mu.Lock()
	c.calls[d.id] = d
	c.mu.Unlock()
	begin := time.Now()
	d.request("INVITE", 1, fmt.Sprintf("sip:%s@%s", line, c.to), sdpOf(l.addr))
	deadline := time.After(20 * time.Second)
	for {
		select {
		case text := <-d.answers:
			switch {
			case strings.HasPrefix(text, "SIP/2.0 1"):
			case strings.HasPrefix(text, "SIP/2.0 200"):
				d.setup = time.Since(begin)
				d.toTag, d.contact = toTag.FindStringSubmatch(text)[1], contactURI.FindStringSubmatch(text)[1]
				d.request("ACK", 1, d.contact, "")
				to, err := portOf(text)
				if err == nil {
					l.talk(to)
				}
				return d, err
			default:
				first, _, _ := strings.Cut(text, "\r\n")
				return nil, fmt.Errorf("calling %s: %s", line, first)
			}
		case <-deadline:
			return nil, fmt.Errorf("calling %s: no answer", line)
		}
	}
}

func (d *dialog) request(method string, seq int, uri, sdp string) {
	tag, kind := "", ""
	if d.toTag != "" {
		tag = ";tag=" + d.toTag
	}
	if sdp != "" {
		kind = "Content-Type: application/sdp\r\n"
	}
	me := d.c.conn.LocalAddr()
	d.c.send(fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%s%d;rport\r\nMax-Forwards: 70\r\nFrom: <sip:bench@%s>;tag=%s\r\n"+
		"To: <sip:%s@%s>%s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:bench@%s>\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n%sContent-Length: %d\r\n\r\n%s",
		method, uri, me, d.id, method, seq, me, d.id, d.line, d.c.to, tag, d.id, seq, method, me, kind, len(sdp), sdp))
}

// hangUp ends the call if the far end has not.
func (d *dialog) hangUp() {
	d.leg.talking.Store(false)
	if !d.ended.Load() {
		d.request("BYE", 2, d.contact, "")
	}
}

// hangUp ends all calls.
func (c *callers) hangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.calls {
		d.hangUp()
	}
}

func (c *callers) close() {
	_ = c.conn.Close()
	<-c.done
}
