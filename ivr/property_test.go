package ivr

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"callfloor/contact"
)

// drawScene is a customer who presses anything at any time, and perhaps leaves.
func drawScene(rt *rapid.T, policy string) scene {
	s := scene{policy: policy, queues: []queueing{{served: true, after: 3 * time.Second}}}
	for range rapid.IntRange(0, 30).Draw(rt, "keys") {
		s.presses = append(s.presses, press{
			key: rapid.SampledFrom([]rune(keypad)).Draw(rt, "key"),
			// An odd number of ms: never at once with the end of a prompt.
			at: time.Duration(rapid.IntRange(0, 60_000).Draw(rt, "at")*2+1) * time.Millisecond,
		})
	}
	if rapid.Bool().Draw(rt, "leaves") {
		s.hangup = time.Duration(rapid.IntRange(0, 60_000).Draw(rt, "leaves at")*2+2) * time.Millisecond
	}
	return s
}

// checkRun holds what is true of every run of every flow.
func checkRun(rt interface{ Fatalf(string, ...any) }, c *fakeCaller, policy string, cause contact.EndCause, err error) {
	if err != nil && strings.Contains(err.Error(), "goes in circles") && c.ended != nil {
		err = nil // nodes that wait for nothing in a circle: cut off, and that is an end
	}
	if err != nil || cause.By == "" {
		rt.Fatalf("the flow failed: %v, %+v\n%s", err, cause, strings.Join(c.trace, "\n"))
	}
	answered := false
	for i, name := range c.called {
		switch {
		case strings.HasPrefix(name, "Consent "):
			answered = true
		case strings.HasPrefix(name, "Enqueue ") && policy != policyNever && !answered:
			rt.Fatalf("queued before the consent was settled:\n%s", strings.Join(c.called, "\n"))
		case name == "Hangup" && i != len(c.called)-1:
			rt.Fatalf("something is done after the end:\n%s", strings.Join(c.called, "\n"))
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(c.called), func(s string) bool { return s != "Answer" })); n > 1 {
		rt.Fatalf("answered %d times", n)
	}
}

// TestAnyKeysEndTheFullFlow: whatever a customer presses, the demo's flow comes
// to an end, and nobody is queued without an answer to the question.
func TestAnyKeysEndTheFullFlow(t *testing.T) {
	f := loadAny(t, "full.yaml")
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt, modeAsk)
		c, cause, err := perform(t, f, s)
		checkRun(rt, c, modeAsk, cause, err)
	})
}

// TestAnyKeysEndEveryFlow: so do the flows with every other kind of node,
// whatever other servers answer and queues do.
func TestAnyKeysEndEveryFlow(t *testing.T) {
	var flows []*Flow
	for _, name := range []string{"orders.yaml", "card.yaml", "branches.yaml", "hours.yaml", "talk.yaml"} {
		flows = append(flows, loadAny(t, name))
	}
	rapid.Check(t, func(rt *rapid.T) {
		f := rapid.SampledFrom(flows).Draw(rt, "flow")
		policy := f.policy()
		s := drawScene(rt, policy)
		s.clock = time.Duration(rapid.IntRange(0, 7*24*60).Draw(rt, "minute")) * time.Minute
		s.caller = rapid.SampledFrom([]string{"", "112", "13912345678", "../..?#\r\n"}).Draw(rt, "caller")
		s.hours = rapid.SampledFrom([]string{"", hoursOpen, hoursClosed}).Draw(rt, "hours")
		s.percents = []int{rapid.IntRange(0, 99).Draw(rt, "percent")}
		s.voice, s.mute = rapid.Bool().Draw(rt, "voice"), rapid.Bool().Draw(rt, "mute")
		s.lookups = []lookup{{
			status: rapid.SampledFrom([]int{200, 204, 302, 404, 500}).Draw(rt, "status"),
			body:   rapid.SampledFrom([]string{"", "null", "[]", `{"vip":true,"total":1e300,"due":null}`, `{"vip":1}`, `{"paid":true}`}).Draw(rt, "body"),
			after:  time.Duration(rapid.IntRange(0, 9000).Draw(rt, "after")) * time.Millisecond,
		}}
		s.queues = []queueing{{served: rapid.Bool().Draw(rt, "served"), refused: "", gone: rapid.Bool().Draw(rt, "gone"), after: 3 * time.Second}}
		c, cause, err := perform(t, f, s)
		checkRun(rt, c, policy, cause, err)
	})
}

// TestAKeyBeforeTheQuestionIsNoAnswer: keys of the greeting never answer.
func TestAKeyBeforeTheQuestionIsNoAnswer(t *testing.T) {
	f := loadAny(t, "full.yaml")
	rapid.Check(t, func(rt *rapid.T) {
		early := press{
			key: rapid.SampledFrom([]rune("12")).Draw(rt, "key"),
			at:  time.Duration(rapid.IntRange(0, 1600).Draw(rt, "early")) * time.Millisecond,
		}
		c, _, _ := perform(t, f, scene{policy: modeAsk, presses: []press{early}, hangup: 6 * time.Second})
		if strings.Contains(strings.Join(c.called, " "), "Consent") {
			rt.Fatalf("the key %c at %v, in the greeting, was an answer:\n%s", early.key, early.at, strings.Join(c.trace, "\n"))
		}
	})
}

// drawFlow writes a random flow, most of them wrong.
func drawFlow(rt *rapid.T) string {
	names := []string{"a", "b", "c", "d", "e", "f"}[:rapid.IntRange(1, 6).Draw(rt, "nodes")]
	to := func(what string) string { return rapid.SampledFrom(names).Draw(rt, what) }
	var text strings.Builder
	text.WriteString("vars: {n: 0, x: \"\"}\nnodes:\n")
	for _, name := range names {
		var body string
		switch rapid.IntRange(0, 19).Draw(rt, "kind") {
		case 0:
			body = "kind: play, say: greeting, next: " + to("next")
		case 1:
			body = "kind: language, say: greeting, keys: {9: zh, 8: en}, next: " + to("next")
		case 2, 3:
			body = fmt.Sprintf("kind: consent, mode: ask, say: consent_question, agreed: %s, refused: %s", to("agreed"), to("refused"))
		case 4:
			body = "kind: goto, next: " + to("next")
		case 5, 6:
			body = fmt.Sprintf("kind: menu, say: menu_main, again: menu_wrong, silent: %s, keys: {1: {label: X, next: %s}, 2: {label: Y, next: %s}}", to("silent"), to("x"), to("y"))
		case 7:
			body = "kind: queue, queue: sales, refused: " + to("refused")
		case 8:
			body = "kind: hangup"
		case 9:
			body = "kind: wait, for: 2s, next: " + to("next")
		case 10:
			body = fmt.Sprintf("kind: branch, choices: [{when: n > 2, next: %s}, {when: x == '1', next: %s}], else: %s", to("one"), to("two"), to("else"))
		case 11:
			body = fmt.Sprintf("kind: collect, say: collect_number, into: x, silent: %s, failed: %s, next: %s", to("silent"), to("failed"), to("next"))
		case 12:
			body = "kind: set, values: {n: n + 1}, next: " + to("next")
		case 13:
			body = "kind: survey, into: n, next: " + to("next")
		case 14:
			body = fmt.Sprintf("kind: queue, queue: sales, refused: %s, served: %s", to("refused"), to("served"))
		case 15:
			body = fmt.Sprintf("kind: lookup, url: 'http://x.example/', failed: %s, next: %s", to("failed"), to("next"))
		case 16:
			body = fmt.Sprintf("kind: stream, url: 'wss://x.example/', failed: %s, next: %s, handover: {sales: %s}, refused: %s", to("failed"), to("next"), to("handover"), to("refused"))
		case 17:
			body = fmt.Sprintf("kind: dial, to: '+49301', failed: %s, served: %s", to("failed"), to("served"))
		case 18:
			body = fmt.Sprintf("kind: agent, agent: alice, queue: sales, no_answer: %s, served: %s", to("no_answer"), to("served"))
		case 19:
			body = fmt.Sprintf("kind: speech, say: menu_main, choices: [{label: A, key: 1, words: [a], next: %s}], silent: %s", to("choice"), to("silent"))
		}
		fmt.Fprintf(&text, "  %s: {%s}\n", name, body)
	}
	return text.String()
}

// TestWhatTheCheckerPassesHolds: a flow that the checker has passed ends for
// every customer, and queues nobody before the consent that its line requires.
func TestWhatTheCheckerPassesHolds(t *testing.T) {
	p := builtinPrompts(t)
	passed := 0
	rapid.Check(t, func(rt *rapid.T) {
		f, err := loadText(p, drawFlow(rt))
		if err != nil {
			return
		}
		for _, policy := range []string{modeAsk, policyNever} {
			if len(f.Check(CheckOptions{ConsentPolicy: policy, Queues: []contact.QueueID{"sales"}})) > 0 {
				continue
			}
			passed++
			c, cause, err := perform(t, f, drawScene(rt, policy))
			checkRun(rt, c, policy, cause, err)
		}
	})
	if passed == 0 {
		t.Error("no random flow passed the checker; the test shows nothing")
	}
}

// TestCirclesEnd: a flow that a refusing queue sends round without any time
// passing is cut off.
func TestCirclesEnd(t *testing.T) {
	f, err := loadText(builtinPrompts(t), "nodes: {q: {kind: queue, queue: sales, refused: q}}")
	if err != nil {
		t.Fatal(err)
	}
	c, cause, err := perform(t, f, scene{policy: policyNever, queues: []queueing{{refused: "full"}}})
	if err == nil || cause.Class != contact.EndFailed || c.ended == nil {
		t.Errorf("err %v, cause %+v", err, cause)
	}
}
