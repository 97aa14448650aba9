package imports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// TestTimelinesAreTranslated: the pages have Chinese for each line that the server
// writes into a call's timeline, and words for each kind of it and of a capture's marks.
func TestTimelinesAreTranslated(t *testing.T) {
	known := sentences(t, "agent-web/src/i18n/zh.timeline.ts")
	ends, found := readDoc(t, "agent-web/src/i18n/en.ends.ts"), 0
	for _, room := range []string{"call", "internal/app", "ivr", "acd"} {
		s := sources(t, filepath.Join("../..", room))
		for _, line := range s.lines(room) {
			found++
			if !known[line.text] && !strings.Contains(ends, strconv.Quote("endwhy."+line.text)+":") {
				t.Errorf("%s: a timeline says %q, which agent-web/src/i18n/zh.timeline.ts has no Chinese for", s.files.Position(line.at), line.text)
			}
		}
	}
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
	known, found := sentences(t, "agent-web/src/i18n/zh.refusals.ts"), 0
	for _, room := range []string{"acd", "acd/tasks", "api", "call", "crm", "customers", "internal/app", "knowledge", "outbound"} {
		s := sources(t, filepath.Join("../..", room))
		s.inspect(func(n ast.Node, _ *ast.FuncDecl) {
			c, ok := n.(*ast.CallExpr)
			if !ok || len(c.Args) < 2 || name(c.Fun) != "Errorf" && name(c.Fun) != "refused" {
				return
			}
			if from, ok := c.Fun.(*ast.SelectorExpr); ok && name(from.X) != "contact" {
				return
			}
			for _, text := range s.texts(c.Args[1], nil) {
				text = strings.ReplaceAll(holes(text), "{}/{}", "{}")
				if !strings.ContainsFunc(strings.ReplaceAll(text, "{}", ""), unicode.IsLetter) || forPrograms[text] {
					continue
				}
				found++
				if !known[text] {
					t.Errorf("%s: the server refuses with %q, which agent-web/src/i18n/zh.refusals.ts has no Chinese for", s.files.Position(c.Pos()), text)
				}
			}
		})
	}
	if found < 200 {
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
	for _, room := range []string{"api", "internal/app"} {
		s := sources(t, filepath.Join("../..", room))
		s.inspect(func(n ast.Node, _ *ast.FuncDecl) {
			v, ok := n.(*ast.ValueSpec)
			if !ok || v.Type == nil || name(v.Type) != "Action" || len(v.Values) != 1 {
				return
			}
			found++
			action, _ := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if !strings.Contains(words, `"action.`+action+`":`) {
				t.Errorf("%s: the pages have no words for the action %q", s.files.Position(v.Pos()), action)
			}
		})
	}
	if found < 30 {
		t.Errorf("%d actions were found in the sources, want more", found)
	}
}

// forPrograms are refusals that the pages never meet: they ask for nothing like that.
var forPrograms = map[string]bool{
	"an agent needs a name": true, "flows ask for more than {} different skills": true, "queues know no event of type {}": true,
	"a place can be kept for a callback or a voicemail": true, "there is no command {}": true,
}

// sentences are the English ones of a table of the pages', {} where a name or a figure goes.
func sentences(t *testing.T, table string) map[string]bool {
	known := map[string]bool{}
	for _, pair := range regexp.MustCompile(`\[\s*"([^"]+)",`).FindAllStringSubmatch(readDoc(t, table), -1) {
		known[hole.ReplaceAllString(pair[1], "{}")] = true
	}
	return known
}

// hole is where the pages' table has a name or a figure.
var hole = regexp.MustCompile(`\{\d\}`)

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
	s := sources(t, "../../call")
	s.inspect(func(n ast.Node, _ *ast.FuncDecl) {
		if c, ok := n.(*ast.CallExpr); ok && name(c.Fun) == "mark" {
			for _, kind := range s.texts(c.Args[0], nil) {
				if kind != "{}" {
					all[kind] = true
				}
			}
		}
	})
	return all
}

// source is a room's files, without its tests.
type source struct {
	files *token.FileSet
	parts []*ast.File
	funcs map[string]*ast.FuncDecl
}

func sources(t *testing.T, dir string) *source {
	t.Helper()
	s := &source{files: token.NewFileSet(), funcs: map[string]*ast.FuncDecl{}}
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if base := filepath.Base(path); strings.HasSuffix(base, "_test.go") || strings.HasPrefix(base, "simulate") {
			continue
		}
		f, err := parser.ParseFile(s.files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s.parts = append(s.parts, f)
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Recv == nil {
				s.funcs[d.Name.Name] = d
			}
		}
	}
	return s
}

func (s *source) inspect(f func(ast.Node, *ast.FuncDecl)) {
	for _, part := range s.parts {
		for _, d := range part.Decls {
			in, _ := d.(*ast.FuncDecl)
			ast.Inspect(d, func(n ast.Node) bool { f(n, in); return true })
		}
	}
}

// written is one line of a timeline, {} where a name or a figure goes.
type written struct {
	text string
	at   token.Pos
}

// writers are the functions that write a line, with its place among what they take
// and what they put before it.
var writers = map[string]struct {
	at     int
	before string
}{
	"Note": {2, ""}, "NoteAt": {3, ""}, "Offering": {2, ""}, "noteConsult": {1, ""}, "endConsult": {0, ""},
	"resumeRecording": {0, ""}, "setAway": {1, ""}, "stopWatching": {1, "{} "}, "noteSupervision": {3, "{}"},
}

func (s *source) lines(room string) (all []written) {
	keep := func(e ast.Expr, before string, in *ast.FuncDecl) {
		for _, text := range s.texts(e, in) {
			text = strings.ReplaceAll(before+text, "{}{}", "{}")
			if strings.ContainsFunc(strings.ReplaceAll(text, "{}", ""), unicode.IsLetter) {
				all = append(all, written{text, e.Pos()})
			}
		}
	}
	s.inspect(func(n ast.Node, in *ast.FuncDecl) {
		switch n := n.(type) {
		case *ast.CallExpr:
			w, ok := writers[name(n.Fun)]
			switch fun := name(n.Fun); {
			case fun == "note" && room == "internal/app":
				w.at, ok = 1, len(n.Args) == 3
			case fun == "note" && room == "ivr":
				ok = true
			case fun == "speak":
				w.at, ok = map[string]int{"call": 0, "ivr": 1}[room], true
			}
			if ok && w.at < len(n.Args) {
				keep(n.Args[w.at], w.before, in)
			}
		case *ast.CompositeLit:
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok && name(kv.Key) == "Text" && name(n.Type) == "Event" {
					keep(kv.Value, "", in)
				}
			}
		case *ast.ReturnStmt: // what a node of a flow does, and why the queue engine did something
			if in != nil && len(n.Results) == 1 && (in.Name.Name == "summary" || room == "acd" && in.Name.Name == "why") {
				keep(n.Results[0], "", in)
			}
		case *ast.ValueSpec:
			if room == "acd" && len(n.Values) == 1 && strings.HasPrefix(n.Names[0].Name, "why") {
				keep(n.Values[0], "", nil)
			}
		}
	})
	return all
}

var verb = regexp.MustCompile(`%[-+.\d]*[a-zA-Z]`)

// holes is a format with {} for each of its verbs.
func holes(format string) string {
	return strings.ReplaceAll(verb.ReplaceAllString(format, "{}"), "%%", "%")
}

// texts returns what an expression may say, {} where it is not constant.
func (s *source) texts(e ast.Expr, in *ast.FuncDecl) []string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return []string{text}
		}
	case *ast.BinaryExpr:
		var all []string
		for _, x := range s.texts(e.X, in) {
			for _, y := range s.texts(e.Y, in) {
				all = append(all, x+y)
			}
		}
		return all
	case *ast.IndexExpr:
		if m, ok := e.X.(*ast.CompositeLit); ok {
			var all []string
			for _, one := range m.Elts {
				all = append(all, s.texts(one.(*ast.KeyValueExpr).Value, in)...)
			}
			return all
		}
	case *ast.CallExpr:
		if name(e.Fun) == "Sprintf" {
			format, _ := strconv.Unquote(e.Args[0].(*ast.BasicLit).Value)
			return []string{holes(format)}
		}
		if f, ok := e.Fun.(*ast.Ident); ok && s.funcs[f.Name] != nil {
			return s.suffixes(s.funcs[f.Name])
		}
	case *ast.Ident:
		if list := s.assigned(e.Name, in); len(list) > 0 {
			return list
		}
	}
	return []string{"{}"}
}

// suffixes are what a function ends a sentence with, or {}.
func (s *source) suffixes(f *ast.FuncDecl) []string {
	var all []string
	ast.Inspect(f, func(n ast.Node) bool {
		if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
			for _, text := range s.texts(r.Results[0], nil) {
				if text == "" || strings.HasPrefix(text, " ") || strings.HasPrefix(text, ": ") {
					all = append(all, text)
				}
			}
		}
		return true
	})
	if all == nil {
		return []string{"{}"}
	}
	return all
}

// assigned is what a function gives one of its variables.
func (s *source) assigned(to string, in *ast.FuncDecl) (all []string) {
	if in == nil {
		return nil
	}
	ast.Inspect(in, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != len(a.Rhs) {
			return true
		}
		for i, lhs := range a.Lhs {
			if name(lhs) != to {
				continue
			}
			for _, text := range s.texts(a.Rhs[i], nil) {
				if a.Tok == token.ADD_ASSIGN {
					text = "{}" + text
				}
				all = append(all, text)
			}
		}
		return true
	})
	return all
}
