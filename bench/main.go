//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Names of our server in the tables.
const (
	ours         = "callfloor"
	oursRecorded = "callfloor, recorded"
	oursPlain    = "callfloor, a goroutine a socket"
)

// cores is how many the machine has; the generator itself sees one.
var cores = machineCores()

func machineCores() int {
	b, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return runtime.NumCPU()
	}
	_, last, ok := strings.Cut(strings.TrimSpace(string(b)), "-")
	n, err := strconv.Atoi(last)
	if !ok || err != nil {
		return 1
	}
	return n + 1
}

// bench is one measurement.
type bench struct {
	ctx     context.Context // ends when it is interrupted
	dir     string          // scratch
	binary  string          // the product
	window  time.Duration
	settle  time.Duration // before the window
	runs    int
	sizes   []int
	only    map[string]bool // workloads; empty: all
	who     string          // of the servers, those whose names have it
	until   time.Time       // no run begins after it; zero: none
	json    string          // every run is kept there at once; "": nowhere
	rows    []row
	planned int // runs that are to come, known after a pass without any
	begun   int
	plan    bool   // the pass without any
	busy    []cost // where the time went
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "relay" {
		exit(relay())
	}
	pin()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{ctx: ctx, only: map[string]bool{}}
	only := flag.String("only", "", "workloads, such as W3,W6; all if empty")
	sizes := flag.String("n", "10,50,100,200,300", "numbers of calls")
	seconds := flag.Int("seconds", 10, "length of the steady window")
	flag.IntVar(&b.runs, "runs", 3, "runs of each, in turn with the peers")
	flag.StringVar(&b.who, "who", "", "only servers with this in their names, such as callfloor")
	flag.StringVar(&b.binary, "server", "", "the callfloor binary; built if empty")
	flag.StringVar(&b.json, "json", "", "keep every run as JSON in this file, at once")
	add := flag.Bool("add", false, "go on with the runs that are in the -json file")
	limit := flag.Duration("for", 0, "begin no run after this time, such as 18m; 0: no limit")
	write := flag.String("write", "", "write the report as Markdown into this file")
	flag.Parse()
	for w := range strings.SplitSeq(*only, ",") {
		if w != "" {
			b.only[w] = true
		}
	}
	for s := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			exit(fmt.Errorf("-n %q: write numbers such as 10,100", *sizes))
		}
		b.sizes = append(b.sizes, n)
	}
	b.window, b.settle = time.Duration(*seconds)*time.Second, 3*time.Second
	if *limit > 0 {
		b.until = time.Now().Add(*limit)
	}
	if *add {
		if err := b.load(); err != nil {
			exit(err)
		}
	}
	exit(errors.Join(b.run(), b.report(*write)))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// pin begins anew on the generator's core.
func pin() {
	const mark = "BENCH_PINNED"
	taskset, err := exec.LookPath("taskset")
	if cores == 1 || err != nil || os.Getenv(mark) != "" {
		return
	}
	self, err := os.Executable()
	if err != nil {
		exit(err)
	}
	args := append([]string{"taskset", "-c", generatorCore, self}, os.Args[1:]...)
	exit(syscall.Exec(taskset, args, append(os.Environ(), mark+"=1")))
}

func (b *bench) run() error {
	var err error
	if b.dir, err = os.MkdirTemp("", "callfloor-bench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.dir) }()
	if b.binary == "" {
		b.binary = filepath.Join(b.dir, "callfloor")
		build := exec.Command("go", "build", "-trimpath", "-o", b.binary, "callfloor/cmd/callfloor")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build the product: %w\n%s", err, out)
		}
	}
	// More sockets than a shell allows; said explicitly, the servers get it too.
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil {
		files.Cur = files.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &files)
	}
	b.plan = true
	_ = b.passes()
	b.plan = false
	return b.passes()
}

// passes goes through all workloads, once for each run, so that a measurement
// that ends early has something of all.
func (b *bench) passes() error {
	var errs []error
	for pass := 1; pass <= b.runs; pass++ {
		for _, w := range workloads {
			if len(b.only) == 0 && !w.extra || b.only[w.name] {
				errs = append(errs, w.run(b, pass))
			}
		}
	}
	return errors.Join(errs...)
}

// load is the load average of the last minute.
func load() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), " ")
	v, _ := strconv.ParseFloat(first, 64)
	return v
}
