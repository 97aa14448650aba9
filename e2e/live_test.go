package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// api reads from the API with the token of run.json, as the commands do.
func (s *server) api(path string, v any) error {
	b, err := os.ReadFile(filepath.Join(s.dir, "run.json"))
	if err != nil {
		return err
	}
	var run struct{ Token string }
	if err := json.Unmarshal(b, &run); err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodGet, s.http+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+run.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(v)
}

// newest is the newest call with its timeline, be it up or over.
func (s *server) newest() (callRecord, error) {
	var list []callRecord
	if err := s.api("/api/v1/calls", &list); err != nil {
		return callRecord{}, err
	}
	if len(list) == 0 {
		return callRecord{}, fmt.Errorf("there is no call")
	}
	var c callRecord
	err := s.api("/api/v1/calls/"+list[0].ID, &c)
	return c, err
}

// reaches waits until the newest call has n events of a kind; of kind flow,
// such at the node.
func (s *server) reaches(kind, node string, n int) {
	s.t.Helper()
	eventually(s.t, 25*time.Second, fmt.Sprintf("the call has %d %s events %s", n, kind, node), func() error {
		c, err := s.newest()
		if err != nil {
			return err
		}
		found := 0
		for _, e := range c.Timeline {
			if e.Kind == kind && (node == "" || e.Data["node"] == node) {
				found++
			}
		}
		if found < n {
			return fmt.Errorf("%d of them, end %+v, timeline %+v", found, c.End, c.Timeline)
		}
		return nil
	})
}

// figures reads all of /metrics.
func (s *server) figures() (map[string]float64, error) {
	resp, err := http.Get(s.http + "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	all := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
			all[name] = v
		}
	}
	return all, lines.Err()
}

// idleConnections is how many goroutines more the test's own idle HTTP
// connections may hold. Calls, legs and ports are counted exactly beside it,
// and the rooms' own tests look for single goroutines.
const idleConnections = 3

// base is what the server holds while no call is up.
type base struct{ goroutines, agents float64 }

const available = `callfloor_agents{state="available"}`

// rest returns the base, once a first call has made what stays.
func (s *server) rest() base {
	s.t.Helper()
	f, err := s.figures()
	if err != nil {
		s.t.Fatal(err)
	}
	return base{goroutines: f["go_goroutines"], agents: f[available]}
}

// leftNothing waits until the server holds what it held before: no live call,
// no SIP leg, no RTP port, nobody in a queue, no goroutine more, and every
// agent free; and it has caught no fault.
func (s *server) leftNothing(b base) {
	s.t.Helper()
	eventually(s.t, 15*time.Second, "the call has left nothing", func() error {
		f, err := s.figures()
		if err != nil {
			return err
		}
		for _, name := range []string{
			"callfloor_calls", "callfloor_sip_calls", `callfloor_queue_waiting{queue="sales"}`, `callfloor_queue_waiting{queue="support"}`,
			"callfloor_journal_dropped_total", "callfloor_sip_panics_total", "callfloor_web_panics_total", "callfloor_http_panics_total",
		} {
			if v, ok := f[name]; !ok || v != 0 {
				return fmt.Errorf("%s is %v (there: %v), want 0", name, v, ok)
			}
		}
		if f[available] != b.agents {
			return fmt.Errorf("%v agents are available, %v were before", f[available], b.agents)
		}
		if ports := s.boundRTP(); len(ports) > 0 {
			return fmt.Errorf("RTP ports are bound: %v", ports)
		}
		if f["go_goroutines"] > b.goroutines+idleConnections {
			return fmt.Errorf("%v goroutines, %v before", f["go_goroutines"], b.goroutines)
		}
		return nil
	})
}

// boundRTP lists the UDP ports of the server's RTP range that are bound.
func (s *server) boundRTP() []int {
	s.t.Helper()
	var from, to int
	if _, err := fmt.Sscanf(s.flag("--rtp-ports"), "%d-%d", &from, &to); err != nil {
		s.t.Fatal(err)
	}
	b, err := os.ReadFile("/proc/net/udp")
	if err != nil {
		s.t.Fatal(err)
	}
	var bound []int
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		_, hex, _ := strings.Cut(fields[1], ":")
		if port, err := strconv.ParseInt(hex, 16, 32); err == nil && int(port) >= from && int(port) <= to {
			bound = append(bound, int(port))
		}
	}
	return bound
}

// flag returns what the server was started with.
func (s *server) flag(name string) string {
	for i, a := range s.args[:len(s.args)-1] {
		if a == name {
			return s.args[i+1]
		}
	}
	return ""
}
