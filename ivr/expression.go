package ivr

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	exprast "github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
	"github.com/goccy/go-yaml/ast"
)

const (
	maxExpression      = 1000 // octets
	maxExpressionNodes = 200
	// expressionMemory bounds what one evaluation may allocate (expr's units).
	expressionMemory = 10_000
)

// expression is a formula over the variables of a flow, compiled and checked
// when the flow is read.
type expression struct {
	word
	quoted  bool
	program *vm.Program
	typ     varType // "" where it is known only in a call (body of a lookup)
	uses    []string
	never   bool // it is the constant false
	always  bool // it is the constant true
}

// UnmarshalYAML reads a text.
func (e *expression) UnmarshalYAML(n ast.Node) error {
	if err := e.word.UnmarshalYAML(n); err != nil {
		return err
	}
	if s, ok := n.(*ast.StringNode); ok {
		e.quoted = strings.HasPrefix(s.GetToken().Origin, `"`) || strings.HasPrefix(s.GetToken().Origin, "'") || strings.ContainsAny(strings.TrimSpace(s.GetToken().Origin)[:1], `"'`)
	}
	return nil
}

func (e *expression) set() bool { return e.text != "" }

// functions are those of expr that a flow may call; nothing that reads a clock
// or that takes a function.
func functions() []string {
	return []string{"len", "trim", "upper", "lower", "split", "replace", "hasPrefix", "hasSuffix", "indexOf", "int", "float", "string", "abs", "ceil", "floor", "round", "min", "max"}
}

// scope says what names an expression may use beside the flow's variables.
type scope map[string]types.Type

func scopeOf(vars variables, more scope) types.Map {
	var queue func(string) (QueueFigures, error)
	m := types.Map{queueFunction: types.TypeOf(queue)}
	for _, g := range givenNames() {
		m[g] = types.String
	}
	for _, v := range vars {
		m[v.name.text] = map[varType]types.Type{typeText: types.String, typeNumber: types.Float64, typeYesNo: types.Bool}[v.typ]
	}
	maps.Copy(m, more)
	return m
}

// compile checks e against the variables and the type that is wanted ("" for
// any); it reports what is wrong and returns false then.
func (s *settling) compile(e *expression, want varType, more scope) bool {
	if len(e.text) > maxExpression {
		s.add(e.at, "the expression is longer than %d octets; make two of it", maxExpression)
		return false
	}
	options := []expr.Option{
		expr.Env(scopeOf(s.flow.vars, more)), expr.MaxNodes(maxExpressionNodes), expr.DisableAllBuiltins(),
		expr.Function("luhn", func(p ...any) (any, error) { return luhn(p[0].(string)), nil }, new(func(string) bool)),
	}
	for _, name := range functions() {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(e.text, options...)
	if err != nil {
		s.expressionProblem(e, err, more)
		return false
	}
	e.program = program
	root := program.Node()
	if !s.asksQueues(e, root, more) {
		return false
	}
	e.typ = typeOf(root.Type())
	if e.uses = identifiers(root); slices.Contains(e.uses, "$env") {
		s.once(e.at, "$env would read every variable at once, the secret ones too; write the name of the one that is meant")
		return false
	}
	if c, ok := root.(*exprast.BoolNode); ok {
		e.always, e.never = c.Value, !c.Value
	}
	if want != "" && e.typ != want && (e.typ != "" || known(root.Type())) {
		s.add(e.at, "%q is %s, but %s is wanted here", e.text, kindOf(root.Type()), oneOf(want))
		return false
	}
	return true
}

func typeOf(t reflect.Type) varType {
	if t == nil {
		return ""
	}
	switch t.Kind() {
	case reflect.String:
		return typeText
	case reflect.Bool:
		return typeYesNo
	case reflect.Int, reflect.Int64, reflect.Float64:
		return typeNumber
	}
	return ""
}

func known(t reflect.Type) bool { return t != nil && t.Kind() != reflect.Interface }

func oneOf(t varType) string {
	return map[varType]string{typeText: "a text", typeNumber: "a number", typeYesNo: "a yes or no (true or false)"}[t]
}

func kindOf(t reflect.Type) string {
	if v := typeOf(t); v != "" {
		return oneOf(v)
	}
	return "no single value"
}

var (
	unknownName = regexp.MustCompile(`^unknown name (\S+)`)
	tokenNames  = strings.NewReplacer("float64", "number", "string", "text", "bool", "yes or no", "Identifier", "name")
)

func (s *settling) expressionProblem(e *expression, err error, more scope) {
	where := e.at
	message := err.Error()
	if fe, ok := errors.AsType[*file.Error](err); ok {
		message = fe.Message
		if fe.Line == 1 {
			where.col += fe.Column
			if e.quoted {
				where.col++
			}
		}
	}
	if m := unknownName.FindStringSubmatch(message); m != nil {
		names := append(append(s.flow.vars.names(), givenNames()...), slices.Sorted(maps.Keys(more))...)
		if slices.Contains(functionsToo(), m[1]) {
			s.once(where, "%s is a function; write %s(…)", m[1], m[1])
			return
		}
		s.once(where, "there is no variable %q; declare it under vars:%s", m[1], nearest(m[1], names))
		return
	}
	if text, ok := noFigure(message); ok {
		s.once(where, "%s", text)
		return
	}
	s.once(where, "the expression %q cannot be read: %s", e.text, tokenNames.Replace(message))
}

func functionsToo() []string { return append(functions(), "luhn") }

type identifierFinder struct{ names []string }

// Visit notes one node (expr's ast.Visitor).
func (f *identifierFinder) Visit(n *exprast.Node) {
	if id, ok := (*n).(*exprast.IdentifierNode); ok && !slices.Contains(f.names, id.Value) {
		f.names = append(f.names, id.Value)
	}
}

func identifiers(n exprast.Node) []string {
	f := &identifierFinder{}
	exprast.Walk(&n, f)
	return f.names
}

// secretOf returns a secret variable that e reads, or "".
func (vs variables) secretOf(e *expression) string {
	for _, name := range e.uses {
		if v, ok := vs.find(name); ok && v.secret {
			return name
		}
	}
	return ""
}

// noSecret refuses secrets where what is computed can be heard or read.
func (s *settling) noSecret(e *expression, where string) {
	if name := s.flow.vars.secretOf(e); name != "" {
		s.add(e.at, "the variable %q is secret and must not be used in %s; use it in a condition, in the body of a lookup, or in another secret variable", name, where)
	}
}

// eval computes e with the variables of the call and more.
func (r *runner) eval(e *expression, more map[string]any) (any, error) {
	env := map[string]any{
		"caller": r.start.Caller, "line": string(r.start.Line), "language": r.lang, "consent": string(r.consented),
		queueFunction: r.queue,
	}
	maps.Copy(env, r.vars)
	maps.Copy(env, more)
	machine := vm.VM{MemoryBudget: expressionMemory}
	x, err := machine.Run(e.program, env)
	if err != nil {
		return nil, fmt.Errorf("line %d: the expression could not be computed", e.at.line) // its text may hold a secret
	}
	return x, nil
}

// truth computes a condition; one that cannot be computed is false and noted.
func (r *runner) truth(e *expression, more map[string]any) bool {
	x, err := r.eval(e, more)
	if err != nil {
		r.note(err.Error()+"; it counts as false", nil)
		return false
	}
	yes, ok := x.(bool)
	return ok && yes
}
