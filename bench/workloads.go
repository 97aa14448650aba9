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
	name string
	run  func(*bench) error // once
}

var workloads = []workload{{"W1", runSignalling}, {"W2", runMenu}, {"W3", runBridge}, {"W4", runRecorded}, {"W5", runRegistrar}, {"W6", runSeats}, {"W8", runDecisions}, {"memory", runMemory}}

func runSignalling(b *bench) error {
	return b.atRates([]int{150, 0}, b.signalling, b.proxied)
}

func runRegistrar(b *bench) error {
	return b.atRates([]int{300, 0}, b.registering, b.kamailioRegisters)
}

// atRates runs ours and, where it is installed, Kamailio in turn.
func (b *bench) atRates(rates []int, our, peer func(rate int) (row, error)) error {
	if _, err := exec.LookPath("sipp"); err != nil {
		return fmt.Errorf("W1 and W5: %w (Debian: sip-tester)", err)
	}
	var errs []error
	for _, rate := range rates {
		errs = append(errs, b.note(our(rate)))
		if kamailioModules() != "" {
			errs = append(errs, b.note(peer(rate)))
		}
	}
	return errors.Join(errs...)
}

func runMenu(b *bench) error {
	var errs []error
	for _, n := range b.upTo(100) {
		errs = append(errs, b.note(b.menu(n)))
	}
	return errors.Join(errs...)
}

func runBridge(b *bench) error {
	var errs []error
	for _, n := range b.upTo(300) {
		for _, s := range bridgers() {
			errs = append(errs, b.note(b.bridge(s, n)))
		}
	}
	return errors.Join(errs...)
}

func runRecorded(b *bench) error {
	var errs []error
	for _, n := range b.upTo(200) {
		errs = append(errs, b.note(b.seated("W4", ours, linePlain, n)))
		errs = append(errs, b.note(b.seated("W4", "callfloor, recorded", lineRecorded, n)))
	}
	return errors.Join(errs...)
}

func runSeats(b *bench) error {
	var errs []error
	for _, n := range b.upTo(200) {
		errs = append(errs, b.note(b.seated("W6", ours, linePlain, n)))
		errs = append(errs, b.note(b.seated("W6", "callfloor, a goroutine a socket", linePlain, n, "CALLFLOOR_PLAIN_MEDIA=1")))
		peers := gateways()
		for _, name := range slices.Sorted(maps.Keys(peers)) {
			errs = append(errs, b.note(b.gatewayed(name, peers[name], n)))
		}
	}
	return errors.Join(errs...)
}

func runMemory(b *bench) error { return b.note(b.memory(50)) }

// upTo are the sizes that are wanted and not above most.
func (b *bench) upTo(most int) []int {
	return slices.DeleteFunc(slices.Clone(b.sizes), func(n int) bool { return n > most })
}

var decided = regexp.MustCompile(`BenchmarkDecisions\S*\s+\d+\s+([\d.]+) ns/op`)

func runDecisions(b *bench) error {
	out, err := exec.Command("go", "test", "-run", "^$", "-bench", "Decisions", "callfloor/acd").CombinedOutput()
	m := decided.FindSubmatch(out)
	if err != nil || m == nil {
		return fmt.Errorf("W8: %w\n%s", err, out)
	}
	ns, err := strconv.ParseFloat(string(m[1]), 64)
	return b.note(row{"W8", ours, 1, map[string]float64{"per_second": 1e9 / ns}}, err)
}

// row makes the figures of a window.
func (w window) row(name, server string, n int) row {
	r := row{name, server, n, map[string]float64{
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
	"memory": "Memory: resident, growth for each (the garbage collector kept busy)",
}
