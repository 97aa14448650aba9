//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ours is the name of our server in the tables.
const ours = "callfloor"

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
	dir    string // scratch
	binary string // the product
	window time.Duration
	settle time.Duration // before the window
	runs   int
	sizes  []int
	only   map[string]bool // empty: all
	rows   []row
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "relay" {
		exit(relay())
	}
	pin()
	b := &bench{only: map[string]bool{}}
	only := flag.String("only", "", "workloads, such as W3,W6; all if empty")
	sizes := flag.String("n", "10,50,100,200,300", "numbers of calls")
	seconds := flag.Int("seconds", 10, "length of the steady window")
	flag.IntVar(&b.runs, "runs", 3, "runs of each, in turn with the peers")
	flag.StringVar(&b.binary, "server", "", "the callfloor binary; built if empty")
	out := flag.String("json", "", "write every run as JSON into this file")
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
	exit(errors.Join(b.run(), b.report(*out, *write)))
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
	var errs []error
	for _, w := range workloads {
		if len(b.only) > 0 && !b.only[w.name] {
			continue
		}
		for range b.runs {
			errs = append(errs, w.run(b))
		}
	}
	return errors.Join(errs...)
}

// note keeps a run and shows it.
func (b *bench) note(r row, err error) error {
	if err != nil {
		return err // run prints it with the others
	}
	r.Figures["load"] = load()
	b.rows = append(b.rows, r)
	line, err := json.Marshal(r)
	fmt.Fprintln(os.Stderr, string(line))
	return err
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
