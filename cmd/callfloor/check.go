package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"callfloor/internal/app"
	"callfloor/internal/config"
	"callfloor/ivr"
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
	prompts, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
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

type flowCmd struct {
	Check flowCheckCmd `cmd:"" help:"Check flow files: steps, prompts, queues, and that no path records without the consent that is asked for."`
}

type flowCheckCmd struct {
	Files   []string `arg:"" name:"file" help:"The flow files."`
	Config  string   `help:"The configuration whose queues the flows may use." env:"CALLFLOOR_CONFIG" placeholder:"FILE"`
	Consent string   `help:"What the line does about recording: ${enum}." enum:"ask,announce,never" default:"ask"`
	JSON    bool     `help:"Print JSON."`
}

// Run checks each file.
func (c *flowCheckCmd) Run(_ context.Context, t terminal) error {
	cfg, err := config.Load(config.Source{File: c.Config, Env: os.Environ()})
	if err != nil {
		return err
	}
	prompts, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
	if err != nil {
		return err
	}
	problems := []string{}
	for _, file := range c.Files {
		for _, p := range flowProblems(file, prompts, ivr.CheckOptions{ConsentPolicy: c.Consent, Queues: cfg.QueueIDs()}) {
			p.File = file
			problems = append(problems, p.String())
		}
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
		fmt.Fprintln(t.out, "All is well.")
	}
	return nil
}

func flowProblems(file string, prompts *ivr.Prompts, o ivr.CheckOptions) []ivr.Problem {
	flow, err := ivr.LoadFlow(os.DirFS(filepath.Dir(file)), filepath.Base(file), prompts)
	if p, ok := errors.AsType[ivr.Problems](err); ok {
		return p
	}
	if err != nil {
		return []ivr.Problem{{Line: 1, Col: 1, Message: err.Error()}}
	}
	return flow.Check(o)
}
