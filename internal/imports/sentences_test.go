package imports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hole stands in a sentence for what only a running server knows.
const hole = "{}"

// rooms are packages whose sentences are looked for. A text is followed through variables, constants,
// tables and parameters to where it is written down.
type rooms []*folder

type folder struct {
	dir    string
	files  *token.FileSet
	funcs  []*function
	consts map[string]ast.Expr
	calls  map[string][]call // by the function's name
	typed  map[string]string // the constants' types, where they are named
}

type function struct {
	room     *folder
	decl     *ast.FuncDecl
	receiver string // the type's name
	self     string // the receiver's
}

func loadRooms(t *testing.T, dirs ...string) (all rooms) {
	t.Helper()
	for _, dir := range dirs {
		r := &folder{dir: dir, files: token.NewFileSet(), consts: map[string]ast.Expr{}, typed: map[string]string{}, calls: map[string][]call{}}
		paths, err := filepath.Glob(filepath.Join("../..", dir, "*.go"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no sources in %s: %v", dir, err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(r.files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			r.take(f)
		}
		all = append(all, r)
	}
	return all
}

func (r *folder) take(f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			in := &function{room: r, decl: d}
			if d.Recv != nil && len(d.Recv.List) == 1 {
				typ := d.Recv.List[0].Type
				if star, ok := typ.(*ast.StarExpr); ok {
					typ = star.X
				}
				in.receiver = name(typ)
				if len(d.Recv.List[0].Names) == 1 {
					in.self = d.Recv.List[0].Names[0].Name
				}
			}
			r.funcs = append(r.funcs, in)
			ast.Inspect(d, func(n ast.Node) bool {
				if c, ok := n.(*ast.CallExpr); ok {
					r.calls[name(c.Fun)] = append(r.calls[name(c.Fun)], call{c, in})
				}
				return true
			})
		case *ast.GenDecl:
			for _, s := range d.Specs {
				v, ok := s.(*ast.ValueSpec)
				if !ok || d.Tok != token.CONST {
					continue
				}
				for i, n := range v.Names {
					if i < len(v.Values) {
						r.consts[n.Name] = v.Values[i]
						r.typed[n.Name] = name(v.Type)
					}
				}
			}
		}
	}
}

// eval returns what a text can be, with {} for what is not written in the sources. seen are the
// variables and functions that are being looked at.
func (r rooms) eval(e ast.Expr, in *function, seen []string) []string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, ok := literal(e); ok {
			return []string{text}
		}
	case *ast.ParenExpr:
		return r.eval(e.X, in, seen)
	case *ast.BinaryExpr:
		return join(r.eval(e.X, in, seen), r.eval(e.Y, in, seen))
	case *ast.IndexExpr:
		if table, ok := e.X.(*ast.CompositeLit); ok {
			return r.values(table, in, seen)
		}
	case *ast.Ident:
		return r.variable(e.Name, in, seen)
	case *ast.CallExpr:
		return r.called(e, in, seen)
	}
	return []string{hole}
}

// values are those of a map.
func (r rooms) values(table *ast.CompositeLit, in *function, seen []string) (all []string) {
	for _, e := range table.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			all = append(all, r.eval(kv.Value, in, seen)...)
		}
	}
	return all
}

// variable is what a name can stand for: a constant, what is assigned to it, or what callers give.
func (r rooms) variable(n string, in *function, seen []string) []string {
	if value, ok := in.room.consts[n]; ok {
		return r.eval(value, in, seen)
	}
	self := in.decl.Name.Name + "." + n
	if slices.Contains(seen, self) || len(seen) > 6 {
		return []string{hole}
	}
	seen = append(slices.Clone(seen), self)
	all := r.given(n, in, seen)
	var more [][]string
	ast.Inspect(in.decl, func(node ast.Node) bool {
		a, ok := node.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, to := range a.Lhs {
			if id, ok := to.(*ast.Ident); !ok || id.Name != n {
				continue
			}
			switch {
			case len(a.Lhs) != len(a.Rhs):
				all = append(all, hole)
			case a.Tok == token.ADD_ASSIGN:
				more = append(more, r.eval(a.Rhs[i], in, seen))
			default:
				all = append(all, r.eval(a.Rhs[i], in, seen)...)
			}
		}
		return true
	})
	for _, added := range more {
		all = append(all, join(all, added)...)
	}
	if len(all) == 0 {
		return []string{hole}
	}
	return distinct(all)
}

// given is what the callers of a function give for one of its parameters.
func (r rooms) given(n string, in *function, seen []string) (all []string) {
	at := 0
	found := false
	for _, field := range in.decl.Type.Params.List {
		for _, p := range field.Names {
			if found = p.Name == n; found {
				break
			}
			at++
		}
		if found {
			if name(field.Type) != "string" {
				return []string{hole}
			}
			break
		}
	}
	if !found {
		return nil
	}
	for _, other := range r {
		if other != in.room && !in.decl.Name.IsExported() {
			continue
		}
		for _, c := range other.calls[in.decl.Name.Name] {
			if c.of(in) && at < len(c.Args) {
				all = append(all, r.eval(c.Args[at], c.from, seen)...)
			}
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" }) // that there is nothing to say
	if len(all) == 0 {
		return []string{hole}
	}
	return all
}

// call is one of a function by some name.
type call struct {
	*ast.CallExpr
	from *function
}

// of says whether it may be one of this function.
func (c call) of(in *function) bool {
	if len(c.Args) != in.decl.Type.Params.NumFields() {
		return false
	}
	s, method := c.Fun.(*ast.SelectorExpr)
	if !method {
		return in.receiver == "" && c.from.room == in.room
	}
	own := c.from.room == in.room && c.from.self != "" && name(s.X) == c.from.self
	return in.receiver != "" && (!own || c.from.receiver == in.receiver)
}

// called is what a call returns: of a format what it makes, of a function of the same package, or of
// a method that only makes words, what it can return.
func (r rooms) called(c *ast.CallExpr, in *function, seen []string) []string {
	n := name(c.Fun)
	switch {
	case n == "Sprintf":
		return r.format(c.Args, in, seen)
	case n == "Or" && len(c.Args) > 0:
		var all []string
		for _, a := range c.Args {
			all = append(all, r.eval(a, in, seen)...)
		}
		return all
	case n == "string" || slices.Contains(seen, n+"()") || len(seen) > 6:
		return []string{hole}
	}
	seen = append(slices.Clone(seen), n+"()")
	var all []string
	if f := closure(n, in); f != nil {
		all = r.returns(f.Body, in, seen)
	}
	_, method := c.Fun.(*ast.SelectorExpr)
	for _, f := range in.room.funcs {
		if f.decl.Name.Name == n && f.decl.Body != nil && (f.receiver != "") == method && (!method || n == "summary" || n == "why") {
			all = append(all, r.returns(f.decl.Body, f, seen)...)
		}
	}
	if len(all) == 0 {
		return []string{hole}
	}
	return distinct(all)
}

// closure is a function that in keeps in a variable.
func closure(n string, in *function) (found *ast.FuncLit) {
	ast.Inspect(in.decl, func(node ast.Node) bool {
		if a, ok := node.(*ast.AssignStmt); ok && len(a.Lhs) == 1 && name(a.Lhs[0]) == n {
			if f, ok := a.Rhs[0].(*ast.FuncLit); ok {
				found = f
			}
		}
		return true
	})
	return found
}

func (r rooms) returns(body *ast.BlockStmt, in *function, seen []string) (all []string) {
	ast.Inspect(body, func(node ast.Node) bool {
		if s, ok := node.(*ast.ReturnStmt); ok && len(s.Results) == 1 {
			all = append(all, r.eval(s.Results[0], in, seen)...)
		}
		return true
	})
	return all
}

// format is what Sprintf makes of its arguments.
func (r rooms) format(args []ast.Expr, in *function, seen []string) []string {
	text, ok := literal(args[0])
	if !ok {
		return []string{hole}
	}
	all, next := []string{""}, 1
	for {
		plain, rest, more := strings.Cut(text, "%")
		all = join(all, []string{plain})
		if !more {
			return all
		}
		end := strings.IndexFunc(rest, func(c rune) bool { return c == '%' || isLetter(c) })
		put := []string{"%"}
		if verb := rest[end]; verb != '%' {
			put = []string{hole}
			if (verb == 's' || verb == 'v' || verb == 'q') && next < len(args) {
				put = r.eval(args[next], in, seen)
			}
			if verb == 'q' {
				put = join(join([]string{`"`}, put), []string{`"`})
			}
			next++
		}
		all, text = join(all, put), rest[end+1:]
	}
}

// join is each of a followed by each of b.
func join(a, b []string) (all []string) {
	for _, x := range a {
		for _, y := range b {
			all = append(all, strings.ReplaceAll(x+y, hole+hole, hole))
		}
	}
	return distinct(all)
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
