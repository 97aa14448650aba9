//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// kept is the -json file.
type kept struct {
	Machine string `json:"machine"`
	Rows    []row  `json:"rows"`
	Busy    []cost `json:"where_the_time_goes,omitempty"`
}

// once measures a workload with a server and n calls, in a pass; runs of it that
// are kept already count. What it gave is kept at once and shown.
func (b *bench) once(workload, server string, n, pass int, measure func() (row, error)) error {
	if !strings.Contains(server, b.who) || b.have(workload, server, n) >= pass {
		return nil
	}
	if b.plan {
		b.planned++
		return nil
	}
	if b.ctx.Err() != nil || !b.until.IsZero() && time.Now().After(b.until) {
		return nil
	}
	b.begun++
	fmt.Fprintf(os.Stderr, "%s [%d/%d] %s, %s, %d: ", time.Now().Format(time.TimeOnly), b.begun, b.planned, workload, server, n)
	began := time.Now()
	r, err := measure()
	if err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		return err
	}
	r.Workload, r.Server, r.N = workload, server, n
	r.Figures["load"] = load()
	b.rows = append(b.rows, r)
	fmt.Fprintf(os.Stderr, "%s (%s)\n", r.gist(), time.Since(began).Round(time.Second))
	return b.save()
}

// have counts the runs there are of a measurement.
func (b *bench) have(workload, server string, n int) (count int) {
	for _, r := range b.rows {
		if r.Workload == workload && r.Server == server && r.N == n {
			count++
		}
	}
	return count
}

// gist is what is shown of a run while others go on.
func (r row) gist() string {
	var all []string
	for _, u := range []struct{ key, text string }{
		{"cpu", "%s %% of a core"}, {"cpu_ms_per_call", "%s ms of CPU each"}, {"per_second", "%s/s"}, {"most", "%s calls at most"},
		{"delay_p50_ms", "p50 %s ms"}, {"loss_percent", "%s %% lost"},
	} {
		if v, ok := r.Figures[u.key]; ok {
			all = append(all, fmt.Sprintf(u.text, short(v)))
		}
	}
	return strings.Join(all, ", ")
}

// save writes all runs so far, whole or not at all.
func (b *bench) save() error {
	if b.json == "" {
		return nil
	}
	text, err := json.MarshalIndent(kept{machine(), b.rows, b.busy}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.json), 0o755); err != nil {
		return err
	}
	next := b.json + ".new"
	if err := os.WriteFile(next, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(next, b.json)
}

// load reads the runs of an earlier measurement on the same machine with the
// same programs.
func (b *bench) load() error {
	text, err := os.ReadFile(b.json)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("-add needs the -json file: %w", err)
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return fmt.Errorf("%s: %w", b.json, err)
	}
	if m := machine(); k.Machine != m {
		return fmt.Errorf("%s was measured on %q, this is %q: begin another file", b.json, k.Machine, m)
	}
	b.rows, b.busy = k.Rows, k.Busy
	return nil
}
