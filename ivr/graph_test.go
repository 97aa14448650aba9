package ivr

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestGraphHasEveryNodeAndWay(t *testing.T) {
	p := builtinPrompts(t)
	f, err := LoadFlow(BuiltinFlows(), "full.yaml", p)
	if err != nil {
		t.Fatal(err)
	}
	g := f.Graph()
	places := map[string]GraphNode{}
	for _, n := range g.Nodes {
		if n.X < 0 || n.Y < 0 || n.X+n.Width > g.Width+1 || n.Y+n.Height > g.Height+1 {
			t.Errorf("%s stands outside of the picture: %+v", n.ID, n)
		}
		places[n.ID] = n
	}
	for _, id := range f.order {
		if places[id].Line != f.nodes[id].at.line || !places[id].Reached {
			t.Errorf("node %s: %+v", id, places[id])
		}
	}
	for _, e := range g.Edges {
		if places[e.From].ID == "" || places[e.To].ID == "" {
			t.Errorf("the edge %+v leads nowhere", e)
		}
	}
	for a := range places {
		for b := range places {
			one, other := places[a], places[b]
			if a < b && one.X < other.X+other.Width && other.X < one.X+one.Width && one.Y < other.Y+other.Height && other.Y < one.Y+one.Height {
				t.Errorf("%s and %s lie on each other", a, b)
			}
		}
	}
}

func TestInspectShowsWhatCouldBeRead(t *testing.T) {
	fsys := fstest.MapFS{"a.yaml": {Data: []byte(`start: menu
nodes:
  menu:
    kind: menu
    say: menu_main
    keys: {1: {label: Sales, next: nowhere}, 2: {label: Two, next: bye}}
    silent: bye
  bye: {kind: hangup}
  alone: {kind: hangup}
  odd: {kind: teleport}
`)}}
	f, problems := Inspect(fsys, "a.yaml", builtinPrompts(t))
	if len(problems) == 0 {
		t.Fatal("it has problems")
	}
	g := f.Graph()
	var ids []string
	for _, n := range g.Nodes {
		ids = append(ids, n.ID)
	}
	if got := strings.Join(ids, " "); got != "menu bye alone odd" {
		t.Errorf("nodes: %s", got)
	}
	if len(g.Edges) != 1 || g.Edges[0].To != "bye" {
		t.Errorf("edges: %+v", g.Edges)
	}
}

// A text that can hardly be read must not break the editor.
func FuzzInspect(f *testing.F) {
	for _, seed := range []string{"start: a\nnodes:\n  a: {kind: hangup}\n", "nodes: {a: {kind: menu}}", "nodes:\n a:\n  kind: subflow\n  flow: a\n", "vars: {x: 1}\nnodes: {a: {kind: branch, choices: [{when: x, next: b}]}}"} {
		f.Add([]byte(seed))
	}
	p, err := LoadPrompts(BuiltinPrompts())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		one, _ := Inspect(fstest.MapFS{"a.yaml": {Data: text}}, "a.yaml", p)
		one.Graph()
	})
}
