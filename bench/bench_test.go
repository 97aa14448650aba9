//go:build linux

package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A measurement that was interrupted goes on where it was, and one whose time
// is over begins nothing more.
func TestRunsAreKept(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	file := filepath.Join(t.TempDir(), "runs", "bench.json")
	measured := 0
	measure := func() (row, error) {
		measured++
		return row{Figures: map[string]float64{"cpu": float64(measured)}}, nil
	}
	passes := func(b *bench, runs int) {
		for pass := 1; pass <= runs; pass++ {
			for _, n := range []int{10, 100} {
				if err := b.once("W3", ours, n, pass, measure); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	first := &bench{ctx: ctx, json: file}
	passes(first, 1)
	interrupt()
	passes(first, 2)
	if measured != 2 {
		t.Fatalf("%d runs before the interruption, want 2", measured)
	}
	second := &bench{ctx: t.Context(), json: file}
	if err := second.load(); err != nil {
		t.Fatal(err)
	}
	passes(second, 3)
	if measured != 6 || len(second.rows) != 6 {
		t.Errorf("%d runs in all, %d kept, want 6", measured, len(second.rows))
	}
	rows := median(second.rows)
	if len(rows) != 2 || rows[0].Figures["cpu"] != 3 || rows[0].Figures["cpu_min"] != 1 {
		t.Errorf("the medians are %v", rows)
	}
	late := &bench{ctx: t.Context(), until: time.Now().Add(-time.Second), who: "rtp"}
	passes(late, 1)
	late.who = ""
	passes(late, 1)
	if measured != 6 {
		t.Error("a run began after the time was over")
	}
}

// The limit is found to a tenth, wherever it is.
func TestSearch(t *testing.T) {
	for _, limit := range []int{0, 10, 99, 100, 137, 812, 3200, 6399, 100_000} {
		tries := 0
		most, err := search(func(n int) (bool, error) { tries++; return n <= limit, nil })
		if err != nil || most > limit || tries > 12 {
			t.Errorf("limit %d: found %d with %d tries, %v", limit, most, tries, err)
		}
		if want := min(limit, lastTry); limit >= firstTry && most < want*85/100 {
			t.Errorf("limit %d: found only %d", limit, most)
		}
	}
	fault := errors.New("no server")
	if _, err := search(func(int) (bool, error) { return false, fault }); !errors.Is(err, fault) {
		t.Errorf("the error is %v", err)
	}
}

func TestGoals(t *testing.T) {
	rows := []row{
		{Workload: "W6", Server: ours, N: 100, Figures: map[string]float64{"cpu": 15}},
		{Workload: "W6", Server: "rtpengine", N: 100, Figures: map[string]float64{"cpu": 20}},
		{Workload: "W6", Server: oursPlain, N: 100, Figures: map[string]float64{"cpu": 99}},
		{Workload: "W4", Server: ours, N: 100, Figures: map[string]float64{"cpu": 10}},
		{Workload: "W4", Server: oursRecorded, N: 100, Figures: map[string]float64{"cpu": 12}},
		{Workload: "W5", Server: "callfloor, 300/s", N: 3000, Figures: map[string]float64{"cpu_ms_per_call": 3}},
		{Workload: "W5", Server: "kamailio, 300/s", N: 3000, Figures: map[string]float64{"cpu_ms_per_call": 2}},
		{Workload: "W8", Server: ours, N: 1, Figures: map[string]float64{"per_second": 120_000}},
	}
	var text strings.Builder
	writeGoals(&text, rows)
	for _, want := range []string{
		"| W6 | CPU against rtpengine | 100 | 0.75 | ≤ 0.75 | yes |",
		"| W4 | CPU against the same unrecorded | 100 | 1.20 | ≤ 1.15 | no |",
		"| W5 | CPU against Kamailio, 300/s | 3000 | 1.50 | ≤ 2.00 | yes |",
		"| W8 | decisions a second on a core | 1 | 120000 | ≥ 100000 | yes |",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if n := strings.Count(text.String(), "\n| W"); n != 4 {
		t.Errorf("%d lines in\n%s", n, text.String())
	}
}

func TestPerfReport(t *testing.T) {
	got := costs([]byte("# Overhead  Symbol\n#\n     0.41%  [.] callfloor/web.(*outlet).send  -      -\n     6.59%  [k] finish_task_switch.isra.0\n\n     1.20%  [.] crypto/internal/fips140/sha256.blockSHANI\n"))
	want := []cost{
		{"kernel", "finish_task_switch.isra.0", 6.59}, {"hashes", "crypto/internal/fips140/sha256.blockSHANI", 1.2},
		{"browsers (`web`)", "callfloor/web.(*outlet).send", 0.41},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
