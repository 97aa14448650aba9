package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// phoneResult is what `callfloor phone call --json` prints.
type phoneResult struct {
	Result      string  `json:"result"`
	SIPStatus   int     `json:"sip_status"`
	SetupMS     float64 `json:"setup_ms"`
	Codec       string  `json:"codec"`
	Sent        int     `json:"sent"`
	Received    int     `json:"received"`
	Lost        int     `json:"lost"`
	JitterMS    float64 `json:"jitter_ms"`
	Score       float64 `json:"score"`
	Digits      string  `json:"digits"`
	EndedBy     string  `json:"ended_by"`
	MaxGapMS    float64 `json:"max_gap_ms"`
	SSRCChanges int     `json:"ssrc_changes"`
	SeqHoles    int     `json:"seq_holes"`
	Early       int     `json:"early"`
}

// phone is a running `callfloor phone call` or `phone seat`.
type phone struct {
	t      *testing.T
	out    string
	code   int
	stderr buffer
	done   chan struct{} // closed when out and code are there
	cmd    *exec.Cmd
}

// dial starts the built-in phone on a line of the server.
func (s *server) dial(line string, args ...string) *phone {
	s.t.Helper()
	return s.background(append([]string{"phone", "call", "sip:" + line + "@" + s.sip, "--json"}, args...)...)
}

// background starts a command that is ended with the test at the latest.
func (s *server) background(args ...string) *phone {
	s.t.Helper()
	p := &phone{t: s.t, done: make(chan struct{}), cmd: exec.Command(binary, args...)}
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		b, _ := io.ReadAll(stdout)
		_ = p.cmd.Wait()
		p.out, p.code = string(b), p.cmd.ProcessState.ExitCode()
	}()
	s.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if msg := strings.TrimSpace(p.stderr.String()); msg != "" && s.t.Failed() {
			s.t.Logf("%s: %s", strings.Join(args[:3], " "), tail(msg, 20))
		}
	})
	return p
}

// wait waits for the end of the call.
func (p *phone) wait() (phoneResult, int) {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(2 * time.Minute):
		p.t.Fatal("the phone's call did not end in two minutes")
	}
	var r phoneResult
	decode(p.t, p.out, &r)
	return r, p.code
}

// browsers drives headless Chromium through browser/driver.mjs.
type browsers struct {
	t   *testing.T
	mu  sync.Mutex
	in  io.WriteCloser
	out *bufio.Reader
	n   int
}

func startBrowsers(t *testing.T) *browsers {
	t.Helper()
	cmd := exec.Command("node", filepath.Join("browser", "driver.mjs"))
	var stderr buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the browser driver (npm ci in agent-web, apt-get install chromium): %v", err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("browser driver: %s", tail(stderr.String(), 20))
		}
	})
	return &browsers{t: t, in: in, out: bufio.NewReader(out)}
}

// do sends one command and decodes its answer into v (nil: not wanted).
func (b *browsers) do(v any, verb string, args map[string]any) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
	msg := map[string]any{"n": b.n, "do": verb}
	for k, x := range args {
		msg[k] = x
	}
	line, err := json.Marshal(msg)
	if err != nil {
		return err
	}
	if _, err := b.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("browser driver: %w", err)
	}
	reply, err := b.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("browser driver: %w", err)
	}
	var answer struct {
		OK    json.RawMessage `json:"ok"`
		Error string          `json:"error"`
	}
	if err := json.Unmarshal(reply, &answer); err != nil {
		return err
	}
	if answer.Error != "" {
		return fmt.Errorf("browser %s %v: %s", verb, args, answer.Error)
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(answer.OK, v)
}

// page is one tab of one person.
type page struct {
	*browsers
	name string
}

func (b *browsers) open(name string, args map[string]any) page {
	b.t.Helper()
	all := map[string]any{"name": name}
	for k, v := range args {
		all[k] = v
	}
	if err := b.do(nil, "open", all); err != nil {
		b.t.Fatal(err)
	}
	p := page{b, name}
	b.t.Cleanup(func() {
		if b.t.Failed() {
			var log []string
			_ = b.do(&log, "log", map[string]any{"name": name})
			b.t.Logf("console of %s:\n%s", name, strings.Join(log, "\n"))
		}
	})
	return p
}

func (p page) must(v any, verb string, args map[string]any) {
	p.t.Helper()
	all := map[string]any{"name": p.name}
	for k, x := range args {
		all[k] = x
	}
	if err := p.do(v, verb, all); err != nil {
		p.t.Fatal(err)
	}
}

func (p page) click(id string)  { p.t.Helper(); p.must(nil, "click", map[string]any{"id": id}) }
func (p page) press(key string) { p.t.Helper(); p.must(nil, "press", map[string]any{"key": key}) }
func (p page) see(id string)    { p.t.Helper(); p.must(nil, "wait", map[string]any{"id": id}) }
func (p page) gone(id string) {
	p.t.Helper()
	p.must(nil, "wait", map[string]any{"id": id, "gone": true})
}
func (p page) state(want string) {
	p.t.Helper()
	p.must(nil, "wait", map[string]any{"id": "state", "state": want})
}
func (p page) reload() { p.t.Helper(); p.must(nil, "reload", nil) }
func (p page) screenshot(path string) {
	p.t.Helper()
	p.must(nil, "screenshot", map[string]any{"path": path})
}

// level is how strong a frequency is in what a track plays.
type level struct {
	Share float64 `json:"share"` // of the power, 0 to 1
	RMS   float64 `json:"rms"`   // of everything, 0 to 1
}

func (p page) level(track string, hz float64) level {
	p.t.Helper()
	var l level
	p.must(&l, "level", map[string]any{"track": track, "hz": hz})
	return l
}

// signIn opens the product for one of the demo's people.
func (b *browsers) signIn(s *server, user string, args map[string]any) page {
	b.t.Helper()
	all := map[string]any{"url": s.http + "/"}
	for k, v := range args {
		all[k] = v
	}
	p := b.open(user, all)
	p.click("signin-" + user)
	return p
}
