//go:build linux

package main

import (
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
)

// workload is one of performance's.
type workload struct {
	name  string
	extra bool // only if it is asked for
	run   func(b *bench, pass int) error
}

var workloads = []workload{
	{name: "W1", run: runSignalling}, {name: "W2", run: runMenu}, {name: "W3", run: runBridge}, {name: "W4", run: runRecorded},
	{name: "W5", run: runRegistrar}, {name: "W6", run: runSeats}, {name: "W8", run: runDecisions}, {name: "memory", run: runMemory},
	{name: "growth", run: runGrowth}, {name: "plain", extra: true, run: runPlain},
}

func runSignalling(b *bench, pass int) error {
	return b.atRates("W1", []int{150, 0}, pass, "kamailio, a proxy", b.signalling, b.proxied)
}

func runRegistrar(b *bench, pass int) error {
	return b.atRates("W5", []int{300, 0}, pass, "kamailio", b.registering, b.kamailioRegisters)
}

// atRates runs ours and, where it is installed, Kamailio in turn.
func (b *bench) atRates(name string, rates []int, pass int, rival string, our, peer func(rate int) (row, error)) error {
	if _, err := exec.LookPath("sipp"); err != nil {
		return fmt.Errorf("%s: %w (Debian: sip-tester)", name, err)
	}
	var errs []error
	for _, rate := range rates {
		errs = append(errs, b.once(name, paced(ours, rate), b.many(rate), pass, func() (row, error) { return our(rate) }))
		if kamailioModules() != "" {
			errs = append(errs, b.once(name, paced(rival, rate), b.many(rate), pass, func() (row, error) { return peer(rate) }))
		}
	}
	return errors.Join(errs...)
}

func runMenu(b *bench, pass int) error {
	var errs []error
	for _, n := range b.upTo(100) {
		errs = append(errs, b.once("W2", ours, n, pass, func() (row, error) { return b.menu(n) }))
	}
	return errors.Join(errs...)
}

func runBridge(b *bench, pass int) error {
	var errs []error
	for _, n := range b.upTo(300) {
		for _, s := range bridgers() {
			errs = append(errs, b.once("W3", s.name, n, pass, func() (row, error) { return b.bridge(s, n) }))
		}
	}
	return errors.Join(errs...)
}

func runRecorded(b *bench, pass int) error {
	var errs []error
	for _, n := range b.upTo(200) {
		errs = append(errs, b.once("W4", ours, n, pass, func() (row, error) { return b.seated("W4", ours, linePlain, n) }))
		errs = append(errs, b.once("W4", oursRecorded, n, pass, func() (row, error) { return b.seated("W4", oursRecorded, lineRecorded, n) }))
	}
	return errors.Join(errs...)
}

func runSeats(b *bench, pass int) error {
	var errs []error
	for _, n := range b.upTo(200) {
		errs = append(errs, b.once("W6", ours, n, pass, func() (row, error) { return b.seated("W6", ours, linePlain, n) }))
		peers := gateways()
		for _, name := range slices.Sorted(maps.Keys(peers)) {
			errs = append(errs, b.once("W6", name, n, pass, func() (row, error) { return b.gatewayed(name, peers[name], n) }))
		}
	}
	return errors.Join(errs...)
}

// runPlain is W6 without the media engine, to compare.
func runPlain(b *bench, pass int) error {
	var errs []error
	for _, n := range b.upTo(200) {
		errs = append(errs, b.once("W6", oursPlain, n, pass, func() (row, error) {
			return b.seated("W6", oursPlain, linePlain, n, "CALLFLOOR_PLAIN_MEDIA=1")
		}))
	}
	return errors.Join(errs...)
}

// memoryCalls is of how many calls memory is the mean.
const memoryCalls = 50

func runMemory(b *bench, pass int) error {
	if pass > 1 {
		return nil
	}
	return b.once("memory", ours, memoryCalls, pass, func() (row, error) { return b.memory(memoryCalls) })
}

// upTo are the sizes that are wanted and not above most.
func (b *bench) upTo(most int) []int {
	return slices.DeleteFunc(slices.Clone(b.sizes), func(n int) bool { return n > most })
}

var decided = regexp.MustCompile(`BenchmarkDecisions\S*\s.*?([\d.]+) decisions/core-s`)

func runDecisions(b *bench, pass int) error {
	return b.once("W8", ours, 1, pass, func() (row, error) {
		out, err := exec.Command("go", "test", "-run", "^$", "-bench", "Decisions/20", "callfloor/acd").CombinedOutput()
		m := decided.FindSubmatch(out)
		if err != nil || m == nil {
			return row{}, fmt.Errorf("W8: %w\n%s", err, out)
		}
		v, err := strconv.ParseFloat(string(m[1]), 64)
		return row{Figures: map[string]float64{"per_second": v}}, err
	})
}

// row makes the figures of a window.
func (w window) row(name, server string, n int) row {
	r := row{Workload: name, Server: server, N: n, Figures: map[string]float64{
		"cpu": w.CPU, "cpu_per_100": w.CPU * 100 / float64(n), "cpu_s_per_call_s": w.CPU / 100 / float64(n),
	}}
	if len(w.Delays) > 0 {
		r.Figures["delay_p50_ms"], r.Figures["delay_p95_ms"] = quantile(w.Delays, 0.5), quantile(w.Delays, 0.95)
		r.Figures["loss_percent"] = max(0, 100*(1-float64(len(w.Delays))/float64(w.Sent)))
	}
	return r
}

// titles say what each table is.
var titles = map[string]string{
	"W1":     "W1: INVITE, 200, ACK, 50 ms, BYE (sipp)",
	"W2":     "W2: callers in a menu, each sends 50 packets a second and hears a prompt; one key ends it",
	"W3":     "W3: bridged plain RTP, PCMU both ways; one call is two legs",
	"W4":     "W4: the product's calls, phone to WebRTC seat, recorded (encrypted, chained) and not",
	"W5":     "W5: REGISTER, 401, REGISTER with digest (MD5), 200 (sipp); a call is one registration",
	"W6":     "W6: phone to WebRTC seat, not recorded",
	"W8":     "W8: the queue engine",
	"growth": "As many calls as the machine carries (each server on one core)",
	"memory": "Memory: resident, growth for each (the garbage collector kept busy)",
}
