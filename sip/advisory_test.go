package sip_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/sip"
)

// without is an INVITE that lacks some headers.
func without(id string, names ...string) string {
	lines := []string{
		"INVITE sip:1000@{to} SIP/2.0", "Via: SIP/2.0/UDP {me};branch=z9hG4bK" + id + ";rport", "Max-Forwards: 70",
		"From: <sip:a@{me}>;tag=" + id, "To: <sip:1000@{to}>", "Call-ID: " + id, "CSeq: 1 INVITE", "Contact: <sip:a@{me}>", "Content-Length: 0",
	}
	var out []string
	for _, l := range lines {
		name, _, _ := strings.Cut(l, ":")
		missing := false
		for _, n := range names {
			missing = missing || n == name
		}
		if !missing {
			out = append(out, l)
		}
	}
	return strings.Join(append(out, "", ""), "\r\n")
}

// Check 1 (CVE-2025-68274): a request without a header that it must have gets 400
// or nothing, and the server goes on.
func TestHeadersThatAreMissing(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		must := []string{"Via", "From", "To", "Call-ID", "CSeq"}
		p := w.peer("missing")
		for i, names := range append([][]string{must}, []string{"Via"}, []string{"From"}, []string{"To"}, []string{"Call-ID"}, []string{"CSeq"}) {
			p.Send(without(fmt.Sprint("gone", i), names...))
			if m, ok := p.ReadWithin(2 * time.Second); ok && !strings.HasPrefix(m.Start, "SIP/2.0 400") {
				t.Errorf("without %v: %s", names, m.Start)
			}
		}
		p.ToTag = ""
		p.Request("OPTIONS", 1, "")
		p.Expect("SIP/2.0 200")
		if n := len(w.calls) + w.srv.Calls(); n != 0 {
			t.Errorf("%d calls came of it", n)
		}
		time.Sleep(time.Minute)
	})
}

// Check 16 (CVE-2020-28327): connections that are reset after their INVITEs leave
// no call and no place behind (CALLFLOOR_LONG=1), and others are served meanwhile.
func TestConnectionsThatAreReset(t *testing.T) {
	srv := realServer(t)
	for i := range 20 {
		c, err := net.Dial("tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		for n := range 5 {
			me, id := c.LocalAddr().String(), fmt.Sprintf("reset%d-%d", i, n)
			body := strings.ReplaceAll(siptest.SDP, "{me}", me)
			fmt.Fprintf(c, "INVITE sip:1001@%[1]s SIP/2.0\r\nVia: SIP/2.0/TCP %[2]s;branch=z9hG4bK%[3]s\r\nMax-Forwards: 70\r\nFrom: <sip:a@%[2]s>;tag=%[3]s\r\n"+
				"To: <sip:1001@%[1]s>\r\nCall-ID: %[3]s\r\nCSeq: 1 INVITE\r\nContact: <sip:a@%[2]s;transport=tcp>\r\nContent-Type: application/sdp\r\nContent-Length: %[4]d\r\n\r\n%[5]s",
				srv.Addr(), me, id, len(body), body)
		}
		_ = c.(*net.TCPConn).SetLinger(0) // a reset, not an end
		_ = c.Close()
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := siptest.NewPeer(t, conn, net.UDPAddrFromAddrPort(srv.Addr()), "after")
	p.Request("OPTIONS", 1, "")
	p.Expect("SIP/2.0 200")
	if os.Getenv("CALLFLOOR_LONG") == "" { // nobody acknowledges them: that takes 32 s (RFC 3261 §13.3.1.4)
		return
	}
	deadline := time.Now().Add(40 * time.Second)
	for srv.Calls() > 0 && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
	}
	if n := srv.Calls(); n != 0 {
		t.Errorf("%d calls are left of connections that were reset", n)
	}
}

// Check 22 (CVE-2018-8828, CVE-2017-9372): REGISTERs with odd and endless
// identifiers get 400, 401, 413, 513 or nothing, and no line of the log is longer than 1 kB.
func TestOddRegistrations(t *testing.T) {
	var log bytes.Buffer
	inBubble(t, nil, func(w *world) {
		w.options = func(o *sip.Options) {
			o.Phones = book{"alice": "open sesame"}
			o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		srv := w.server(registrarAddr, nil, func(l *sip.Leg) { l.Hangup(contact.EndCause{}) })
		defer w.close(srv)
		conn, err := w.net.Listen("10.0.0.9:0")
		if err != nil {
			t.Fatal(err)
		}
		p := siptest.NewPeer(w.t, conn, addr(registrarAddr), "odd")
		for i, size := range []int{1, 600, 8_000, 60_000} {
			long := strings.Repeat("x", size)
			for j, change := range []*strings.Replacer{
				strings.NewReplacer("branch=z9hG4bK", "branch=z9hG4bK"+long), strings.NewReplacer("tag=", "tag="+long),
				strings.NewReplacer("Call-ID: ", "Call-ID: "+long), strings.NewReplacer("CSeq: 1", "CSeq: 1"+strings.Repeat("1", size)), strings.NewReplacer("sip:alice", "sip:"+long),
			} {
				id := fmt.Sprintf("odd%d-%d", i, j)
				raw := change.Replace("REGISTER sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK" + id + ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:alice@{to}>;tag=" + id +
					"\r\nTo: <sip:alice@{to}>\r\nCall-ID: " + id + "\r\nCSeq: 1 REGISTER\r\nContact: <sip:a@{me}>\r\nContent-Length: 0\r\n\r\n")
				p.Send(raw)
				m, ok := p.ReadWithin(2 * time.Second)
				if status, _, _ := strings.Cut(strings.TrimPrefix(m.Start, "SIP/2.0 "), " "); ok && status != "400" && status != "401" && status != "413" && status != "513" {
					t.Errorf("size %d, change %d: %s", size, j, m.Start)
				}
			}
		}
		p.ToTag = ""
		p.Request("OPTIONS", 1, "")
		p.Expect("SIP/2.0 200")
		time.Sleep(time.Minute)
	})
	for line := range strings.SplitSeq(log.String(), "\n") {
		if len(line) > 1024 {
			t.Errorf("a line of the log has %d octets: %.200s…", len(line), line)
		}
	}
}

// Check 31 (GHSA-3rhj-hhw7-m6fw): who guesses passwords is one line of the log, with
// the true address and without the password, as programs that ban by logs want it.
func TestWrongPasswordsAreLogged(t *testing.T) {
	var log bytes.Buffer
	inBubble(t, nil, func(w *world) {
		w.options = func(o *sip.Options) {
			o.Phones = book{"alice": "open sesame"}
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
		}
		srv := w.server(registrarAddr, nil, func(*sip.Leg) {})
		defer w.close(srv)
		p := w.phone("alice", "a guess")
		for range 3 {
			p.register("<sip:x@10.0.0.9>")
		}
		time.Sleep(time.Minute)
	})
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 1 || !strings.Contains(lines[0], "security: wrong SIP passwords") || !strings.Contains(lines[0], "address=10.0.0.9 user=alice") || strings.Contains(lines[0], "guess\"") {
		t.Errorf("the log says %q", lines)
	}
}
