package app

import (
	"strings"
	"sync"
	"testing"
	"time"

	"callfloor/acd"
	"callfloor/api"
)

// TestAFlowChangesWhile50CallsRunInIt: the calls that are up keep their version
// to their end, whoever comes after hears the new one, and the counts of the
// editor tell them apart.
func TestAFlowChangesWhile50CallsRunInIt(t *testing.T) {
	const calls = 50
	onFloorWith(t, func(*acd.QueueConfig) {}, func(f *floor) {
		e := newFlowEditor(f.app.shelf, f.app.where)
		before, err := e.Show(t.Context(), "full", "")
		must(t, err)
		var all sync.WaitGroup
		for range calls {
			all.Go(func() { f.customer("1000", map[time.Duration]rune{4 * time.Second: '2'}, 14*time.Second) })
		}
		time.Sleep(7 * time.Second)
		if n, by := f.app.where.began("full"); n != calls || by[before.Version] != calls {
			t.Errorf("%d calls are in the flow: %v", n, by)
		}
		after, err := e.Publish(t.Context(), "full", api.FlowPublish{
			Text: strings.Replace(before.Text, "label: Sales", "label: Shop", 1), Base: before.Version, Note: "in mid-call",
		}, "ada")
		must(t, err)
		all.Go(func() { f.customer("1000", nil, 3*time.Second) })
		time.Sleep(2 * time.Second)
		if n, by := f.app.where.began("full"); n != calls+1 || by[before.Version] != calls || by[after.Version] != 1 {
			t.Errorf("after the change %d calls are in the flow: %v", n, by)
		}
		for _, c := range f.app.where.callers() {
			if c.Version == before.Version && (c.Node != "menu" || c.Callers != calls) {
				t.Errorf("the calls that were up stand at %+v", c)
			}
		}
		all.Wait()
		time.Sleep(time.Second)
		if n, _ := f.app.where.began("full"); n != 0 {
			t.Errorf("%d calls are left", n)
		}
	})
}
