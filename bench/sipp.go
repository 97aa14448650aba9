//go:build linux

package main

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

//go:embed *.xml
var scenarios embed.FS

// scenario writes one of the scenarios into the scratch folder.
func (b *bench) scenario(name string) (string, error) {
	text, err := scenarios.ReadFile(name)
	if err != nil {
		return "", err
	}
	file := filepath.Join(b.dir, name)
	return file, os.WriteFile(file, text, 0o600)
}

// sipp runs a scenario n times against a server and returns what that cost the
// server: rate a second, or, if rate is 0, with 150 going on all the time.
func (b *bench) sipp(workload, name string, p *process, to, scenario string, rate, n int, more ...string) (_ row, err error) {
	defer named(&err, workload, name, n)
	file, err := b.scenario(scenario)
	if err != nil {
		return row{}, err
	}
	args := []string{"-r", strconv.Itoa(rate), "-l", "3000"}
	if rate == 0 {
		args = []string{"-r", "5000", "-l", "150"}
	}
	before, err := p.cpu()
	if err != nil {
		return row{}, err
	}
	begin := time.Now()
	args = append(args, "-sf", file, "-i", "127.0.0.1", "-m", strconv.Itoa(n), "-nostdin", "-timeout", "120s")
	args = append(append(args, more...), to)
	if out, err := exec.Command("sipp", args...).CombinedOutput(); err != nil {
		return row{}, fmt.Errorf("sipp: %w\n%s", err, out)
	}
	took := time.Since(begin)
	time.Sleep(time.Second) // what is left to do after the calls is theirs too
	after, err := p.cpu()
	if err != nil {
		return row{}, err
	}
	return row{Workload: workload, Server: name, N: n, Figures: map[string]float64{
		"cpu_ms_per_call": (after - before).Seconds() * 1000 / float64(n), "calls_per_s": float64(n) / took.Seconds(),
	}}, nil
}

// many is how many calls, or registrations, a window at rate has; the closed
// loop's number is fixed.
func (b *bench) many(rate int) int {
	if rate == 0 {
		rate = 300
	}
	return rate * int(b.window/time.Second)
}

// paced names a row.
func paced(server string, rate int) string {
	if rate == 0 {
		return server + ", closed loop"
	}
	return fmt.Sprintf("%s, %d/s", server, rate)
}

// signalling is one run of W1: calls at a rate, or with a number of calls open
// all the time if rate is 0.
func (b *bench) signalling(rate int) (row, error) {
	s, err := b.serve()
	if err != nil {
		return row{}, err
	}
	defer s.stop()
	return b.sipp("W1", paced(ours, rate), s.process, s.sip, "invite.xml", rate, b.many(rate), "-s", lineShort)
}

// users is how many users register in W5; sipp takes no spaces in a password.
const (
	users         = 100
	phonePassword = "only-for-benchmarks"
)

// registering is one run of W5. The keepalive is off: no phone is there to
// answer, and the peer has none.
func (b *bench) registering(rate int) (row, error) {
	s, err := b.serve("CALLFLOOR_SIP_REGISTRAR_KEEPALIVE=0s")
	if err != nil {
		return row{}, err
	}
	defer s.stop()
	var ignored any
	for i := range users {
		user := fmt.Sprintf("user%d", i)
		if err := s.post("/api/v1/users", s.token, map[string]any{"user": user, "role": "agent", "password": password, "settled": true}, &ignored); err != nil {
			return row{}, err
		}
		if err := s.ask("PUT", "/api/v1/users/"+user+"/phone", s.token, map[string]any{"password": phonePassword}, &ignored); err != nil {
			return row{}, err
		}
	}
	csv, err := b.usersFile()
	if err != nil {
		return row{}, err
	}
	return b.sipp("W5", paced(ours, rate), s.process, s.sip, "register.xml", rate, b.many(rate), "-inf", csv)
}

// usersFile writes what sipp registers with.
func (b *bench) usersFile() (string, error) {
	var text strings.Builder
	text.WriteString("SEQUENTIAL\n")
	for i := range users {
		fmt.Fprintf(&text, "user%[1]d;[authentication username=user%[1]d password=%[2]s]\n", i, phonePassword)
	}
	file := filepath.Join(b.dir, "users.csv")
	return file, os.WriteFile(file, []byte(text.String()), 0o600)
}
