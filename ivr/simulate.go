package ivr

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"callfloor/contact"
)

// Outcome is what came of one scenario.
type Outcome struct {
	Name string
	// Place is FILE:LINE of the scenario.
	Place string
	// Failures say what was expected and what came instead; none is well.
	Failures []string
	// Trace is what happened, in the caller's time.
	Trace []string
	// Lasted is how long the call was for the caller.
	Lasted time.Duration
	// Caller is their number, Presses are the keys that they pressed and Nodes
	// where the flow came to, so that a real phone can do the same.
	Caller  string
	Presses []Press
	Nodes   []string
}

// Press is a key and when it was pressed, counted from the beginning of the call.
type Press struct {
	At  time.Duration
	Key rune
}

const (
	// keyGap is the time between two keys of one press.
	keyGap = 200 * time.Millisecond
	// longestCall ends a caller who is kept for ever.
	longestCall = 4 * time.Hour
	// spokenRune is how long a letter of a spoken text takes.
	spokenRune = 60 * time.Millisecond
)

// Run plays every scenario on a clock of its own, which moves only when the
// caller waits: nothing takes real time.
func (s *Scenarios) Run(ctx context.Context) []Outcome {
	list := make([]Outcome, len(s.list))
	for i, one := range s.list {
		list[i] = s.run(ctx, one)
	}
	return list
}

func (s *Scenarios) run(ctx context.Context, one *scenario) Outcome {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sim, start := newSimulation(s.flow, one, s.policy, cancel)
	start.BotsTalk = s.talk
	cause, err := s.flow.Run(ctx, sim, start)
	sim.note("end: %s by the %s (%s)", cause.Class, cause.By, cause.Why)
	if err != nil {
		sim.fail(one.at, "the flow failed: %v", err)
	}
	sim.compare(cause)
	return Outcome{
		Name: one.Name.text, Place: fmt.Sprintf("%s:%d", s.file, one.at.line), Failures: sim.failures,
		Trace: sim.trace, Lasted: sim.now.Sub(sim.begin),
		Caller: one.Caller.text, Presses: sim.presses, Nodes: sim.nodes,
	}
}

// newSimulation returns the caller of a scenario and what their call begins
// with; leave ends the call's context.
func newSimulation(f *Flow, one *scenario, policy string, leave context.CancelCauseFunc) (*simulation, Start) {
	begin := one.Time.t
	if begin.IsZero() {
		begin = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC) // a Monday morning
	}
	s := &simulation{
		prompts: f.prompts, scenario: one, begin: begin, now: begin, met: begin, leave: leave,
		consent: contact.ConsentNone, language: cmp.Or(one.Language.text, Languages()[0]),
	}
	return s, Start{
		Line: contact.LineID(cmp.Or(one.Line.text, "1000")), Caller: one.Caller.text, Language: one.Language.text, Remembered: one.Recalled.text,
		ConsentPolicy: policy, Hours: one.Hours.text, Reached: func(p Place) { s.place, s.nodes = p, append(s.nodes, p.Node) },
		Services: Services{Lookups: NewLookups(s), Speaker: s, Recogniser: s, Messages: &Messages{URL: triedMessages}, Studio: s, Percent: s.percent, Queues: s.figures},
	}
}

// simulation is a customer and their call on a clock of its own. The flow's
// goroutine alone uses it.
type simulation struct {
	prompts  *Prompts
	scenario *scenario
	begin    time.Time
	now      time.Time
	leave    context.CancelCauseFunc

	next  int       // the step that comes next
	key   int       // how many keys of it are pressed
	met   time.Time // when the step before was met
	typed []rune    // pressed while nobody asked

	answers  int
	drawn    int
	consent  contact.Consent
	language string
	csat     int
	vars     map[string]any
	callback string // the queue that calls back, and when
	message  string // the queue that got a message
	ended    bool
	sent     string         // the last message's text
	said     string         // to a speech node, for the recogniser
	brief    map[string]any // what a bot has told the agent
	shown    map[string]any // what the agent sees
	trace    []string
	failures []string

	place   Place // where the flow stands
	nodes   []string
	presses []Press
	asking  string // what the flow waits for: a key, the queue, …; "" for nothing
	trial   *Trial // nil in a test
}

func (s *simulation) note(format string, args ...any) {
	s.event(TrialEvent{Kind: "note", Text: strings.TrimSpace(fmt.Sprintf(format, args...))}, format, args...)
}

// event writes down what happens: a line of the trace, and e for who tries the
// flow out.
func (s *simulation) event(e TrialEvent, format string, args ...any) {
	at := s.now.Sub(s.begin).Seconds()
	s.trace = append(s.trace, fmt.Sprintf("%8.2fs  ", at)+fmt.Sprintf(format, args...))
	if s.trial != nil {
		e.At, e.Flow, e.Node = at, flowName(s.place.Flow), s.place.Node
		s.trial.add(e)
	}
}

func (s *simulation) fail(where at, format string, args ...any) {
	s.failures = append(s.failures, fmt.Sprintf("line %d: ", where.line)+fmt.Sprintf(format, args...))
}

// step is the one that comes next; nil at the end.
func (s *simulation) step() *scriptStep {
	if s.next < len(s.scenario.Steps) {
		return &s.scenario.Steps[s.next]
	}
	return nil
}

func (s *simulation) pass(at time.Time) { s.next, s.key, s.met = s.next+1, 0, at }

// due says when the caller acts next, if nothing has to happen before: presses
// a key (0 is hanging up).
func (s *simulation) due() (when time.Time, key rune, ok bool) {
	when = s.met
	for i := s.next; i < len(s.scenario.Steps); i++ {
		one := &s.scenario.Steps[i]
		switch {
		case one.Wait.set:
			when = when.Add(one.Wait.d)
		case one.Press.text != "":
			n := 0
			if i == s.next {
				n = s.key
			}
			return when.Add(time.Duration(n) * keyGap), rune(one.Press.text[n]), true
		case one.HangUp != nil:
			return when, 0, true
		default:
			return time.Time{}, 0, false
		}
	}
	return time.Time{}, 0, false
}

// act does what is due by the time to: it returns the key, or an error when the
// caller hangs up.
func (s *simulation) act(to time.Time) (key rune, acted bool, err error) {
	when, key, ok := s.due()
	if !ok || when.After(to) {
		return 0, false, nil
	}
	if when.After(s.now) {
		s.now = when
	}
	for s.step().Wait.set {
		s.pass(s.met.Add(s.step().Wait.d))
	}
	if key == 0 {
		s.pass(s.now)
		return 0, true, s.gone(contact.Customer, "hung up")
	}
	s.presses = append(s.presses, Press{s.now.Sub(s.begin), key})
	s.event(TrialEvent{Kind: "press", Text: string(key)}, "  presses %c", key)
	if s.key++; s.key >= len(s.step().Press.text) {
		s.pass(s.now)
	}
	return key, true, nil
}

// gone ends the call from the other side.
func (s *simulation) gone(by contact.Party, why string) error {
	cause := contact.EndCause{By: by, Class: contact.EndCompleted, Why: why}
	s.note("  the %s %s", by, why)
	s.leave(cause)
	return cause
}

// until lets the time pass; keys pressed meanwhile are kept, with barge the
// first one ends it.
func (s *simulation) until(ctx context.Context, end time.Time, barge bool) (rune, bool, error) {
	for {
		if ctx.Err() != nil {
			return 0, false, context.Cause(ctx)
		}
		if barge && len(s.typed) > 0 {
			k := s.typed[0]
			s.typed = s.typed[1:]
			return k, true, nil
		}
		key, acted, err := s.act(end)
		if err != nil {
			return 0, false, err
		}
		if !acted {
			break
		}
		s.typed = append(s.typed, key)
	}
	if s.trial != nil {
		if err := s.pauses(end); err != nil {
			return 0, false, err
		}
	}
	if end.After(s.now) {
		s.now = end
	}
	if s.now.Sub(s.begin) > longestCall {
		s.fail(s.scenario.at, "the call goes on for more than %v", longestCall)
		return 0, false, s.gone(contact.Customer, "gave up")
	}
	return 0, false, nil
}
