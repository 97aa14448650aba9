package ivr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// subflowStep runs another file as if it stood here. That flow has variables
// of its own; with: gives them values, returns: takes values from it.
type subflowStep struct {
	Kind    word        `yaml:"kind"`
	Flow    word        `yaml:"flow"`
	With    assignments `yaml:"with"`
	Returns assignments `yaml:"returns"`
	Exits   namedExits  `yaml:"exits"` // by the as: of the return node
	Next    word        `yaml:"next"`  // for every other return
	sub     *Flow
}

// namedExit leads on where the subflow returned as name.
type namedExit struct{ name, to word }

// namedExits is a mapping of names to nodes.
type namedExits []namedExit

// UnmarshalYAML reads {paid: thanks, refused: bye}.
func (es *namedExits) UnmarshalYAML(n ast.Node) error {
	values, ok := mapping(n)
	if !ok {
		return wrong(placeOf(n), "exits must be a mapping of how the subflow returned to a node, for example {paid: thanks}")
	}
	for _, v := range values {
		e := namedExit{name: keyWord(v)}
		if err := e.to.UnmarshalYAML(v.Value); err != nil {
			return err
		}
		*es = append(*es, e)
	}
	return nil
}

// maxDepth is how many flows may call each other.
const maxDepth = 5

func (s *subflowStep) settle(c *settling) {
	if s.Flow.text == "" {
		c.need("flow", "the name of the flow's file without .yaml")
		return
	}
	name := strings.TrimSuffix(s.Flow.text, ".yaml") + ".yaml"
	switch {
	case slices.Contains(c.loader.open, name):
		c.add(s.Flow.at, "the subflow %s calls itself (%s); lead back with goto instead", name, strings.Join(append(slices.Clone(c.loader.open), name), " → "))
		return
	case len(c.loader.open) >= maxDepth:
		c.add(s.Flow.at, "the subflow %s would be the %dth flow in a row; at most %d call each other", name, len(c.loader.open)+1, maxDepth)
		return
	}
	if s.sub = c.loader.loaded[name]; s.sub == nil {
		if s.sub = s.load(c, name); s.sub == nil {
			return
		}
	}
	if !slices.Contains(c.flow.subs, s.sub) {
		c.flow.subs = append(c.flow.subs, s.sub)
	}
	s.settleValues(c)
	s.settleExits(c)
}

// load reads the subflow; its own problems are told under its own name.
func (s *subflowStep) load(c *settling, name string) *Flow {
	if _, err := readLimited(c.loader.fsys, name, maxFlowText); err != nil {
		c.add(s.Flow.at, "%v; a subflow stands in the same folder", err)
		return nil
	}
	theirs := &findings{file: name}
	sub := c.loader.load(name, theirs)
	if len(theirs.list) > 0 {
		c.list = append(c.list, theirs.list...)
		return nil
	}
	switch sub.nodes[sub.start].step.(type) {
	case *ringStep:
		c.add(s.Flow.at, "the subflow %s begins with ringing, but the call is answered by then", name)
	case *earlyStep:
		c.add(s.Flow.at, "the subflow %s begins with early, which only a line's own flow can", name)
	}
	return sub
}

func (s *subflowStep) settleValues(c *settling) {
	for i := range s.With {
		v, ok := s.sub.vars.find(s.With[i].name.text)
		if !ok {
			c.add(s.With[i].name.at, "the subflow %s has no variable %q%s", s.sub.file, s.With[i].name.text, nearest(s.With[i].name.text, s.sub.vars.names()))
			continue
		}
		if c.compile(&s.With[i].value, v.typ, nil) && !v.secret {
			c.noSecret(&s.With[i].value, "the variable "+v.name.text+" of the subflow, which is not secret")
		}
	}
	theirs := &settling{flow: s.sub, file: c.file, node: c.node, findings: c.findings}
	for i := range s.Returns {
		v, ok := c.flow.vars.find(s.Returns[i].name.text)
		if !ok {
			c.noVariable(s.Returns[i].name)
			continue
		}
		if theirs.compile(&s.Returns[i].value, v.typ, nil) && !v.secret {
			theirs.noSecret(&s.Returns[i].value, "the variable "+v.name.text+", which is not secret")
		}
	}
}

func (s *subflowStep) settleExits(c *settling) {
	ways := s.sub.returns()
	for _, e := range s.Exits {
		if !slices.Contains(ways, e.name.text) {
			c.add(e.name.at, "the subflow %s never returns as %q%s", s.sub.file, e.name.text, nearest(e.name.text, ways))
		}
	}
	for _, way := range ways {
		if s.to(way).text == "" {
			c.need("next", fmt.Sprintf("where to go on when %s returns%s", s.sub.file, as(way)))
		}
	}
}

func as(way string) string {
	if way == "" {
		return ""
	}
	return " as " + way
}

// returns lists the ways in which a caller can come back from the flow.
func (f *Flow) returns() []string {
	var ways []string
	reached := f.walk()
	for _, id := range f.order {
		if r, ok := f.nodes[id].step.(*returnStep); ok && reached[id] != nil && !slices.Contains(ways, r.As.text) {
			ways = append(ways, r.As.text)
		}
	}
	return ways
}

// stops tells whether the flow can end the call itself.
func (f *Flow) stops() bool {
	for id := range f.walk() {
		step := f.nodes[id].step
		if _, back := step.(*returnStep); back {
			continue
		}
		for _, e := range step.exits() {
			if e.to.text == "" {
				return true
			}
		}
	}
	return false
}

func (s *subflowStep) to(way string) word {
	for _, e := range s.Exits {
		if e.name.text == way {
			return e.to
		}
	}
	return s.Next
}

func (s *subflowStep) exits() []exit {
	if s.sub == nil {
		return nil
	}
	var list []exit
	for _, way := range s.sub.returns() {
		list = append(list, exit{to: s.to(way), by: strings.TrimSpace(s.sub.file + " returns" + as(way)), quiet: true})
	}
	if s.sub.stops() {
		list = append(list, exit{by: s.sub.file + " ends the call", quiet: true})
	}
	return list
}

func (*subflowStep) sounds() []soundRef { return nil } // the subflow has its own check

func (s *subflowStep) summary() string { return "calls " + s.Flow.text }

func (s *subflowStep) run(_ context.Context, r *runner) (string, error) {
	vars := s.sub.vars.fresh()
	for i := range s.With {
		w := &s.With[i]
		v, _ := s.sub.vars.find(w.name.text)
		if x, err := r.eval(&w.value, nil); err != nil {
			r.note(err.Error(), nil)
		} else if fits, ok := v.typ.convert(x); ok {
			vars[w.name.text] = fits
		}
	}
	r.stack = append(r.stack, r.frame)
	r.frame = frame{flow: s.sub, at: s.sub.start, vars: vars}
	return s.sub.start, nil
}

// returnStep goes back to the flow that called this one.
type returnStep struct {
	Kind word `yaml:"kind"`
	As   word `yaml:"as"`
}

func (s *returnStep) settle(c *settling) {
	if s.As.text != "" && !nodeID.MatchString(s.As.text) {
		c.add(s.As.at, "the word %q is not allowed; use lower-case letters, digits, - and _, a letter first", s.As.text)
	}
}

func (*returnStep) exits() []exit      { return end() }
func (*returnStep) sounds() []soundRef { return nil }
func (s *returnStep) summary() string  { return "returns" + as(s.As.text) }

func (s *returnStep) run(_ context.Context, r *runner) (string, error) {
	if len(r.stack) == 0 {
		return "", nil // Check refuses this on a line; the flow is over
	}
	theirs := *r // its variables, for returns:
	r.frame = r.stack[len(r.stack)-1]
	r.stack = r.stack[:len(r.stack)-1]
	call := r.flow.nodes[r.at].step.(*subflowStep)
	for i := range call.Returns {
		c := &call.Returns[i]
		v, _ := r.flow.vars.find(c.name.text)
		if x, err := theirs.eval(&c.value, nil); err != nil {
			r.note(err.Error(), nil)
		} else if fits, ok := v.typ.convert(x); ok {
			r.vars[c.name.text] = fits
		}
	}
	return call.to(s.As.text).text, nil
}
