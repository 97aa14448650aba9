package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What goes wrong around the server: its disk, its ports, its files, its end.

// smallDisk mounts a disk of some MiB for one test.
func smallDisk(t *testing.T, mib int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mib)); err != nil {
		t.Fatalf("mount a small disk: %v; this test needs root with CAP_SYS_ADMIN (run it as root, in a container with --cap-add SYS_ADMIN)", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount the small disk: %v", err)
		}
	})
	return dir
}

// fill takes all the space that is left and returns how to give it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *server) readyz() (int, string) {
	s.t.Helper()
	resp, err := http.Get(s.http + "/readyz")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func (s *server) becomesReady() {
	s.t.Helper()
	eventually(s.t, 15*time.Second, "the server is ready again", func() error {
		if status, body := s.readyz(); status != http.StatusOK {
			return fmt.Errorf("/readyz: %d %s", status, body)
		}
		return nil
	})
}

// TestFullDisk fills the disk of the captures in mid-call, and that of the
// whole data folder in another.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"captures", "the data folder"} {
		t.Run(what, func(t *testing.T) {
			beside(t, phoning)
			disk := smallDisk(t, 24)
			dir := filepath.Join(disk, "data")
			if what == "captures" {
				dir = t.TempDir()
				if err := os.Symlink(disk, filepath.Join(dir, "captures")); err != nil {
					t.Fatal(err)
				}
			}
			file := filepath.Join(t.TempDir(), "callfloor.yaml")
			if err := os.WriteFile(file, []byte("recordings:\n  min_free: 1048576\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			s := serveIn(t, dir, "--config", file)
			s.fullDisk(disk)
		})
	}
}

func (s *server) fullDisk(disk string) {
	t := s.t
	s.seat("alice", "--answer-after", "100ms", "--play", fmt.Sprintf("tone:%d", seatHz))
	heard := filepath.Join(t.TempDir(), "phone.wav")
	call := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s", "--record", heard)
	began := time.Now()
	open := s.recordingOf("open", 2*time.Second)
	free := fill(t, disk)
	full := time.Since(began)

	eventually(t, 15*time.Second, "/readyz names the recordings", func() error {
		if status, body := s.readyz(); status != http.StatusServiceUnavailable || !strings.Contains(body, "recordings") {
			return fmt.Errorf("/readyz: %d %s", status, body)
		}
		return nil
	})
	failed := s.recordingOf("failed", time.Second)
	if failed.ID != open.ID || !strings.Contains(failed.Why, "recording stopped") || !strings.Contains(failed.Why, "no space left") {
		t.Errorf("the recording: %+v; want it to say that it stopped, and why", failed)
	}
	// The call goes on.
	still := time.Since(began)
	eventually(t, 10*time.Second, "the call went on for two seconds", func() error {
		if time.Since(began) < still+2*time.Second {
			return errors.New("not yet")
		}
		return nil
	})
	free()
	s.becomesReady()
	r := call.hangup()
	if r.Result != "completed" || r.Lost != 0 || r.SeqHoles != 0 {
		t.Errorf("the call: %+v", r)
	}
	phone := readWAV(t, heard)[0]
	phone.heard(t, "the agent on the phone while the disk was full", seatHz, full+500*time.Millisecond, still+1500*time.Millisecond)
	eventually(t, 10*time.Second, "the timeline says that the recording stopped", func() error { return s.timelineHas("recording", "recording stopped") })
	left, right := s.export(failed.ID)
	left.heard(t, "what was kept of the customer", customerHz, 300*time.Millisecond, time.Second)
	right.heard(t, "what was kept of the agent", seatHz, 300*time.Millisecond, time.Second)

	if r, _ := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "3s").wait(); r.Result != "completed" {
		t.Errorf("the next call: %+v", r)
	}
	eventually(t, 10*time.Second, "the next call's recording is sealed", func() error {
		if list := s.recordings(); len(list) != 2 || list[0].State != "sealed" || list[1].State != "failed" {
			return fmt.Errorf("%+v", list)
		}
		return nil
	})
	if o := invoke(t, "recordings", "verify", "--all", "--data", s.dir); o.code != 0 {
		t.Errorf("verify --all: %+v", o)
	}
}

// TestPortTaken starts servers whose ports others have.
func TestPortTaken(t *testing.T) {
	beside(t, phoning)
	for _, flag := range []string{"--sip", "--http", "--webrtc"} {
		for _, network := range []string{"udp", "tcp"} {
			if flag == "--http" && network == "udp" {
				continue
			}
			taken := fmt.Sprintf("127.0.0.1:%d", freePort(t))
			var holder io.Closer
			var err error
			if network == "udp" {
				holder, err = net.ListenPacket("udp", taken)
			} else {
				holder, err = net.Listen("tcp", taken)
			}
			if err != nil {
				t.Fatal(err)
			}
			args := map[string]string{"--sip": "127.0.0.1:0", "--http": "127.0.0.1:0", "--webrtc": "127.0.0.1:0"}
			args[flag] = taken
			all := []string{"serve", "--demo", "--data", t.TempDir(), "--rtp-ports", rtpRange()}
			for k, v := range args {
				all = append(all, k, v)
			}
			o := invoke(t, all...)
			if o.code != 1 && o.code != 2 || !strings.Contains(o.err, taken) {
				t.Errorf("%s is taken (%s): exit code %d, %q; want 1 or 2 and the address", flag, network, o.code, o.err)
			}
			if strings.Contains(o.out, "ready") {
				t.Errorf("%s is taken (%s), and the server says that it is ready", flag, network)
			}
			_ = holder.Close()
		}
	}
}

// TestWrongConfiguration gives serve and check files that are wrong; both say
// where.
func TestWrongConfiguration(t *testing.T) {
	beside(t, phoning)
	const flowHead = "start: hello\nnodes:\n  hello:\n    kind: play\n    say: [greeting]\n    next: sales\n"
	const line = "flows: FLOWS\nlines:\n  - id: \"2000\"\n    name: Ours\n    flow: ours\n    consent: announce\n    language: en\n"
	for _, tt := range []struct {
		name, config, flow string
		want               string // FILE:LINE, and a word of what is wrong
		word               string
	}{
		{name: "an unknown setting", config: "data: x\nsip:\n  listne: \":5060\"\n", want: "CONFIG:3", word: "listne"},
		{name: "a wrong value", config: "drain: 30m\nlog:\n  level: loud\n", want: "CONFIG:3", word: "loud"},
		{name: "no YAML", config: "drain: 30m\nlog: [\n", want: "CONFIG:"},
		{name: "a line without a flow", config: "lines:\n  - id: \"2000\"\n    name: Ours\n    flow: nowhere\n    consent: never\n    language: en\n", want: "", word: "nowhere"},
		{name: "a flow with an unknown step", config: line, flow: flowHead + "  sales:\n    kind: teleport\n", want: "ours.yaml:8", word: "teleport"},
		{name: "a flow that goes nowhere", config: line, flow: flowHead, want: "ours.yaml:6", word: "sales"},
		{name: "a flow with an unknown queue", config: line, flow: flowHead + "  sales:\n    kind: queue\n    queue: salse\n    refused: hello\n", want: "ours.yaml:", word: "salse"},
		{name: "a flow that is no YAML", config: line, flow: "nodes: [\n", want: "ours.yaml:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "callfloor.yaml")
			if err := os.WriteFile(file, []byte(strings.ReplaceAll(tt.config, "FLOWS", dir)), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "ours.yaml"), []byte(tt.flow), 0o600); err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(tt.want, "CONFIG", file)
			o := invoke(t, "serve", "--config", file, "--data", filepath.Join(dir, "data"),
				"--sip", "127.0.0.1:0", "--http", "127.0.0.1:0", "--webrtc", "127.0.0.1:0", "--rtp-ports", rtpRange())
			if o.code != 2 || !strings.Contains(o.err, want) || !strings.Contains(o.err, tt.word) {
				t.Errorf("serve: exit code %d, %q; want 2, %s and %q", o.code, o.err, want, tt.word)
			}
			c := invoke(t, "check", "--config", file)
			if c.code == 0 || !strings.Contains(c.err, want) || !strings.Contains(c.err, tt.word) {
				t.Errorf("check: exit code %d, %q; want another than 0, %s and %q", c.code, c.err, want, tt.word)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	for _, cmd := range []string{"serve", "check"} {
		if o := invoke(t, cmd, "--config", missing, "--data", t.TempDir()); o.code == 0 || cmd == "serve" && o.code != 2 || !strings.Contains(o.err, missing) {
			t.Errorf("%s with a file that is not there: %+v; want exit code 2 and its name", cmd, o)
		}
	}
}

// TestDemoIsForThisMachine: --demo with an address that others reach.
func TestDemoIsForThisMachine(t *testing.T) {
	beside(t, phoning)
	for _, flag := range []string{"--sip", "--http", "--https", "--webrtc"} {
		args := []string{"serve", "--demo", "--data", t.TempDir(), "--rtp-ports", rtpRange()}
		for _, f := range []string{"--sip", "--http", "--webrtc"} {
			if f != flag {
				args = append(args, f, "127.0.0.1:0")
			}
		}
		if o := invoke(t, append(args, flag, "0.0.0.0:0")...); o.code != 2 || !strings.Contains(o.err, "demo") {
			t.Errorf("--demo %s 0.0.0.0:0: %+v; want exit code 2", flag, o)
		}
	}
}

// TestDrain: SIGTERM in mid-call, and a second one.
func TestDrain(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	heard := filepath.Join(t.TempDir(), "phone.wav")
	first := s.dial("1009", "--play", "tone:440", "--for", "9s", "--record", heard)
	second := s.dial("1009", "--play", "tone:440", "--for", "60s")
	eventually(t, 10*time.Second, "two calls are up", func() error {
		var list []callRecord
		if s.json(&list, "calls", "list"); len(list) != 2 {
			return fmt.Errorf("%+v", list)
		}
		return nil
	})
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "/readyz says that the server drains", func() error {
		if status, body := s.readyz(); status != http.StatusServiceUnavailable || !strings.Contains(body, "drain") {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
	if r, code := s.dial("1009", "--for", "2s").wait(); code != 1 || r.Result != "rejected" || r.SIPStatus != 503 {
		t.Errorf("a new call: exit code %d, %+v; want 503", code, r)
	}
	if r, code := first.wait(); code != 0 || r.EndedBy != "local" || r.Lost != 0 {
		t.Errorf("a running call: exit code %d, %+v; want it to last as long as its customer wants", code, r)
	}
	readWAV(t, heard)[0].heard(t, "the echo to its end", 440, time.Second, 8500*time.Millisecond)
	select {
	case <-s.done:
		t.Fatal("the server ended while a call was up")
	default:
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if r, _ := second.wait(); r.Result != "completed" || r.EndedBy != "remote" {
		t.Errorf("the call that the second SIGTERM ends: %+v", r)
	}
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		t.Fatal("the server is still there 20 s after the second SIGTERM")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the server ended with %d", code)
	}
	// Nobody serves now; the list is complete all the same.
	var list []callRecord
	if s.json(&list, "calls", "list"); len(list) != 2 {
		t.Fatalf("the list: %+v", list)
	}
	for _, c := range list {
		if c.End == nil {
			t.Errorf("call %s has no end", c.ID)
		}
	}
}
