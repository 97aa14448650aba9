package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// carrier is the far end of a trunk, written by hand: it wants SHA-256 digest
// for REGISTER and INVITE, redirects numbers that end in 31 (to Germany) and 32
// (to another mobile in China), and answers all others.
type carrier struct {
	t    *testing.T
	conn net.PacketConn
	done chan struct{}

	mu      sync.Mutex
	invites []string // request URIs that came with the right digest
	regs    int
	byes    int
	bye     chan string // a Call-ID to hang up
}

const carrierSDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

func newCarrier(t *testing.T) *carrier {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &carrier{t: t, conn: conn, done: make(chan struct{})}
	go c.serve()
	t.Cleanup(func() { _ = conn.Close(); <-c.done })
	return c
}

var field = regexp.MustCompile(`(\w+)="?([^",]+)"?`)

func (c *carrier) serve() {
	defer close(c.done)
	buf := make([]byte, 65536)
	for {
		n, from, err := c.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		m := string(buf[:n])
		method, rest, _ := strings.Cut(m, " ")
		uri, _, _ := strings.Cut(rest, " ")
		reply := func(status, headers, body string) {
			var b strings.Builder
			b.WriteString("SIP/2.0 " + status + "\r\n")
			for line := range strings.SplitSeq(m, "\r\n") {
				switch k, _, _ := strings.Cut(line, ":"); strings.ToLower(k) {
				case "to":
					if !strings.Contains(line, "tag=") {
						line += ";tag=carrier"
					}
					b.WriteString(line + "\r\n")
				case "via", "from", "call-id", "cseq":
					b.WriteString(line + "\r\n")
				}
			}
			fmt.Fprintf(&b, "%sContent-Length: %d\r\n\r\n%s", headers, len(body), body)
			_, _ = c.conn.WriteTo([]byte(b.String()), from)
		}
		switch method {
		case "REGISTER":
			if !c.allowed(m, method, "Authorization") {
				reply("401 Unauthorized", "WWW-Authenticate: "+c.challenge(), "")
				continue
			}
			c.mu.Lock()
			c.regs++
			c.mu.Unlock()
			reply("200 OK", "Expires: 600\r\n", "")
		case "INVITE":
			if !c.allowed(m, method, "Proxy-Authorization") {
				reply("407 Proxy Authentication Required", "Proxy-Authenticate: "+c.challenge(), "")
				continue
			}
			c.mu.Lock()
			if len(c.invites) == 0 || c.invites[len(c.invites)-1] != uri {
				c.invites = append(c.invites, uri)
			}
			c.mu.Unlock()
			user, _, _ := strings.Cut(uri, "@")
			switch {
			case strings.HasSuffix(user, "31"):
				reply("302 Moved Temporarily", "Contact: <sip:+4930123456@127.0.0.1:9>\r\n", "")
			case strings.HasSuffix(user, "32"):
				reply("302 Moved Temporarily", "Contact: <sip:+8613900000000@127.0.0.1:9>\r\n", "")
			default:
				reply("200 OK", fmt.Sprintf("Contact: <sip:carrier@%s>\r\nContent-Type: application/sdp\r\n", c.conn.LocalAddr()), carrierSDP)
			}
		case "BYE":
			c.mu.Lock()
			c.byes++
			c.mu.Unlock()
			reply("200 OK", "", "")
		case "OPTIONS", "CANCEL":
			reply("200 OK", "", "")
		}
	}
}

func (c *carrier) challenge() string {
	return `Digest realm="carrier.example", nonce="n1", algorithm=SHA-256, qop="auth"` + "\r\n"
}

// allowed looks at the digest as RFC 7616 has it, by arithmetic of its own.
func (c *carrier) allowed(m, method, header string) bool {
	_, after, ok := strings.Cut(m, "\r\n"+header+": Digest ")
	if !ok {
		return false
	}
	line, _, _ := strings.Cut(after, "\r\n")
	f := map[string]string{}
	for _, x := range field.FindAllStringSubmatch(line, -1) {
		f[x[1]] = x[2]
	}
	h := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	want := h(strings.Join([]string{h("desk:carrier.example:pw-4711"), f["nonce"], f["nc"], f["cnonce"], "auth", h(method + ":" + f["uri"])}, ":"))
	return f["response"] == want
}

func (c *carrier) saw() (invites []string, regs, byes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.invites...), c.regs, c.byes
}

// place asks for a call by API.
func (s *server) place(to, line string) (status int, id, code string) {
	s.t.Helper()
	status, b := s.ask("ada", http.MethodPost, "/api/v1/calls", map[string]string{"to": to, "line": line})
	var answer struct{ ID, Code string }
	_ = json.Unmarshal(b, &answer)
	return status, answer.ID, answer.Code
}

// TestCallsOut: the carrier is registered with and calls go out to it with
// digest after the first trunk has said nothing; the rules refuse what they
// must, by whatever way it comes, and the brake holds.
func TestCallsOut(t *testing.T) {
	beside(t, phoning)
	c := newCarrier(t)
	sippPort := freeUDPPort(t)
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	file := filepath.Join(dir, "callfloor.yaml")
	for name, body := range map[string]string{password: "pw-4711\n", file: fmt.Sprintf(`
trunks:
  - {id: dead, hosts: ["127.0.0.1:9"]}
  - {id: carrier, order: 1, hosts: [%q], user: desk, password_file: %q, register: true, format: e164}
  - {id: sipp, group: sipp, hosts: ["127.0.0.1:%d"], format: national, options_every: 1h}
outbound:
  calls_per_hour: 9
  rules:
    - {lines: ["1009"], purposes: [api], countries: [CN, DE], prefixes: ["+86"], trunks: default}
    - {lines: ["1009"], purposes: [redirect], countries: [CN], trunks: default}
    - {lines: ["1002"], purposes: [api], countries: [CN], trunks: sipp}
`, c.conn.LocalAddr(), password, sippPort)} {
		if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := serveIn(t, filepath.Join(dir, "data"), "--config", file, "--drain", "1s")
	eventually(t, 20*time.Second, "the carrier is registered with", func() error {
		out, err := exec.Command(binary, "trunks", "show", "carrier", "--json", "--data", s.dir).CombinedOutput()
		var k struct{ State, Registered string }
		if err == nil {
			err = json.Unmarshal(out, &k)
		}
		if err != nil || k.State != "up" || k.Registered == "" {
			return fmt.Errorf("%s, %w", out, err)
		}
		return nil
	})

	began := time.Now()
	status, id, code := s.place("+86 138 0013 8000", "1009")
	if status != http.StatusAccepted || id == "" {
		t.Fatalf("%d %s", status, code)
	}
	eventually(t, 20*time.Second, "the carrier has the call", func() error {
		invites, _, _ := c.saw()
		if len(invites) != 1 || !strings.HasPrefix(invites[0], "sip:8613800138000@") {
			return fmt.Errorf("INVITEs: %v", invites)
		}
		return nil
	})
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the second trunk had the call after %s", took)
	}

	for number, want := range map[string]string{
		"+4930123456": "outbound_refused", "+861": "invalid", "+8816123456789": "outbound_refused", "110": "outbound_refused", "+447911123456": "outbound_refused",
		"alice": "invalid", "x'; DROP TABLE call_calls; --": "invalid",
	} {
		if status, _, code := s.place(number, "1009"); code != want {
			t.Errorf("%s: %d %s, want %s", number, status, code, want)
		}
	}
	if status, _, code := s.place("+8613800138000", "4711"); code != "not_found" {
		t.Errorf("a line that is none: %d %s", status, code)
	}

	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(binary, append(args, "--data", s.dir)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("outbound", "never", "add", "13912345678", "--why", "asked us")
	if status, _, code := s.place("+8613912345678", "1009"); code != "outbound_refused" {
		t.Errorf("on the do-not-call list: %d %s", status, code)
	}
	s.audited("local", "do_not_call", "+86****5678")
	run("outbound", "resume", "--why", "the test has tried enough") // nine refusals would block it soon

	// The carrier redirects: to where no rule leads, and to where one does.
	before, _, _ := c.saw()
	if status, _, _ := s.place("+8613800138031", "1009"); status != http.StatusAccepted {
		t.Errorf("redirected to Germany: %d", status)
	}
	eventually(t, 20*time.Second, "that call has failed", func() error {
		var list []callRecord
		if err := s.api("/api/v1/calls?limit=1", &list); err != nil {
			return err
		}
		if len(list) != 1 || list[0].End == nil {
			return fmt.Errorf("%+v", list)
		}
		return nil
	})
	if status, _, _ := s.place("+8613800138032", "1009"); status != http.StatusAccepted {
		t.Errorf("redirected within China: %d", status)
	}
	eventually(t, 20*time.Second, "the redirection is followed over the trunk", func() error {
		invites, _, _ := c.saw()
		got := strings.Join(invites[len(before):], " ")
		if !strings.Contains(got, "sip:8613900000000@") || strings.Contains(got, "4930") {
			return fmt.Errorf("INVITEs %s", got)
		}
		return nil
	})

	run("outbound", "stop", "--why", "drill")
	if status, _, code := s.place("+8613800138000", "1009"); code != "outbound_refused" {
		t.Errorf("with the brake on: %d %s", status, code)
	}
	if !strings.Contains(run("outbound", "show"), "STOPPED") {
		t.Error("the command line does not show the stop")
	}
	run("outbound", "resume", "--why", "drill over")

	// A carrier that nobody here wrote.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	peer := exec.CommandContext(ctx, "sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", fmt.Sprint(sippPort), "-mi", "127.0.0.1", "-m", "1", "-nostdin")
	peer.Dir = t.TempDir()
	if err := peer.Start(); err != nil {
		t.Fatalf("the tests need SIPp: apt-get install sip-tester (%v)", err)
	}
	eventually(t, 20*time.Second, "SIPp takes a call", func() error {
		if status, _, code := s.place("13800138000", "1002"); status != http.StatusAccepted {
			return fmt.Errorf("%d %s", status, code)
		}
		return nil
	})
	var record callRecord
	eventually(t, 20*time.Second, "SIPp has answered", func() error {
		var k struct{ Calls int }
		if err := s.api("/api/v1/trunks/sipp", &k); err != nil || k.Calls != 1 {
			return fmt.Errorf("%+v, %w", k, err)
		}
		var list []callRecord
		if err := s.api("/api/v1/calls?limit=1", &list); err != nil {
			return err
		}
		record = list[0]
		return nil
	})
	if record.Line != "1002" {
		t.Errorf("%+v", record)
	}
	var all []struct{ ID, State string }
	if err := s.api("/api/v1/trunks", &all); err != nil || len(all) != 4 || all[0].ID != "dead" {
		t.Errorf("%+v, %v", all, err)
	}
	figures, err := s.figures()
	if err != nil || figures[`callfloor_trunk_up{trunk="carrier"}`] != 1 || figures[`callfloor_outbound_refused_total{why="country"}`] < 1 {
		t.Errorf("%v; carrier %v, refused %v", err, figures[`callfloor_trunk_up{trunk="carrier"}`], figures[`callfloor_outbound_refused_total{why="country"}`])
	}
	s.stop()
	if err := peer.Wait(); err != nil {
		t.Errorf("SIPp: %v", err)
	}
	if _, regs, byes := c.saw(); regs < 2 || byes < 2 {
		t.Errorf("%d registrations (one of them the end), %d BYEs", regs, byes)
	}
}

// TestDialInTheBrowser: an agent calls out with the keyboard alone, hears who
// answers, and wraps up. The demo's own trunk leads to line 1001 and so to bob.
func TestDialInTheBrowser(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice := b.signIn(s, "alice", nil)
	alice.state("away")
	s.agent("bob", "--answer-after", "300ms", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s")
	pad := func() (open bool) {
		alice.must(&open, "eval", map[string]any{"js": "document.querySelector('[data-testid=dial-out]').open"})
		return open
	}
	eventually(t, 20*time.Second, "the number pad can be opened", func() error {
		alice.press("n")
		if !pad() {
			return fmt.Errorf("it is closed")
		}
		return nil
	})
	for _, key := range "1001" {
		alice.press(string(key))
	}
	eventually(t, 20*time.Second, "the call goes out, once alice's sound is there", func() error {
		if pad() {
			alice.press("Enter")
			return fmt.Errorf("the pad is open")
		}
		return nil
	})
	alice.state("talking")
	alice.hears("customer", customerHz)
	eventually(t, 20*time.Second, "the call is in the calls", func() error {
		var list []struct {
			Line, Direction string
			Agent           *string
		}
		if err := s.api("/api/v1/calls?limit=10", &list); err != nil {
			return err
		}
		for _, c := range list {
			if c.Direction == "out" && c.Line == "1000" && c.Agent != nil && *c.Agent == "alice" {
				return nil
			}
		}
		return fmt.Errorf("%+v", list)
	})
	alice.press("e")
	alice.state("wrap_up")
}
