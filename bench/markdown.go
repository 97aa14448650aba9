//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// report prints the tables and writes what is asked for.
func (b *bench) report(markdown string) error {
	if len(b.rows) == 0 {
		return nil
	}
	var tables bytes.Buffer
	rows := median(b.rows)
	writeGoals(&tables, rows)
	table(&tables, rows)
	writeBusy(&tables, b.busy)
	fmt.Print(tables.String())
	if err := b.save(); err != nil || markdown == "" {
		return err
	}
	return writeBetween(markdown, b.measured()+tables.String())
}

// measured says where, when and how.
func (b *bench) measured() string {
	args := strings.Join(os.Args[1:], " ")
	return fmt.Sprintf("\nMeasured on %s by `go run ./bench %s`: %s. Medians of up to %d runs (lowest–highest), windows of %s.\n",
		time.Now().UTC().Format(time.DateOnly), args, machine(), b.runs, b.window)
}

// machine describes it.
func machine() string {
	cpu := "unknown CPU"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(b), "model name\t: "); ok {
			cpu, _, _ = strings.Cut(rest, "\n")
		}
	}
	kernel := "?"
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel = strings.TrimSpace(string(b))
	}
	s := fmt.Sprintf("%d cores of %s, Linux %s, %s", cores, cpu, kernel, runtime.Version())
	for _, peer := range []string{"kamailio", "janus"} {
		if out, err := exec.Command("dpkg-query", "-W", "-f", "${Package} ${Version}", peer).Output(); err == nil {
			s += ", " + string(out)
		}
	}
	if path := rtpenginePath(); path != "" {
		if out, err := exec.Command(path, "--version").CombinedOutput(); err == nil {
			first, _, _ := strings.Cut(string(out), "\n")
			s += ", rtpengine " + strings.TrimSpace(strings.TrimPrefix(first, "Version:"))
		}
	}
	return s
}

// The tables' place in the document; what is around it is written by people.
const (
	beginTables = "<!-- make bench writes from here -->\n"
	endTables   = "<!-- to here -->\n"
)

func writeBetween(file, text string) error {
	old, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		old, err = []byte("# Performance\n\n"+beginTables+endTables), nil
	}
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(old), beginTables)
	_, tail, ok2 := strings.Cut(rest, endTables)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the tables: it needs the lines %q and %q", file, beginTables, endTables)
	}
	return os.WriteFile(file, []byte(head+beginTables+text+"\n"+endTables+tail), 0o644)
}
