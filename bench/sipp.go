//go:build linux

package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

//go:embed invite.xml
var invite []byte

// signalling is one run of W1: calls at a rate, or with a number of calls open
// all the time if rate is 0.
func (b *bench) signalling(rate int) (row, error) {
	s, err := b.serve()
	if err != nil {
		return row{}, err
	}
	defer s.stop()
	scenario := filepath.Join(b.dir, "invite.xml")
	if err := os.WriteFile(scenario, invite, 0o600); err != nil {
		return row{}, err
	}
	name, args := fmt.Sprintf("callfloor %d/s", rate), []string{"-r", strconv.Itoa(rate), "-l", "3000"}
	calls := rate * int(b.window/time.Second)
	if rate == 0 {
		calls = 300 * int(b.window/time.Second)
		name, args = "callfloor closed loop", []string{"-r", "5000", "-l", "150"}
	}
	before, err := s.cpu()
	if err != nil {
		return row{}, err
	}
	begin := time.Now()
	args = append(args, "-sf", scenario, "-s", lineShort, "-i", "127.0.0.1", "-m", strconv.Itoa(calls), "-nostdin", "-timeout", "120s", s.sip)
	out, err := exec.Command("sipp", args...).CombinedOutput()
	if err != nil {
		return row{}, fmt.Errorf("sipp: %w\n%s", err, out)
	}
	took := time.Since(begin)
	time.Sleep(time.Second) // what is left to do after the calls is theirs too
	cpu, err := s.cpu()
	if err != nil {
		return row{}, err
	}
	return row{"W1", name, calls, map[string]float64{
		"cpu_ms_per_call": (cpu - before).Seconds() * 1000 / float64(calls), "calls_per_s": float64(calls) / took.Seconds(), "load": load(),
	}}, nil
}
