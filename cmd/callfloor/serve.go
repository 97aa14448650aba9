package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	agentweb "callfloor/agent-web"
	"callfloor/internal/app"
	"callfloor/internal/config"
	"callfloor/internal/store"
)

// stopLimit bounds what comes after the calls have ended.
const stopLimit = 30 * time.Second

// configFlags are what serve and check know of the configuration.
type configFlags struct {
	Config   string `help:"A YAML file; callfloor.example.yaml has every setting." env:"CALLFLOOR_CONFIG" placeholder:"FILE"`
	Data     string `help:"The data folder (default ./callfloor-data)." placeholder:"DIR"`
	SIP      string `name:"sip" help:"SIP on UDP and TCP (default :5060)." placeholder:"ADDR"`
	HTTP     string `name:"http" help:"The pages and the API (default :8080)." placeholder:"ADDR"`
	HTTPS    string `name:"https" help:"The same over HTTPS (default off)." placeholder:"ADDR"`
	WebRTC   string `name:"webrtc" help:"Browsers' media on UDP and TCP (default :8090)." placeholder:"ADDR"`
	RTPPorts string `name:"rtp-ports" help:"Ports for phones' media (default 20000-32767)." placeholder:"A-B"`
	Drain    string `help:"How long calls may go on after SIGTERM (default 30m)." placeholder:"DUR"`
	Demo     bool   `help:"Demo lines and people, on this machine only."`
}

// load reads the configuration with the flags over it.
func (f configFlags) load() (config.Config, error) {
	s := config.Source{File: f.Config, Env: os.Environ(), Demo: f.Demo}
	for _, x := range []config.Flag{
		{Name: "--data", Key: "data", Value: f.Data},
		{Name: "--sip", Key: "sip.listen", Value: f.SIP},
		{Name: "--http", Key: "http.listen", Value: f.HTTP},
		{Name: "--https", Key: "http.https", Value: f.HTTPS},
		{Name: "--webrtc", Key: "webrtc.listen", Value: f.WebRTC},
		{Name: "--rtp-ports", Key: "sip.rtp_ports", Value: f.RTPPorts},
		{Name: "--drain", Key: "drain", Value: f.Drain},
	} {
		if x.Value != "" {
			s.Flags = append(s.Flags, x)
		}
	}
	cfg, err := config.Load(s)
	var problems *config.ProblemsError
	if err != nil && !errors.As(err, &problems) {
		err = usageError{err} // a file that cannot be read, the demo on a public address
	}
	return cfg, err
}

type serveCmd struct{ configFlags }

// Run serves until SIGTERM or Ctrl-C; calls may then go on for the drain time,
// and a second signal ends them now.
func (c *serveCmd) Run(t terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	ctx := context.Background()
	log := newLog(t, cfg.Log)
	a, err := up(ctx, t, cfg, log)
	for told := false; store.Full(err); told = true {
		if !told {
			t.say("callfloor: %s", err)
			t.say("There is no room to start; make some. It starts by itself then (Ctrl-C gives up).")
		}
		select {
		case <-signals:
			return err
		case <-time.After(roomEvery):
		}
		a, err = up(ctx, t, cfg, log)
	}
	if err != nil {
		return err
	}
	stopReloading := reloadOnHangup(a)
	<-signals
	stopReloading()
	drain(t, a, cfg.Drain, signals)
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	return a.Stop(ctx)
}

// roomEvery is how often a server that cannot start looks for room on its disk.
const roomEvery = time.Second

// up makes a server and lets it begin; on an error nothing is left running.
func up(ctx context.Context, t terminal, cfg config.Config, log *slog.Logger) (*app.App, error) {
	a, err := app.New(ctx, cfg, log, app.Options{Version: version(), Pages: agentweb.Handler()})
	if err != nil {
		return nil, err
	}
	if err := a.Start(ctx); err != nil {
		return nil, errors.Join(err, a.Stop(ctx))
	}
	// Behind all that can fail: the password is shown once.
	user, password, err := a.FirstStart(ctx)
	if err != nil {
		return nil, errors.Join(err, a.Stop(ctx))
	}
	welcome(t, cfg, a.Addrs())
	if password != "" {
		t.say("First start: sign in as %s with the one-time password %s and choose your own; it is shown this one time.", user, password)
	}
	return a, nil
}

// reloadOnHangup reads the flows again at every SIGHUP, until stop is called.
// What is wrong is in the log and on /readyz.
func reloadOnHangup(a *app.App) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range hangups {
			_ = a.ReloadFlows()
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-done
	}
}

// drain waits for running calls: until they have ended, for limit, or until
// the next signal.
func drain(t terminal, a *app.App, limit time.Duration, signals <-chan os.Signal) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if n := a.Calls(); n > 0 {
		t.say("Stopping: no new calls; %d may go on for %s. Once more ends them now.", n, limit)
	}
	done := make(chan struct{})
	go func() { // ends with ctx; waited for below
		defer close(done)
		a.Drain(ctx)
	}()
	select {
	case <-done:
	case <-signals:
		cancel()
		<-done
	}
}

// welcome tells a person where to go.
func welcome(t terminal, cfg config.Config, at app.Addrs) {
	var b strings.Builder
	fmt.Fprintf(&b, "Callfloor is ready.\n")
	hint := "sign in there"
	if cfg.Demo {
		names := make([]string, len(cfg.People))
		for i, p := range cfg.People {
			names[i] = p.User
		}
		hint = "one click signs you in as " + strings.Join(names, ", ")
	}
	fmt.Fprintf(&b, "  Open   %s   %s\n", localhost(at.URL), hint)
	for i, l := range cfg.Lines {
		if i == 8 {
			fmt.Fprintf(&b, "         and %d more lines\n", len(cfg.Lines)-i)
			break
		}
		label := "      "
		if i == 0 {
			label = "Call  "
		}
		fmt.Fprintf(&b, "  %s sip:%s@%s   %s\n", label, l.ID, reachable(at), l.Name)
	}
	if cfg.Demo {
		fmt.Fprintf(&b, "  No phone at hand?   Ring a test call, in the page, or   %s phone call sip:1000@%s --play tone:440 --dtmf \"1@4s,1@9s\" --for 60s\n", os.Args[0], reachable(at))
	}
	fmt.Fprintf(&b, "  Data is in %s. Ctrl-C stops.\n", cfg.Data)
	fmt.Fprint(t.out, b.String())
}

// localhost writes a loopback address as browsers' secure contexts like it.
func localhost(url string) string { return strings.Replace(url, "//127.0.0.1:", "//localhost:", 1) }

// reachable is the SIP address as a phone on this machine dials it.
func reachable(at app.Addrs) string {
	if at.SIP.Addr().IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", at.SIP.Port())
	}
	return at.SIP.String()
}

// newLog logs to the error stream, so that results stay alone on the other.
func newLog(t terminal, c config.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.SlogLevel()}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(t.err, o))
	}
	return slog.New(slog.NewTextHandler(t.err, o))
}

// quietLog is for commands that read the folder: only what must be seen.
func quietLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
