package ivr

import (
	"slices"
	"strings"
	"testing"
)

// TestKinds: editors get every field of every kind, and know which ones lead on.
func TestKinds(t *testing.T) {
	var exits, blocks []string
	for _, k := range Kinds() {
		if newStep(k.Kind) == nil {
			t.Errorf("there is no kind %q", k.Kind)
		}
		for _, f := range k.Fields {
			switch f.Type {
			case "exit", "exits":
				exits = append(exits, k.Kind+"."+f.Name)
			case "block":
				blocks = append(blocks, k.Kind+"."+f.Name)
			}
		}
	}
	for _, want := range []string{
		"play.next", "menu.keys", "menu.silent", "menu.failed", "branch.choices", "branch.else", "split.shares", "consent.next", "consent.agreed",
		"consent.refused", "hours.next", "hours.opened", "hours.closed", "queue.refused", "queue.closed", "queue.no_agents", "queue.overflow", "queue.served",
		"collect.silent", "collect.failed", "lookup.failed", "subflow.exits", "subflow.next",
	} {
		if !slices.Contains(exits, want) {
			t.Errorf("%s leads on, but is not among %s", want, strings.Join(exits, " "))
		}
	}
	for _, not := range []string{"queue.queue", "menu.say", "subflow.flow", "survey.into"} {
		if slices.Contains(exits, not) {
			t.Errorf("%s does not name a node", not)
		}
	}
	if !slices.Contains(blocks, "set.values") {
		t.Errorf("set.values is edited as text; the blocks are %s", strings.Join(blocks, " "))
	}
}
