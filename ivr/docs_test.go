package ivr

import (
	"bytes"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"callfloor/contact"
)

// TestTheSchemaIsCurrent compares docs/flow.schema.json with the nodes; -update
// writes it.
func TestTheSchemaIsCurrent(t *testing.T) {
	const file = "../docs/flow.schema.json"
	if *update {
		if err := os.WriteFile(file, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(have, Schema()) {
		t.Errorf("%s is not what the nodes are (%v); run: callfloor flow schema >docs/flow.schema.json", file, err)
	}
}

// TestExamplesOfTheDocumentation checks every YAML block of docs/flows.md: flows
// are read and checked, scenarios are run.
func TestExamplesOfTheDocumentation(t *testing.T) {
	text, err := os.ReadFile("../docs/flows.md")
	if err != nil {
		t.Fatal(err)
	}
	p := builtinPrompts(t)
	full, err := fs.ReadFile(BuiltinFlows(), "full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml")[1:]
	if len(blocks) < 7 {
		t.Errorf("%d examples, want 7", len(blocks))
	}
	for _, b := range blocks {
		b, _, _ = strings.Cut(b, "```")
		if scenarios, ok := strings.CutPrefix(b, " test\n"); ok {
			s, err := LoadScenarios(fstest.MapFS{"x.test.yaml": {Data: []byte(scenarios)}, "full.yaml": {Data: full}}, "x.test.yaml", p)
			if err != nil {
				t.Error(err)
				continue
			}
			for _, o := range s.Run(t.Context()) {
				for _, f := range o.Failures {
					t.Errorf("%s: %s", o.Name, f)
				}
			}
			continue
		}
		f, err := loadText(p, b)
		if err != nil {
			t.Errorf("%v\n%s", err, b)
			continue
		}
		for _, problem := range f.Check(CheckOptions{ConsentPolicy: f.policy(), Queues: []contact.QueueID{"sales", "support"}, Speech: true}) {
			t.Errorf("%v\n%s", problem, b)
		}
	}
}

// TestDrawings: every flow is drawn, with each node that a caller can reach.
func TestDrawings(t *testing.T) {
	for _, name := range []string{"full.yaml", "orders.yaml", "card.yaml", "ringing.yaml", "branches.yaml", "hours.yaml"} {
		f := loadAny(t, name)
		var svg strings.Builder
		if err := f.Draw(&svg); err != nil {
			t.Fatal(err)
		}
		for id := range f.walk() {
			if !strings.Contains(svg.String(), ">"+id+"<") {
				t.Errorf("%s: the drawing lacks %s", name, id)
			}
		}
		if strings.Contains(svg.String(), "NaN") || !strings.HasSuffix(svg.String(), "</svg>\n") {
			t.Errorf("%s: a broken drawing", name)
		}
	}
}
