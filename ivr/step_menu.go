package ivr

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// menuStep offers choices by key. Keys typed ahead count.
type menuStep struct {
	Kind     word    `yaml:"kind"`
	Say      words   `yaml:"say"`
	Again    words   `yaml:"again"` // instead of say, to a caller who comes back
	Keys     choices `yaml:"keys"`
	Wait     span    `yaml:"wait"`     // silence after the prompts
	Timeouts count   `yaml:"timeouts"` // silences until the silent branch
	Failures count   `yaml:"failures"` // wrong keys until the failed branch
	SayWrong words   `yaml:"say_wrong"`
	Silent   word    `yaml:"silent"`
	Failed   word    `yaml:"failed"`
}

// choice is one key of a menu: what it is called in the agent's view, and
// where it leads.
type choice struct {
	key   rune
	Label word `yaml:"label"`
	Next  word `yaml:"next"`
}

// choices is a mapping of keys to choices.
type choices []choice

const (
	menuWait     = 10 * time.Second
	menuTimeouts = 3
	menuFailures = 3
	// maxSwitches is how often a caller may change the language in one
	// question before it counts as a wrong key.
	maxSwitches = 3
)

// UnmarshalYAML reads {1: {label: Sales, next: sales}}.
func (cs *choices) UnmarshalYAML(n ast.Node) error {
	values, ok := mapping(n)
	if !ok {
		return wrong(placeOf(n), "keys must be a mapping, for example 1: {label: Sales, next: sales}")
	}
	for _, v := range values {
		name := keyWord(v)
		r, err := name.key()
		if err != nil {
			return err
		}
		var c choice
		if err := decode(v.Value, &c, "a key of a menu"); err != nil {
			return err
		}
		if c.Label.text == "" || c.Next.text == "" {
			return wrong(name.at, "the key %s needs label: (for the agent) and next:", name.text)
		}
		c.key = r
		*cs = append(*cs, c)
	}
	return nil
}

func (s *menuStep) settle(c *settling) {
	if len(s.Say) == 0 {
		c.need("say", "the prompts that offer the choices")
	}
	if len(s.Keys) == 0 {
		c.need("keys", "what each key does, for example 1: {label: Sales, next: sales}")
	}
	if s.Silent.text == "" {
		c.need("silent", "where a caller goes who presses nothing")
	}
	if s.Failed.text == "" {
		s.Failed = s.Silent
	}
	s.Wait.fallback(menuWait)
	s.Timeouts.fallback(menuTimeouts)
	s.Failures.fallback(menuFailures)
	if s.Wait.d < time.Second {
		c.add(s.Wait.at, "%v is too short to choose in; wait at least 1s", s.Wait.d)
	}
	for _, n := range []count{s.Timeouts, s.Failures} {
		if n.n < 1 {
			c.add(n.at, "0 would leave the menu before it was heard; write at least 1")
		}
	}
}

func (s *menuStep) exits() []exit {
	list := []exit{{to: s.Silent, by: "silence", quiet: true}, {to: s.Failed, by: "wrong keys"}}
	for _, c := range s.Keys {
		list = append(list, exit{to: c.Next, by: fmt.Sprintf("key %c (%s)", c.key, c.Label.text)})
	}
	return list
}

func (s *menuStep) sounds() []soundRef { return refs(slices.Concat(s.Say, s.Again, s.SayWrong)) }

func (s *menuStep) summary() string {
	labels := make([]string, len(s.Keys))
	for i, c := range s.Keys {
		labels[i] = c.Label.text
	}
	return "offers " + strings.Join(labels, ", ")
}

func (s *menuStep) run(ctx context.Context, r *runner) (string, error) {
	silences, wrongs, switches := 0, 0, 0
	offer := s.offer(r)
	var apology words
	for {
		pressed, ok, err := r.ask(ctx, append(r.resolve(apology), r.resolve(offer)...), s.Wait.d)
		if err != nil {
			return "", err
		}
		apology = nil
		if !ok {
			offer = s.Say
			if silences++; silences >= s.Timeouts.n {
				r.note("nothing was chosen", nil)
				return s.Silent.text, nil
			}
			continue
		}
		if c, found := s.choose(pressed); found {
			r.note("chose "+c.Label.text, map[string]any{"label": c.Label.text, "next": c.Next.text})
			r.caller.Chosen(c.Label.text)
			return c.Next.text, nil
		}
		if switches < maxSwitches && r.switchLanguage(pressed) {
			switches++
			continue
		}
		if wrongs++; wrongs >= s.Failures.n {
			r.note("only keys that are no choice", nil)
			return s.Failed.text, nil
		}
		r.note("a key that is no choice", nil)
		apology, offer = s.SayWrong, s.Say
	}
}

// offer is what a caller hears first. Who comes back knows the menu; after a
// silence or a wrong key they hear all of it.
func (s *menuStep) offer(r *runner) words {
	back := r.menus[s]
	r.menus[s] = true
	if back && len(s.Again) > 0 {
		return s.Again
	}
	return s.Say
}

func (s *menuStep) choose(pressed rune) (choice, bool) {
	for _, c := range s.Keys {
		if c.key == pressed {
			return c, true
		}
	}
	return choice{}, false
}
