// Package siptest is the far end in tests: a scripted SIP caller that writes
// its messages by hand, and a media session on the in-memory network. Only
// tests import it.
package siptest

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// SDP is an ordinary offer: PCMU, PCMA and telephone-event at port 4000.
const SDP = "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n" +
	"m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"

// Peer is a scripted user agent on one socket. It fills {braces} of what it
// sends: {to} the server's address, {me} its own, {callid}, {totag} (learnt
// from responses), {branch} (fresh with every Send), {len}.
type Peer struct {
	t      testing.TB
	conn   net.PacketConn
	server net.Addr
	CallID string
	ToTag  string
	// RequestLine is the line that is dialled; NewPeer says 1000.
	RequestLine string
	branch      int
	seen        []string
	from        string
}

// NewPeer makes a peer that talks from conn to the server. The peer's reader
// waits at most 10 minutes for anything.
func NewPeer(t testing.TB, conn net.PacketConn, server net.Addr, callID string) *Peer {
	t.Cleanup(func() { _ = conn.Close() })
	return &Peer{t: t, conn: conn, server: server, CallID: callID, RequestLine: "1000"}
}

// Request sends a request of the dialog: method, CSeq, more header lines, and
// a body. The headers that every request needs are added; the branch is new.
func (p *Peer) Request(method string, seq int, body string, headers ...string) string {
	p.branch++
	return p.RequestBranch(method, seq, fmt.Sprintf("z9hG4bK%s%d", p.CallID, p.branch), body, headers...)
}

// RequestBranch is Request with a branch of the caller's choice.
func (p *Peer) RequestBranch(method string, seq int, branch, body string, headers ...string) string {
	to := "<sip:" + p.RequestLine + "@{to}>"
	if p.ToTag != "" && method != "CANCEL" {
		to += ";tag={totag}"
	}
	lines := []string{
		method + " sip:" + p.RequestLine + "@{to} SIP/2.0",
		"Via: SIP/2.0/UDP {me};branch=" + branch + ";rport",
		"Max-Forwards: 70",
		`From: "Test Caller" <sip:13800138000@{me}>;tag=far` + p.CallID,
		"To: " + to,
		"Call-ID: {callid}",
		fmt.Sprintf("CSeq: %d %s", seq, method),
		"Contact: <sip:13800138000@{me}>",
	}
	lines = append(lines, headers...)
	if body != "" && !strings.Contains(strings.Join(headers, "\n"), "Content-Type") {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)), "", body)
	return p.Send(strings.Join(lines, "\r\n"))
}

// Send sends raw text after filling the braces, and returns what went out.
func (p *Peer) Send(raw string) string {
	p.t.Helper()
	out := strings.NewReplacer("{to}", p.server.String(), "{me}", p.conn.LocalAddr().String(), "{callid}", p.CallID, "{totag}", p.ToTag).Replace(raw)
	if _, err := p.conn.WriteTo([]byte(out), p.server); err != nil {
		p.t.Fatalf("peer: %v", err)
	}
	return out
}

// Message is what came from the server.
type Message struct {
	Start string // the first line
	Raw   string
	Body  string
}

// Header is the value of the first header of a name, "" if none.
func (m Message) Header(name string) string {
	head, _, _ := strings.Cut(m.Raw, "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		k, v, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

var toTag = regexp.MustCompile(`(?i)\r\nTo:[^\r]*;tag=([^;\r]+)`)

// Read waits for the next message, at most 10 minutes.
func (p *Peer) Read() Message {
	p.t.Helper()
	m, ok := p.ReadWithin(10 * time.Minute)
	if !ok {
		p.t.Fatalf("peer: nothing came; before: %q", p.seen)
	}
	return m
}

// ReadWithin waits for the next message; ok is false when none came in time.
func (p *Peer) ReadWithin(d time.Duration) (m Message, ok bool) {
	p.t.Helper()
	buf := make([]byte, 65536)
	_ = p.conn.SetReadDeadline(time.Now().Add(d))
	n, from, err := p.conn.ReadFrom(buf)
	if err != nil {
		return Message{}, false
	}
	p.from = from.String()
	m.Raw = string(buf[:n])
	m.Start, _, _ = strings.Cut(m.Raw, "\r\n")
	_, m.Body, _ = strings.Cut(m.Raw, "\r\n\r\n")
	if f := toTag.FindStringSubmatch(m.Raw); f != nil && strings.HasPrefix(m.Start, "SIP/2.0") && !strings.HasPrefix(m.Start, "SIP/2.0 100") {
		p.ToTag = f[1]
	}
	p.seen = append(p.seen, m.Start)
	return m, true
}

// From is the address that the last message came from.
func (p *Peer) From() string { return p.from }

// Expect reads until a message whose first line begins with start ("SIP/2.0
// 200", "BYE") comes; other messages before it fail the test unless they are
// provisional or repetitions of what was there before.
func (p *Peer) Expect(start string) Message {
	p.t.Helper()
	for {
		before := append([]string(nil), p.seen...)
		m := p.Read()
		if strings.HasPrefix(m.Start, start) {
			return m
		}
		repeated := false
		for _, s := range before {
			repeated = repeated || s == m.Start
		}
		if !strings.HasPrefix(m.Start, "SIP/2.0 1") && !repeated {
			p.t.Fatalf("peer: wanted %q, got %q; before: %q", start, m.Start, before)
		}
	}
}

// Reply answers a request of the server's.
func (p *Peer) Reply(m Message, status, body string, headers ...string) {
	p.t.Helper()
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\r\n")
	head, _, _ := strings.Cut(m.Raw, "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		k, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(k) {
		case "via", "from", "to", "call-id", "cseq":
			b.WriteString(line + "\r\n")
		}
	}
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	p.Send(b.String())
}

// SilentFor fails the test if anything comes within d.
func (p *Peer) SilentFor(t testing.TB, d time.Duration) {
	t.Helper()
	if m, ok := p.ReadWithin(d); ok {
		t.Errorf("peer: %q came and nothing was wanted", m.Start)
	}
}

// ExpectSilentFor is Expect where nothing may come for d before.
func (p *Peer) ExpectSilentFor(t testing.TB, d time.Duration, start string) Message {
	t.Helper()
	p.SilentFor(t, d)
	return p.Expect(start)
}
