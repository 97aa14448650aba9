package sip_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callfloor/contact"
	"callfloor/internal/siptest"
	"callfloor/media"
	"callfloor/sip"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// realServer is a server on a loopback port with real media, whose lines are
// those that the scenarios in testdata/sipp dial.
func realServer(t *testing.T) *sip.Server {
	t.Helper()
	return serverAt(t, "127.0.0.1:0")
}

func serverAt(t *testing.T, listen string) *sip.Server {
	t.Helper()
	return serverWith(t, listen, func(*sip.Config) {})
}

func serverWith(t *testing.T, listen string, change func(*sip.Config)) *sip.Server {
	t.Helper()
	pacer := media.NewPacer()
	ports, err := media.NewPorts(22002, 23001)
	if err != nil {
		t.Fatal(err)
	}
	cfg := sip.DefaultConfig()
	cfg.Listen = listen
	cfg.RTPSilenceWarn, cfg.RTPSilenceEnd = 2*time.Second, 4*time.Second
	change(&cfg)
	srv, err := sip.New(cfg, sip.Options{Pacer: pacer, Ports: ports, OnCall: exchange, Phones: book{"2001": "pw2001"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = srv.Close(ctx) // a scripted caller may be gone without a word
		pacer.Close()
	})
	return srv
}

// exchange: 1000 hangs up at the digit 9, 1001 stays, 1003 rings, 1004 hangs
// up after 300 ms; nobody else is there.
func exchange(l *sip.Leg) {
	completed := contact.EndCause{By: contact.System, Class: contact.EndCompleted}
	switch l.Called() {
	case "1000", "1001", "1004":
		if l.Answer(context.Background()) != nil {
			return
		}
	case "1003":
		_ = l.Ring()
		return
	default:
		_ = l.Reject(404, "Not Found")
		return
	}
	l.Sender().Fill(l.Codec())
	var soon <-chan time.Time
	if l.Called() == "1004" {
		soon = time.After(300 * time.Millisecond)
	}
	for {
		select {
		case d := <-l.Digits():
			if d.Key == '9' && l.Called() == "1000" {
				l.Hangup(completed)
			}
		case <-soon:
			l.Hangup(completed)
		case <-l.Done():
			return
		}
	}
}

// TestSIPp runs the scenarios of sipp 3.6.1, a caller that nobody here wrote.
func TestSIPp(t *testing.T) {
	sipp, err := exec.LookPath("sipp")
	if err != nil {
		t.Fatal("sipp is missing: apt-get install sip-tester")
	}
	files, err := filepath.Glob("testdata/sipp/*.xml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	for _, transport := range []string{"u1", "t1"} {
		srv := realServer(t)
		for _, f := range files {
			t.Run(transport+"/"+strings.TrimSuffix(filepath.Base(f), ".xml"), func(t *testing.T) {
				t.Parallel() // a scenario mostly waits
				runSIPp(t, sipp, srv.Addr().String(), f, transport)
			})
		}
	}
}

func runSIPp(t *testing.T, sipp, target, file, transport string) {
	t.Helper()
	abs, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "pcap"), os.DirFS("testdata/sipp/pcap")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, sipp, target, "-sf", abs, "-m", "1", "-t", transport, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", freePort(t), "-mp", freePort(t),
		"-timeout", "30s", "-timeout_error", "-trace_err", "-error_file", "err.log", "-nostdin")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "err.log"))
		t.Errorf("%v\n%s\n%s", err, log, tail(string(out), 1500))
	}
}

// freePort is a port on which nobody listens now.
func freePort(t *testing.T) string {
	t.Helper()
	for range 50 {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(c.LocalAddr().String())
		_ = c.Close()
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

func tail(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}

// TestDialogStaysOnItsTCPConnection: the INVITE has a Record-Route and a
// Contact on ports where nobody listens; the BYE must come on the connection
// that the INVITE came on (emiago/sipgo#361).
func TestDialogStaysOnItsTCPConnection(t *testing.T) {
	srv := realServer(t)
	c, err := net.Dial("tcp", srv.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	send := func(method string, toTag string, body string) {
		fmt.Fprintf(c, "%s sip:1004@%s SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKrr%s;rport\r\nMax-Forwards: 70\r\n"+
			"Record-Route: <sip:127.0.0.1:19;transport=tcp;lr>\r\nFrom: <sip:a@127.0.0.1>;tag=a\r\nTo: <sip:1004@127.0.0.1>%s\r\nCall-ID: rr\r\n"+
			"CSeq: 1 %s\r\nContact: <sip:a@127.0.0.1:29;transport=tcp>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
			method, srv.Addr(), method, toTag, method, len(body), body)
	}
	send("INVITE", "", strings.ReplaceAll(siptest.SDP, "10.0.0.9", "127.0.0.1"))
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	r := bufio.NewScanner(c)
	tag, bye, route := "", false, ""
	for r.Scan() {
		line := r.Text()
		if _, after, ok := strings.Cut(line, ";tag="); ok && strings.HasPrefix(line, "To:") && tag == "" {
			tag = ";tag=" + after
		}
		if strings.HasPrefix(line, "CSeq: 1 INVITE") && tag != "" {
			send("ACK", tag, "")
		}
		bye = bye || strings.HasPrefix(line, "BYE sip:a@127.0.0.1:29")
		if bye && strings.HasPrefix(line, "Route:") {
			route = line
		}
		if bye && line == "" {
			break
		}
	}
	if !bye || route != "Route: <sip:127.0.0.1:19;transport=tcp;lr>" {
		t.Errorf("BYE %v, route %q, %v", bye, route, r.Err())
	}
}

// The default is to listen on every address: what we call ourselves must then
// be the address that the caller can reach, and our own requests must leave
// from the port that we listen on.
func TestListenOnEveryAddress(t *testing.T) {
	srv := serverAt(t, ":0")
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(srv.Addr().Port())}
	p := siptest.NewPeer(t, conn, at, "every")
	p.Request("INVITE", 1, siptest.SDP)
	ok := p.Expect("SIP/2.0 200")
	if c := ok.Header("Contact"); c != fmt.Sprintf("<sip:callfloor@127.0.0.1:%d>", at.Port) || !strings.Contains(ok.Body, "c=IN IP4 127.0.0.1\r\n") {
		t.Errorf("Contact %s, description\n%s", c, ok.Body)
	}
	p.Request("ACK", 1, "")
	p.Request("INFO", 2, "9", "Content-Type: application/dtmf")
	p.Expect("SIP/2.0 200")
	bye := p.Expect("BYE")
	if from := p.From(); from != at.String() {
		t.Errorf("BYE from %s, wanted %s", from, at)
	}
	p.Reply(bye, "200 OK", "")
}

// A proxy chain makes answers longer than sipgo's 1,300 octets on UDP.
func TestBigAnswerOverUDP(t *testing.T) {
	srv := realServer(t)
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := siptest.NewPeer(t, conn, net.UDPAddrFromAddrPort(srv.Addr()), "big")
	var routes []string
	for i := range 30 {
		routes = append(routes, fmt.Sprintf("Record-Route: <sip:proxy-with-a-long-name-%d.example.net:5060;lr;transport=udp>", i))
	}
	p.Request("INVITE", 1, siptest.SDP, routes...)
	if m := p.Expect("SIP/2.0 200"); len(m.Raw) < 2000 || strings.Count(m.Raw, "Record-Route") != 30 {
		t.Errorf("an answer of %d octets came", len(m.Raw))
	}
	p.Request("ACK", 1, "")
	p.Request("BYE", 2, "")
	p.Expect("SIP/2.0 200")
}

func TestPortTaken(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			var at string
			if network == "udp" {
				c, err := net.ListenPacket("udp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = c.Close() }()
				at = c.LocalAddr().String()
			} else {
				c, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = c.Close() }()
				at = c.Addr().String()
			}
			cfg := sip.DefaultConfig()
			cfg.Listen = at
			srv, err := sip.New(cfg, sip.Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = srv.Start()
			if err == nil || !strings.Contains(err.Error(), at) || !strings.Contains(err.Error(), "taken") || !strings.Contains(err.Error(), strings.ToUpper(network)) {
				t.Errorf("%v", err)
			}
			_ = srv.Close(context.Background())
		})
	}
}
