package ivr

import (
	"context"
	"fmt"

	"github.com/goccy/go-yaml/ast"
)

// branchStep goes on by the first condition that is true.
type branchStep struct {
	Kind    word       `yaml:"kind"`
	Choices conditions `yaml:"choices"`
	Else    word       `yaml:"else"`
}

// condition is one way of a branch.
type condition struct {
	When expression `yaml:"when"`
	Next word       `yaml:"next"`
}

// conditions is a list of ways, looked at in their order.
type conditions []condition

// UnmarshalYAML reads [{when: vip, next: gold}].
func (cs *conditions) UnmarshalYAML(n ast.Node) error {
	return eachOf(n, "a choice of a branch", "[{when: vip, next: gold}]", func(v ast.Node) error {
		var c condition
		if err := decode(v, &c, "a choice of a branch"); err != nil {
			return err
		}
		if !c.When.set() || c.Next.text == "" {
			return wrong(placeOf(v), "a choice of a branch needs when: and next:")
		}
		*cs = append(*cs, c)
		return nil
	})
}

// eachOf reads a list of at most maxCount mappings.
func eachOf(n ast.Node, what, example string, read func(ast.Node) error) error {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return wrong(placeOf(n), "a list is wanted here, for example %s", example)
	}
	if len(seq.Values) > maxCount {
		return wrong(placeOf(n), "%d times %s are more than %d", len(seq.Values), what, maxCount)
	}
	for _, v := range seq.Values {
		if err := read(v); err != nil {
			return err
		}
	}
	return nil
}

func (s *branchStep) settle(c *settling) {
	if len(s.Choices) == 0 {
		c.need("choices", "a list such as [{when: vip, next: gold}]")
	}
	if s.Else.text == "" {
		c.need("else", "where to go on if no condition is true")
	}
	for i := range s.Choices {
		c.compile(&s.Choices[i].When, typeYesNo, nil)
	}
}

// exits leaves out what a constant condition rules out.
func (s *branchStep) exits() []exit {
	var list []exit
	for _, c := range s.Choices {
		if c.When.never {
			continue
		}
		list = append(list, exit{to: c.Next, by: "when " + c.When.text, quiet: true})
		if c.When.always {
			return list
		}
	}
	return append(list, exit{to: s.Else, by: "else", quiet: true})
}

func (*branchStep) sounds() []soundRef { return nil }

func (s *branchStep) summary() string { return fmt.Sprintf("branches %d ways", len(s.Choices)+1) }

func (s *branchStep) run(_ context.Context, r *runner) (string, error) {
	for i := range s.Choices {
		if c := &s.Choices[i]; r.truth(&c.When, nil) {
			r.note("takes the way to "+c.Next.text, map[string]any{"next": c.Next.text})
			return c.Next.text, nil
		}
	}
	r.note("takes the way to "+s.Else.text, map[string]any{"next": s.Else.text})
	return s.Else.text, nil
}

// splitStep sends a part of the callers each way.
type splitStep struct {
	Kind   word   `yaml:"kind"`
	Shares shares `yaml:"shares"`
}

// share is one way of a split.
type share struct {
	Percent count `yaml:"percent"`
	Next    word  `yaml:"next"`
}

// shares is a list of ways.
type shares []share

// UnmarshalYAML reads [{percent: 30, next: a}, {percent: 70, next: b}].
func (ss *shares) UnmarshalYAML(n ast.Node) error {
	return eachOf(n, "a share", "[{percent: 30, next: a}, {percent: 70, next: b}]", func(v ast.Node) error {
		var one share
		if err := decode(v, &one, "a share"); err != nil {
			return err
		}
		if !one.Percent.set || one.Next.text == "" {
			return wrong(placeOf(v), "a share needs percent: and next:")
		}
		*ss = append(*ss, one)
		return nil
	})
}

func (s *splitStep) settle(c *settling) {
	sum := 0
	for _, one := range s.Shares {
		sum += one.Percent.n
	}
	if sum != 100 {
		c.add(c.node.at, "the shares of the node %q make %d percent; they must make 100", c.node.id, sum)
	}
}

func (s *splitStep) exits() []exit {
	var list []exit
	for _, one := range s.Shares {
		if one.Percent.n > 0 {
			list = append(list, exit{to: one.Next, by: fmt.Sprintf("%d %%", one.Percent.n), quiet: true})
		}
	}
	return list
}

func (*splitStep) sounds() []soundRef { return nil }
func (s *splitStep) summary() string  { return fmt.Sprintf("splits %d ways", len(s.Shares)) }

func (s *splitStep) run(_ context.Context, r *runner) (string, error) {
	drawn := r.percent()
	for _, one := range s.Shares {
		if drawn -= one.Percent.n; drawn < 0 {
			r.note(fmt.Sprintf("takes the way of %d %% to %s", one.Percent.n, one.Next.text), map[string]any{"next": one.Next.text})
			return one.Next.text, nil
		}
	}
	return s.Shares[len(s.Shares)-1].Next.text, nil // Percent gave more than 99
}
