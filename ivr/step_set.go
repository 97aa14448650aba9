package ivr

import (
	"context"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// setStep gives variables new values. They are computed in the order of the
// file, each with those before it.
type setStep struct {
	Kind   word        `yaml:"kind"`
	Values assignments `yaml:"values"`
	Next   word        `yaml:"next"`
}

// assignment gives the variable name the value of an expression.
type assignment struct {
	name  word
	value expression
}

// assignments is a mapping of names to expressions.
type assignments []assignment

// UnmarshalYAML reads {vip: 'caller startsWith "139"', tries: tries + 1}.
func (as *assignments) UnmarshalYAML(n ast.Node) error {
	values, ok := mapping(n)
	if !ok {
		return wrong(placeOf(n), "a mapping of names to expressions is wanted here, for example {tries: tries + 1}")
	}
	for _, v := range values {
		one := assignment{name: keyWord(v)}
		if err := one.value.UnmarshalYAML(v.Value); err != nil {
			return err
		}
		*as = append(*as, one)
	}
	return nil
}

func (s *setStep) settle(c *settling) {
	needNext(c, s.Next)
	if len(s.Values) == 0 {
		c.need("values", "what the variables become, for example {tries: tries + 1}")
	}
	c.settleAssignments(s.Values, nil)
}

// settleAssignments checks values for variables of the flow.
func (s *settling) settleAssignments(as assignments, more scope) {
	for i := range as {
		v, ok := s.flow.vars.find(as[i].name.text)
		if !ok {
			s.noVariable(as[i].name)
			continue
		}
		if s.compile(&as[i].value, v.typ, more) && !v.secret {
			s.noSecret(&as[i].value, "the variable "+v.name.text+", which is not secret")
		}
	}
}

func (s *settling) noVariable(name word) {
	s.once(name.at, "there is no variable %q; declare it under vars:%s", name.text, nearest(name.text, s.flow.vars.names()))
}

func (s *setStep) exits() []exit    { return []exit{{to: s.Next, quiet: true}} }
func (*setStep) sounds() []soundRef { return nil }

func (s *setStep) summary() string {
	names := make([]string, len(s.Values))
	for i, a := range s.Values {
		names[i] = a.name.text
	}
	return "sets " + strings.Join(names, ", ")
}

// run never writes the values into the timeline: they may be what a caller
// has pressed.
func (s *setStep) run(_ context.Context, r *runner) (string, error) {
	for i := range s.Values {
		if err := r.assign(&s.Values[i], nil); err != nil {
			r.note(err.Error()+"; the variable "+s.Values[i].name.text+" stays as it is", nil)
		}
	}
	return s.Next.text, nil
}

// assign computes one value; an error says that it has the wrong type, which is
// known only now.
func (r *runner) assign(a *assignment, more map[string]any) error {
	x, err := r.eval(&a.value, more)
	if err != nil {
		return err
	}
	v, _ := r.flow.vars.find(a.name.text)
	fits, ok := v.typ.convert(x)
	if !ok {
		return fmt.Errorf("line %d: the value for %s is not %s", a.value.at.line, a.name.text, oneOf(v.typ))
	}
	r.vars[a.name.text] = fits
	return nil
}
