package ivr

import (
	"context"
	"errors"
	"strings"
	"time"

	"callfloor/contact"
)

// Trial is a call that somebody tries out on a clock of its own: what happened
// so far, and what the flow waits for. It holds nothing between two looks: the
// same script played again with one step more is the next moment.
type Trial struct {
	Events []TrialEvent `json:"events"`
	// Now is the time since the call began, in seconds.
	Now float64 `json:"now"`
	// Waits is what the flow waits for until Until: key, queue, hangup, bot,
	// dial, agent, speech, or time where the script ended in the middle of something else; ""
	// when the call is over.
	Waits string  `json:"waits"`
	Until float64 `json:"until"`
	// Flow and Node are where the call stands.
	Flow     string         `json:"flow"`
	Node     string         `json:"node"`
	Language string         `json:"language"`
	Consent  string         `json:"consent"`
	CSAT     int            `json:"csat" doc:"0: not asked"`
	Vars     map[string]any `json:"vars" doc:"without the secret ones"`
	// End is how the call ended, nil while it goes on; Failure is why the flow
	// itself failed.
	End     *contact.EndCause `json:"end"`
	Failure string            `json:"failure"`
}

// TrialEvent is one thing that happened in a call that is tried out.
type TrialEvent struct {
	At   float64 `json:"at" doc:"seconds since the call began"`
	Kind string  `json:"kind" doc:"step (of a node), hear, press, queue, consent, note"`
	Flow string  `json:"flow"`
	Node string  `json:"node"`
	// Type is the node's kind, of a step.
	Type string `json:"type,omitempty"`
	Text string `json:"text"`
	// Prompt, Language and Seconds are what is heard and how long it is.
	Prompt   string         `json:"prompt,omitempty"`
	Language string         `json:"language,omitempty"`
	Seconds  float64        `json:"seconds,omitempty"`
	Data     map[string]any `json:"data,omitempty"`
}

const (
	// maxTrialText and maxTrialEvents bound one trial.
	maxTrialText   = 64 << 10
	maxTrialEvents = 2000
)

// errPaused ends the run of a flow that is tried out, where the script ends.
var errPaused = errors.New("the script ends here")

// Try plays one scenario of a test file (YAML or JSON: caller, at, language,
// lookups, steps, …) and stops where its steps end: when the flow waits for
// something of the caller, or, where the last steps are waits, when they are
// over. The error is a Problems about the scenario.
func (f *Flow) Try(ctx context.Context, script []byte, policy string) (*Trial, error) {
	found := &findings{file: "script"}
	one := &scenario{at: at{1, 1}}
	if len(script) > maxTrialText {
		found.add(one.at, "the script is longer than %d octets", maxTrialText)
		return nil, found.err()
	}
	if file, ok := parse(script, found); ok {
		if _, ok := onlyMapping(file, found); ok {
			if err := decode(file.Docs[0].Body, one, "a scenario"); err != nil {
				found.yaml(err)
			}
			one.checkWorld(f, found)
		}
	}
	if err := found.err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if policy == "" {
		policy = f.policy()
	}
	sim, start := newSimulation(f, one, policy, cancel)
	t := &Trial{Events: []TrialEvent{}, Vars: map[string]any{}}
	sim.trial = t
	cause, err := f.Run(ctx, sim, start)
	t.close(sim, cause, err)
	return t, nil
}

// close notes how the call stands when its run has ended.
func (t *Trial) close(s *simulation, cause contact.EndCause, err error) {
	t.Now = s.now.Sub(s.begin).Seconds()
	t.Flow, t.Node = flowName(s.place.Flow), s.place.Node
	t.Language, t.Consent, t.CSAT = s.language, string(s.consent), s.csat
	if s.vars != nil {
		t.Vars = s.vars
	}
	if errors.Is(err, errPaused) {
		return
	}
	t.Waits = ""
	t.End = &cause
	if err != nil {
		t.Failure = err.Error()
	}
}

func (t *Trial) add(e TrialEvent) {
	if t.Waits == "" {
		t.Events = append(t.Events, e)
	}
}

// pauses stops the call where the script ends, if that is before the time end.
func (s *simulation) pauses(end time.Time) error {
	limit, waits := s.met, false
	for i := s.next; i < len(s.scenario.Steps); i++ {
		if !s.scenario.Steps[i].Wait.set {
			return nil
		}
		limit, waits = limit.Add(s.scenario.Steps[i].Wait.d), true
	}
	switch {
	case len(s.trial.Events) >= maxTrialEvents: // nobody reads more
		limit = s.now
	case waits && !end.After(limit), !waits && s.asking == "":
		return nil
	case !waits:
		limit = s.now
	}
	if limit.After(s.now) {
		s.now = limit
	}
	s.trial.Waits, s.trial.Until = s.asking, end.Sub(s.begin).Seconds()
	if s.trial.Waits == "" {
		s.trial.Waits = "time"
	}
	s.leave(errPaused)
	return errPaused
}

// flowName is the name of a flow's file without its ending.
func flowName(file string) string { return strings.TrimSuffix(file, ".yaml") }
