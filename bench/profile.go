//go:build linux

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cost is what a function, or a part of the program, took of the server's time.
type cost struct {
	Part    string  `json:"part"`
	Name    string  `json:"name"`
	Percent float64 `json:"percent"`
}

func hasPerf() bool {
	_, err := exec.LookPath("perf")
	return err == nil
}

// look profiles the server for d with perf and keeps where its time goes. It
// runs after the window, which it would make dearer.
func (b *bench) look(p *process, d time.Duration) error {
	file := filepath.Join(b.dir, "perf.data")
	out, err := exec.Command("perf", "record", "-q", "-F", "997", "-p", strconv.Itoa(p.cmd.Process.Pid), "-o", file,
		"--", "sleep", strconv.FormatFloat(d.Seconds(), 'f', 1, 64)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("perf record: %w\n%s", err, out)
	}
	if to := os.Getenv("BENCH_PERF"); to != "" {
		_ = exec.Command("cp", file, to).Run()
	}
	text, err := exec.Command("perf", "report", "--stdio", "-i", file, "-F", "overhead,sym").Output()
	if err != nil {
		return fmt.Errorf("perf report: %w", err)
	}
	b.busy = costs(text)
	return nil
}

// costs reads perf's report: a line is "  3.86%  [.] name" or "[k] name".
func costs(report []byte) (all []cost) {
	for lines := bufio.NewScanner(bytes.NewReader(report)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < 3 || !strings.HasSuffix(f[0], "%") || len(f[1]) != 3 {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSuffix(f[0], "%"), 64)
		if err != nil {
			continue
		}
		name := strings.TrimRight(strings.Join(f[2:], " "), " -")
		all = append(all, cost{partOf(f[1] == "[k]", name), name, v})
	}
	slices.SortStableFunc(all, func(a, b cost) int { return cmp.Compare(b.Percent, a.Percent) })
	return all
}

// parts are those of the program, the longer beginnings first.
var parts = [...]struct{ begins, part string }{
	{"callfloor/media/poll.", "reading and sending packets (`media/poll`)"},
	{"internal/runtime/syscall.", "system calls' way in"},
	{"syscall.", "system calls' way in"},
	{"callfloor/media", "sound: sources, senders, receivers (`media`)"},
	{"callfloor/web", "browsers (`web`)"},
	{"callfloor/recordings", "recordings"},
	{"callfloor/", "calls, floor, everything else of ours"},
	{"crypto/internal/fips140/sha", "hashes"},
	{"crypto/", "encryption"},
	{"github.com/pion/srtp", "encryption"},
	{"github.com/pion/", "pion (ICE, DTLS, RTCP)"},
	{"runtime.", "Go's runtime: scheduler, memory, channels"},
	{"internal/runtime", "Go's runtime: scheduler, memory, channels"},
}

func partOf(kernel bool, name string) string {
	if kernel {
		return "kernel"
	}
	for _, p := range parts {
		if strings.HasPrefix(name, p.begins) {
			return p.part
		}
	}
	return "other libraries"
}

// shown is how many functions are printed.
const shown = 25

// writeBusy writes where the time goes.
func writeBusy(w io.Writer, all []cost) {
	if len(all) == 0 {
		return
	}
	sums := map[string]float64{}
	for _, c := range all {
		sums[c.Part] += c.Percent
	}
	fmt.Fprint(w, "\n### Where the time goes: the most recorded calls of W4, by `perf`\n\n| part | % of the server's CPU |\n|---|---|\n")
	names := slices.SortedFunc(maps.Keys(sums), func(a, b string) int { return cmp.Compare(sums[b], sums[a]) })
	for _, n := range names {
		fmt.Fprintf(w, "| %s | %.1f |\n", n, sums[n])
	}
	fmt.Fprint(w, "\n| function | % |\n|---|---|\n")
	for _, c := range all[:min(shown, len(all))] {
		fmt.Fprintf(w, "| `%s` | %.1f |\n", c.Name, c.Percent)
	}
}
