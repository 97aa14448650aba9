package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// sippCalls numbers the calls of this run, for their Call-IDs.
var sippCalls atomic.Int64

// sipp is a running SIPp scenario with one call.
type sipp struct {
	t      *testing.T
	callID string
	addr   *net.UDPAddr // where SIPp takes SIP, and what cue sends
	conn   *net.UDPConn
	logs   string
	out    buffer
	code   int
	done   chan struct{}
}

// sipp starts a scenario of the folder sipp on a line. An argument like
// payload=8 sets a word of the scenario; others go to SIPp as they are.
func (s *server) sipp(scenario, line string, args ...string) *sipp {
	s.t.Helper()
	if _, err := exec.LookPath("sipp"); err != nil {
		s.t.Fatalf("the tests need SIPp: apt-get install sip-tester (%v)", err)
	}
	if os.Geteuid() != 0 {
		s.t.Fatal("SIPp plays captured packets from a raw socket: run this as root")
	}
	p := &sipp{
		t: s.t, callID: fmt.Sprintf("sipp-%d-%d", os.Getpid(), sippCalls.Add(1)),
		addr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: freeUDPPort(s.t)},
		logs: s.t.TempDir(), done: make(chan struct{}),
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	words := map[string]string{"caller": "5550100", "codec": "PCMU", "payload": "0", "target": "nobody"}
	var more []string
	for _, a := range args {
		if word, value, ok := strings.Cut(a, "="); ok {
			words[word] = value
		} else {
			more = append(more, a)
		}
	}
	for word, value := range words {
		more = append(more, "-key", word, value) // SIPp takes the first of a name
	}
	cmd := exec.CommandContext(ctx, "sipp", append([]string{
		s.sip, "-sf", filepath.Join("sipp", scenario+".xml"), "-s", line, "-m", "1", "-nostdin",
		"-cid_str", p.callID, "-i", "127.0.0.1", "-p", strconv.Itoa(p.addr.Port), "-mp", strconv.Itoa(sippMediaPort()),
		"-trace_msg", "-message_file", filepath.Join(p.logs, "messages"), "-trace_err", "-error_file", filepath.Join(p.logs, "errors"),
	}, more...)...)
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	cmd.Env = append(os.Environ(), "TERM=dumb")
	if err := cmd.Start(); err != nil {
		cancel()
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = cmd.Wait()
		p.code = cmd.ProcessState.ExitCode()
	}()
	s.t.Cleanup(func() {
		cancel()
		<-p.done
		if s.t.Failed() {
			p.tell()
		}
	})
	return p
}

// tell logs what SIPp saw.
func (p *sipp) tell() {
	for _, name := range []string{"errors", "messages"} {
		if b, err := os.ReadFile(filepath.Join(p.logs, name)); err == nil {
			p.t.Logf("SIPp's %s:\n%s", name, tail(string(b), 120))
		}
	}
}

// cue tells a scenario to go on: SIPp takes a request of its Call-ID from
// whoever sends it, so the test decides by what the server says, not by a clock.
func (p *sipp) cue(word string) {
	p.t.Helper()
	if p.conn == nil {
		conn, err := net.DialUDP("udp", nil, p.addr)
		if err != nil {
			p.t.Fatal(err)
		}
		p.conn = conn
		p.t.Cleanup(func() { _ = conn.Close() })
	}
	local := p.conn.LocalAddr()
	_, err := fmt.Fprintf(p.conn, "%s sip:sipp@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-cue-%d\r\nFrom: <sip:test@%s>;tag=cue\r\nTo: <sip:sipp@%s>\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContent-Length: 0\r\n\r\n",
		word, p.addr, local, sippCalls.Add(1), local, p.addr, p.callID, sippCalls.Add(1), word)
	if err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for the end of the scenario, which must have gone as written.
func (p *sipp) wait() { p.t.Helper(); p.waitFor(10 * time.Second) }

func (p *sipp) waitFor(limit time.Duration) {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		p.t.Fatalf("SIPp did not end in %s", limit)
	}
	if p.code != 0 {
		p.t.Errorf("SIPp ended with %d: the call did not go as the scenario says\n%s", p.code, tail(p.out.String(), 15))
	}
}

// received counts the messages from the server that begin with start.
func (p *sipp) received(start string) int {
	p.t.Helper()
	b, err := os.ReadFile(filepath.Join(p.logs, "messages"))
	if err != nil {
		p.t.Fatal(err)
	}
	n := 0
	for _, m := range strings.Split(string(b), "message received")[1:] {
		_, text, _ := strings.Cut(m, "\n\n")
		if strings.HasPrefix(text, start) {
			n++
		}
	}
	return n
}

// codec returns the first codec of the server's answer, as its SDP says it.
func (p *sipp) codec() string {
	p.t.Helper()
	b, err := os.ReadFile(filepath.Join(p.logs, "messages"))
	if err != nil {
		p.t.Fatal(err)
	}
	_, answer, _ := strings.Cut(string(b), "SIP/2.0 200 OK")
	_, rtpmap, _ := strings.Cut(answer, "a=rtpmap:")
	line, _, _ := strings.Cut(rtpmap, "\n")
	return strings.TrimSpace(line)
}

func freeUDPPort(t *testing.T) int {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

// sippMediaPort returns RTP ports that no other SIPp of this run uses, below
// those of the servers.
func sippMediaPort() int { return 12000 + int(sippCalls.Add(1)%400)*10 }
