//go:build linux

package main

import (
	"fmt"
	"io"
	"strings"
)

// goal is a ratio of two rows' figures, or a figure, that is aimed at.
type goal struct {
	workload, server, against string // against "": the figure itself
	figure                    string
	text                      string
	at                        float64
	least                     bool // at is the least, not the most
	from                      int  // calls
}

var goals = []goal{
	{workload: "W1", server: ours, against: "kamailio, a proxy", figure: "cpu_ms_per_call", text: "CPU against Kamailio as a proxy"},
	{workload: "W3", server: ours, against: "rtpengine", figure: "cpu", text: "CPU against rtpengine", at: 0.65, from: 100},
	{workload: "W3", server: ours, figure: "delay_p50_ms", text: "added delay p50, ms", at: 0.8, from: 100},
	{workload: "W3", server: ours, figure: "recovered_p50_ms", text: "p50 a second after a stop of 500 ms, ms", at: 0.8, from: 100},
	{workload: "W4", server: oursRecorded, against: ours, figure: "cpu", text: "CPU against the same unrecorded", at: 1.15, from: 100},
	{workload: "W5", server: ours, against: "kamailio", figure: "cpu_ms_per_call", text: "CPU against Kamailio", at: 2},
	{workload: "W6", server: ours, against: "rtpengine", figure: "cpu", text: "CPU against rtpengine", at: 0.75, from: 100},
	{workload: "W8", server: ours, figure: "per_second", text: "decisions a second on a core", at: 100_000, least: true},
}

// writeGoals writes what was aimed at and what is.
func writeGoals(w io.Writer, rows []row) {
	var lines strings.Builder
	for _, g := range goals {
		for _, r := range rows {
			got, ok := g.of(r, rows)
			if !ok {
				continue
			}
			want, met := "", ""
			if g.at > 0 {
				sign := "≤"
				if g.least {
					sign = "≥"
				}
				want, met = sign+" "+short(g.at), "no"
				if g.least == (got >= g.at) || got == g.at {
					met = "yes"
				}
			}
			fmt.Fprintf(&lines, "| %s | %s | %d | %s | %s | %s |\n", g.workload, g.text+pace(r.Server), r.N, short(got), want, met)
		}
	}
	if lines.Len() > 0 {
		fmt.Fprintf(w, "\n### Ratios and goals\n\n| workload | what | N | measured | goal | met |\n|---|---|---|---|---|---|\n%s", lines.String())
	}
}

// pace is what paced put behind a server's name.
func pace(server string) string {
	if _, after, ok := strings.Cut(server, ", "); ok && server != oursRecorded {
		return ", " + after
	}
	return ""
}

// of is the goal's figure for r, if it is about r.
func (g goal) of(r row, rows []row) (float64, bool) {
	suffix, ok := strings.CutPrefix(r.Server, g.server)
	if r.Workload != g.workload || !ok || r.N < g.from || suffix != "" && !strings.HasSuffix(suffix, "/s") && suffix != ", closed loop" {
		return 0, false
	}
	own, ok := r.Figures[g.figure]
	if !ok || g.against == "" {
		return own, ok
	}
	for _, other := range rows {
		if v := other.Figures[g.figure]; other.Workload == r.Workload && other.N == r.N && other.Server == g.against+suffix && v > 0 {
			return own / v, true
		}
	}
	return 0, false
}
