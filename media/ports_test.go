package media

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPorts(t *testing.T) {
	if p, err := NewPorts(20001, 20010); err != nil || p.Free() != 4 {
		t.Fatalf("20001-20010: %v, %v", p, err)
	}
	for _, r := range [][2]int{{20001, 20002}, {0, 10}, {10, 5}, {20000, 70000}, {20000, 20000}} {
		if _, err := NewPorts(r[0], r[1]); err == nil {
			t.Errorf("%v was taken", r)
		}
	}
	p, _ := NewPorts(20000, 20005)
	now := time.Unix(1000, 0)
	var got []int
	for range 3 {
		port, err := p.take(now)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, port)
	}
	if got[0] != 20000 || got[1] != 20002 || got[2] != 20004 {
		t.Errorf("took %v", got)
	}
	if _, err := p.take(now); err == nil {
		t.Error("a fourth of three was taken")
	}
	p.give(20002, now)
	p.give(20000, now.Add(time.Second))
	if _, err := p.take(now.Add(portRest - 1)); err == nil || p.free(now.Add(portRest-1)) != 0 {
		t.Error("a pair was taken before its rest was over")
	}
	if p.free(now.Add(portRest)) != 1 {
		t.Errorf("%d free after the rest", p.free(now.Add(portRest)))
	}
	if port, err := p.take(now.Add(portRest)); err != nil || port != 20002 {
		t.Errorf("took %d, %v; the longest unused is 20002", port, err)
	}
}

// TestPortsOf100000Calls: two hundred callers at a time make 100,000 calls on end. No
// pair is two calls' at once or the next one's before its rest is over, and in the end
// all pairs are there, each once.
func TestPortsOf100000Calls(t *testing.T) {
	const calls, callers, pairs = 100_000, 200, 1300
	synctest.Test(t, func(t *testing.T) {
		p, err := NewPorts(20000, 20000+2*pairs-1)
		if err != nil {
			t.Fatal(err)
		}
		var (
			mu    sync.Mutex
			held  = map[int]bool{}
			given = map[int]time.Time{}
			full  int
			all   sync.WaitGroup
		)
		// call takes a pair, waiting for one as long as none is free.
		call := func() int {
			for since := time.Now(); ; {
				port, err := p.take(time.Now())
				mu.Lock()
				if err == nil {
					if at, was := given[port]; held[port] || was && time.Since(at) < portRest {
						t.Errorf("port %d: in use %t, given back %v ago", port, held[port], time.Since(at))
					}
					held[port] = true
					mu.Unlock()
					return port
				}
				full++
				mu.Unlock()
				if time.Since(since) > 10*portRest {
					t.Error("nothing becomes free")
					return 0
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
		for n := range callers {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(1, uint64(n)))
				for range calls / callers {
					port := call()
					if port == 0 {
						return
					}
					time.Sleep(time.Duration(rng.IntN(10_000)) * time.Millisecond)
					mu.Lock()
					held[port], given[port] = false, time.Now()
					mu.Unlock()
					p.give(port, time.Now())
				}
			})
		}
		all.Wait()
		if full == 0 {
			t.Error("there was always a free pair: the test shows less than it could")
		}
		time.Sleep(portRest)
		seen := map[int]bool{}
		for p.Free() > 0 {
			port, err := p.take(time.Now())
			if err != nil || seen[port] || port%2 != 0 || port < 20000 || port >= 20000+2*pairs {
				t.Fatalf("at the end: %d, %v, there twice: %t", port, err, seen[port])
			}
			seen[port] = true
		}
		if len(seen) != pairs {
			t.Errorf("%d pairs at the end, want %d", len(seen), pairs)
		}
	})
}
