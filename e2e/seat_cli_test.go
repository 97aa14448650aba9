package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// seat starts `callfloor phone seat` and waits until the agent is available.
func (s *server) seat(user string, args ...string) *phone {
	s.t.Helper()
	p := s.sitDown(user, args...)
	eventually(s.t, 15*time.Second, user+" is available", func() error {
		select {
		case <-p.done:
			s.t.Fatalf("the seat of %s ended: %s %s", user, p.out, p.stderr.String())
		default:
		}
		return s.metric(`callfloor_agents{state="available"}`, 1)
	})
	return p
}

// sitDown starts `callfloor phone seat`, which takes calls from then on.
func (s *server) sitDown(user string, args ...string) *phone {
	s.t.Helper()
	return s.background(append([]string{"phone", "seat", "--server", s.http, "--user", user, "--password", "demo", "--json"}, args...)...)
}

// metric checks that a line of /metrics is at least want.
func (s *server) metric(name string, want float64) error {
	resp, err := http.Get(s.http + "/metrics")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			var got float64
			if _, err := fmt.Sscan(rest, &got); err != nil {
				return err
			}
			if got >= want {
				return nil
			}
			return fmt.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	return fmt.Errorf("/metrics has no %s", name)
}
