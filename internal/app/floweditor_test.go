package app

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callfloor/api"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/ivr"
)

// newEditor returns an editor of the demo's lines with a data folder of its own.
func newEditor(t *testing.T) *flowEditor {
	t.Helper()
	prompts, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
	must(t, err)
	cfg, err := config.Load(config.Source{Demo: true, Flags: []config.Flag{{Name: "--data", Key: "data", Value: t.TempDir()}}})
	must(t, err)
	s, err := newShelf(cfg, slog.New(slog.DiscardHandler), prompts)
	must(t, err)
	return newFlowEditor(s, newWhereabouts())
}

// TestFlowsArePublishedAndRolledBack: what is published is for new calls, with
// its author; a wrong one is refused whole, and so is one that somebody else
// has changed meanwhile.
func TestFlowsArePublishedAndRolledBack(t *testing.T) {
	e, ctx := newEditor(t), t.Context()
	before, err := e.Show(ctx, "full", "")
	must(t, err)
	if !before.BuiltIn || !before.Current || before.Lines[0] != "1000" || len(before.Problems) != 0 || before.Tests == nil {
		t.Fatalf("the built-in flow: %+v", before.FlowSummary)
	}
	changed := strings.Replace(before.Text, "label: Sales", "label: Shop", 1)
	v, err := e.Publish(ctx, "full", api.FlowPublish{Text: changed, Base: before.Version, Note: "a shop"}, "ada")
	must(t, err)
	if v.By != "ada" || v.Note != "a shop" || !v.Current || e.shelf.flow("full").Version() != v.Version {
		t.Errorf("published: %+v", v)
	}
	if _, err := e.Publish(ctx, "full", api.FlowPublish{Text: before.Text, Base: before.Version}, "bob"); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("from an old version: %v", err)
	}
	wrong := strings.Replace(changed, "queue: sales", "queue: nobody", 1)
	_, err = e.Publish(ctx, "full", api.FlowPublish{Text: wrong, Base: v.Version}, "ada")
	if contact.ErrorCode(err) != contact.Invalid || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a wrong flow: %v", err)
	}
	if e.shelf.flow("full").Version() != v.Version || e.current("full") != v.Version {
		t.Error("the wrong flow was taken")
	}
	back, err := e.RollBack(ctx, "full", before.Version, "", "ada")
	must(t, err)
	now, err := e.Show(ctx, "full", "")
	must(t, err)
	if back.Version != before.Version || now.Text != before.Text || now.BuiltIn {
		t.Errorf("rolled back: %+v", back)
	}
	list, err := e.Versions(ctx, "full")
	must(t, err)
	var log []string
	for _, v := range list {
		log = append(log, v.By+" "+v.Note)
	}
	if got := strings.Join(log, "|"); got != "ada back to "+before.Version+"|ada a shop| " {
		t.Errorf("versions: %s", got)
	}
	old, err := e.Show(ctx, "full", v.Version)
	must(t, err)
	if old.Text != changed || old.Current {
		t.Errorf("the version of before: current %t", old.Current)
	}
}

// TestCheckHoldsADraftAgainstItsLines: a subflow that would break the flow of a
// line is refused, and the caller's path is told.
func TestCheckHoldsADraftAgainstItsLines(t *testing.T) {
	e, ctx := newEditor(t), t.Context()
	text := "nodes:\n  a: {kind: play, say: greeting, next: sales}\n  sales: {kind: queue, queue: sales, refused: b}\n  b: {kind: hangup}\n"
	c, err := e.Check(ctx, "full", text)
	must(t, err)
	if c.OK || c.Problems[0].OnLine != "1000" || strings.Join(c.Problems[0].Path, " ") != "a sales" || len(c.Graph.Nodes) < 3 {
		t.Errorf("a queue without consent: %+v", c.Problems)
	}
	if c, err = e.Check(ctx, "other", text); err != nil || !c.OK {
		t.Errorf("on no line: %+v, %v", c, err)
	}
	c, err = e.Check(ctx, "other", "nodes:\n  a: {kind: play, say: greting, next: b}\n  b: {kind: hangup}\n")
	must(t, err)
	if c.OK || c.Problems[0].Line != 2 || !strings.Contains(c.Problems[0].Message, `did you mean "greeting"`) || c.Problems[0].OnLine != "" {
		t.Errorf("a prompt that is none: %+v", c.Problems)
	}
	// a subflow of a line
	must(t, os.MkdirAll(e.shelf.folder, 0o755))
	sub := "nodes:\n  x: {kind: play, say: goodbye, next: y}\n  y: {kind: return}\n"
	if _, err = e.Publish(ctx, "sub", api.FlowPublish{Text: sub}, "ada"); err != nil {
		t.Fatal(err)
	}
	caller := "nodes:\n  a: {kind: subflow, flow: sub, next: b}\n  b: {kind: hangup}\n"
	if _, err = e.Publish(ctx, "hangup", api.FlowPublish{Text: caller, Base: e.current("hangup")}, "ada"); err != nil {
		t.Fatal(err)
	}
	c, err = e.Check(ctx, "sub", strings.Replace(sub, "return", "return, as: other", 1)+"  z: {kind: hangup}\n")
	must(t, err)
	if c.OK {
		t.Error("a node that nobody reaches is well")
	}
	c, err = e.Check(ctx, "sub", "nodes:\n  y: {kind: queue, queue: sales, refused: z}\n  z: {kind: return}\n")
	must(t, err)
	_ = c // line 1004 never records: a queue is well there
	list, err := e.List(ctx)
	must(t, err)
	names := map[string]api.FlowSummary{}
	for _, f := range list {
		names[f.Name] = f
	}
	if len(names["sub"].Lines) != 0 || names["hangup"].Uses[0] != "sub" || names["full"].Lines[0] != "1000" {
		t.Errorf("the list: %+v", list)
	}
}

func TestSimulateAndTest(t *testing.T) {
	e, ctx := newEditor(t), t.Context()
	got, err := e.Simulate(ctx, api.FlowSimulation{Name: "full", Script: json.RawMessage(`{"steps":[{"hear":"consent_question"},{"press":"1"}]}`)})
	must(t, err)
	if got.Waits != "key" || got.Node != "menu" {
		t.Errorf("%+v", got)
	}
	outcomes, err := e.Test(ctx, "full", api.FlowTest{})
	must(t, err)
	for _, o := range outcomes {
		if !o.OK {
			t.Errorf("%s: %v", o.Place, o.Failures)
		}
	}
	tests := "scenarios:\n  - name: nobody says so\n    steps: [{hear: nothing}]\n"
	if outcomes, err = e.Test(ctx, "full", api.FlowTest{Tests: &tests}); err != nil || len(outcomes) != 1 || outcomes[0].OK {
		t.Errorf("a test that fails: %+v, %v", outcomes, err)
	}
	for _, name := range []string{"../etc/passwd", "nothing", ""} {
		if _, err := e.Simulate(ctx, api.FlowSimulation{Name: name}); contact.ErrorCode(err) != contact.NotFound {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestCallersStandAtNodes(t *testing.T) {
	w := newWhereabouts()
	e := newEditor(t)
	f := e.shelf.flow("full")
	for i, node := range []string{"menu", "menu", "sales"} {
		w.begin(contact.ID([]string{"a", "b", "c"}[i]), f)(ivr.Place{Flow: "full.yaml", Version: f.Version(), Node: node})
	}
	w.begin("d", f)(ivr.Place{Flow: "sub.yaml", Version: "9", Node: "x"})
	got, err := json.Marshal(w.callers())
	must(t, err)
	v := f.Version()
	want := `[{"flow":"full","version":"` + v + `","node":"menu","callers":2},{"flow":"full","version":"` + v + `","node":"sales","callers":1},{"flow":"sub","version":"9","node":"x","callers":1}]`
	if string(got) != want {
		t.Errorf("%s", got)
	}
	if all, by := w.began("full"); all != 4 || by[v] != 4 {
		t.Errorf("began: %d %v", all, by)
	}
	w.end("d")
	if all, _ := w.began("sub"); all != 0 {
		t.Errorf("%d are in sub", all)
	}
}

func TestFlowFilesStayInTheirFolder(t *testing.T) {
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "a.yaml"), []byte("x"), 0o600))
	f := newFlowFiles(folder, map[string][]byte{"b.yaml": []byte("draft")})
	for name, want := range map[string]bool{"a.yaml": true, "b.yaml": true, "full.yaml": true, "../a.yaml": false, "/etc/passwd": false, "c.yaml": false} {
		if file, err := f.Open(name); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		} else if err == nil {
			must(t, file.Close())
		}
	}
}
