package acd

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// trace collects actions as text, with the time since it was made.
type trace struct {
	start time.Time
	mu    sync.Mutex
	lines []string
}

func (tr *trace) act(actions []Action) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, a := range actions {
		switch a := a.(type) {
		case OfferTo, OfferEnded, Connect, Requeued, Refused:
			tr.lines = append(tr.lines, fmt.Sprintf("%v %T", time.Since(tr.start), a))
		case AgentChanged:
			tr.lines = append(tr.lines, fmt.Sprintf("%v %s", time.Since(tr.start), a.Status.State))
		}
	}
}

func (tr *trace) take() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	lines := tr.lines
	tr.lines = nil
	return lines
}

func engineConfig() Config {
	cfg := DefaultConfig()
	cfg.Queues = []QueueConfig{{ID: "sales", Agents: []string{"*"}}}
	return cfg
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEngineKeepsDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &trace{start: time.Now()}
		e := NewEngine(engineConfig(), nil, tr.act)
		defer e.Close()
		e.AddAgent("alice", nil)
		must(t, e.Do(SeatReady{Agent: "alice", Ready: true}))
		must(t, e.Do(AgentWants{Agent: "alice", State: contact.AgentAvailable}))
		must(t, e.Do(ContactQueued{Contact: "c1", Queue: "sales"}))
		if st, _ := e.Agent("alice"); st.State != contact.AgentOffered {
			t.Errorf("after Do the agent is %s, not offered", st.State)
		}
		synctest.Wait()
		tr.take()

		time.Sleep(time.Hour)
		synctest.Wait()
		if got, want := tr.take(), []string{"15s acd.OfferEnded", "15s not_responding"}; !slices.Equal(got, want) {
			t.Errorf("an offer nobody answers: %q, want %q", got, want)
		}
		err := e.Do(OfferAccepted{Agent: "alice", Contact: "c1"})
		if contact.ErrorCode(err) != contact.Conflict || !strings.Contains(contact.ErrorMessage(err), "rang too long") {
			t.Errorf("a late answer: %v", err)
		}

		must(t, e.Do(AgentWants{Agent: "alice", State: contact.AgentAvailable}))
		must(t, e.Do(OfferAccepted{Agent: "alice", Contact: "c1"}))
		must(t, e.Do(SeatLost{Agent: "alice"}))
		time.Sleep(time.Hour)
		synctest.Wait()
		want := []string{
			"1h0m0s available", "1h0m0s acd.OfferTo", "1h0m0s offered",
			"1h0m0s acd.OfferEnded", "1h0m0s acd.Connect", "1h0m0s talking",
			"1h0m10s acd.Requeued", "1h0m10s disconnected",
		}
		if got := tr.take(); !slices.Equal(got, want) {
			t.Errorf("a lost seat:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if p, ok := e.Place("c1"); !ok || p.Position != 1 {
			t.Errorf("place of c1: %+v, %v", p, ok)
		}
		if q, _ := e.Queue("sales"); q.Waiting != 1 || len(e.Queues()) != 1 || len(e.Agents()) != 1 {
			t.Errorf("figures: %+v", q)
		}
		e.RemoveAgent("alice")
		if _, ok := e.Agent("alice"); ok {
			t.Error("a removed agent is still there")
		}
	})
}

func TestEngineCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var acted atomic.Int64
		e := NewEngine(engineConfig(), slog.New(slog.DiscardHandler), func([]Action) {
			time.Sleep(time.Second)
			acted.Add(1)
		})
		for i := range 5 {
			must(t, e.Do(ContactQueued{Contact: contact.ID(fmt.Sprint(i)), Queue: "sales"}))
		}
		e.Close()
		if acted.Load() != 5 {
			t.Errorf("acted on %d of 5 steps before Close returned", acted.Load())
		}
		if err := e.Do(Tick{}); contact.ErrorCode(err) != contact.Busy {
			t.Errorf("after Close: %v", err)
		}
	})
}

// A slow act slows down whoever makes events; nothing is lost or reordered.
func TestEngineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var got []contact.ID
		e := NewEngine(engineConfig(), nil, func(actions []Action) {
			<-release
			for _, a := range actions {
				if p, ok := a.(Refused); ok {
					got = append(got, p.Contact)
				}
			}
		})
		const n = 3 * outbox
		var done atomic.Int64
		var all sync.WaitGroup
		all.Go(func() {
			for i := range n {
				if err := e.Do(ContactQueued{Contact: contact.ID(fmt.Sprint(i)), Queue: "nowhere"}); err != nil {
					t.Error(err)
				}
				done.Add(1)
			}
		})
		synctest.Wait()
		// One full box may be in act's hands and one waits.
		if d := done.Load(); d < outbox || d > 2*outbox {
			t.Errorf("%d events were taken while act stood still, the bound is %d", d, outbox)
		}
		close(release)
		all.Wait()
		e.Close()
		if len(got) != n {
			t.Fatalf("%d of %d acted on", len(got), n)
		}
		for i, id := range got {
			if id != contact.ID(fmt.Sprint(i)) {
				t.Fatalf("number %d is %s", i, id)
			}
		}
	})
}

// Who waits for room when the engine closes is told so.
func TestEngineClosesWhileFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		e := NewEngine(engineConfig(), nil, func([]Action) { <-release })
		var last error
		var all sync.WaitGroup
		all.Go(func() {
			for i := 0; last == nil; i++ {
				last = e.Do(ContactQueued{Contact: contact.ID(fmt.Sprint(i)), Queue: "nowhere"})
			}
		})
		synctest.Wait()
		all.Go(e.Close)
		synctest.Wait()
		close(release)
		all.Wait()
		if contact.ErrorCode(last) != contact.Busy {
			t.Errorf("Do in a full engine that closes: %v", last)
		}
	})
}

func TestEngineOutlivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acted := 0
		e := NewEngine(engineConfig(), nil, func([]Action) {
			if acted++; acted == 1 {
				panic("a bug elsewhere")
			}
		})
		must(t, e.Do(ContactQueued{Contact: "c1", Queue: "nowhere"}))
		must(t, e.Do(ContactQueued{Contact: "c2", Queue: "nowhere"}))
		e.Close()
		if acted != 2 {
			t.Errorf("acted %d times, want 2", acted)
		}
	})
}

// Many goroutines at once, for the race detector: every contact is answered.
func TestEngineConcurrently(t *testing.T) {
	cfg := engineConfig()
	cfg.WrapUp = 0
	var e *Engine
	var answered atomic.Int64
	offers := make(chan OfferTo, 1024)
	e = NewEngine(cfg, nil, func(actions []Action) {
		for _, a := range actions {
			switch a := a.(type) {
			case OfferTo:
				offers <- a
			case Connect:
				answered.Add(1)
			}
		}
	})
	const agents, contacts = 10, 400
	for i := range agents {
		id := contact.AgentID(fmt.Sprint("agent", i))
		e.AddAgent(id, nil)
		must(t, e.Do(SeatReady{Agent: id, Ready: true}))
		must(t, e.Do(AgentWants{Agent: id, State: contact.AgentAvailable}))
	}
	var seats, callers sync.WaitGroup
	for range 4 {
		seats.Go(func() {
			for o := range offers {
				if err := e.Do(OfferAccepted{o.Agent, o.Contact}); err != nil {
					t.Error(err)
				}
				if err := e.Do(ContactReleased{o.Contact, o.Agent}); err != nil {
					t.Error(err)
				}
			}
		})
		callers.Go(func() {
			for range contacts / 4 {
				if err := e.Do(ContactQueued{Contact: contact.NewID(), Queue: "sales"}); err != nil {
					t.Error(err)
				}
				e.Queues()
			}
		})
	}
	callers.Wait()
	for answeredAll := false; !answeredAll; {
		q, _ := e.Queue("sales")
		answeredAll = q.Answered == contacts && q.Talking == 0
	}
	e.Close()
	close(offers)
	seats.Wait()
	if answered.Load() != contacts {
		t.Errorf("%d of %d were connected", answered.Load(), contacts)
	}
}
