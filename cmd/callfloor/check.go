package main

import (
	"errors"
	"fmt"

	"callfloor/internal/app"
	"callfloor/internal/config"
)

type checkCmd struct {
	configFlags
	JSON bool `help:"Print JSON."`
}

// checked is check's result for programs.
type checked struct {
	OK       bool     `json:"ok"`
	Problems []string `json:"problems"`
}

// Run finds what serve would refuse at its start.
func (c *checkCmd) Run(t terminal) error {
	problems, cfg, err := c.problems()
	if err != nil {
		return err
	}
	if c.JSON {
		if err := t.printJSON(checked{OK: len(problems) == 0, Problems: problems}); err != nil {
			return err
		}
	} else {
		for _, p := range problems {
			t.say("%s", p)
		}
	}
	if len(problems) > 0 {
		return silentError{}
	}
	if !c.JSON {
		fmt.Fprintf(t.out, "All is well: %d lines, %d queues.\n", len(cfg.Lines), len(cfg.Queues))
	}
	return nil
}

func (c *checkCmd) problems() ([]string, config.Config, error) {
	problems := []string{}
	cfg, err := c.load()
	if p, ok := errors.AsType[*config.ProblemsError](err); ok {
		for _, one := range p.Problems {
			problems = append(problems, one.String())
		}
		return problems, cfg, nil
	}
	if err != nil {
		return nil, cfg, err
	}
	prompts, err := app.LoadPrompts(cfg, func(err error) { problems = append(problems, err.Error()) })
	if err != nil {
		return nil, cfg, err
	}
	if _, err := app.LoadFlows(cfg, prompts); err != nil {
		flows, ok := errors.AsType[*app.FlowsError](err)
		if !ok {
			return nil, cfg, err
		}
		problems = append(problems, flows.Problems...)
	}
	return problems, cfg, nil
}
