package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"callfloor/api"
	"callfloor/internal/config"
	"callfloor/ivr"
)

// FlowsError is everything that is wrong with the flows of the lines.
type FlowsError struct{ Problems []string }

// Error lists the problems, one a line.
func (e *FlowsError) Error() string { return strings.Join(e.Problems, "\n") }

// LoadFlows reads every flow that a line uses. The error is a *FlowsError that
// names every flow which cannot be read and every one that its line must not
// run, with file and line, and every prompt that a queue lacks.
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
	wrong.Problems = append(wrong.Problems, announceProblems(cfg, p)...)
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
		for _, p := range flow.Check(checkOptions(cfg, line)) {
			problems = append(problems, fmt.Sprintf("line %s: %s", line.ID, p))
		}
	}
	return flow, problems
}

// checkOptions is what a line asks of its flow.
func checkOptions(cfg config.Config, line config.Line) ivr.CheckOptions {
	return ivr.CheckOptions{ConsentPolicy: line.Consent, Queues: cfg.QueueIDs(), Speech: len(cfg.Speech.Command) > 0 || cfg.Speech.URL != "", BotsTalk: line.Bots == config.BotsTalk, Skills: cfg.CheckSkills}
}

// loadFlows makes what flows need, and reads them.
func (a *App) loadFlows(context.Context) error {
	var err error
	if a.prompts, err = ivr.LoadPrompts(ivr.BuiltinPrompts()); err != nil {
		return err
	}
	warn := func(err error) { a.log.Error("a prompt cannot be read", "error", err) }
	present, err := withOwn(a.prompts, promptFolder(a.cfg), warn)
	if err != nil {
		return err
	}
	if a.shelf, err = newShelf(a.cfg, a.log, present); err != nil {
		return err
	}
	a.where = newWhereabouts()
	a.editor = newFlowEditor(a.shelf, a.where)
	a.flowCalls = newFlowCalls(a)
	a.sounds = &promptShelf{
		folder: promptFolder(a.cfg), base: a.prompts, log: a.log, take: a.shelf.take, now: a.shelf.present, uses: a.editor.promptUses, queues: a.cfg.Queues,
	}
	a.services.Studio = &studio{code: a.cfg.PromptCode, sounds: a.sounds, audit: api.NewAudit(a.db)}
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
	a.fetch = f
	a.onStop("lookups", func(context.Context) error { f.close(); return nil })
	a.services.Lookups = ivr.NewLookups(f)
	if a.cfg.Speech.Recognise != "" {
		a.services.Recogniser = &recogniser{cfg: a.cfg.Speech, client: speechClient()}
	}
	if m := a.cfg.Messages; m.URL != "" {
		a.services.Messages = &ivr.Messages{URL: m.URL, Header: map[string]string{}}
		if m.Authorization != "" {
			a.services.Messages.Header["Authorization"] = m.Authorization
		}
	}
	if len(a.cfg.Speech.Command) == 0 && a.cfg.Speech.URL == "" {
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
	files := newFlowFiles(flowFolder(cfg), nil)
	if _, err := fs.Stat(files, name+".yaml"); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no flow %q: put %s.yaml into the flows folder, or use a built-in one (%s)", name, name, builtinFlows())
	}
	return ivr.LoadFlow(files, name+".yaml", p)
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
