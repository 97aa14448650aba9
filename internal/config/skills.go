package config

import (
	"fmt"
	"slices"
	"strings"

	"callfloor/acd"
)

// CheckSkills says what is wrong with a condition on agents' skills that a flow
// asks for: it cannot be read, or it speaks of a skill that no agent has and no
// step of a queue names. Nobody would ever serve such a contact, so that is
// rather a slip of the pen.
func (c Config) CheckSkills(condition string) error {
	e, err := acd.ParseExpr(condition)
	if err != nil {
		return err
	}
	known := c.skills()
	for _, name := range e.Names() {
		switch {
		case slices.Contains(known, name):
		case len(known) == 0:
			return fmt.Errorf("no agent has the skill %q; give it to them under agents", name)
		default:
			return fmt.Errorf("no agent has the skill %q; there are %s (agents, and steps of queues)", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// skills lists every skill that an agent has or a queue asks for, in order.
func (c Config) skills() []string {
	var names []string
	for _, a := range c.Agents {
		for _, s := range a.Skills {
			names = append(names, s.Name)
		}
	}
	for _, q := range c.Queues {
		for _, st := range q.Steps {
			names = append(names, st.Skills.Names()...)
			names = append(names, st.Prefer.Names()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
