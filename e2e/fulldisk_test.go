package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// leave fills a disk but for some room and returns how to give all of it back.
func leave(t *testing.T, disk string, room int) (free func()) {
	t.Helper()
	spare := filepath.Join(disk, "spare")
	if err := os.WriteFile(spare, make([]byte, room), 0o600); err != nil {
		t.Fatal(err)
	}
	free = fill(t, disk)
	if err := os.Remove(spare); err != nil {
		t.Fatal(err)
	}
	return free
}

// noRoom waits until the server says that it cannot start, and what to do.
func (s *server) noRoom() {
	s.t.Helper()
	eventually(s.t, 15*time.Second, "the server says that there is no room", func() error {
		if text := s.log.String(); !strings.Contains(text, s.dir) || !strings.Contains(text, "no room to start; make some") {
			return errors.New(text)
		}
		return nil
	})
	select {
	case <-s.done:
		s.t.Fatal("the server ended, and nobody starts it when there is room")
	default:
	}
}

// TestFullDiskAtStart starts servers on a disk without room: one that was never
// there, and one that was, also where a little is left. Each says so, and what to
// do, and begins when there is room, without a hand; what was kept is there. With room
// for its rows and none for recordings it takes calls at once, unrecorded.
func TestFullDiskAtStart(t *testing.T) {
	beside(t, phoning)
	disk := smallDisk(t, 24)
	file := filepath.Join(t.TempDir(), "callfloor.yaml")
	if err := os.WriteFile(file, []byte("recordings:\n  min_free: 4194304\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serverIn(t, filepath.Join(disk, "data"), "--config", file, "--https", "127.0.0.1:0")
	t.Cleanup(func() {
		if s.done != nil {
			s.stop()
		}
	})
	for _, room := range []int{0, 40 << 10} {
		free := leave(t, disk, room)
		s.launch()
		s.noRoom()
		free()
		s.ready()
		if r, code := s.dial("1009", "--for", "200ms").wait(); code != 0 {
			t.Errorf("a call when there was room again, from %d octets: %+v", room, r)
		}
		s.stop()
	}

	free := leave(t, disk, 2<<20)
	s.launch()
	eventually(t, 15*time.Second, "the server takes calls and names the recordings", func() error {
		if resp, err := http.Get(s.http + "/healthz"); err != nil {
			return err
		} else if err := resp.Body.Close(); err != nil {
			return err
		}
		if status, body := s.readyz(); status != http.StatusServiceUnavailable || !strings.Contains(body, "recordings") || strings.Contains(body, "database") {
			return fmt.Errorf("/readyz: %d %s", status, body)
		}
		return nil
	})
	s.seat("alice", "--answer-after", "100ms", "--play", fmt.Sprintf("tone:%d", seatHz))
	if r, _ := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "4s").wait(); r.Result != "completed" {
		t.Errorf("the call: %+v", r)
	}
	var list []callRecord
	if s.json(&list, "calls", "list"); len(list) != 3 || list[0].Answered == nil || list[0].Recording != nil {
		t.Errorf("the calls: %+v; want two of before, and one that was answered and not recorded", list)
	}
	free()
	s.becomesReady()
}
