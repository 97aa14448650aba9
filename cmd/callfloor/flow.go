package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"callfloor/internal/config"
	"callfloor/ivr"
)

type flowCmd struct {
	Check  flowCheckCmd  `cmd:"" help:"Check flow files: steps, expressions, prompts, queues, and that no path records without the consent that is asked for."`
	Test   flowTestCmd   `cmd:"" help:"Run the scenarios beside flow files (NAME.test.yaml) on a clock of their own."`
	Draw   flowDrawCmd   `cmd:"" help:"Draw a flow as a graph (SVG)."`
	Schema flowSchemaCmd `cmd:"" help:"Print the JSON schema of flow files, for editors."`
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
	o := ivr.CheckOptions{ConsentPolicy: c.Consent, Queues: cfg.QueueIDs(), Speech: len(cfg.Speech.Command) > 0 || cfg.Speech.URL != "", Skills: cfg.CheckSkills}
	for _, file := range c.Files {
		for _, p := range flowProblems(file, prompts, o) {
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
	flow, err := loadFlowFile(file, prompts)
	if p, ok := errors.AsType[ivr.Problems](err); ok {
		return p
	}
	if err != nil {
		return []ivr.Problem{{File: file, Line: 1, Col: 1, Message: err.Error()}}
	}
	return inFolder(file, flow.Check(o))
}

// loadFlowFile reads a flow; its problems name the file as it was given.
func loadFlowFile(file string, prompts *ivr.Prompts) (*ivr.Flow, error) {
	flow, err := ivr.LoadFlow(os.DirFS(filepath.Dir(file)), filepath.Base(file), prompts)
	if p, ok := errors.AsType[ivr.Problems](err); ok {
		return nil, ivr.Problems(inFolder(file, p))
	}
	return flow, err
}

// inFolder names each problem's file as seen from here: subflows stand in the
// folder of the flow.
func inFolder(file string, problems []ivr.Problem) []ivr.Problem {
	list := slices.Clone(problems)
	for i := range list {
		if list[i].File == filepath.Base(file) {
			list[i].File = file
		} else {
			list[i].File = filepath.Join(filepath.Dir(file), list[i].File)
		}
	}
	return list
}

type flowTestCmd struct {
	Paths []string `arg:"" optional:"" name:"path" help:"Folders, flow files or NAME.test.yaml files; without any, the built-in flows."`
	Trace bool     `help:"Show what happened in every scenario, not only where one fails."`
	JSON  bool     `help:"Print JSON."`
}

// testResult is what came of one scenario, for programs.
type testResult struct {
	Scenario string   `json:"scenario"`
	Place    string   `json:"place"`
	OK       bool     `json:"ok"`
	Seconds  float64  `json:"seconds"` // of the caller's time
	Failures []string `json:"failures"`
	Trace    []string `json:"trace"`
}

// Run runs every scenario; it fails if one does.
func (c *flowTestCmd) Run(ctx context.Context, t terminal) error {
	prompts, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
	if err != nil {
		return err
	}
	files, err := c.files()
	if err != nil {
		return err
	}
	began := time.Now()
	results, broken := []testResult{}, false
	for _, f := range files {
		s, err := ivr.LoadScenarios(f.fsys, f.name, prompts)
		if err != nil {
			t.say("%s", f.named(err))
			broken = true
			continue
		}
		for _, o := range s.Run(ctx) {
			results = append(results, testResult{
				Scenario: o.Name, Place: filepath.Join(f.folder, o.Place), OK: len(o.Failures) == 0,
				Seconds: o.Lasted.Seconds(), Failures: append([]string{}, o.Failures...), Trace: o.Trace,
			})
		}
	}
	if c.JSON {
		err = t.printJSON(results)
	} else {
		c.print(t, results, time.Since(began))
	}
	if err == nil && (broken || slices.ContainsFunc(results, func(r testResult) bool { return !r.OK })) {
		err = silentError{}
	}
	return err
}

// print shows what failed, with what happened, and a line of sums.
func (c *flowTestCmd) print(t terminal, results []testResult, took time.Duration) {
	failed, calls := 0, 0.0
	for _, r := range results {
		calls += r.Seconds
		mark := "ok    "
		if !r.OK {
			mark = "FAILED"
			failed++
		}
		fmt.Fprintf(t.out, "%s  %s  %s\n", mark, r.Place, r.Scenario)
		for _, f := range r.Failures {
			fmt.Fprintf(t.out, "        %s\n", f)
		}
		if !r.OK || c.Trace {
			fmt.Fprintln(t.out, "        What happened:")
			for _, line := range r.Trace {
				fmt.Fprintf(t.out, "          %s\n", line)
			}
		}
	}
	fmt.Fprintf(t.out, "%d scenarios, %d failed; %s of calls in %s\n", len(results), failed,
		time.Duration(calls*float64(time.Second)).Round(time.Second), took.Round(time.Millisecond))
}

// testFile is one file of scenarios.
type testFile struct {
	fsys   fs.FS
	folder string // as it was given; "" for the built-in flows
	name   string
}

// named says an error with the files as they were given.
func (f testFile) named(err error) string {
	if p, ok := errors.AsType[ivr.Problems](err); ok {
		return ivr.Problems(inFolder(filepath.Join(f.folder, f.name), p)).Error()
	}
	return err.Error()
}

func (c *flowTestCmd) files() ([]testFile, error) {
	if len(c.Paths) == 0 {
		return testsIn(ivr.BuiltinFlows(), "")
	}
	var files []testFile
	for _, p := range c.Paths {
		info, err := os.Stat(p)
		switch {
		case err != nil:
			return nil, usageError{err}
		case info.IsDir():
			more, err := testsIn(os.DirFS(p), p)
			if err != nil {
				return nil, err
			}
			if len(more) == 0 {
				return nil, usagef("%s has no files named NAME%s", p, ivr.TestSuffix)
			}
			files = append(files, more...)
		default:
			name := filepath.Base(p)
			if !strings.HasSuffix(name, ivr.TestSuffix) {
				name = strings.TrimSuffix(name, ".yaml") + ivr.TestSuffix
			}
			files = append(files, testFile{fsys: os.DirFS(filepath.Dir(p)), folder: filepath.Dir(p), name: name})
		}
	}
	return files, nil
}

func testsIn(fsys fs.FS, folder string) ([]testFile, error) {
	names, err := fs.Glob(fsys, "*"+ivr.TestSuffix)
	if err != nil {
		return nil, err
	}
	files := make([]testFile, len(names))
	for i, n := range names {
		files[i] = testFile{fsys: fsys, folder: folder, name: n}
	}
	return files, nil
}

type flowDrawCmd struct {
	File string `arg:"" help:"The flow file, or the name of a built-in flow."`
	Out  string `help:"The SVG file (default standard output)." placeholder:"FILE.svg"`
}

// Run draws the flow.
func (c *flowDrawCmd) Run(t terminal) error {
	prompts, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
	if err != nil {
		return err
	}
	flow, err := loadFlowFile(c.File, prompts)
	if _, gone := os.Stat(c.File); gone != nil {
		if _, builtin := fs.Stat(ivr.BuiltinFlows(), c.File+".yaml"); builtin == nil {
			flow, err = ivr.LoadFlow(ivr.BuiltinFlows(), c.File+".yaml", prompts)
		}
	}
	if err != nil {
		return err
	}
	var svg bytes.Buffer
	if err := flow.Draw(&svg); err != nil {
		return err
	}
	if c.Out == "" {
		_, err = t.out.Write(svg.Bytes())
		return err
	}
	if err := os.WriteFile(c.Out, svg.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the drawing: %w", err)
	}
	return nil
}

type flowSchemaCmd struct{}

// Run prints the schema.
func (flowSchemaCmd) Run(t terminal) error {
	_, err := t.out.Write(ivr.Schema())
	return err
}
