package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestShortCalls: after 200 of them the server has the dialogs, ports,
// goroutines, descriptors and, about, the memory of before. `make soak-calls` does
// the same with ten thousand.
func TestShortCalls(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	scenario, err := filepath.Abs("sipp/short.xml")
	if err != nil {
		t.Fatal(err)
	}
	place := func(calls, rate int) {
		t.Helper()
		cmd := exec.Command("sipp", s.sip, "-sf", scenario, "-s", "1009", "-i", "127.0.0.1", "-p", strconv.Itoa(freeUDPPort(t)), "-mp", strconv.Itoa(sippMediaPort()),
			"-m", strconv.Itoa(calls), "-r", strconv.Itoa(rate), "-l", "60", "-timeout", "120s", "-timeout_error", "-nostdin")
		cmd.Dir = t.TempDir()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%d calls: %v\n%s", calls, err, tail(string(out), 30))
		}
	}
	place(20, 20) // what is made once is there
	before := s.rest()
	s.leftNothing(before)
	was, err := s.figures()
	if err != nil {
		t.Fatal(err)
	}
	// The ports of a call rest for 30 s, and the server has 250 pairs.
	place(200, 40)
	s.leftNothing(before)
	eventually(t, 20*time.Second, "descriptors and memory are as before", func() error {
		now, err := s.figures()
		if err != nil {
			return err
		}
		if fds := "process_open_fds"; now[fds] > was[fds]+5 { // idle HTTP connections of the test
			return fmt.Errorf("%v descriptors, %v before", now[fds], was[fds])
		}
		if rss := "process_resident_memory_bytes"; now[rss] > was[rss]+64<<20 {
			return fmt.Errorf("%.0f MB, %.0f MB before", now[rss]/1e6, was[rss]/1e6)
		}
		if refused := `callfloor_sip_refused_total{status="503"}`; now[refused] > 0 {
			return fmt.Errorf("%v calls were refused", now[refused])
		}
		return nil
	})
}
