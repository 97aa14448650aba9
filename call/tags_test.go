package call

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"callfloor/contact"
)

// Tags are kept with the call in the order of their choice, found by, counted,
// and stay where a later save says nothing of them; of an agent whose call was
// taken over they go into the timeline.
func TestTags(t *testing.T) {
	j := newJournal(t)
	at := time.Now()
	first, second := contact.NewID(), contact.NewID()
	for _, id := range []contact.ID{first, second} {
		j.begin(id, "1000", "1", at)
		j.answered(id, "sales", "alice", at)
	}
	save := func(id contact.ID, w WrapUp) {
		t.Helper()
		if err := j.WrapUp(t.Context(), id, w); err != nil {
			t.Fatal(err)
		}
	}
	save(first, WrapUp{Agent: "alice", Tags: contact.Tags{"topic": {"other"}}})
	save(first, WrapUp{Agent: "alice", Tags: contact.Tags{"topic": {"order", "billing"}, "mood": {"calm"}}})
	save(first, WrapUp{Agent: "alice", Done: true})
	save(second, WrapUp{Agent: "alice", Tags: contact.Tags{"topic": {"order"}}})
	save(second, WrapUp{Agent: "bob", Tags: contact.Tags{"topic": {"complaint"}}, Done: true})

	want := contact.Tags{"topic": {"order", "billing"}, "mood": {"calm"}}
	if got, err := j.Tags(t.Context(), first); err != nil || !cmp.Equal(got, want) {
		t.Errorf("the call has %v, %v", got, err)
	}
	for _, c := range []struct {
		tags []string
		want int
	}{{nil, 2}, {[]string{"topic=order"}, 2}, {[]string{"topic=order", "mood=calm"}, 1}, {[]string{"topic=complaint"}, 0}} {
		if got, err := j.List(t.Context(), Query{Tags: c.tags}); err != nil || len(got) != c.want {
			t.Errorf("%v: %d calls, %v; want %d", c.tags, len(got), err, c.want)
		}
	}
	counts, err := j.TagCounts(t.Context(), at.Add(-time.Second), at.Add(time.Second), "alice")
	if d := cmp.Diff([]TagCount{{"mood", "calm", 1}, {"topic", "billing", 1}, {"topic", "order", 2}}, counts); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
	if counts, err := j.TagCounts(t.Context(), at.Add(time.Second), at.Add(time.Hour), ""); err != nil || len(counts) != 0 {
		t.Errorf("later: %v %v", counts, err)
	}
	d, err := j.Show(t.Context(), second)
	if err != nil || len(d.Timeline) != 1 || d.Timeline[0].Kind != contact.KindWrapUp {
		t.Errorf("the one who was taken over wrote %+v, %v", d.Timeline, err)
	}
}
