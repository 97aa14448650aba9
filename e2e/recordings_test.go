package e2e

import (
	"bytes"
	"context"
	bits "encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
)

// What is kept of a call, and how it is proved.

const seatHz = 620 // what `callfloor phone seat` plays here

// outcome is what a command printed and how it ended.
type outcome struct {
	out, err string
	code     int
}

func invoke(t *testing.T, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("run callfloor %v: %v", args, err)
	}
	return outcome{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// recordings are asked of the server; where none runs, by the command, which reads the folder.
func (s *server) recordings() []recording {
	s.t.Helper()
	var list []recording
	if s.api("/api/v1/recordings", &list) != nil {
		s.json(&list, "recordings", "list")
	}
	return list
}

// recordingOf waits until the only recording has a state and at least a
// length.
func (s *server) recordingOf(state string, atLeast time.Duration) recording {
	s.t.Helper()
	var r recording
	eventually(s.t, 20*time.Second, fmt.Sprintf("a recording is %s and has %s", state, atLeast), func() error {
		list := s.recordings()
		if len(list) != 1 || list[0].State != state || list[0].Duration < atLeast.Seconds() {
			return fmt.Errorf("there are %+v", list)
		}
		r = list[0]
		return nil
	})
	return r
}

// recorded makes a call to alice that is recorded, of about d, and returns its
// sealed recording.
func (s *server) recorded(d time.Duration) recording {
	s.t.Helper()
	s.seat("alice", "--answer-after", "100ms", "--play", fmt.Sprintf("tone:%d", seatHz))
	call := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s")
	s.recordingOf("open", d)
	call.hangup()
	return s.recordingOf("sealed", d)
}

// hangup ends the phone's call as Ctrl-C does.
func (p *phone) hangup() phoneResult {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	r, _ := p.wait()
	return r
}

// export returns a recording's channels: the customer's and the agent's.
func (s *server) export(id string) (left, right sound) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), id+".wav")
	if o := invoke(s.t, "recordings", "export", id, "--out", file, "--data", s.dir); o.code != 0 {
		s.t.Fatalf("export ended with %d: %s", o.code, o.err)
	}
	head, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if n := bits.LittleEndian.Uint16(head[34:]); n != 16 {
		s.t.Errorf("the export has %d bits a sample, want 16", n)
	}
	channels := readWAV(s.t, file)
	if len(channels) != 2 || channels[0].rate != 8000 {
		s.t.Fatalf("the export has %d channels at %d Hz, want 2 at 8000", len(channels), channels[0].rate)
	}
	return channels[0], channels[1]
}

// capture returns the name of a recording's file.
func (s *server) capture(id string) string {
	s.t.Helper()
	for _, f := range s.captures() {
		if filepath.Base(f) == id+".cap" {
			return f
		}
	}
	s.t.Fatalf("recording %s has no capture; there are %v", id, s.captures())
	return ""
}

func when(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(contact.TimeFormat, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestKilledInMidCall kills the server as a crash would.
func TestKilledInMidCall(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	alice := s.seat("alice", "--answer-after", "100ms", "--play", fmt.Sprintf("tone:%d", seatHz))
	s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s")
	open := s.recordingOf("open", 6*time.Second)
	killed := time.Now()
	s.kill()
	lived := killed.Sub(when(t, open.Started))

	_ = alice.cmd.Process.Kill() // bob is to take the next call

	// Nobody serves now: the commands read the folder.
	cut := s.recordingOf("cut_off", 0)
	if cut.ID != open.ID || cut.Duration < lived.Seconds()-1.5 || cut.Duration > lived.Seconds()+0.5 {
		t.Errorf("after %s of talk the recording has %.2f s: %+v", lived, cut.Duration, cut)
	}
	s.checkCutOff(cut.ID, lived)

	s.start()
	s.checkCutOff(cut.ID, lived)
	c := s.lastCall()
	if c.End.By != "system" || c.End.Class != "failed" || c.Recording == nil || *c.Recording != cut.ID {
		t.Errorf("the call that was up: %+v, end %+v", c, c.End)
	}
	s.seat("bob", "--answer-after", "100ms", "--play", fmt.Sprintf("tone:%d", seatHz))
	if r, _ := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "4s").wait(); r.Result != "completed" {
		t.Errorf("a call after the restart: %+v", r)
	}
	next := s.lastCall()
	if next.Agent == nil || *next.Agent != "bob" || next.Recording == nil {
		t.Errorf("a call after the restart: %+v", next)
	}
	eventually(t, 5*time.Second, "its recording is sealed", func() error {
		if list := s.recordings(); len(list) != 2 || list[0].State != "sealed" || list[1].State != "cut_off" {
			return fmt.Errorf("%+v", list)
		}
		return nil
	})
	if o := invoke(t, "recordings", "verify", "--all", "--data", s.dir); o.code != 0 {
		t.Errorf("verify --all ended with %d: %s", o.code, o.err)
	}
}

// checkCutOff looks for both tones in every half second of what must be there.
func (s *server) checkCutOff(id string, lived time.Duration) {
	s.t.Helper()
	left, right := s.export(id)
	for to := lived - 1500*time.Millisecond; to > time.Second; to -= 500 * time.Millisecond {
		from := to - 500*time.Millisecond
		left.heard(s.t, "the customer until the crash", customerHz, from, to)
		right.heard(s.t, "the agent until the crash", seatHz, from, to)
	}
	if o := invoke(s.t, "recordings", "verify", id, "--data", s.dir); o.code != 0 {
		s.t.Errorf("verify of what was cut off ended with %d: %s", o.code, o.err)
	}
}

// TestVerifyFindsEveryChange changes a capture in many ways; each is found,
// and the first entry that it touches is named.
func TestVerifyFindsEveryChange(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	r := s.recorded(3 * time.Second)
	s.stop()
	file := s.capture(r.ID)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	verify := func() outcome { t.Helper(); return invoke(t, "recordings", "verify", "--all", "--data", s.dir) }
	if o := verify(); o.code != 0 || !strings.Contains(o.out, r.ID) || o.err != "" {
		t.Fatalf("verify --all of a good recording: %+v", o)
	}

	// Where each entry begins; entry 0 is the header.
	begins := []int{0}
	for at := int(bits.BigEndian.Uint16(good[10:])); at < len(good); at += 4 + int(bits.BigEndian.Uint32(good[at:])) {
		begins = append(begins, at)
	}
	last := len(begins) - 1
	if last < 5 {
		t.Fatalf("a capture of %d octets has %d entries", len(good), last)
	}
	type change struct {
		name  string
		entry int
		make  func(b []byte) []byte
	}
	flip := func(at int) func([]byte) []byte { return func(b []byte) []byte { b[at] ^= 0x10; return b } }
	changes := []change{}
	for _, at := range []int{0, 8, 10, 20, 50, 70, 80, 105, 150, begins[1] - 1} {
		changes = append(changes, change{fmt.Sprintf("the header's octet %d", at), 0, flip(at)})
	}
	for _, n := range []int{1, 2, last / 2, last - 1, last} {
		end := len(good)
		if n < last {
			end = begins[n+1]
		}
		for _, at := range []int{begins[n] + 3, begins[n] + 4, (begins[n] + end) / 2, end - 1} {
			changes = append(changes, change{fmt.Sprintf("octet %d of entry %d", at-begins[n], n), n, flip(at)})
		}
	}
	cut := func(to int) func([]byte) []byte { return func(b []byte) []byte { return b[:to] } }
	changes = append(changes,
		change{"the seal is gone", last, cut(begins[last])},
		change{"half of the seal is gone", last, cut((begins[last] + len(good)) / 2)},
		change{"the second half is gone", last / 2, cut(begins[last/2] + 7)},
		change{"everything is gone", 0, cut(0)},
		change{"an entry is gone", 3, func(b []byte) []byte { return slices.Delete(b, begins[3], begins[4]) }},
		change{"an entry is there twice", 4, func(b []byte) []byte { return slices.Insert(b, begins[4], b[begins[3]:begins[4]]...) }},
		change{"something stands behind the seal", last + 1, func(b []byte) []byte { return append(b, b[begins[3]:begins[4]]...) }},
	)
	for _, c := range changes {
		if err := os.WriteFile(file, c.make(slices.Clone(good)), 0o600); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("%s: damaged at entry %d:", r.ID, c.entry)
		if o := verify(); o.code != 1 || !strings.Contains(o.err, want) {
			t.Errorf("%s: verify ended with %d and said %q; want 1 and %q", c.name, o.code, strings.TrimSpace(o.err), want)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if o := verify(); o.code != 1 || !strings.Contains(o.err, r.ID+": damaged at entry 0:") {
		t.Errorf("the capture is gone: %+v", o)
	}
	if err := os.WriteFile(file, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if o := verify(); o.code != 0 {
		t.Errorf("verify of the capture as it was: %+v", o)
	}
}

// ask sends a request to the API as a person ("": as nobody).
func (s *server) ask(user, method, path string, body any) (int, []byte) {
	s.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequest(method, s.http+path, bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if user != "" {
		req.Header.Set("Authorization", "Bearer "+s.token(user))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// TestHoldReleaseErase walks a recording's life, on the command line and over
// the API.
func TestHoldReleaseErase(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	r := s.recorded(2 * time.Second)
	path := "/api/v1/recordings/" + r.ID
	hold := map[string]any{"on": true, "why": "a complaint"}
	erase := map[string]any{"why": "the customer asked"}

	for _, x := range []struct {
		method, path string
		body         any
	}{
		{http.MethodGet, "/api/v1/recordings", nil}, {http.MethodGet, path, nil}, {http.MethodGet, path + "/audio", nil},
		{http.MethodGet, path + "/peaks", nil}, {http.MethodPost, path + "/verify", nil},
		{http.MethodPost, path + "/hold", hold}, {http.MethodPost, path + "/erase", erase},
	} {
		if status, body := s.ask("alice", x.method, x.path, x.body); status != http.StatusForbidden {
			t.Errorf("an agent's %s %s: %d %s", x.method, x.path, status, body)
		}
		if status, body := s.ask("", x.method, x.path, x.body); status != http.StatusUnauthorized {
			t.Errorf("nobody's %s %s: %d %s", x.method, x.path, status, body)
		}
	}
	for _, act := range []string{"hold", "release", "erase"} {
		if o := invoke(t, "recordings", act, r.ID, "--data", s.dir); o.code != 2 {
			t.Errorf("%s without a reason: %+v; want exit code 2", act, o)
		}
	}

	do := func(want int, args ...string) {
		t.Helper()
		if o := invoke(t, append(append([]string{"recordings"}, args...), "--data", s.dir)...); o.code != want {
			t.Errorf("recordings %v: %+v; want exit code %d", args, o, want)
		}
	}
	do(0, "hold", r.ID, "--why", "a complaint")
	do(1, "erase", r.ID, "--why", "the customer asked")
	if status, body := s.ask("sam", http.MethodPost, path+"/erase", erase); status != http.StatusConflict {
		t.Errorf("erase of a recording on hold over the API: %d %s", status, body)
	}
	s.export(r.ID) // it is still there
	do(0, "release", r.ID, "--why", "settled")
	if status, body := s.ask("sam", http.MethodPost, path+"/hold", hold); status != http.StatusOK {
		t.Errorf("sam's hold: %d %s", status, body)
	}
	do(1, "erase", r.ID, "--why", "the customer asked")
	if status, body := s.ask("sam", http.MethodPost, path+"/hold", map[string]any{"on": false, "why": "settled"}); status != http.StatusOK {
		t.Errorf("sam's release: %d %s", status, body)
	}
	file := s.capture(r.ID)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	do(0, "erase", r.ID, "--why", "the customer asked")
	if after, err := os.ReadFile(file); err == nil && bytes.Contains(after, before[106:len(before)/2]) {
		t.Errorf("after the erasure the capture has still its %d octets", len(after))
	}
	out := filepath.Join(t.TempDir(), "erased.wav")
	do(1, "export", r.ID, "--out", out)
	if _, err := os.Stat(out); err == nil {
		t.Error("the export of an erased recording left a file")
	}
	do(0, "verify", "--all")
	var listed []struct {
		ID     string
		Erased *struct{ By, Why string }
	}
	s.json(&listed, "recordings", "list")
	if len(listed) != 1 || listed[0].Erased == nil || listed[0].Erased.Why != "the customer asked" {
		t.Errorf("the list after the erasure: %+v", listed)
	}
	for _, action := range []string{"recording_hold", "recording_erase", "recording_export"} {
		s.audited("local", action, r.ID)
	}
	s.audited("sam", "recording_hold", r.ID)
}
