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
		if _, done := flows[line.Flow]; done {
			continue
		}
		var problems []string
		flows[line.Flow], problems = loadChecked(cfg, line.Flow, p)
		wrong.Problems = append(wrong.Problems, problems...)
	}
	if len(wrong.Problems) > 0 {
		return nil, &wrong
	}
	return flows, nil
}

// loadChecked reads a flow and holds it against every line that uses it.
func loadChecked(cfg config.Config, name string, p *ivr.Prompts) (*ivr.Flow, []string) {
	var problems []string
	flow, err := loadFlow(cfg, name, p)
	for _, line := range cfg.Lines {
		if line.Flow != name {
			continue
		}
		if err != nil {
			return nil, []string{fmt.Sprintf("line %s: %v", line.ID, err)}
		}
		o := ivr.CheckOptions{ConsentPolicy: line.Consent, Queues: cfg.QueueIDs(), Speech: len(cfg.Speech.Command) > 0}
		for _, p := range flow.Check(o) {
			problems = append(problems, fmt.Sprintf("line %s: %s", line.ID, p))
		}
	}
	return flow, problems
}

// loadFlows makes what flows need, and reads them.
func (a *App) loadFlows(context.Context) error {
	var err error
	if a.prompts, err = ivr.LoadPrompts(ivr.BuiltinPrompts()); err != nil {
		return err
	}
	if a.shelf, err = newShelf(a.cfg, a.log, a.prompts); err != nil {
		return err
	}
	if a.cfg.Flows != "" {
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); a.shelf.watch(ctx) }()
		a.onStop("flows", func(context.Context) error { stop(); <-done; return nil })
	}
	private, err := a.cfg.Lookups.Networks()
	if err != nil {
		return err
	}
	f := newFetcher(private)
	a.onStop("lookups", func(context.Context) error { f.close(); return nil })
	a.services.Lookups = ivr.NewLookups(f)
	if len(a.cfg.Speech.Command) == 0 {
		return nil
	}
	v, err := newVoice(a.cfg.Speech, filepath.Join(a.cfg.Data, "speech"))
	if err != nil {
		return err
	}
	a.services.Speaker = v
	return nil
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
	var names []string
	for _, f := range files {
		if !strings.HasSuffix(f, ivr.TestSuffix) {
			names = append(names, strings.TrimSuffix(path.Base(f), ".yaml"))
		}
	}
	return strings.Join(names, ", ")
}
