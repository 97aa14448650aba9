package e2e

import (
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	phones "callfloor/phone"
)

// delayLog keeps what a load measured.
type delayLog struct {
	mu  sync.Mutex
	all []delayAt
}

type delayAt struct {
	phones.Delay
	heard time.Time
}

func (l *delayLog) note(d phones.Delay) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, delayAt{d, d.Sent.Add(d.Took)})
}

// between returns the delays of what was sent in a span, sorted.
func (l *delayLog) between(way string, from, to time.Time) []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []time.Duration
	for _, d := range l.all {
		if d.Way == way && d.Sent.After(from) && d.Sent.Before(to) {
			out = append(out, d.Took)
		}
	}
	slices.Sort(out)
	return out
}

// TestAServerThatStops stops the process, as a busy host does, for half a
// second and for five: no call ends, and a second later the sound is no later
// than it was before. A queue that is never emptied would keep it late.
func TestAServerThatStops(t *testing.T) {
	s := serve(t)
	log := &delayLog{}
	var result phones.LoadResult
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		result, err = phones.Load(t.Context(), phones.LoadOptions{
			Target: "sip:1002@" + s.sip, N: 2, Rate: 5, For: 24 * time.Second, Play: "tone:440", OnDelay: log.note,
			Server: s.http, Seats: []phones.SeatUser{{User: "alice", Password: "demo"}, {User: "bob", Password: "demo"}},
		}, nil)
	}()
	ways := []string{"phone to seat", "seat to phone"}
	begin := time.Now()
	eventually(t, 20*time.Second, "both calls talk", func() error {
		for _, way := range ways {
			if n := len(log.between(way, begin, time.Now())); n < 20 {
				return errNoRows(n)
			}
		}
		return nil
	})
	for _, stop := range []time.Duration{500 * time.Millisecond, 5 * time.Second} {
		before := time.Now()
		s.pause(stop)
		after := time.Now()
		back := after.Add(time.Second)
		for _, way := range ways {
			eventually(t, 10*time.Second, "delays after the stop are known", func() error {
				if n := len(log.between(way, back, time.Now())); n < 10 {
					return errNoRows(n)
				}
				return nil
			})
			was, is := log.between(way, before.Add(-3*time.Second), before), log.between(way, back, time.Now())
			median, worst := was[len(was)/2], is[len(is)-1]
			t.Logf("stopped for %s, %s: %s before, a second after at most %s (median %s)", stop, way, median, worst, is[len(is)/2])
			if is[len(is)/2] > median+40*time.Millisecond {
				t.Errorf("stopped for %s: %s takes %s a second later; before it was %s", stop, way, is[len(is)/2], median)
			}
		}
	}
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if result.Completed != 2 || result.Seats.Answered != 2 || result.Seats.Missed != 0 {
		t.Errorf("the calls: %+v, seats %+v", result, result.Seats)
	}
}

// pause stops the process for d.
func (s *server) pause(d time.Duration) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(d) // this is the fault itself
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		s.t.Fatal(err)
	}
}

type errNoRows int

// Error says how many there were.
func (n errNoRows) Error() string { return "too few delays were measured so far" }
