package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/ivr"
)

// Flows are the flows as this package needs them; internal/app has them.
// Unknown names and versions are contact.NotFound.
type Flows interface {
	FlowReader
	// Publish checks a text with everything that uses it, writes it to the
	// folder and takes it for new calls. contact.Conflict: the present version
	// is another than in.Base; contact.Invalid: it has problems.
	Publish(ctx context.Context, name string, in FlowPublish, by string) (FlowVersion, error)
	// RollBack publishes the text of a version that is kept.
	RollBack(ctx context.Context, name, version, note, by string) (FlowVersion, error)
}

// FlowReader looks at flows and tries them out; nothing is changed.
type FlowReader interface {
	// List returns the flows by name: those of lines and those of the folder.
	List(ctx context.Context) ([]FlowSummary, error)
	// Show returns a flow as it is now or, with a version, as it was.
	Show(ctx context.Context, name, version string) (FlowDetail, error)
	// Callers counts the calls at each node, of every flow.
	Callers(ctx context.Context) []FlowCallers
	// Check says what would be wrong if text were published as name.
	Check(ctx context.Context, name, text string) (FlowCheck, error)
	// Versions returns what was published, newest first.
	Versions(ctx context.Context, name string) ([]FlowVersion, error)
	// Simulate plays a call; see ivr.Flow.Try.
	Simulate(ctx context.Context, in FlowSimulation) (*ivr.Trial, error)
	// Test runs scenarios: of in, or those beside the flow.
	Test(ctx context.Context, name string, in FlowTest) ([]FlowOutcome, error)
}

// FlowSummary is a flow in a list.
type FlowSummary struct {
	Name    string `json:"name"`
	Version string `json:"version" doc:"changes with any change of the text or of a subflow's"`
	// Lines begin with it; Uses are the flows that it calls.
	Lines   []string `json:"lines"`
	Uses    []string `json:"uses"`
	BuiltIn bool     `json:"built_in" doc:"the text is the built-in one; publishing puts one of the house's own before it"`
	Nodes   int      `json:"nodes"`
	Callers int      `json:"callers" doc:"calls that are in it now"`
	// Wrong is how many problems there are in what the folder holds; the lines
	// keep the version so far.
	Wrong int `json:"wrong"`
}

// FlowDetail is one flow as a text and as a graph.
type FlowDetail struct {
	FlowSummary
	Text     string        `json:"text"`
	Graph    ivr.Graph     `json:"graph"`
	Problems []FlowProblem `json:"problems"`
	Tests    *string       `json:"tests" doc:"the text of NAME.test.yaml"`
	Current  bool          `json:"current" doc:"new calls get this version"`
}

// FlowProblem is one thing wrong in a flow.
type FlowProblem struct {
	File    string   `json:"file" doc:"the flow, or a subflow"`
	Line    int      `json:"line" doc:"from 1"`
	Column  int      `json:"column" doc:"from 1"`
	Message string   `json:"message" doc:"what is wrong; what would be right"`
	Path    []string `json:"path" doc:"the caller's path: nodes and what leads on"`
	// OnLine is the line on which it is wrong; "" where it is on any.
	OnLine string `json:"on_line"`
}

// FlowCheck is what was found in a text, with its graph as far as it can be read.
type FlowCheck struct {
	OK       bool          `json:"ok"`
	Version  string        `json:"version" doc:"of the text as it stands"`
	Problems []FlowProblem `json:"problems"`
	Graph    ivr.Graph     `json:"graph"`
}

// FlowVersion is one version of a flow that was published.
type FlowVersion struct {
	Flow    string `json:"flow"`
	Version string `json:"version"`
	At      string `json:"at" doc:"when it was taken"`
	By      string `json:"by" doc:"who published it; empty where the folder was changed"`
	Note    string `json:"note"`
	Current bool   `json:"current"`
	Callers int    `json:"callers" doc:"calls that began with it and go on"`
}

// FlowCallers are the calls at one node of one version of a flow.
type FlowCallers struct {
	Flow    string `json:"flow"`
	Version string `json:"version"`
	Node    string `json:"node"`
	Callers int    `json:"callers"`
}

// FlowPublish is a text to publish.
type FlowPublish struct {
	Text string `json:"text" maxLength:"262144"`
	Base string `json:"base" maxLength:"64" doc:"the version that was edited; empty for a new flow"`
	Note string `json:"note,omitempty" maxLength:"500"`
	// Tests is the new text of NAME.test.yaml; null leaves it alone.
	Tests *string `json:"tests,omitempty" maxLength:"262144"`
}

// FlowSimulation is a call to try out: the same script with one step more is
// the next moment.
type FlowSimulation struct {
	Name string `json:"name" maxLength:"40"`
	// Text is a draft; null is the present version.
	Text *string `json:"text,omitempty" maxLength:"262144"`
	// Script is a scenario as in NAME.test.yaml: caller, at, language, hours,
	// lookups, percent, steps.
	Script json.RawMessage `json:"script"`
	// Consent is the line's policy; "" the one that suits the flow.
	Consent string `json:"consent,omitempty" enum:",ask,announce,never"`
}

// FlowTest is what to test; what is null is as it is kept.
type FlowTest struct {
	Text  *string `json:"text,omitempty" maxLength:"262144"`
	Tests *string `json:"tests,omitempty" maxLength:"262144"`
}

// FlowOutcome is what came of one scenario.
type FlowOutcome struct {
	Name     string   `json:"name"`
	Place    string   `json:"place" doc:"FILE:LINE"`
	OK       bool     `json:"ok"`
	Seconds  float64  `json:"seconds" doc:"for the caller"`
	Failures []string `json:"failures"`
	Trace    []string `json:"trace"`
}

// FlowPath is the flow that a path names; huma reads it where it is embedded,
// so it is exported.
type FlowPath struct {
	Name string `path:"name" pattern:"^[a-z][a-z0-9_-]{0,39}$"`
}

type showFlowInput struct {
	FlowPath
	Version string `query:"version" maxLength:"64" pattern:"^[0-9a-f]*$" doc:"empty: the present one"`
}

type checkFlowInput struct {
	FlowPath
	Body struct {
		Text string `json:"text" maxLength:"262144"`
	}
}

type publishFlowInput struct {
	FlowPath
	Body FlowPublish
}

type testFlowInput struct {
	FlowPath
	Body FlowTest
}

type rollBackInput struct {
	FlowPath
	Body struct {
		Version string `json:"version" minLength:"1" maxLength:"64" pattern:"^[0-9a-f]+$"`
		Note    string `json:"note,omitempty" maxLength:"500"`
	}
}

// flowBody bounds a request that holds a flow and its tests, as JSON.
const flowBody = 1 << 20

func (s *Server) flowRoutes(h huma.API) {
	flows := s.opts.Flows
	if flows == nil {
		return
	}
	const one = "/api/v1/flows/{name}"
	register(s, h, operation{id: "list-flows", method: http.MethodGet, path: "/api/v1/flows", summary: "The flows, their lines and how many callers are in them", access: accessSupervisor},
		func(ctx context.Context, _ *struct{}) (*body[[]FlowSummary], error) {
			list, err := flows.List(ctx)
			return &body[[]FlowSummary]{list}, err
		})
	register(s, h, operation{id: "get-flow", method: http.MethodGet, path: one, summary: "A flow as text and graph, now or as it was", access: accessSupervisor},
		func(ctx context.Context, in *showFlowInput) (*body[FlowDetail], error) {
			d, err := flows.Show(ctx, in.Name, in.Version)
			return &body[FlowDetail]{d}, err
		})
	register(s, h, operation{id: "flow-callers", method: http.MethodGet, path: "/api/v1/flow-callers", summary: "How many callers stand at each node now", access: accessSupervisor},
		func(ctx context.Context, _ *struct{}) (*body[[]FlowCallers], error) {
			return &body[[]FlowCallers]{flows.Callers(ctx)}, nil
		})
	register(s, h, operation{id: "flow-schema", method: http.MethodGet, path: "/api/v1/flow-schema", summary: "The JSON schema of flow files, for editors", access: accessSupervisor},
		func(context.Context, *struct{}) (*body[json.RawMessage], error) {
			return &body[json.RawMessage]{ivr.Schema()}, nil
		})
	register(s, h, operation{id: "flow-kinds", method: http.MethodGet, path: "/api/v1/flow-kinds", summary: "What each kind of node may hold, for forms", access: accessSupervisor},
		func(context.Context, *struct{}) (*body[[]ivr.KindInfo], error) {
			return &body[[]ivr.KindInfo]{ivr.Kinds()}, nil
		})
	register(s, h, operation{id: "check-flow", method: http.MethodPost, path: one + "/check", summary: "What would be wrong if this text were published", access: accessSupervisor, body: flowBody},
		func(ctx context.Context, in *checkFlowInput) (*body[FlowCheck], error) {
			c, err := flows.Check(ctx, in.Name, in.Body.Text)
			return &body[FlowCheck]{c}, err
		})
	register(s, h, operation{id: "test-flow", method: http.MethodPost, path: one + "/test", summary: "Run scenarios on a clock of their own", access: accessSupervisor, body: flowBody},
		func(ctx context.Context, in *testFlowInput) (*body[[]FlowOutcome], error) {
			list, err := flows.Test(ctx, in.Name, in.Body)
			return &body[[]FlowOutcome]{list}, err
		})
	register(s, h, operation{id: "simulate-flow", method: http.MethodPost, path: "/api/v1/flow-simulations", summary: "Try a call out, step by step", access: accessSupervisor, body: flowBody},
		func(ctx context.Context, in *struct{ Body FlowSimulation }) (*body[ivr.Trial], error) {
			t, err := flows.Simulate(ctx, in.Body)
			if err != nil {
				return nil, err
			}
			return &body[ivr.Trial]{*t}, nil
		})
	s.flowVersionRoutes(h, one)
}

func (s *Server) flowVersionRoutes(h huma.API, one string) {
	flows := s.opts.Flows
	register(s, h, operation{id: "flow-versions", method: http.MethodGet, path: one + "/versions", summary: "What was published, newest first", access: accessSupervisor},
		func(ctx context.Context, in *FlowPath) (*body[[]FlowVersion], error) {
			list, err := flows.Versions(ctx, in.Name)
			return &body[[]FlowVersion]{list}, err
		})
	register(s, h, operation{id: "publish-flow", method: http.MethodPut, path: one, summary: "Publish a text: new calls get it, those that are up keep theirs", access: accessAdmin, body: flowBody},
		func(ctx context.Context, in *publishFlowInput) (*body[FlowVersion], error) {
			return s.published(ctx, ActionFlowPublish, in.Name, in.Body.Note, func(by string) (FlowVersion, error) {
				return flows.Publish(ctx, in.Name, in.Body, by)
			})
		})
	register(s, h, operation{id: "roll-back-flow", method: http.MethodPost, path: one + "/roll-back", summary: "Publish a version that is kept once more", access: accessAdmin},
		func(ctx context.Context, in *rollBackInput) (*body[FlowVersion], error) {
			return s.published(ctx, ActionFlowRollBack, in.Name, in.Body.Note, func(by string) (FlowVersion, error) {
				return flows.RollBack(ctx, in.Name, in.Body.Version, in.Body.Note, by)
			})
		})
}

// The actions of flows in the audit log.
const (
	ActionFlowPublish  Action = "flow_publish"
	ActionFlowRollBack Action = "flow_roll_back"
)

func (s *Server) published(ctx context.Context, what Action, name, note string, publish func(by string) (FlowVersion, error)) (*body[FlowVersion], error) {
	by := identityIn(ctx).User
	v, err := publish(by)
	if err != nil {
		return nil, err
	}
	err = s.audit.Record(ctx, Entry{Who: by, Action: what, Target: name, Details: map[string]any{"version": v.Version, "note": note}})
	return &body[FlowVersion]{v}, err
}
