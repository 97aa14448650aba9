package imports

import (
	"go/ast"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTimelinesAreTranslated: the pages have Chinese for each line that the server
// writes into a call's timeline, and words for each kind of it and of a capture's marks.
func TestTimelinesAreTranslated(t *testing.T) {
	known := readSaid(t)
	found := loadRooms(t, "acd", "call", "internal/app", "ivr").each(lines, func(shape, at string) {
		if !known.cover(shape) {
			t.Errorf("%s: a timeline says %q, which agent-web/src/i18n/zh.timeline.ts has no Chinese for", at, shape)
		}
	})
	if found < 200 {
		t.Errorf("%d lines were found in the sources, want more", found)
	}
	words := readDoc(t, "agent-web/src/i18n/en.history.ts") + readDoc(t, "agent-web/src/i18n/en.calls.ts")
	for _, kind := range slices.Sorted(maps.Keys(kinds(t))) {
		if !strings.Contains(words, `"kind.`+kind+`":`) {
			t.Errorf("the pages have no words for the kind %q of a timeline", kind)
		}
	}
}

// TestRefusalsAreTranslated: the pages have Chinese for each reason why the server does
// not do what people ask for, and words for each code of an error.
func TestRefusalsAreTranslated(t *testing.T) {
	known := readSaid(t)
	found := loadRooms(t, "acd", "acd/tasks", "api", "call", "crm", "customers", "internal/app", "knowledge", "outbound").each(refusals, func(shape, at string) {
		if !known.cover(shape) && !slices.Contains(forPrograms, shape) {
			t.Errorf("%s: the server refuses with %q, which agent-web/src/i18n/zh.refusals.ts has no Chinese for", at, shape)
		}
	})
	if found < 250 {
		t.Errorf("%d reasons were found in the sources, want more", found)
	}
	words := readDoc(t, "agent-web/src/i18n/en.ts")
	for _, m := range regexp.MustCompile(`Code = "(\w+)"`).FindAllStringSubmatch(readDoc(t, "contact/error.go"), -1) {
		if !strings.Contains(words, `"error.`+m[1]+`":`) {
			t.Errorf("the pages have no words for the error %q", m[1])
		}
	}
}

// TestAuditIsTranslated: the pages have words for each action of the audit log.
func TestAuditIsTranslated(t *testing.T) {
	words, found := "", 0
	catalogues, err := filepath.Glob("../../agent-web/src/i18n/en.*.ts")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range catalogues {
		words += readDoc(t, "agent-web/src/i18n/"+filepath.Base(path))
	}
	for _, r := range loadRooms(t, "api", "internal/app") {
		for n, typ := range r.typed {
			if typ != "Action" {
				continue
			}
			found++
			if action, _ := literal(r.consts[n]); !strings.Contains(words, `"action.`+action+`":`) {
				t.Errorf("%s.%s: the pages have no words for the action %q", r.dir, n, action)
			}
		}
	}
	if found < 30 {
		t.Errorf("%d actions were found in the sources, want more", found)
	}
}

// forPrograms are refusals that the pages never meet: they ask for nothing like that.
var forPrograms = []string{
	"an agent needs a name", "flows ask for more than {} different skills", "queues know no event of type {}",
	"a place can be kept for a callback or a voicemail", `there is no command "{}"`,
}

// TestSaid shows what counts as told.
func TestSaid(t *testing.T) {
	known := newSaid([][2]string{{"{1} asks {2} to come", "{1} {=2}"}, {"a number outside", ""}, {"failed: {1}", "{=1}"}, {"busy", ""}, {"the caller gave up", ""}})
	for shape, want := range map[string]bool{
		"{} asks {} to come":               true,
		"{} asks a number outside to come": true,
		"{} asks the boss to come":         false,
		"failed: {}":                       true,
		"failed: busy":                     true,
		"failed: the caller gave up":       true,
		"failed: something else":           false,
		"{} asks":                          false,
		"busy":                             true,
	} {
		if got := known.cover(shape); got != want {
			t.Errorf("%q is told: %v, want %v", shape, got, want)
		}
	}
}

// said is what the pages have Chinese for.
type said struct {
	whole  []string // without holes
	shapes []template
}

// template is a sentence with holes; again are those whose content has Chinese of its own.
type template struct {
	like  *regexp.Regexp
	holes []string
	again []string
}

var (
	saidPair  = regexp.MustCompile(`\[\s*"([^"]+)",\s*"([^"]+)",?\s*\]`)
	saidHole  = regexp.MustCompile(`\{(\d)\}`)
	saidAgain = regexp.MustCompile(`\{=(\d)\}`)
	endKey    = regexp.MustCompile(`(?m)^\t"endwhy\.([^"]*)":`)
)

func readSaid(t *testing.T) said {
	t.Helper()
	var pairs [][2]string
	for _, table := range []string{"timeline", "refusals"} {
		for _, m := range saidPair.FindAllStringSubmatch(readDoc(t, "agent-web/src/i18n/zh."+table+".ts"), -1) {
			pairs = append(pairs, [2]string{m[1], m[2]})
		}
	}
	for _, m := range endKey.FindAllStringSubmatch(readDoc(t, "agent-web/src/i18n/en.ends.ts"), -1) {
		pairs = append(pairs, [2]string{m[1], ""})
	}
	return newSaid(pairs)
}

func newSaid(pairs [][2]string) (s said) {
	for _, p := range pairs {
		if !saidHole.MatchString(p[0]) {
			s.whole = append(s.whole, p[0])
			continue
		}
		one := template{like: pattern(saidHole.Split(p[0], -1))}
		for _, m := range saidHole.FindAllStringSubmatch(p[0], -1) {
			one.holes = append(one.holes, m[1])
		}
		for _, m := range saidAgain.FindAllStringSubmatch(p[1], -1) {
			one.again = append(one.again, m[1])
		}
		s.shapes = append(s.shapes, one)
	}
	return s
}

// pattern matches what has these pieces in this order.
func pattern(pieces []string) *regexp.Regexp {
	for i, p := range pieces {
		pieces[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile("^" + strings.Join(pieces, "(.*?)") + "$")
}

// cover says whether a sentence, with {} for what is put into it, has its words. What stands where
// the pages look again must have words too.
func (s said) cover(shape string) bool {
	if slices.Contains(s.whole, shape) {
		return true
	}
	return slices.ContainsFunc(s.shapes, func(one template) bool {
		found := one.like.FindStringSubmatch(shape)
		if found == nil {
			return false
		}
		for i, n := range one.holes {
			if !s.fits(slices.Contains(one.again, n), found[i+1]) {
				return false
			}
		}
		return true
	})
}

// fits says whether what the server puts into a hole is a name or a figure, or has Chinese where the
// pages look for it again.
func (s said) fits(again bool, text string) bool {
	if !strings.ContainsFunc(text, isLetter) {
		return true
	}
	return again && (s.cover(text) || slices.ContainsFunc(s.whole, pattern(strings.Split(text, hole)).MatchString))
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

// each gives keep every sentence that tells finds in the sources, once, and counts them; what is
// nothing but holes is not one.
func (r rooms) each(tells func(dir string, in *function, n ast.Node) ast.Expr, keep func(shape, at string)) int {
	seen := map[string]bool{}
	for _, room := range r {
		for _, in := range room.funcs {
			ast.Inspect(in.decl, func(n ast.Node) bool {
				expr := tells(room.dir, in, n)
				if expr == nil {
					return true
				}
				for _, shape := range r.eval(expr, in, nil) {
					shape = strings.TrimSpace(shape)
					if strings.ContainsFunc(shape, isLetter) && !seen[shape] {
						seen[shape] = true
						keep(shape, room.files.Position(n.Pos()).String())
					}
				}
				return true
			})
		}
	}
	return len(seen)
}

// lines finds the text that a node writes into a timeline, or nil.
func lines(dir string, in *function, n ast.Node) ast.Expr {
	switch n := n.(type) {
	case *ast.CompositeLit:
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok && name(n.Type) == "Event" && name(kv.Key) == "Text" {
				return kv.Value
			}
		}
	case *ast.CallExpr:
		switch called := name(n.Fun); {
		case called == "Note" && len(n.Args) == 4:
			return n.Args[2]
		case called == "NoteAt" && len(n.Args) == 5:
			return n.Args[3]
		case called == "note" && dir == "ivr" && in.receiver == "simulation":
			return sprintf(n.Args)
		case called == "wait" && dir == "acd" && len(n.Args) == 4: // why it waits in another queue now
			return n.Args[3]
		}
	case *ast.ReturnStmt: // why the queue engine did something
		if dir == "acd" && in.decl.Name.Name == "why" && len(n.Results) == 1 {
			return n.Results[0]
		}
	}
	return nil
}

// refusals finds the message of an error that people may read, or nil.
func refusals(dir string, _ *function, n ast.Node) ast.Expr {
	c, ok := n.(*ast.CallExpr)
	if !ok || len(c.Args) == 0 {
		return nil
	}
	from, method := c.Fun.(*ast.SelectorExpr)
	switch called := name(c.Fun); {
	case called == "Errorf" && method && name(from.X) == "contact", called == "refused" && dir == "outbound":
		return sprintf(c.Args[1:])
	case called == "stop" && dir == "outbound":
		return sprintf(c.Args)
	}
	return nil
}

// sprintf is a format and its arguments as a call of Sprintf; nil where the format is not there.
func sprintf(args []ast.Expr) ast.Expr {
	if l, ok := args[0].(*ast.BasicLit); !ok || l.Kind != token.STRING {
		return nil
	}
	return &ast.CallExpr{Fun: ast.NewIdent("Sprintf"), Args: args}
}

// kinds are the kinds of a timeline's events and of a capture's marks.
func kinds(t *testing.T) map[string]bool {
	all := map[string]bool{}
	for file, shape := range map[string]string{
		"contact/event.go": `Kind\w+ +Kind = "(\w+)"`, "recordings/recording.go": `Kind: "(\w+)"`, "recordings/run.go": `Kind: "(\w+)"`,
	} {
		for _, m := range regexp.MustCompile(shape).FindAllStringSubmatch(readDoc(t, file), -1) {
			all[m[1]] = true
		}
	}
	call := loadRooms(t, "call")
	for _, c := range call[0].calls["mark"] {
		for _, kind := range call.eval(c.Args[0], c.from, nil) {
			if kind != hole {
				all[kind] = true
			}
		}
	}
	return all
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}
