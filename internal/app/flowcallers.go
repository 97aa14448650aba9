package app

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"callfloor/api"
	"callfloor/contact"
	"callfloor/ivr"
)

// whereabouts is where each call stands in its flow. Flows tell it at each
// node; editors ask.
type whereabouts struct {
	mu sync.Mutex
	at map[contact.ID]standing
}

// standing is a call's place, and the flow that it began with.
type standing struct {
	began ivr.Place // without a node
	here  ivr.Place
}

func newWhereabouts() *whereabouts { return &whereabouts{at: map[contact.ID]standing{}} }

// begin notes a call; what it returns is told each node and goes to
// ivr.Start.Reached.
func (w *whereabouts) begin(id contact.ID, f *ivr.Flow) func(ivr.Place) {
	began := ivr.Place{Flow: f.Name(), Version: f.Version()}
	return func(p ivr.Place) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.at[id] = standing{began: began, here: p}
	}
}

func (w *whereabouts) end(id contact.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.at, id)
}

// callers counts the calls at each node.
func (w *whereabouts) callers() []api.FlowCallers {
	w.mu.Lock()
	counts := map[ivr.Place]int{}
	for _, s := range w.at {
		counts[s.here]++
	}
	w.mu.Unlock()
	list := make([]api.FlowCallers, 0, len(counts))
	for p, n := range counts {
		list = append(list, api.FlowCallers{Flow: nameOf(p.Flow), Version: p.Version, Node: p.Node, Callers: n})
	}
	slices.SortFunc(list, func(a, b api.FlowCallers) int {
		return cmp.Or(cmp.Compare(a.Flow, b.Flow), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Node, b.Node))
	})
	return list
}

// began counts the calls that began with each version of a flow, or stand in
// it as a subflow.
func (w *whereabouts) began(name string) (all int, byVersion map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	byVersion = map[string]int{}
	for _, s := range w.at {
		switch name {
		case nameOf(s.began.Flow):
			byVersion[s.began.Version]++
		case nameOf(s.here.Flow):
			byVersion[s.here.Version]++
		default:
			continue
		}
		all++
	}
	return all, byVersion
}

// nameOf is the name of a flow by that of its file.
func nameOf(file string) string { return strings.TrimSuffix(file, ".yaml") }
