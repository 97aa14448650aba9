package imports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestWhyCallsEndIsTranslated: the pages have words for each reason that the
// server's sources give for the end of a call: for a constant one its own, for a
// composed one the shape that it is taken apart by.
func TestWhyCallsEndIsTranslated(t *testing.T) {
	catalogue := readDoc(t, "agent-web/src/i18n/en.ends.ts")
	shapes := readDoc(t, "agent-web/src/parts/endwords.ts")
	found := 0
	for _, room := range []string{"call", "internal/app", "ivr", "outbound", "sip"} {
		for _, why := range endReasons(t, filepath.Join("../..", room)) {
			found++
			text := strings.Trim(why.text, ": ")
			known := strings.Contains(catalogue, strconv.Quote("endwhy."+text)+":")
			if why.composed {
				known = known || strings.Contains(shapes, text)
			}
			if !known {
				t.Errorf("%s: calls end with %q, which agent-web/src/i18n/en.ends.ts and zh.ends.ts have no words for", why.at, why.text)
			}
		}
	}
	if found < 45 {
		t.Errorf("%d reasons were found in the sources, want more", found)
	}
}

// endReason is one text that says why a call ended, or, composed, a part of one.
type endReason struct {
	text     string
	composed bool
	at       token.Position
}

// endWhy names the functions that take such a text, with its place among what they take.
var endWhy = map[string]int{"hangup": 1, "end": 1, "refuse": 0, "HangUp": 1, "Reject": 1}

func endReasons(t *testing.T, dir string) (all []endReason) {
	t.Helper()
	files := token.NewFileSet()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	keep := func(e ast.Expr) {
		_, composed := e.(*ast.BinaryExpr)
		ast.Inspect(e, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if text, err := strconv.Unquote(l.Value); err == nil && text != "" {
					all = append(all, endReason{text, composed, files.Position(l.Pos())})
				}
			}
			return true
		})
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			endReasonIn(n, keep)
			return true
		})
	}
	return all
}

// endReasonIn gives keep the text in an EndCause, or in a call of a function that makes one.
func endReasonIn(n ast.Node, keep func(ast.Expr)) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		if name(n.Type) == "HangUp" && len(n.Elts) == 2 {
			keep(n.Elts[1])
		}
		if name(n.Type) != "EndCause" {
			return
		}
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok && name(kv.Key) == "Why" {
				keep(kv.Value)
			}
		}
	case *ast.AssignStmt:
		for i, to := range n.Lhs {
			if s, ok := to.(*ast.SelectorExpr); ok && s.Sel.Name == "Why" && len(n.Rhs) == len(n.Lhs) && (name(s.X) == "cause" || name(s.X) == "c") {
				keep(n.Rhs[i])
			}
		}
	case *ast.CallExpr:
		if at, ok := endWhy[name(n.Fun)]; ok && at < len(n.Args) {
			keep(n.Args[at])
		}
	}
}

// name is the last word of a name.
func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
