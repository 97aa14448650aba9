package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"callfloor/api"
	"callfloor/contact"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"callfloor": main}) }

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			addr, err := freeAddr()
			e.Setenv("SIP", addr)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ready": ready, "http": fetch, "signal": terminate},
	})
}

// freeAddr is an address on this machine that nobody listened on a moment ago.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close() //nolint:errcheck // it was only looked at
	return l.Addr().String(), nil
}

// ready DIR waits until the server on the data folder DIR is ready and sets
// $URL, $HTTP and $TOKEN.
func ready(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		f, err := api.ReadRunFile(dir)
		if err != nil {
			continue
		}
		res, err := http.Get(f.URL + "/readyz")
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			u, err := url.Parse(f.URL)
			ts.Check(err)
			ts.Setenv("URL", f.URL)
			ts.Setenv("HTTP", u.Host)
			ts.Setenv("TOKEN", f.Token)
			return
		}
	}
	ts.Fatalf("no server became ready on %s", filepath.Base(dir))
}

// http PATH STATUS WANT asks $URL until the answer has WANT in it.
func fetch(ts *testscript.TestScript, _ bool, args []string) {
	var status, body string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		res, err := http.Get(ts.Getenv("URL") + args[0])
		ts.Check(err)
		b, err := io.ReadAll(res.Body)
		ts.Check(errors.Join(err, res.Body.Close()))
		status, body = res.Status, string(b)
		if strings.HasPrefix(status, args[1]) && strings.Contains(body, args[2]) {
			return
		}
	}
	ts.Fatalf("GET %s: %s\n%s", args[0], status, body)
}

// signal DIR sends SIGTERM to the server on the data folder DIR.
func terminate(ts *testscript.TestScript, _ bool, args []string) {
	f, err := api.ReadRunFile(ts.MkAbs(args[0]))
	ts.Check(err)
	p, err := os.FindProcess(f.PID)
	ts.Check(err)
	ts.Check(p.Signal(syscall.SIGTERM))
}

func TestTableIsPlain(t *testing.T) {
	var b strings.Builder
	if err := table(&b, []string{"A", "B"}, [][]string{{"x\x1b[31m\r\ny", ""}}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.ContainsAny(got, "\x1b\r") || strings.Count(got, "\n") != 2 || !strings.Contains(got, "-") {
		t.Errorf("got %q", got)
	}
}

func TestMinutes(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0:00", 59600 * time.Millisecond: "1:00", 3*time.Minute + 7*time.Second: "3:07", time.Hour: "60:00"} {
		if got := minutes(d); got != want {
			t.Errorf("minutes(%s) = %s, want %s", d, got, want)
		}
	}
}

func TestExitCode(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code int
		said string
	}{
		{nil, 0, ""},
		{silentError{}, 1, ""},
		{errors.New("disk full"), 1, "callfloor: disk full\n"},
		{usagef("give an ID"), 2, "callfloor: give an ID\n"},
		{errors.Join(contact.Errorf(contact.NotFound, "there is no call 7"), errors.New("inner")), 1, "callfloor: there is no call 7\n"},
		{&net.OpError{Op: "listen", Err: errors.New("in use")}, 1, "callfloor: listen: in use\n"},
	} {
		var b strings.Builder
		if got := exitCode(terminal{err: &b}, tt.err); got != tt.code || b.String() != tt.said {
			t.Errorf("exitCode(%v) = %d, %q; want %d, %q", tt.err, got, b.String(), tt.code, tt.said)
		}
	}
}
