package call

import (
	"encoding/json"
	"testing"
	"time"

	"callfloor/contact"
)

// wrapUps are what a call's timeline says of wrap-ups: why each ended.
func wrapUps(t *testing.T, d Detail) []string {
	t.Helper()
	var list []string
	for _, e := range d.Timeline {
		var data struct{ Why, Disposition, DispositionBy string }
		if e.Kind != contact.KindWrapUp {
			continue
		}
		if err := json.Unmarshal(e.Data, &data); err != nil {
			t.Fatal(err)
		}
		list = append(list, data.Why)
	}
	return list
}

// TestWrapUpBeforeTheEnd: an agent who is done before the end of the call is
// written is told of with it: without a wrap-up that is always so. Not so if
// another agent served it last; what the system chose goes with the first one.
func TestWrapUpBeforeTheEnd(t *testing.T) {
	done := WrappedUp{Agent: "alice", Why: "none", Disposition: "Not said"}
	for _, c := range []struct {
		name     string
		note     WrapUp
		then     func(*Journal, contact.ID)
		wants    int
		want, by string
	}{
		{"it ends", WrapUp{}, func(*Journal, contact.ID) {}, 1, "Not said", "system"},
		{"another one answers", WrapUp{}, func(j *Journal, id contact.ID) { j.answered(id, "sales", "bob", time.Now()) }, 0, "", ""},
		{"another one answers what has a result", WrapUp{Agent: "alice", Disposition: "Solved"}, func(j *Journal, id contact.ID) { j.answered(id, "sales", "bob", time.Now()) }, 0, "Solved", "agent"},
		{"told again", WrapUp{}, func(j *Journal, id contact.ID) { j.WrappedUp(id, done) }, 1, "Not said", "system"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, id := newJournal(t), contact.NewID()
			j.begin(id, "1000", "1", time.Now())
			j.answered(id, "sales", "alice", time.Now())
			must(t, j.WrapUp(t.Context(), id, c.note))
			j.WrappedUp(id, done)
			c.then(j, id)
			j.event(id, 1, contact.Event{At: time.Now(), Kind: contact.KindEnd})
			j.end(id, time.Now(), contact.EndCause{By: contact.Customer, Class: contact.EndCompleted})
			d, err := j.Show(t.Context(), id)
			if got := wrapUps(t, d); err != nil || len(got) != c.wants || c.wants == 1 && got[0] != "none" {
				t.Errorf("the timeline has %+v, %v", d.Timeline, err)
			}
			if orZero(d.Disposition) != c.want || orZero(d.DispositionBy) != c.by {
				t.Errorf("the result is %q by %q; want %q by %q", orZero(d.Disposition), orZero(d.DispositionBy), c.want, c.by)
			}
		})
	}
}

// TestWrapUpBeforeACrash: an agent who was done with a call that goes on is told
// of too where the server stops without warning, once.
func TestWrapUpBeforeACrash(t *testing.T) {
	j, id := newJournal(t), contact.NewID()
	j.begin(id, "1000", "1", time.Now())
	j.answered(id, "sales", "alice", time.Now())
	j.WrappedUp(id, WrappedUp{Agent: "alice", Why: "time"})
	for range 2 {
		if _, err := j.CloseOpen(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	d, err := j.Show(t.Context(), id)
	if got := wrapUps(t, d); err != nil || len(got) != 1 || got[0] != "time" {
		t.Errorf("the timeline has %+v, %v", d.Timeline, err)
	}
}

// TestTheSystemChooses: where the agent chose no result the system's is set, and
// said to be the system's; a choice is never overwritten, not even one that
// comes late.
func TestTheSystemChooses(t *testing.T) {
	auto := WrappedUp{Agent: "alice", Why: "time", Disposition: "Not said"}
	chose := func(disposition string) func(*Journal, contact.ID) error {
		return func(j *Journal, id contact.ID) error {
			return j.WrapUp(t.Context(), id, WrapUp{Agent: "alice", Disposition: disposition, Note: "x"})
		}
	}
	ends := func(w WrappedUp) func(*Journal, contact.ID) error {
		return func(j *Journal, id contact.ID) error { j.WrappedUp(id, w); return nil }
	}
	for _, c := range []struct {
		name     string
		steps    []func(*Journal, contact.ID) error
		want, by string
	}{
		{"nothing chosen", []func(*Journal, contact.ID) error{ends(auto)}, "Not said", "system"},
		{"a note alone", []func(*Journal, contact.ID) error{chose(""), ends(auto)}, "Not said", "system"},
		{"chosen", []func(*Journal, contact.ID) error{chose("Solved"), ends(auto)}, "Solved", "agent"},
		{"chosen, and taken back", []func(*Journal, contact.ID) error{chose("Solved"), chose(""), ends(auto)}, "Not said", "system"},
		{"chosen late", []func(*Journal, contact.ID) error{ends(auto), chose("Solved")}, "Solved", "agent"},
		{"a note comes late", []func(*Journal, contact.ID) error{ends(auto), chose("")}, "Not said", "system"},
		{"another agent's", []func(*Journal, contact.ID) error{ends(WrappedUp{Agent: "bob", Why: "time", Disposition: "Not said"})}, "", ""},
		{"none is configured", []func(*Journal, contact.ID) error{chose(""), ends(WrappedUp{Agent: "alice", Why: "time"})}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, id := newJournal(t), contact.NewID()
			j.begin(id, "1000", "1", time.Now())
			j.answered(id, "sales", "alice", time.Now())
			j.end(id, time.Now(), contact.EndCause{By: contact.Customer, Class: contact.EndCompleted})
			for _, step := range c.steps {
				if err := step(j, id); err != nil {
					t.Fatal(err)
				}
			}
			d, err := j.Show(t.Context(), id)
			if err != nil || orZero(d.Disposition) != c.want || orZero(d.DispositionBy) != c.by {
				t.Errorf("the result is %q by %q, %v; want %q by %q", orZero(d.Disposition), orZero(d.DispositionBy), err, c.want, c.by)
			}
		})
	}
}
