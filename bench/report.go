//go:build linux

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// row is what one run of a workload with one server gave.
type row struct {
	Workload string             `json:"workload"`
	Server   string             `json:"server"`
	N        int                `json:"n"`
	Figures  map[string]float64 `json:"figures"`
	Note     string             `json:"note,omitempty"`
}

// units are the figures in the order in which they are printed, and what they
// are.
var units = []struct{ key, title string }{
	{"cpu", "CPU % of a core"},
	{"cpu_per_100", "CPU %/100 calls"},
	{"cpu_ms_per_call", "CPU ms/call"},
	{"cpu_s_per_call_s", "CPU s per call and s"},
	{"us_per_packet", "µs/packet"},
	{"delay_p50_ms", "delay p50 ms"},
	{"delay_p95_ms", "p95 ms"},
	{"to_phone_p50_ms", "seat → phone p50 ms"},
	{"to_seat_p50_ms", "phone → seat p50 ms"},
	{"recovered_p50_ms", "p50 ms, 1 s after a stop of 500 ms"},
	{"loss_percent", "loss %"},
	{"rss_kb_per_menu", "RSS KB/caller in the menu"},
	{"rss_kb_per_call", "RSS KB/call"},
	{"rss_kb_per_seat", "RSS KB/seat"},
	{"setup_p50_ms", "INVITE → 200 p50 ms"},
	{"setup_p95_ms", "p95 ms"},
	{"answer_p50_ms", "answer → first audio p50 ms"},
	{"answer_p95_ms", "p95 ms"},
	{"digits_percent", "digits %"},
	{"calls_per_s", "calls/s"},
	{"per_second", "decisions/s"},
	{"most", "calls"},
	{"ratio", "ratio to ours"},
	{"load", "load average"},
}

func quantile(samples []sample, q float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	d := make([]time.Duration, len(samples))
	for i, s := range samples {
		d[i] = s.delay
	}
	slices.Sort(d)
	return float64(d[min(int(q*float64(len(d))), len(d)-1)]) / float64(time.Millisecond)
}

// median puts runs of the same workload, server and number into one row.
func median(rows []row) []row {
	type key struct {
		w, s string
		n    int
	}
	runs := map[key][]row{}
	var order []key
	for _, r := range rows {
		k := key{r.Workload, r.Server, r.N}
		if runs[k] == nil {
			order = append(order, k)
		}
		runs[k] = append(runs[k], r)
	}
	var all []row
	for _, k := range order {
		m := row{k.w, k.s, k.n, map[string]float64{}, runs[k][0].Note}
		for _, u := range units {
			var v []float64
			for _, r := range runs[k] {
				if x, ok := r.Figures[u.key]; ok {
					v = append(v, x)
				}
			}
			if len(v) > 0 {
				slices.Sort(v)
				m.Figures[u.key] = v[len(v)/2]
				if u.key == "cpu" && len(v) > 1 {
					m.Figures["cpu_min"], m.Figures["cpu_max"] = v[0], v[len(v)-1]
				}
			}
		}
		m.Figures["runs"] = float64(len(runs[k]))
		all = append(all, m)
	}
	ratios(all)
	return all
}

// ratios compares the CPU of each peer, and of recording, with our own.
func ratios(rows []row) {
	for _, r := range rows {
		for _, own := range rows {
			if own.Server == ours && own.Workload == r.Workload && own.N == r.N && r.Server != ours && own.Figures["cpu"] > 0 {
				r.Figures["ratio"] = r.Figures["cpu"] / own.Figures["cpu"]
			}
		}
	}
}

// table writes one Markdown table for each workload.
func table(w io.Writer, rows []row) {
	for _, name := range workloadsOf(rows) {
		var some []row
		for _, r := range rows {
			if r.Workload == name {
				some = append(some, r)
			}
		}
		var heads []string
		var keys []string
		for _, u := range units {
			if slices.ContainsFunc(some, func(r row) bool { _, ok := r.Figures[u.key]; return ok }) {
				heads, keys = append(heads, u.title), append(keys, u.key)
			}
		}
		fmt.Fprintf(w, "\n### %s\n\n| server | N | %s |\n|%s\n", titles[name], strings.Join(heads, " | "), strings.Repeat("---|", len(heads)+2))
		for _, r := range some {
			server := r.Server
			if r.Note != "" {
				server += " (" + r.Note + ")"
			}
			fmt.Fprintf(w, "| %s | %d |", server, r.N)
			for _, k := range keys {
				fmt.Fprintf(w, " %s |", cell(r.Figures, k))
			}
			fmt.Fprintln(w)
		}
	}
}

func workloadsOf(rows []row) []string {
	seen := map[string]bool{}
	for _, r := range rows {
		seen[r.Workload] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func cell(f map[string]float64, key string) string {
	v, ok := f[key]
	if !ok {
		return ""
	}
	s := short(v)
	if lo, ok := f["cpu_min"]; ok && key == "cpu" {
		s += fmt.Sprintf(" (%s–%s)", short(lo), short(f["cpu_max"]))
	}
	return s
}

func short(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.1 || v == 0:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.5f", v)
	}
}
