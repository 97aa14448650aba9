package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callfloor/media"
	"callfloor/sip"
)

// deskPhone is a telephone that registers as an agent's, and answers.
type deskPhone struct {
	t     *testing.T
	srv   *sip.Server
	to    string // our server
	calls chan *sip.Leg
	// slow is whether somebody must pick it up: it says that it rings, and is answered
	// when it may.
	slow               atomic.Bool
	ringing, mayAnswer chan struct{}
}

// registers makes a telephone and registers it as user's, or nobody's where that is
// ""; its media takes ports from first on.
func registers(t *testing.T, a *App, user string, first int) *deskPhone {
	t.Helper()
	d := &deskPhone{t: t, to: a.sip.Addr().String(), calls: make(chan *sip.Leg, 8), ringing: make(chan struct{}, 8), mayAnswer: make(chan struct{}, 8)}
	pacer := media.NewPacer()
	ports, err := media.NewPorts(first, first+49)
	must(t, err)
	cfg := sip.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	d.srv, err = sip.New(cfg, sip.Options{Pacer: pacer, Ports: ports, OnCall: func(l *sip.Leg) {
		if d.slow.Load() {
			d.ringing <- struct{}{}
			select {
			case <-d.mayAnswer:
			case <-l.Done():
				return
			}
		}
		if l.Answer(context.Background()) == nil {
			l.Sender().Fill(l.Codec())
			d.calls <- l
			<-l.Done()
		}
	}})
	must(t, err)
	must(t, d.srv.Start())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = d.srv.Close(ctx)
		pacer.Close()
	})
	if user == "" {
		return d
	}
	password := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(password, []byte("demo\n"), 0o600))
	trunks, err := sip.NewTrunks(d.srv, []sip.TrunkConfig{{ID: "house", Hosts: []string{d.to}, User: user, PasswordFile: password, Register: true}}, nil)
	must(t, err)
	must(t, trunks.Start())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = trunks.Close(ctx)
	})
	waitFor(t, "the telephone of "+user+" is registered", func() bool { return len(a.sip.Registered(user)) > 0 })
	return d
}

// rings waits for the call that the telephone has answered.
func (d *deskPhone) rings() *sip.Leg {
	d.t.Helper()
	select {
	case l := <-d.calls:
		return l
	case <-time.After(20 * time.Second):
		d.t.Fatal("the telephone did not ring")
		return nil
	}
}

// dial calls a line beside what the telephone has.
func (d *deskPhone) dial(line string) *sip.Leg {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	l, err := d.srv.Dial(ctx, "sip:"+line+"@"+d.to, sip.DialOptions{From: "alice"})
	must(d.t, err)
	l.Sender().Fill(l.Codec())
	return l
}

// transfers asks in one call that it be joined with another, and returns what the
// telephone was told before the last word.
func (d *deskPhone) transfers(in, with *sip.Leg) ([]int, error) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	var told []int
	err := acknowledged(ctx, func() error {
		return in.TransferTo(ctx, with, sip.TransferOptions{Progress: func(status int) { told = append(told, status) }})
	})
	return told, err
}

// acknowledged does what a telephone can do only when its answer is acknowledged, which
// may be a moment later.
func acknowledged(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil || !strings.Contains(err.Error(), "must be confirmed") && !strings.Contains(err.Error(), "is not up") {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond): // between two tries
		}
	}
}

func ended(t *testing.T, what string, l *sip.Leg) {
	t.Helper()
	select {
	case <-l.Done():
	case <-time.After(20 * time.Second):
		t.Fatalf("%s goes on", what)
	}
}
