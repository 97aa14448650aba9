package app

import (
	"context"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"callfloor/api"
	"callfloor/contact"
	"callfloor/ivr"
)

// flowEditor looks at flows, tries them out and publishes them: the shelf as
// the pages use it.
type flowEditor struct {
	shelf *shelf
	where *whereabouts
	// tries bounds the calls that are tried out at the same time.
	tries chan struct{}
}

var _ api.Flows = (*flowEditor)(nil)

// triesAtOnce: each takes some milliseconds of a core.
const triesAtOnce = 4

func newFlowEditor(s *shelf, w *whereabouts) *flowEditor {
	return &flowEditor{shelf: s, where: w, tries: make(chan struct{}, triesAtOnce)}
}

// flowFileName is what the name of a flow may be: that of a file.
var flowFileName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// files are the flows as they stand, with a draft before them.
func (e *flowEditor) files(name string, draft *string) flowFiles {
	drafts := map[string][]byte{}
	if draft != nil {
		drafts[name+".yaml"] = []byte(*draft)
	}
	return newFlowFiles(e.shelf.folder, drafts)
}

// inspect reads a flow, or a draft of it.
func (e *flowEditor) inspect(name string, draft *string) (*ivr.Flow, ivr.Problems, error) {
	files := e.files(name, draft)
	if _, err := fs.Stat(files, name+".yaml"); err != nil {
		return nil, nil, contact.Errorf(contact.NotFound, "there is no flow %q", name)
	}
	f, problems := ivr.Inspect(files, name+".yaml", e.shelf.present())
	return f, problems, nil
}

// names lists the flows: those of the lines, those of the folder, and what
// they call.
func (e *flowEditor) names() []string {
	var names []string
	for _, line := range e.shelf.cfg.Lines {
		names = append(names, line.Flow)
		if f := e.shelf.flow(line.Flow); f != nil {
			for _, s := range f.Sources() {
				names = append(names, nameOf(s.Name))
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(e.shelf.folder, "*.yaml"))
	if err == nil {
		for _, f := range files {
			if name := nameOf(filepath.Base(f)); !strings.HasSuffix(f, ivr.TestSuffix) && flowFileName.MatchString(name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// List implements api.Flows.
func (e *flowEditor) List(context.Context) ([]api.FlowSummary, error) {
	list := []api.FlowSummary{}
	for _, name := range e.names() {
		f, problems, err := e.inspect(name, nil)
		if err != nil {
			continue // the file went away meanwhile
		}
		wrong := len(problems)
		if wrong == 0 {
			wrong = len(e.onLines(name, f, nil))
		}
		list = append(list, e.summary(name, f, wrong))
	}
	return list, nil
}

func (e *flowEditor) summary(name string, f *ivr.Flow, wrong int) api.FlowSummary {
	s := api.FlowSummary{
		Name: name, Version: f.Version(), Lines: []string{}, Uses: f.Subflows(), Nodes: f.NodeCount(),
		BuiltIn: e.files(name, nil).builtIn(name + ".yaml"), Wrong: wrong,
	}
	for _, line := range e.shelf.cfg.Lines {
		if line.Flow == name {
			s.Lines = append(s.Lines, string(line.ID))
		}
	}
	s.Callers, _ = e.where.began(name)
	return s
}

// current is the version that new calls get; for a flow that no line begins
// with, the one that stands in the folder.
func (e *flowEditor) current(name string) string {
	if f := e.shelf.flow(name); f != nil {
		return f.Version()
	}
	for _, line := range e.shelf.cfg.Lines {
		f := e.shelf.flow(line.Flow)
		if f == nil {
			continue
		}
		for _, s := range f.Sources() {
			if nameOf(s.Name) == name {
				return s.Version
			}
		}
	}
	if f, problems, err := e.inspect(name, nil); err == nil && len(problems) == 0 {
		return f.Version()
	}
	return ""
}

// Show implements api.Flows.
func (e *flowEditor) Show(_ context.Context, name, version string) (api.FlowDetail, error) {
	var draft *string
	if version != "" && version != e.current(name) {
		text, err := e.shelf.version(name, version)
		if err != nil {
			return api.FlowDetail{}, err
		}
		draft = &text
	}
	f, problems, err := e.inspect(name, draft)
	if err != nil {
		return api.FlowDetail{}, err
	}
	d := api.FlowDetail{Text: string(f.Text()), Graph: f.Graph(), Problems: shownProblems(problems, "")}
	if len(problems) == 0 {
		for _, p := range e.onLines(name, f, draft) {
			d.Problems = append(d.Problems, shownProblem(p.Problem, p.line))
		}
	}
	d.FlowSummary = e.summary(name, f, len(d.Problems))
	if version != "" {
		d.Version = version
	}
	d.Current = d.Version == e.current(name)
	if tests, err := fs.ReadFile(e.files(name, nil), name+ivr.TestSuffix); err == nil {
		text := string(tests)
		d.Tests = &text
	}
	return d, nil
}

// Callers implements api.Flows.
func (e *flowEditor) Callers(context.Context) []api.FlowCallers { return e.where.callers() }

// Check implements api.Flows.
func (e *flowEditor) Check(_ context.Context, name, text string) (api.FlowCheck, error) {
	f, problems, err := e.inspect(name, &text)
	if err != nil {
		return api.FlowCheck{}, err
	}
	c := api.FlowCheck{Version: f.Version(), Problems: shownProblems(problems, ""), Graph: f.Graph()}
	if len(problems) == 0 {
		for _, p := range e.onLines(name, f, &text) {
			c.Problems = append(c.Problems, shownProblem(p.Problem, p.line))
		}
	}
	c.OK = len(c.Problems) == 0
	return c, nil
}

// lineProblem is a problem on a line; "" where it is on any.
type lineProblem struct {
	ivr.Problem
	line string
}

// onLines holds a flow without problems of its own against every line that
// comes through it.
func (e *flowEditor) onLines(name string, f *ivr.Flow, draft *string) []lineProblem {
	var list []lineProblem
	used := false
	cfg := e.shelf.cfg
	for _, line := range cfg.Lines {
		one, wrong := f, ivr.Problems(nil)
		if line.Flow != name {
			one, wrong = ivr.Inspect(e.files(name, draft), line.Flow+".yaml", e.shelf.present())
		}
		if !slices.ContainsFunc(one.Sources(), func(s ivr.Source) bool { return nameOf(s.Name) == name }) {
			continue
		}
		used = true
		if len(wrong) > 0 { // it calls the draft in a way that fits no more
			for _, p := range wrong {
				list = append(list, lineProblem{p, string(line.ID)})
			}
			continue
		}
		for _, p := range one.Check(checkOptions(cfg, line)) {
			list = append(list, lineProblem{p, string(line.ID)})
		}
	}
	if used {
		return list
	}
	o := ivr.CheckOptions{Queues: cfg.QueueIDs(), Speech: len(cfg.Speech.Command) > 0 || cfg.Speech.URL != "", Skills: cfg.CheckSkills}
	for _, p := range f.CheckAlone(o) {
		list = append(list, lineProblem{p, ""})
	}
	return list
}

func shownProblems(problems ivr.Problems, line string) []api.FlowProblem {
	list := make([]api.FlowProblem, len(problems))
	for i, p := range problems {
		list[i] = shownProblem(p, line)
	}
	return list
}

func shownProblem(p ivr.Problem, line string) api.FlowProblem {
	return api.FlowProblem{File: nameOf(p.File), Line: p.Line, Column: p.Col, Message: p.Message, Path: append([]string{}, p.Path...), OnLine: line}
}

// Simulate implements api.Flows.
func (e *flowEditor) Simulate(ctx context.Context, in api.FlowSimulation) (*ivr.Trial, error) {
	if !flowFileName.MatchString(in.Name) {
		return nil, contact.Errorf(contact.NotFound, "there is no flow %q", in.Name)
	}
	f, problems, err := e.inspect(in.Name, in.Text)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, contact.Errorf(contact.Invalid, "the flow cannot be tried out: %s", problems[0])
	}
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	script := in.Script
	if len(script) == 0 || string(script) == "null" {
		script = []byte("{}")
	}
	t, err := f.Try(ctx, script, in.Consent)
	if err != nil {
		return nil, contact.Errorf(contact.Invalid, "the script cannot be played: %v", err)
	}
	return t, nil
}

// Test implements api.Flows.
func (e *flowEditor) Test(ctx context.Context, name string, in api.FlowTest) ([]api.FlowOutcome, error) {
	files := e.files(name, in.Text)
	if in.Tests != nil {
		files.drafts[name+ivr.TestSuffix] = []byte(*in.Tests)
	}
	if _, err := fs.Stat(files, name+ivr.TestSuffix); err != nil {
		return nil, contact.Errorf(contact.NotFound, "the flow %q has no tests", name)
	}
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	s, err := ivr.LoadScenarios(files, name+ivr.TestSuffix, e.shelf.present())
	if err != nil {
		return nil, contact.Errorf(contact.Invalid, "the tests cannot be run: %v", err)
	}
	list := []api.FlowOutcome{}
	for _, o := range s.Run(ctx) {
		list = append(list, api.FlowOutcome{
			Name: o.Name, Place: o.Place, OK: len(o.Failures) == 0, Seconds: o.Lasted.Seconds(),
			Failures: append([]string{}, o.Failures...), Trace: append([]string{}, o.Trace...),
		})
	}
	return list, nil
}

// promptUses tells which flows play each prompt.
func (e *flowEditor) promptUses() map[string][]string {
	uses := map[string][]string{}
	for _, name := range e.names() {
		f, problems, err := e.inspect(name, nil)
		if err != nil || len(problems) > 0 {
			if f = e.shelf.flow(name); f == nil {
				continue
			}
		}
		for _, id := range f.PromptIDs() {
			uses[id] = append(uses[id], name)
		}
	}
	return uses
}

func (e *flowEditor) enter(ctx context.Context) error {
	select {
	case e.tries <- struct{}{}:
		return nil
	case <-ctx.Done():
		return contact.Errorf(contact.Busy, "too many flows are tried out at once; try again")
	}
}

func (e *flowEditor) leave() { <-e.tries }
