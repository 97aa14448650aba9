package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"callfloor/internal/config"
	"callfloor/ivr"
)

// FlowsError is everything that is wrong with the flows of the lines.
type FlowsError struct{ Problems []string }

// Error lists the problems, one a line.
func (e *FlowsError) Error() string { return strings.Join(e.Problems, "\n") }

// LoadFlows reads every flow that a line uses. The error is a *FlowsError that
// names every flow which cannot be read and every one that its line must not
// run, with file and line.
func LoadFlows(cfg config.Config, p *ivr.Prompts) (map[string]*ivr.Flow, error) {
	flows := map[string]*ivr.Flow{}
	var wrong FlowsError
	for _, line := range cfg.Lines {
		flow := flows[line.Flow]
		if flow == nil {
			var err error
			if flow, err = loadFlow(cfg, line.Flow, p); err != nil {
				wrong.Problems = append(wrong.Problems, fmt.Sprintf("line %s: %v", line.ID, err))
				continue
			}
			flows[line.Flow] = flow
		}
		for _, p := range flow.Check(ivr.CheckOptions{ConsentPolicy: line.Consent, Queues: cfg.QueueIDs()}) {
			wrong.Problems = append(wrong.Problems, fmt.Sprintf("line %s: %s", line.ID, p))
		}
	}
	if len(wrong.Problems) > 0 {
		return nil, &wrong
	}
	return flows, nil
}

func (a *App) loadFlows(context.Context) error {
	var err error
	if a.prompts, err = ivr.LoadPrompts(ivr.BuiltinPrompts()); err != nil {
		return err
	}
	a.flows, err = LoadFlows(a.cfg, a.prompts)
	return err
}

// loadFlow reads a flow by its name: from the folder of the configuration, or
// the built-in one.
func loadFlow(cfg config.Config, name string, p *ivr.Prompts) (*ivr.Flow, error) {
	file := name + ".yaml"
	if cfg.Flows != "" {
		if _, err := os.Stat(filepath.Join(cfg.Flows, file)); err == nil {
			return ivr.LoadFlow(os.DirFS(cfg.Flows), file, p)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the flow %s: %w", file, err)
		}
	}
	if _, err := fs.Stat(ivr.BuiltinFlows(), file); err != nil {
		return nil, fmt.Errorf("there is no flow %q: put %s into the flows folder, or use a built-in one (%s)", name, file, builtinFlows())
	}
	return ivr.LoadFlow(ivr.BuiltinFlows(), file, p)
}

func builtinFlows() string {
	files, err := fs.Glob(ivr.BuiltinFlows(), "*.yaml")
	if err != nil {
		return ""
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".yaml")
	}
	return strings.Join(files, ", ")
}
