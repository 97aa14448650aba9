package ivr

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"callfloor/contact"
)

var update = flag.Bool("update", false, "write what a script gave into its file")

// TestScripts runs testdata/run/*.txt: the scene, "----", and the expected
// trace in fake time. A scene is lines of
//
//	flow full.yaml            built in, or testdata/flows/…
//	policy ask
//	language zh               of the line
//	key 1 4s                  after the answer
//	hangup 60s                after the answer; hangup early: before it
//	queue served|refused|gone|broken 20s [PLACE EXPECTED]
//	disk full                 consent cannot be stored
//	lookup STATUS AFTER BODY  what another server answers
//	percent 30                what a split draws
//	caller NUMBER, remembered zh, hours closed, at 2026-03-29T01:30:00Z
//	voice [mute]              there is a speech command (that fails)
//	deaf                      nothing can be heard before the answer
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/run/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			head, want := halves(t, file)
			name, s := readScene(t, head)
			c, _, err := perform(t, loadAny(t, name), s)
			if err != nil {
				c.trace = append(c.trace, "error "+err.Error())
			}
			compare(t, file, head, want, strings.Join(c.trace, "\n")+"\n")
		})
	}
}

// halves cuts a script at its line of dashes.
func halves(t *testing.T, file string) (head, want string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, want, ok := strings.Cut(string(text), "\n----\n")
	if !ok {
		t.Fatalf("%s has no line ----", file)
	}
	return head, want
}

func compare(t *testing.T, file, head, want, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(head+"\n----\n"+got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func readScene(t *testing.T, text string) (flow string, s scene) {
	t.Helper()
	for _, line := range strings.Split(text, "\n") {
		w := strings.Fields(line)
		if len(w) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		switch w[0] {
		case "flow":
			flow = w[1]
		case "policy":
			s.policy = w[1]
		case "language":
			s.language = w[1]
		case "key":
			s.presses = append(s.presses, press{key: rune(w[1][0]), at: duration(t, w[2])})
		case "hangup":
			if s.early = w[1] == "early"; !s.early {
				s.hangup = duration(t, w[1])
			}
		case "queue":
			s.queues = append(s.queues, readQueue(t, w[1:]))
		case "disk":
			s.diskFull = true
		case "lookup":
			status, err := strconv.Atoi(w[1])
			if err != nil {
				t.Fatal(err)
			}
			s.lookups = append(s.lookups, lookup{status: status, after: duration(t, w[2]), body: strings.Join(w[3:], " ")})
		case "percent":
			n, err := strconv.Atoi(w[1])
			if err != nil {
				t.Fatal(err)
			}
			s.percents = append(s.percents, n)
		case "caller":
			s.caller = w[1]
		case "remembered":
			s.remembered = w[1]
		case "hours":
			s.hours = w[1]
		case "at":
			at, err := time.Parse(time.RFC3339, w[1])
			if err != nil {
				t.Fatal(err)
			}
			s.clock = at.Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) // where the bubble's time begins
		case "deaf":
			s.deaf = true
		case "voice":
			s.voice, s.mute = true, len(w) > 1
		default:
			t.Fatalf("unknown line %q", line)
		}
	}
	return flow, s
}

func readQueue(t *testing.T, w []string) queueing {
	t.Helper()
	q := queueing{}
	if w[0] != "key" {
		q.after = duration(t, w[1])
	}
	switch w[0] {
	case "served":
		q.served = true
	case "key":
		q.key, q.after = rune(w[1][0]), duration(t, w[2])
		return q
	case "refused":
		q.refused = "full"
	case "gone":
		q.gone = true
	case "broken":
		q.broken = true
	default:
		t.Fatalf("unknown fate %q", w[0])
	}
	if len(w) == 4 {
		place, err := strconv.Atoi(w[2])
		if err != nil {
			t.Fatal(err)
		}
		q.position, q.expected = place, duration(t, w[3])
	}
	return q
}

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func builtinPrompts(t testing.TB) *Prompts {
	t.Helper()
	p, err := LoadPrompts(BuiltinPrompts())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// loadAny loads a built-in flow or one of testdata/flows.
func loadAny(t testing.TB, name string) *Flow {
	t.Helper()
	fsys := fs.FS(os.DirFS("testdata/flows"))
	if _, err := fs.Stat(fsys, name); err != nil {
		fsys = BuiltinFlows()
	}
	f, err := LoadFlow(fsys, name, builtinPrompts(t))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func loadText(p *Prompts, text string) (*Flow, error) {
	return LoadFlow(fstest.MapFS{"f.yaml": {Data: []byte(text)}}, "f.yaml", p)
}

// TestProblems loads testdata/check/*.txt: a flow, "----", and every problem
// expected of it. A first line "# policy queue queue…" says the line's.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/check/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	p := builtinPrompts(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			head, want := halves(t, file)
			compare(t, file, head, want, problemsOf(p, head))
		})
	}
}

func problemsOf(p *Prompts, text string) string {
	f, err := loadText(p, text)
	if err != nil {
		return err.Error() + "\n"
	}
	first, _, _ := strings.Cut(text, "\n")
	w := strings.Fields(first)
	var got strings.Builder
	for _, problem := range f.Check(CheckOptions{ConsentPolicy: w[1], Queues: queueIDs(w[2:])}) {
		fmt.Fprintln(&got, problem)
	}
	return got.String()
}

func queueIDs(names []string) []contact.QueueID {
	ids := make([]contact.QueueID, len(names))
	for i, n := range names {
		ids[i] = contact.QueueID(n)
	}
	return ids
}
