package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// binary is the product, built once for all tests by TestMain.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "callfloor-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "callfloor")
	build := exec.Command("go", "build", "-o", binary, "callfloor/cmd/callfloor")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the product: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// server is one running `callfloor serve --demo`.
type server struct {
	t      *testing.T
	dir    string // data folder
	sip    string // 127.0.0.1:port
	http   string // http://127.0.0.1:port
	webrtc string // 127.0.0.1:port
	args   []string
	cmd    *exec.Cmd
	log    *buffer
	done   chan struct{} // closed when the process has ended
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// serve starts the product with the demo on free ports of loopback and waits
// until it is ready; it is ended with the test.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	return serveIn(t, t.TempDir(), args...)
}

func serveIn(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	s := serverIn(t, dir, args...)
	s.start()
	t.Cleanup(s.stop)
	return s
}

// serverIn is one that is not started yet.
func serverIn(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	sip, web, rtc := freePort(t), freePort(t), freePort(t)
	rtp := rtpRange()
	s := &server{
		t: t, dir: dir, sip: fmt.Sprintf("127.0.0.1:%d", sip), http: fmt.Sprintf("http://127.0.0.1:%d", web),
		webrtc: fmt.Sprintf("127.0.0.1:%d", rtc),
	}
	s.args = append([]string{
		"serve", "--demo", "--data", dir, "--sip", s.sip, "--http", fmt.Sprintf("127.0.0.1:%d", web),
		"--webrtc", s.webrtc, "--rtp-ports", rtp,
	}, args...)
	return s
}

func (s *server) start() {
	s.t.Helper()
	s.launch()
	s.ready()
}

// launch starts the program and waits for nothing.
func (s *server) launch() {
	s.t.Helper()
	s.log = &buffer{}
	s.done = make(chan struct{})
	s.cmd = exec.Command(binary, s.args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("start the product: %v", err)
	}
	go func() { _ = s.cmd.Wait(); close(s.done) }()
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("log of the server:\n%s", tail(s.log.String(), 60))
		}
	})
}

func (s *server) ready() {
	s.t.Helper()
	eventually(s.t, 20*time.Second, "the server is ready", func() error {
		select {
		case <-s.done:
			s.t.Fatalf("the server ended:\n%s", s.log.String())
		default:
		}
		resp, err := http.Get(s.http + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz says %s", resp.Status)
		}
		return nil
	})
}

// stop ends the server: SIGTERM twice, then SIGKILL.
func (s *server) stop() {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGKILL} {
		select {
		case <-s.done:
			return
		default:
		}
		_ = s.cmd.Process.Signal(sig)
		select {
		case <-s.done:
			return
		case <-time.After(8 * time.Second):
		}
	}
	<-s.done
}

// kill ends the server as a crash would.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// eventually waits until check returns nil, and fails the test after limit.
func eventually(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s until %s: %v", limit, what, err)
		}
		time.Sleep(20 * time.Millisecond) // between two looks; the condition decides
	}
}

var portNext atomic.Int64

// freePort returns a port that nobody has, for UDP and TCP, below the range
// from which the kernel takes ports by itself: there a phone of another test
// could take it before the server does.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 10000 + int(int64(os.Getpid())*97+portNext.Add(1))%1990
		if port == 10080 { // of Amanda: browsers refuse it
			continue
		}
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		u, err := net.ListenPacket("udp", addr)
		_ = l.Close()
		if err != nil {
			continue
		}
		_ = u.Close()
		return port
	}
	t.Fatal("there is no free port from 10000 to 11989")
	return 0
}

var rtpNext struct {
	sync.Mutex
	n int
}

// rtpRange returns RTP ports that no other server of this run has, below the
// range from which the kernel takes ports by itself.
func rtpRange() string {
	rtpNext.Lock()
	defer rtpNext.Unlock()
	from := 20000 + rtpNext.n%24*500
	rtpNext.n++
	return fmt.Sprintf("%d-%d", from, from+499)
}

// callfloor runs a command on the server's data folder and returns what it
// printed and its exit code.
func (s *server) callfloor(args ...string) (string, int) {
	s.t.Helper()
	return command(s.t, append(args, "--data", s.dir)...)
}

func command(t *testing.T, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run callfloor %v: %v", args, err)
	}
	if stderr.Len() > 0 {
		t.Logf("callfloor %s: %s", strings.Join(args, " "), strings.TrimSpace(stderr.String()))
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// json runs a command with --json and decodes what it printed into v.
func (s *server) json(v any, args ...string) int {
	s.t.Helper()
	out, code := s.callfloor(append(args, "--json")...)
	decode(s.t, out, v)
	return code
}

func decode(t *testing.T, out string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(out), v); err != nil {
		t.Fatalf("this is not the JSON that was expected: %v\n%s", err, out)
	}
}

// callRecord is one entry of `calls list --json`, as docs/contract.md has it.
type callRecord struct {
	ID       string  `json:"id"`
	Line     string  `json:"line"`
	From     string  `json:"from"`
	Queue    *string `json:"queue"`
	Agent    *string `json:"agent"`
	Started  string  `json:"started"`
	Answered *string `json:"answered"`
	Ended    *string `json:"ended"`
	End      *struct {
		By    string `json:"by"`
		Class string `json:"class"`
		SIP   *int   `json:"sip"`
	} `json:"end"`
	Consent   string  `json:"consent"`
	Recording *string `json:"recording"`
	Timeline  []event `json:"timeline"`
}

type event struct {
	At   string         `json:"at"`
	Kind string         `json:"kind"`
	Leg  *string        `json:"leg"`
	Text string         `json:"text"`
	Data map[string]any `json:"data"`
}

// lastCall waits until the newest call has ended and returns it with its
// timeline.
func (s *server) lastCall() callRecord {
	s.t.Helper()
	eventually(s.t, 5*time.Second, "the newest call has ended", func() error {
		if c, err := s.newest(); err != nil || c.End == nil {
			return fmt.Errorf("the newest call is %+v, %v", c, err)
		}
		return nil
	})
	var list []callRecord
	if s.json(&list, "calls", "list"); len(list) == 0 || list[0].End == nil {
		s.t.Fatalf("the newest call has ended, and the list is %+v", list)
	}
	var c callRecord
	if code := s.json(&c, "calls", "show", list[0].ID); code != 0 {
		s.t.Fatalf("calls show ended with %d", code)
	}
	return c
}

func (c callRecord) has(kind, text string) bool {
	for _, e := range c.Timeline {
		if e.Kind == kind && strings.Contains(e.Text, text) {
			return true
		}
	}
	return false
}

// recording is one entry of `recordings list --json`.
type recording struct {
	ID       string  `json:"id"`
	Call     string  `json:"call"`
	Started  string  `json:"started"`
	Duration float64 `json:"duration"`
	State    string  `json:"state"`
	Why      string  `json:"why"`
	Consent  string  `json:"consent"`
	Tracks   []struct {
		Party   string  `json:"party"`
		Codec   string  `json:"codec"`
		Seconds float64 `json:"seconds"`
	} `json:"tracks"`
}

// captures lists the capture files in the data folder.
func (s *server) captures() []string {
	s.t.Helper()
	var found []string
	err := filepath.Walk(filepath.Join(s.dir, "captures"), func(path string, info os.FileInfo, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err == nil && !info.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}
