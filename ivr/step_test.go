package ivr

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
)

// TestEveryKindHasAScriptAndADescription holds the promise of doc.go.
func TestEveryKindHasAScriptAndADescription(t *testing.T) {
	var scripts strings.Builder
	files, err := filepath.Glob("testdata/run/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		_, trace := halves(t, file)
		scripts.WriteString(trace)
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kindNames() {
		if !strings.Contains(scripts.String(), "("+kind+"): ") {
			t.Errorf("no script of testdata/run meets a %s node", kind)
		}
		if !strings.Contains(string(doc), "//\t"+kind+" ") {
			t.Errorf("doc.go does not describe %s", kind)
		}
		for _, field := range fieldNames(newStep(kind)) {
			if !strings.Contains(string(doc), field) {
				t.Errorf("doc.go does not describe %s of %s", field, kind)
			}
		}
	}
}

// TestDemoFlowsSuitTheirLines checks each built-in flow as the demo uses it.
func TestDemoFlowsSuitTheirLines(t *testing.T) {
	for name, policy := range map[string]string{
		"full.yaml": modeAsk, "announced.yaml": modeAnnounce, "unrecorded.yaml": policyNever,
		"ringing.yaml": policyNever, "hangup.yaml": policyNever, "echo.yaml": policyNever,
	} {
		f := loadAny(t, name)
		for _, p := range f.Check(CheckOptions{ConsentPolicy: policy, Queues: []contact.QueueID{"sales", "support"}}) {
			t.Error(p)
		}
	}
}

func TestUnreadableFlow(t *testing.T) {
	p := builtinPrompts(t)
	for _, c := range []struct{ name, want string }{
		{"missing.yaml", "missing.yaml:1:1: there is no file missing.yaml"},
		{"../secret.yaml", "../secret.yaml:1:1: open ../secret.yaml"},
	} {
		if _, err := LoadFlow(os.DirFS("testdata/flows"), c.name, p); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for what, text := range map[string]string{
		"large":  strings.Repeat("# a comment\n", maxFlowText/10),
		"deep":   "nodes: " + strings.Repeat("[", 100_000),
		"deeper": "nodes: " + strings.Repeat("{a: ", 20_000),
		"marks":  "nodes: " + strings.Repeat("- ", 50_000),
		"asks":   "nodes:\n  " + strings.Repeat("? ", 50_000),
		"quote":  "nodes: " + strings.Repeat("\"", 100_000),
		"binary": "\x00\xff\xfe nodes",
	} {
		if _, err := loadText(p, text); err == nil || !strings.HasPrefix(err.Error(), "f.yaml:") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// brokenCaller fails in the middle of a call that is still there.
type brokenCaller struct {
	*fakeCaller
	err error
}

func (b brokenCaller) Ask(context.Context, []Prompt, bool, time.Duration) (rune, bool, error) {
	return 0, false, b.err
}

// TestAFaultHangsUp: when the call cannot play, the customer is not left in
// silence.
func TestAFaultHangsUp(t *testing.T) {
	f := loadAny(t, "full.yaml")
	fault := errors.New("no such prompt")
	c := &fakeCaller{prompts: f.prompts, begin: time.Now(), keys: make(chan rune, 1), cancel: func(error) {}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cause, err := f.Run(ctx, brokenCaller{c, fault}, Start{Line: "1000", Language: "fr", ConsentPolicy: modeAsk})
	if !errors.Is(err, fault) || c.ended == nil || cause.By != contact.System || cause.Class != contact.EndFailed {
		t.Errorf("err %v, cause %+v, hung up %v", err, cause, c.ended)
	}
}

// TestAStoppedFlowHangsUpNothing: a server that stops ends its calls with a
// cause of its own; the flow, which is stopped with them, is not at fault.
func TestAStoppedFlowHangsUpNothing(t *testing.T) {
	f := loadAny(t, "full.yaml")
	c := &fakeCaller{prompts: f.prompts, begin: time.Now(), keys: make(chan rune, 1), cancel: func(error) {}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cause, err := f.Run(ctx, brokenCaller{c, ctx.Err()}, Start{Line: "1000", ConsentPolicy: modeAsk})
	if err != nil || c.ended != nil || cause.By != contact.System {
		t.Errorf("err %v, cause %+v, hung up %v", err, cause, c.ended)
	}
}

// TestHoldAnswerAtEachAsking: the audio kept is that of the asking that was
// answered.
func TestHoldAnswerAtEachAsking(t *testing.T) {
	f := loadAny(t, "full.yaml")
	c, _, err := perform(t, f, scene{policy: modeAsk, hangup: 40 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var held, asked int
	for i, name := range c.called {
		if name == "HoldAnswer" {
			held++
			if c.called[i+1] == "Ask" {
				asked++
			}
		}
	}
	if held != 3 || asked != 3 {
		t.Errorf("held %d times, %d of them right before asking; want 3", held, asked)
	}
}
