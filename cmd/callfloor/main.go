// Command callfloor is the contact centre: the server, a phone and a seat to try
// it with, and the tools to look after it. `callfloor --help` lists the commands.
//
// It exits with 0 when all went well, 1 when what was asked failed, and 2 when it
// was asked wrongly (unknown flag, wrong configuration).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"callfloor/contact"
	"callfloor/internal/app"
	"callfloor/internal/config"
)

// Exit codes, part of the outside contract.
const (
	exitFailed = 1
	exitUsage  = 2
)

type commands struct {
	Serve      serveCmd      `cmd:"" help:"Run the server."`
	Phone      phoneCmd      `cmd:"" help:"A phone, or a seat without a browser, to try the server with."`
	Load       loadCmd       `cmd:"" help:"Make many calls at once."`
	Check      checkCmd      `cmd:"" help:"Check the configuration and its flows without starting."`
	Flow       flowCmd       `cmd:"" help:"Work on flows."`
	Calls      callsCmd      `cmd:"" help:"Calls and their timelines."`
	Trunks     trunksCmd     `cmd:"" help:"Carriers: the ways out and in."`
	Outbound   outboundCmd   `cmd:"" help:"Calls out: what goes, what it costs, the brake, the do-not-call list."`
	Recordings recordingsCmd `cmd:"" help:"Recordings: find, export, prove, keep, erase."`
	Simulate   simulateCmd   `cmd:"" help:"Play a day of calls through the queues, or plan agents."`
	User       userCmd       `cmd:"" help:"People who may sign in."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

// terminal is what a command talks to.
type terminal struct {
	out io.Writer // results only
	err io.Writer // progress, hints, mistakes
}

// printJSON prints one value, indented.
func (t terminal) printJSON(v any) error {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// say prints one line for a person on the error stream.
func (t terminal) say(format string, args ...any) { fmt.Fprintf(t.err, format+"\n", args...) }

// usageError is a mistake in how the program was called.
type usageError struct{ err error }

// Error returns the mistake.
func (e usageError) Error() string { return e.err.Error() }

// Unwrap returns the error inside.
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// silentError makes the program exit with 1; what there is to say was said.
type silentError struct{}

// Error is not shown.
func (silentError) Error() string { return "failed" }

func main() { os.Exit(run(os.Args[1:], terminal{out: os.Stdout, err: os.Stderr})) }

func run(args []string, t terminal) int {
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("callfloor"),
		kong.Description("A contact centre in one program."),
		kong.Writers(t.out, t.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		t.say("callfloor: %v", err)
		return exitFailed
	}
	k, err := parser.Parse(args)
	if err != nil {
		t.say("callfloor: %v", err)
		t.say("Run callfloor --help for what there is.")
		return exitUsage
	}
	// serve and load look at the signals themselves.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k.BindTo(ctx, (*context.Context)(nil))
	k.Bind(t)
	return exitCode(t, k.Run())
}

// exitCode tells a person what went wrong and returns the code for programs.
func exitCode(t terminal, err error) int {
	if err == nil {
		return 0
	}
	var silent silentError
	if errors.As(err, &silent) {
		return exitFailed
	}
	message := err.Error()
	if e, ok := errors.AsType[*contact.Error](err); ok {
		message = e.Message
	}
	var (
		usage    usageError
		problems *config.ProblemsError
		loopback *config.NotLoopbackError
		flows    *app.FlowsError
	)
	switch {
	case errors.As(err, &problems):
		t.say("%s", problems.Error())
		return exitUsage
	case errors.As(err, &usage), errors.As(err, &loopback), errors.As(err, &flows):
		t.say("callfloor: %s", err)
		return exitUsage
	}
	t.say("callfloor: %s", message)
	return exitFailed
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(t terminal) error {
	fmt.Fprintln(t.out, "callfloor", version())
	return nil
}

// version is what the build knows of itself: a module version, or the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if len(revision) > 12 {
		return revision[:12] + dirty
	}
	return "development"
}
