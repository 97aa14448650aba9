package ivr

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"callfloor/contact"
)

// TestConsentThroughSubflows: a path that leads through another file is found,
// with both files' nodes on it; consent in a subflow counts.
func TestConsentThroughSubflows(t *testing.T) {
	p := builtinPrompts(t)
	fsys := fstest.MapFS{
		"line.yaml":    {Data: []byte("nodes:\n  first: {kind: subflow, flow: who, exits: {vip: sales}, next: ask}\n  ask: {kind: subflow, flow: consent, next: sales}\n  sales: {kind: queue, queue: sales, refused: bye}\n  bye: {kind: hangup}\n")},
		"who.yaml":     {Data: []byte("nodes:\n  menu: {kind: menu, say: menu_main, keys: {1: {label: VIP, next: vip}}, silent: other}\n  vip: {kind: return, as: vip}\n  other: {kind: return}\n")},
		"consent.yaml": {Data: []byte("nodes:\n  ask: {kind: consent, mode: ask, say: consent_question, next: done}\n  done: {kind: return}\n")},
	}
	f, err := LoadFlow(fsys, "line.yaml", p)
	if err != nil {
		t.Fatal(err)
	}
	o := CheckOptions{ConsentPolicy: modeAsk, Queues: []contact.QueueID{"sales"}}
	problems := f.Check(o)
	want := `line.yaml:4:3: a caller reaches the queue "sales" without a consent node of mode ask, which the line requires; put one on this path (the caller's path: first → who/menu → key 1 (VIP) → who/vip → sales)`
	if len(problems) != 1 || problems[0].String() != want {
		t.Errorf("got %v\nwant %s", problems, want)
	}
	fsys["line.yaml"].Data = []byte(strings.Replace(string(fsys["line.yaml"].Data), "vip: sales", "vip: ask", 1))
	if f, err = LoadFlow(fsys, "line.yaml", p); err != nil {
		t.Fatal(err)
	}
	if problems := f.Check(o); len(problems) > 0 {
		t.Error(problems)
	}
	o.Queues = nil
	if problems := f.Check(o); len(problems) != 1 || problems[0].File != "line.yaml" {
		t.Error(problems)
	}
}

// TestProblemsOfSubflowsHaveTheirFile and a chain that is too deep is refused.
func TestProblemsOfSubflowsHaveTheirFile(t *testing.T) {
	p := builtinPrompts(t)
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"its own file": {fstest.MapFS{
			"a.yaml": {Data: []byte("nodes: {x: {kind: subflow, flow: b, next: y}, y: {kind: hangup}}")},
			"b.yaml": {Data: []byte("nodes:\n  x: {kind: play, say: nothing_here, next: y}\n  y: {kind: return}\n")},
		}, `b.yaml:2:24: there is no prompt "nothing_here"`},
		"circle": {fstest.MapFS{
			"a.yaml": {Data: []byte("nodes: {x: {kind: subflow, flow: b, next: y}, y: {kind: hangup}}")},
			"b.yaml": {Data: []byte("nodes:\n  x: {kind: subflow, flow: a, next: y}\n  y: {kind: return}\n")},
		}, `b.yaml:2:28: the subflow a.yaml calls itself (a.yaml → b.yaml → a.yaml)`},
		"deep": {fstest.MapFS{
			"a.yaml": {Data: []byte("nodes: {x: {kind: subflow, flow: b, next: y}, y: {kind: hangup}}")},
			"b.yaml": {Data: []byte("nodes: {x: {kind: subflow, flow: c, next: y}, y: {kind: return}}")},
			"c.yaml": {Data: []byte("nodes: {x: {kind: subflow, flow: d, next: y}, y: {kind: return}}")},
			"d.yaml": {Data: []byte("nodes: {x: {kind: subflow, flow: e, next: y}, y: {kind: return}}")},
			"e.yaml": {Data: []byte("nodes: {x: {kind: subflow, flow: f, next: y}, y: {kind: return}}")},
			"f.yaml": {Data: []byte("nodes: {y: {kind: return}}")},
		}, `e.yaml:1:34: the subflow f.yaml would be the 6th flow in a row`},
		"no way on": {fstest.MapFS{
			"a.yaml": {Data: []byte("nodes: {x: {kind: subflow, flow: b, exits: {odd: y}, with: {n: 1}, returns: {m: 1}}, y: {kind: hangup}}")},
			"b.yaml": {Data: []byte("nodes: {y: {kind: return, as: even}}")},
		}, `a.yaml:1:9: the subflow node "x" needs next: where to go on when b.yaml returns as even`},
	} {
		_, err := LoadFlow(c.files, "a.yaml", p)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
	}
}

// TestQueuesOfReturnsHaveTheCallersFile: what stands in returns: reads the
// subflow's variables, but it is the caller's text, and is told of there alone.
func TestQueuesOfReturnsHaveTheCallersFile(t *testing.T) {
	f, err := LoadFlow(fstest.MapFS{
		"line.yaml": {Data: []byte("vars: {n: 0}\nnodes:\n  a: {kind: subflow, flow: who, returns: {n: 'k + queue(\"gone\").waiting'}, next: b}\n  b: {kind: hangup}\n")},
		"who.yaml":  {Data: []byte("vars: {k: 1}\nnodes:\n  a: {kind: set, values: {k: 'queue(\"lost\").waiting'}, next: b}\n  b: {kind: return}\n")},
	}, "line.yaml", builtinPrompts(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range f.Check(CheckOptions{ConsentPolicy: policyNever, Queues: []contact.QueueID{"sales"}}) {
		got = append(got, strings.TrimSuffix(p.String(), "; the configuration's queues are: sales"))
	}
	want := []string{`line.yaml:3:57: there is no queue "gone"`, `who.yaml:3:37: there is no queue "lost"`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestSecretsAreNowhere searches everything a run writes down for the digits.
func TestSecretsAreNowhere(t *testing.T) {
	const card = "4111111111111111"
	s := scene{policy: policyNever, lookups: []lookup{{status: 200, body: `{"paid":"` + card + `"}`, after: time.Second}}, queues: []queueing{{gone: true, after: time.Second}}}
	for i, k := range card + "#" {
		s.presses = append(s.presses, press{key: k, at: 5*time.Second + time.Duration(i)*100*time.Millisecond})
	}
	c, _, err := perform(t, loadAny(t, "card.yaml"), s)
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, line := range c.trace {
		if !strings.Contains(line, card) {
			continue
		}
		if sent++; !strings.Contains(line, "POST https://bank.example/charges ") {
			t.Errorf("the digits are in %q", line)
		}
	}
	if sent != 1 {
		t.Errorf("the bank got the digits %d times", sent)
	}
}
