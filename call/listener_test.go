package call

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// hearer is a Listener that notes what it hears.
type hearer struct {
	mu        sync.Mutex
	heard     []string
	committed int
}

func (h *hearer) Wants(k contact.Kind) bool { return k != contact.KindSIP }

func (h *hearer) Hear(_ *store.Tx, r Record, e contact.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, fmt.Sprint(r.Line, " ", e.Kind, " ", len(r.Tags)))
	if e.Kind == contact.KindHold {
		return errors.New("it cannot keep that")
	}
	return nil
}

func (h *hearer) Committed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.committed++
}

// A listener hears each event with its call's row, the end of calls that a
// process left behind too; what it cannot keep does not cost the event. A
// wrap-up is over once for who had the call last.
func TestListener(t *testing.T) {
	j, h := newJournal(t), &hearer{}
	j.Tell(h)
	id, left := contact.NewID(), contact.NewID()
	now := time.Now()
	j.begin(id, "1000", "1", now)
	j.event(id, 1, contact.Event{At: now, Kind: contact.KindSIP})
	j.event(id, 2, contact.Event{At: now, Kind: contact.KindHold})
	j.answered(id, "sales", "alice", now)
	j.WrappedUp(id, WrappedUp{Agent: "alice"}) // it goes on,
	j.answered(id, "sales", "alice", now)      // and comes back
	j.end(id, now, contact.EndCause{By: contact.Customer, Class: contact.EndCompleted})
	if err := j.WrapUp(t.Context(), id, WrapUp{Agent: "alice", Tags: contact.Tags{"topic": {"order"}}}); err != nil {
		t.Fatal(err)
	}
	j.WrappedUp(id, WrappedUp{Agent: "bob"}) // it was taken from bob
	j.WrappedUp(id, WrappedUp{Agent: "alice"})
	j.begin(left, "1001", "1", now)
	if _, err := j.CloseOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"1000 hold 0", "1000 wrapup 1", "1001 end 0"}
	if !slices.Equal(h.heard, want) || h.committed == 0 {
		t.Errorf("heard %q (%d commits), want %q", h.heard, h.committed, want)
	}
	d, err := j.Show(t.Context(), id)
	if err != nil || len(d.Timeline) != 3 {
		t.Errorf("the timeline has %+v, %v", d.Timeline, err)
	}
}
