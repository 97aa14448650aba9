package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Calls over a bad network: server and phones live in two network namespaces,
// joined by tools/tunem, which loses, delays and reorders what goes between.

const (
	farServer   = "10.98.0.1"
	farPassword = "a long way from home 7"
)

// far is a server behind a bad network.
type far struct {
	*server
	near, away string // the namespaces of the server and of everyone else
	line       *exec.Cmd
}

// farAway starts a server in a namespace of its own, with two agents, and a
// line to another namespace that does what args of tunem say.
func farAway(t *testing.T, name string, args ...string) *far {
	t.Helper()
	if os.Geteuid() != 0 || runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Fatal("this test makes network namespaces of its own: run it as root on Linux (amd64)")
	}
	dir := t.TempDir()
	f := &far{server: &server{t: t, dir: filepath.Join(dir, "data")}, near: fmt.Sprintf("cf%d%sn", os.Getpid(), name), away: fmt.Sprintf("cf%d%sa", os.Getpid(), name)}
	tunem := filepath.Join(dir, "tunem")
	if out, err := exec.Command("go", "build", "-C", "../tools/tunem", "-o", tunem, ".").CombinedOutput(); err != nil {
		t.Fatalf("build tools/tunem: %v\n%s", err, out)
	}
	for _, ns := range []string{f.near, f.away} {
		if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
			t.Fatalf("make a network namespace (apt-get install iproute2): %v\n%s", err, out)
		}
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
	}
	f.line = exec.Command(tunem, append([]string{"-a", f.near, "-b", f.away, "-aaddr", farServer + "/24", "-baddr", "10.98.0.2/24"}, args...)...)
	out, err := f.line.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.line.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(out)
	t.Cleanup(func() {
		_ = f.line.Process.Signal(syscall.SIGTERM)
		for line, err := said.ReadString('\n'); err == nil; line, err = said.ReadString('\n') {
			t.Logf("tunem: %s", strings.TrimSpace(line))
		}
		_ = f.line.Wait()
	})
	if line, err := said.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("tunem says %q, %v", line, err)
	}
	f.open()
	return f
}

// in runs the product in a namespace.
func in(ns string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", ns, binary}, args...)...)
}

// open makes the agents and starts the server.
func (f *far) open() {
	f.t.Helper()
	for _, user := range []string{"alice", "bob"} {
		if out, code := f.callfloor("user", "add", user, "--password", farPassword, "--settled"); code != 0 {
			f.t.Fatalf("user add ended with %d: %s", code, out)
		}
	}
	f.log, f.done = &buffer{}, make(chan struct{})
	f.cmd = in(f.near, "serve", "--data", f.dir, "--sip", farServer+":5060", "--http", farServer+":8080", "--webrtc", farServer+":8090")
	f.cmd.Stdout, f.cmd.Stderr = f.log, f.log
	if err := f.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	go func() { _ = f.cmd.Wait(); close(f.done) }()
	f.t.Cleanup(func() {
		f.stop()
		if f.t.Failed() {
			f.t.Logf("log of the server:\n%s", tail(f.log.String(), 60))
		}
	})
	eventually(f.t, 20*time.Second, "the server is ready", func() error {
		if _, err := os.Stat(filepath.Join(f.dir, "run.json")); err != nil {
			return err
		}
		out, err := in(f.near, "calls", "list", "--data", f.dir).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}

// start runs a phone or a seat on the far side of the line.
func (f *far) start(args ...string) *phone {
	f.t.Helper()
	p := &phone{t: f.t, done: make(chan struct{}), cmd: in(f.away, args...)}
	var stdout, stderr buffer
	p.cmd.Stdout, p.cmd.Stderr = &stdout, &stderr
	if err := p.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
		p.out, p.code = stdout.String(), p.cmd.ProcessState.ExitCode()
		if msg := strings.TrimSpace(stderr.String()); msg != "" {
			f.t.Logf("%s: %s", args[1], tail(msg, 10))
		}
	}()
	f.t.Cleanup(func() { _ = p.cmd.Process.Signal(syscall.SIGTERM); <-p.done })
	return p
}

func (f *far) seat(user string) *phone {
	return f.start("phone", "seat", "--server", "http://"+farServer+":8080", "--user", user, "--password", farPassword, "--play", fmt.Sprintf("tone:%d", agentHz), "--answer-after", "500ms", "--json")
}

// details are all calls with their timelines, newest first.
func (f *far) details() []callRecord {
	f.t.Helper()
	var list []callRecord
	f.nearJSON(&list, "calls", "list")
	for i := range list {
		f.nearJSON(&list[i], "calls", "show", list[i].ID)
	}
	return list
}

func (f *far) nearJSON(v any, args ...string) {
	f.t.Helper()
	out, err := in(f.near, append(args, "--data", f.dir, "--json")...).Output()
	if err != nil {
		f.t.Fatalf("callfloor %v: %v", args, err)
	}
	decode(f.t, string(out), v)
}

// Ten in a hundred packets lost, the others 0 to 120 ms late and out of order:
// no call is dropped, every key is understood once, recordings are whole.
func TestABadNetwork(t *testing.T) {
	beside(t, phoning)
	f := farAway(t, "bad", "-loss", "0.1", "-delay", "60ms", "-jitter", "60ms")
	f.seat("alice")
	f.seat("bob")
	keys := map[string]string{"1@6s,1@12s": "sales", "1@6s,2@12s": "support"}
	phones := map[string]*phone{}
	for dtmf, queue := range keys {
		phones[queue] = f.start("phone", "call", "sip:1000@"+farServer, "--from", queue, "--play", fmt.Sprintf("tone:%d", customerHz), "--dtmf", dtmf,
			"--for", "36s", "--record", filepath.Join(f.dir, "heard-"+queue+".wav"), "--json")
	}
	for queue, p := range phones {
		r, code := p.wait()
		t.Logf("%s: %+v", queue, r)
		if code != 0 || r.Result != "completed" || r.EndedBy != "local" || r.Score < 1 || r.Score > 4.4 {
			t.Errorf("%s: exit code %d, %+v", queue, code, r)
		}
		if share := float64(r.Lost) / float64(r.Lost+r.Received); share < 0.04 || share > 0.2 {
			t.Errorf("%s: %d of %d packets lost; the line loses one in ten", queue, r.Lost, r.Lost+r.Received)
		}
		heard := readWAV(t, filepath.Join(f.dir, "heard-"+queue+".wav"))[0]
		if share, level := heard.share(agentHz, heard.length()-6*time.Second, heard.length()-time.Second); share < 0.3 || level < -50 {
			t.Errorf("%s: the agent's tone has %.2f of the power at %.0f dBFS", queue, share, level)
		}
	}
	f.callsWere(keys)
}

// callsWere looks at what the server kept of the calls.
func (f *far) callsWere(keys map[string]string) {
	f.t.Helper()
	queues := map[string]int{}
	var calls []callRecord
	eventually(f.t, 10*time.Second, "the calls have ended", func() error {
		calls = f.details()
		for _, c := range calls {
			if c.End == nil {
				return fmt.Errorf("call %s goes on", c.ID)
			}
		}
		return nil
	})
	for _, c := range calls {
		if c.Consent != "granted" || c.End.By != "customer" || c.End.Class != "completed" || c.Agent == nil || c.Recording == nil || c.Queue == nil {
			f.t.Errorf("the call: %+v, end %+v", c, c.End)
			continue
		}
		queues[*c.Queue]++
		figures := 0
		for _, e := range c.Timeline {
			if score, ok := e.Data["score"].(float64); e.Kind == "quality" && ok {
				figures++
				f.t.Logf("%s, %s: score %.2f, loss %v %%, jitter %v ms", *c.Queue, *e.Leg, score, e.Data["loss_percent"], e.Data["jitter_ms"])
			}
		}
		if figures < 2 {
			f.t.Errorf("the timeline has %d quality figures, want both legs'", figures)
		}
		f.recordingIsWhole(c)
	}
	for _, queue := range keys {
		if queues[queue] != 1 {
			f.t.Errorf("%d calls came to %s, want 1", queues[queue], queue)
		}
	}
}

// recordingIsWhole checks seal, length and both voices.
func (f *far) recordingIsWhole(c callRecord) {
	f.t.Helper()
	out := filepath.Join(f.dir, c.ID+".wav")
	for _, args := range [][]string{{"recordings", "verify", *c.Recording}, {"recordings", "export", *c.Recording, "--out", out}} {
		if msg, err := in(f.near, append(args, "--data", f.dir)...).CombinedOutput(); err != nil {
			f.t.Errorf("%v: %v: %s", args, err, msg)
			return
		}
	}
	answered, err1 := time.Parse(time.RFC3339, c.answered())
	ended, err2 := time.Parse(time.RFC3339, *c.Ended)
	if err1 != nil || err2 != nil {
		f.t.Errorf("times of the call: %v, %v", err1, err2)
		return
	}
	channels := readWAV(f.t, out)
	talked := ended.Sub(answered)
	if len(channels) != 2 || channels[0].length() < talked-time.Second || channels[0].length() > talked+2*time.Second {
		f.t.Errorf("the recording has %d channels and lasts %s; the talk lasted %s", len(channels), channels[0].length(), talked)
		return
	}
	for i, hz := range []float64{customerHz, agentHz} {
		if share, level := channels[i].share(hz, 2*time.Second, channels[i].length()-2*time.Second); share < 0.3 || level < -50 {
			f.t.Errorf("channel %d: %.0f Hz has %.2f of the power at %.0f dBFS", i, hz, share, level)
		}
	}
}

// answered is when the agent answered.
func (c callRecord) answered() string {
	for _, e := range c.Timeline {
		if e.Kind == "answer" {
			return e.At
		}
	}
	return ""
}

// Nothing gets through for ten seconds: the call comes back, with both voices.
func TestTenSecondsWithoutANetwork(t *testing.T) {
	beside(t, phoning)
	f := farAway(t, "cut", "-delay", "20ms")
	f.seat("alice")
	out := filepath.Join(f.dir, "heard.wav")
	p := f.start("phone", "call", "sip:1000@"+farServer, "--play", fmt.Sprintf("tone:%d", customerHz), "--dtmf", "1@4s,1@8s", "--for", "50s", "--record", out, "--json")
	eventually(t, 40*time.Second, "alice has answered", func() error {
		if calls := f.details(); len(calls) != 1 || calls[0].answered() == "" {
			return fmt.Errorf("the calls are %+v", calls)
		}
		return nil
	})
	time.Sleep(2 * time.Second) // some talk before the cut,
	if err := f.line.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Second) // and how long it is
	if err := f.line.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	r, code := p.wait()
	t.Logf("%+v", r)
	if code != 0 || r.Result != "completed" || r.EndedBy != "local" || r.SSRCChanges != 0 {
		t.Errorf("exit code %d, %+v", code, r)
	}
	heard := readWAV(t, out)[0]
	heard.heard(t, "the agent at the end", agentHz, heard.length()-5*time.Second, heard.length()-time.Second)
	eventually(t, 10*time.Second, "the call has ended", func() error {
		calls := f.details()
		if len(calls) != 1 || calls[0].End == nil {
			return fmt.Errorf("the calls are %+v", calls)
		}
		return nil
	})
	c := f.details()[0]
	if c.End.By != "customer" || c.End.Class != "completed" || c.Agent == nil || *c.Agent != "alice" {
		t.Errorf("the call: %+v, end %+v", c, c.End)
	}
}
