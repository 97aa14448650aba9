package ivr

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"callfloor/contact"
)

// FuzzLoadFlow: any text is a flow or a list of problems with places, and what
// was loaded runs to an end.
func FuzzLoadFlow(f *testing.F) {
	p := builtinPrompts(f)
	flows, err := fs.Glob(BuiltinFlows(), "*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range flows {
		text, err := fs.ReadFile(BuiltinFlows(), name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	scripts, err := filepath.Glob("testdata/check/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	more, err := filepath.Glob("testdata/flows/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	scripts = append(scripts, more...)
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		flow, err := loadText(p, text)
		if err != nil {
			for _, problem := range err.(Problems) {
				if problem.Line < 1 || problem.Col < 1 || problem.Message == "" {
					t.Errorf("a problem without a place: %+v", problem)
				}
			}
			return
		}
		problems := flow.Check(CheckOptions{ConsentPolicy: modeAsk, Queues: []contact.QueueID{"sales", "support"}})
		if len(problems) > 0 {
			return
		}
		c, cause, err := perform(t, flow, scene{policy: modeAsk, queues: []queueing{{served: true, after: time.Second}}})
		checkRun(t, c, modeAsk, cause, err)
	})
}

// FuzzKeys: any keys at any time come to an end of the full flow. Each two
// octets are a pause (in 30 ms) and a key.
func FuzzKeys(f *testing.F) {
	flow := loadAny(f, "full.yaml")
	f.Add([]byte{133, 1, 100, 1}, uint16(30_000))
	f.Add([]byte{30, 9, 60, 9, 30, 9, 30, 9}, uint16(0))
	f.Add([]byte{100, 5, 10, 5, 10, 5, 10, 11, 10, 10, 10, 8}, uint16(60_000))
	f.Add([]byte{1, 3, 1, 3, 1, 3, 200, 3, 1, 3, 1, 3}, uint16(9_999))
	f.Fuzz(func(t *testing.T, presses []byte, hangup uint16) {
		s := scene{policy: modeAsk, hangup: time.Duration(hangup) * time.Millisecond, queues: []queueing{{gone: true, after: time.Second}}}
		at := time.Millisecond
		for i := 0; i+1 < min(len(presses), 128); i += 2 {
			at += time.Duration(presses[i]) * 30 * time.Millisecond
			s.presses = append(s.presses, press{key: rune(keypad[int(presses[i+1])%len(keypad)]), at: at})
		}
		c, cause, err := perform(t, flow, s)
		checkRun(t, c, modeAsk, cause, err)
	})
}

// FuzzExpression: any text is an expression that is computed, refused, or
// stopped before it takes much memory.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		"n + 1", `caller startsWith "139" ? "a" : x`, "1..100000000", `len(split(x, ""))`, "luhn(x) and not yes", "((((n))))",
		`x matches "(a+)+$"`, "[1,2,3][n]", "{a: n}.a", "n ?? 1", "let y = n; y * y", "x[0:1]", `int("x")`, "1/0", "body.x", "now()", "map(1..9, # * 2)",
		`queue("sales").waiting > n`, `queue(x).open`, `queue`, `"sales" | queue()`, `queue("sales")?.longest ?? 1`, `let q = queue; q("a")`, `$env["queue"]("a").open`, `queue("a").queue`,
	} {
		f.Add(seed)
	}
	flow := &Flow{file: "f.yaml", vars: variables{
		{name: word{text: "n"}, typ: typeNumber, first: 1.0}, {name: word{text: "x"}, typ: typeText, first: "4111"}, {name: word{text: "yes"}, typ: typeYesNo, first: true},
	}}
	f.Fuzz(func(t *testing.T, text string) {
		found := &findings{file: "f.yaml"}
		e := &expression{word: word{text: text, at: at{1, 1}}}
		flow.asked = nil
		s := &settling{flow: flow, file: flow, node: &node{id: "a"}, findings: found}
		if !s.compile(e, "", nil) {
			if len(found.list) == 0 {
				t.Errorf("%q is refused without a word", text)
			}
			return
		}
		r := &runner{frame: frame{flow: flow, vars: flow.vars.fresh()}}
		r.start.Services.Queues = func(contact.QueueID) (QueueFigures, bool) { return QueueFigures{Waiting: 3}, true }
		_, _ = r.eval(e, nil)
	})
}

// FuzzLoadPrompts: any prompts.yaml is read or refused.
func FuzzLoadPrompts(f *testing.F) {
	f.Add("a: {en: A, zh: 甲}\n")
	f.Add("a:\n  en: \"A\"\n  zh: [1]\n? b\n: c\n")
	f.Fuzz(func(t *testing.T, text string) {
		found := &findings{file: promptFile}
		readTexts([]byte(text), found)
	})
}
