package sip

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// tortureCase is one message of RFC 4475 or RFC 5118 and the final statuses that
// it may get; 0 is no answer.
type tortureCase struct {
	name, want string
	raw        []byte
}

func tortureCases(t testing.TB) []tortureCase {
	t.Helper()
	var out []tortureCase
	for _, dir := range []string{"testdata/torture", "testdata/torture/rfc5118"} {
		table, err := os.ReadFile(filepath.Join(dir, "EXPECTED.tsv"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(table)) {
			f := strings.Split(strings.TrimSpace(line), "\t")
			if strings.HasPrefix(line, "#") || len(f) < 3 {
				continue
			}
			raw, err := os.ReadFile(filepath.Join(dir, f[0]))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, tortureCase{f[0], f[2], raw})
		}
	}
	if len(out) < 60 {
		t.Fatalf("%d torture messages", len(out))
	}
	return out
}

// finalOf reads statuses from r until one is final, or none comes for a while.
func finalOf(c net.Conn, patience time.Duration) int {
	deadline := time.Now().Add(patience)
	buf := make([]byte, 65536)
	var got []byte
	for {
		_ = c.SetReadDeadline(deadline)
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		for line := range bytes.SplitSeq(got, []byte("\r\n")) {
			if i := bytes.Index(line, []byte("SIP/2.0 ")); i > 0 && i <= 4 { // behind the head of a frame
				line = line[i:]
			}
			var status int
			if n, _ := fmt.Sscanf(string(line), "SIP/2.0 %d ", &status); n == 1 && status >= 200 {
				return status
			}
		}
		if err != nil {
			return 0
		}
	}
}

// TestTortureOnTheWire: every message of RFC 4475 and RFC 5118 gets its answer
// over UDP, TCP, TLS and WebSocket, from a server that serves an honest call
// afterwards. Many of the messages have one branch, so that a server each is
// needed.
func TestTortureOnTheWire(t *testing.T) {
	cert, key, _ := testCertificate(t)
	var all sync.WaitGroup
	slots := make(chan struct{}, 16) // servers at once
	for _, wire := range []string{wireUDP, wireTCP, wireTLS, wireWS} {
		for _, c := range tortureCases(t) {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				s, stop := startWires(t, cert, key)
				defer stop()
				conn := dialWire(t, s, wire)
				defer conn.Close() //nolint:errcheck // it was only read
				sendWire(t, conn, wire, c.raw)
				patience := 20 * time.Second
				if allowed(c.want, 0) {
					patience = 300 * time.Millisecond
				}
				got := finalOf(conn, patience)
				if !allowed(c.want, got) && !onStream(wire, c.name, got) {
					t.Errorf("%s over %s: answered %d, allowed %s", c.name, wire, got, c.want)
				}
				if n := counter(t, s); n != 0 {
					t.Errorf("%s over %s: %v faults were caught", c.name, wire, n)
				}
				after := dialWire(t, s, wire)
				defer after.Close() //nolint:errcheck // it was only read
				sendWire(t, after, wire, []byte(strings.ReplaceAll(goodInvite, "{n}", "after")))
				if got := finalOf(after, 20*time.Second); got != 200 {
					t.Errorf("an honest call over %s after %s is answered %d", wire, c.name, got)
				}
			})
		}
	}
	all.Wait()
}

// onStream are outcomes that differ where TCP must tell where a message ends.
func onStream(wire, name string, got int) bool {
	return wire != wireUDP && got == 0 && name == "baddn.dat" // it has no end
}
