package ivr

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// TestBuiltinScenarios runs the test files of the built-in flows and of the
// examples; every flow has one.
func TestBuiltinScenarios(t *testing.T) {
	p := builtinPrompts(t)
	files, err := fs.Glob(BuiltinFlows(), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, TestSuffix) {
			continue
		}
		s, err := LoadScenarios(BuiltinFlows(), strings.TrimSuffix(f, ".yaml")+TestSuffix, p)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, o := range s.Run(t.Context()) {
			if len(o.Failures) > 0 {
				t.Errorf("%s %s: %s\n%s", o.Place, o.Name, strings.Join(o.Failures, "; "), strings.Join(o.Trace, "\n"))
			}
		}
	}
}

// TestScenarioFailures holds what a failing scenario says: testdata/scenarios/*.txt.
func TestScenarioFailures(t *testing.T) {
	p := builtinPrompts(t)
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			head, want := halves(t, file)
			fsys := fstest.MapFS{"f.test.yaml": {Data: []byte(head)}}
			for _, name := range []string{"orders.yaml", "card.yaml", "pay.yaml", "branches.yaml", "talk.yaml", "studio.yaml", "closed.yaml", "rush.yaml"} {
				text, err := os.ReadFile("testdata/flows/" + name)
				if err != nil {
					t.Fatal(err)
				}
				fsys[name] = &fstest.MapFile{Data: text}
			}
			var got strings.Builder
			s, err := LoadScenarios(fsys, "f.test.yaml", p)
			if err != nil {
				fmt.Fprintln(&got, err)
			} else {
				for _, o := range s.Run(t.Context()) {
					fmt.Fprintf(&got, "%s %s, %v: %d failures\n", o.Place, o.Name, o.Lasted, len(o.Failures))
					for _, f := range o.Failures {
						fmt.Fprintln(&got, "  "+f)
					}
				}
			}
			compare(t, file, head, want, got.String())
		})
	}
}

// TestManyScenariosAreQuick runs 200 calls of half a minute each and more; the
// test's own time limit would fail if they took real time.
func TestManyScenariosAreQuick(t *testing.T) {
	p := builtinPrompts(t)
	text, err := fs.ReadFile(BuiltinFlows(), "full.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	flow, err := fs.ReadFile(BuiltinFlows(), "full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, one, _ := strings.Cut(string(text), "scenarios:\n")
	s, err := LoadScenarios(fstest.MapFS{
		"full.test.yaml": {Data: []byte("scenarios:\n" + strings.Repeat(one, 29))}, "full.yaml": {Data: flow},
	}, "full.test.yaml", p)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var calls time.Duration
	outcomes := s.Run(t.Context())
	for _, o := range outcomes {
		calls += o.Lasted
	}
	t.Logf("%d scenarios, %v of calls, in %v", len(outcomes), calls, time.Since(began))
	if len(outcomes) < 200 {
		t.Errorf("%d scenarios, want 200", len(outcomes))
	}
}
