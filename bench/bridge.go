//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// bridged is a server of W3.
type bridged struct {
	name  string
	start func(b *bench, phones []pair) (*process, []pair, error)
}

// bridgers are ours and, where it is installed, rtpengine.
func bridgers() []bridged {
	all := []bridged{{"callfloor", startRelay}}
	if rtpenginePath() != "" {
		all = append(all, bridged{"rtpengine", bridgeByRTPEngine})
	}
	return all
}

func startRelay(_ *bench, phones []pair) (*process, []pair, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	r, w := io.Pipe()
	p, err := start(w, nil, self, "relay")
	if err != nil {
		return nil, nil, err
	}
	go func() { <-p.done; _ = w.Close() }()
	if err := json.NewEncoder(p.in).Encode(phones); err != nil {
		p.stop()
		return nil, nil, err
	}
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil {
		p.stop()
		return nil, nil, fmt.Errorf("the relay gave no ports: %w\n%s", err, p.out)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	var ours []pair
	return p, ours, json.Unmarshal(line, &ours)
}

func bridgeByRTPEngine(b *bench, phones []pair) (*process, []pair, error) {
	r, err := startRTPEngine(b.dir)
	if err != nil {
		return nil, nil, err
	}
	ours := make([]pair, len(phones))
	for i, p := range phones {
		if ours[i], err = r.bridge(i, p); err != nil {
			r.stop()
			return nil, nil, err
		}
	}
	return r.process, ours, nil
}

// talks are bridged calls that go on.
type talks struct {
	*generator
	process *process
	empty   float64 // the server's memory before them
}

func (t *talks) close() {
	t.process.stop()
	t.generator.close()
}

// talk begins n calls and lets them settle.
func (b *bench) talk(s bridged, n int) (*talks, error) {
	g, err := newGenerator()
	if err != nil {
		return nil, err
	}
	phones := make([]pair, n)
	legs := make([][2]*leg, n)
	for i := range phones {
		for side := range 2 {
			if legs[i][side], err = g.phone(); err != nil {
				g.close()
				return nil, err
			}
			phones[i][side] = legs[i][side].addr
		}
	}
	p, ours, err := s.start(b, phones)
	if err != nil {
		g.close()
		return nil, err
	}
	t := &talks{g, p, p.memory()}
	for i := range legs {
		for side, l := range legs[i] {
			l.talk(ours[i][side])
		}
	}
	time.Sleep(b.settle)
	return t, nil
}

// bridge is one run of W3.
func (b *bench) bridge(s bridged, n int) (_ row, err error) {
	defer named(&err, "W3", s.name, n)
	t, err := b.talk(s, n)
	if err != nil {
		return row{}, err
	}
	defer t.close()
	p := t.process
	w, err := t.measure(p, b.window, nil)
	if err != nil {
		return row{}, err
	}
	r := w.row("W3", s.name, n)
	r.Figures["rss_kb_per_call"] = (p.memory() - t.empty) / 1024 / float64(n)
	// And after the process stood still for 500 ms.
	stopped, err := t.measure(p, 4*time.Second, func() { p.stretch(500 * time.Millisecond) })
	if err != nil {
		return r, nil // the generator stood still as well
	}
	r.Figures["recovered_p50_ms"] = after(stopped.Delays, 1500*time.Millisecond)
	return r, nil
}

// after is the median delay in ms of what came later than d into the window.
func after(samples []sample, d time.Duration) float64 {
	if len(samples) == 0 {
		return 0
	}
	begin := samples[0].at
	var late []sample
	for _, s := range samples {
		if s.at-begin > int64(d) {
			late = append(late, s)
		}
	}
	return quantile(late, 0.5)
}
