package ivr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"callfloor/contact"
	"callfloor/media"
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
		Services: Services{Lookups: NewLookups(s), Speaker: s, Recogniser: s, Messages: &Messages{URL: triedMessages}, Studio: s, Percent: s.percent},
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

// hears plays prompts; a key ends it with barge.
func (s *simulation) hears(ctx context.Context, prompts []Prompt, barge bool) (rune, bool, error) {
	for _, p := range prompts {
		clip, err := s.prompts.Clip(p)
		if err != nil {
			return 0, false, err
		}
		if barge && len(s.typed) > 0 {
			return s.until(ctx, s.now, true)
		}
		end := s.now.Add(clip.Duration())
		s.event(TrialEvent{Kind: "hear", Text: p.Text, Prompt: p.ID, Language: p.Language, Seconds: clip.Duration().Seconds()},
			"hears %s/%s: %s", p.Language, p.ID, p.Text)
		if one := s.step(); one != nil && one.wants(p) {
			s.pass(end)
		}
		if k, pressed, err := s.until(ctx, end, barge); pressed || err != nil {
			return k, pressed, err
		}
	}
	return 0, false, nil
}

// wants tells whether the step waits for this prompt.
func (one *scriptStep) wants(p Prompt) bool {
	return one.Hear.text != "" && (one.Hear.text == p.ID || one.Hear.text == p.Language+"/"+p.ID) ||
		one.Says.text != "" && one.Says.text == p.Text
}

// Ask implements Caller.
func (s *simulation) Ask(ctx context.Context, prompts []Prompt, barge bool, wait time.Duration) (rune, bool, error) {
	k, pressed, err := s.hears(ctx, prompts, barge)
	if pressed || err != nil {
		return k, pressed, err
	}
	if wait <= 0 {
		return 0, false, nil
	}
	return s.asks(ctx, "key", s.now.Add(wait), barge)
}

// asks is until, while the flow waits for something of the caller.
func (s *simulation) asks(ctx context.Context, what string, end time.Time, barge bool) (rune, bool, error) {
	s.asking = what
	defer func() { s.asking = "" }()
	return s.until(ctx, end, barge)
}

// Answer implements Caller.
func (s *simulation) Answer(ctx context.Context) error {
	s.note("answered")
	return context.Cause(ctx)
}

// Ring implements Caller.
func (s *simulation) Ring(ctx context.Context) error {
	s.note("rings")
	return s.forever(ctx)
}

// Echo implements Caller.
func (s *simulation) Echo(ctx context.Context) error {
	s.note("hears themselves")
	return s.forever(ctx)
}

// forever lasts until the caller hangs up, an hour at most.
func (s *simulation) forever(ctx context.Context) error {
	if _, _, err := s.asks(ctx, "hangup", s.now.Add(time.Hour), false); err != nil {
		return err
	}
	return s.gone(contact.Customer, "hung up after an hour")
}

// Pause implements Caller.
func (s *simulation) Pause(ctx context.Context, d time.Duration) error {
	_, _, err := s.until(ctx, s.now.Add(d), false)
	return err
}

// Now implements Caller.
func (s *simulation) Now() time.Time { return s.now }

// DropKeys implements Caller.
func (s *simulation) DropKeys() { s.typed = nil }

// HoldAnswer implements Caller.
func (s *simulation) HoldAnswer() {}

// Consent implements Caller.
func (s *simulation) Consent(_ context.Context, a ConsentAnswer) error {
	s.consent = a.State
	s.event(TrialEvent{Kind: "consent", Text: string(a.State)}, "consent %s", a.State)
	return nil
}

// Music implements Caller.
func (s *simulation) Music(string) (func(), error) { return func() {}, nil }

// Rated implements Caller.
func (s *simulation) Rated(_ context.Context, csat int) error {
	s.csat = csat
	return nil
}

// Step implements Caller.
func (s *simulation) Step(node, kind, text string, _ map[string]any) {
	s.event(TrialEvent{Kind: "step", Type: kind, Text: text}, "%s (%s): %s", node, kind, text)
}

// Chosen implements Caller.
func (s *simulation) Chosen(string) {}

// SetLanguage implements Caller.
func (s *simulation) SetLanguage(lang string) { s.language = lang }

// Hangup implements Caller.
func (s *simulation) Hangup(contact.EndCause) { s.ended = true }

func (s *simulation) finished(vars map[string]any) { s.vars = vars }

// Fetch answers lookups.
func (s *simulation) Fetch(ctx context.Context, q Request) (Response, error) {
	if q.URL == triedMessages {
		return s.sends(q)
	}
	all := s.scenario.Lookups
	if len(all) == 0 {
		return Response{}, errors.New("the scenario has no lookups")
	}
	a := all[min(s.answers, len(all)-1)]
	s.answers++
	if _, _, err := s.until(ctx, s.now.Add(min(a.after, q.Timeout)), false); err != nil {
		return Response{}, err
	}
	switch {
	case a.fails:
		return Response{}, errors.New("the server cannot be reached")
	case a.after > q.Timeout:
		return Response{}, fmt.Errorf("no answer within %v", q.Timeout)
	}
	return Response{Status: a.status, Body: a.body}, nil
}

// Speak is a voice that nobody hears.
func (s *simulation) Speak(_ context.Context, _, text string) (*media.Clip, error) {
	return media.NewClip("say", make([]int16, len([]rune(text))*int(spokenRune/time.Millisecond)*8)), nil
}

func (s *simulation) percent() int {
	s.drawn++
	if s.drawn > len(s.scenario.Percent) {
		return 0
	}
	return s.scenario.Percent[s.drawn-1].n
}

// Enqueue implements Caller.
func (s *simulation) Enqueue(ctx context.Context, q QueueRequest) (QueueResult, error) {
	s.event(TrialEvent{Kind: "queue", Text: string(q.Queue), Data: map[string]any{"priority": q.Priority, "vars": q.Vars}},
		"queue %s, priority %d%s", q.Queue, q.Priority, listed(q.Vars))
	want := &wantQueue{}
	if one := s.step(); one != nil && one.Queue != nil {
		want = s.meets(one, q)
	}
	if want.Refused != nil && *want.Refused {
		return want.refusal(), nil
	}
	if _, _, err := s.hears(ctx, q.Intro, false); err != nil {
		return QueueResult{}, err
	}
	if one := s.upcoming(); s.trial != nil && !want.is() && one != nil && one.Queue != nil { // it happens after a wait
		for s.step().Wait.set {
			if _, _, err := s.until(ctx, s.met.Add(s.step().Wait.d), false); err != nil {
				return QueueResult{}, err
			}
			s.pass(s.met.Add(s.step().Wait.d))
		}
		want = s.meets(one, q)
		if want.Refused != nil && *want.Refused {
			return want.refusal(), nil
		}
	}
	lasts := time.Hour
	switch {
	case want.Served.set:
		lasts = want.Served.d
	case want.Leaves.set:
		lasts = want.Leaves.d
	}
	if key, err := s.waits(ctx, q, want, s.now.Add(lasts)); err != nil || key != 0 {
		return QueueResult{Key: key}, err
	}
	switch {
	case !want.Served.set:
		return QueueResult{}, s.gone(contact.Customer, "hung up in the queue")
	case q.GoOn:
		s.note("  the agent hangs up; the flow goes on")
		s.typed, s.met = nil, s.now
		return QueueResult{Served: true}, nil
	}
	return QueueResult{}, s.gone(contact.Agent, "hung up")
}

// waits lets the time in a queue pass, with its announcements.
func (s *simulation) waits(ctx context.Context, q QueueRequest, want *wantQueue, end time.Time) (rune, error) {
	for want.Place.set && q.Announce > 0 && s.now.Add(q.Announce).Before(end) {
		if key, err := s.keyIn(ctx, q.Keys, s.now.Add(q.Announce)); err != nil || key != 0 {
			return key, err
		}
		if _, _, err := s.hears(ctx, q.Say(want.Place.n, want.Expected.d), false); err != nil {
			return 0, err
		}
	}
	if want.is() || s.trial == nil {
		return s.keyIn(ctx, q.Keys, end)
	}
	for {
		key, pressed, err := s.asks(ctx, "queue", end, q.Keys != "")
		if err != nil || !pressed {
			return 0, err
		}
		if strings.ContainsRune(q.Keys, key) {
			return key, nil
		}
	}
}

// is tells whether a scenario says what becomes of a queue.
func (w *wantQueue) is() bool { return w.Served.set || w.Leaves.set || w.Refused != nil }

func (w *wantQueue) refusal() QueueResult {
	reason := cmp.Or(w.Reason.text, "full")
	return QueueResult{Refused: reason, Reason: reason}
}

// upcoming is the step that comes next but for times to wait; nil at the end.
func (s *simulation) upcoming() *scriptStep {
	for i := s.next; i < len(s.scenario.Steps); i++ {
		if one := &s.scenario.Steps[i]; !one.Wait.set {
			return one
		}
	}
	return nil
}

// meets compares a queue with what the script wants of it, which it returns.
func (s *simulation) meets(one *scriptStep, q QueueRequest) *wantQueue {
	w := one.Queue
	if w.Name.text != string(q.Queue) && (w.Name.text != "" || s.trial == nil) {
		s.fail(one.at, "reached the queue %s, want %s", q.Queue, w.Name.text)
	}
	if w.Priority.set && w.Priority.n != q.Priority {
		s.fail(one.at, "the priority in the queue %s is %d, want %d", q.Queue, q.Priority, w.Priority.n)
	}
	for _, d := range w.Vars.differ(q.Vars) {
		s.fail(one.at, "in the queue %s %s", q.Queue, d)
	}
	s.pass(s.now)
	return w
}

// listed writes variables in the order of their names.
func listed(vars map[string]any) string {
	var b strings.Builder
	names := make([]string, 0, len(vars))
	for n := range vars {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		fmt.Fprintf(&b, ", %s=%s", n, plain(vars[n]))
	}
	return b.String()
}

// compare holds the end against what the scenario expects.
func (s *simulation) compare(cause contact.EndCause) {
	if one := s.step(); one != nil {
		s.fail(one.at, "%s", one.missed())
	}
	e := s.scenario.Expect
	csat := ""
	if e.CSAT.set {
		csat = plain(e.CSAT.n)
	}
	for _, c := range []struct {
		what, got string
		want      word
	}{
		{"the end", string(cause.Class), e.End}, {"who ended it", string(cause.By), e.By}, {"the consent", string(s.consent), e.Consent},
		{"the language", s.language, e.Language}, {"the satisfaction", plain(s.csat), word{text: csat, at: e.CSAT.at}},
		{"the message that was sent", s.sent, e.Sent},
		{"the call back", cmp.Or(s.callback, "none"), e.Callback}, {"the message", cmp.Or(s.message, "none"), e.Message},
	} {
		if c.want.text != "" && c.got != c.want.text {
			s.fail(c.want.at, "%s is %s, want %s", c.what, c.got, c.want.text)
		}
	}
	for _, d := range e.Brief.differ(s.brief) {
		s.fail(s.scenario.at, "of what the agent is told %s", d)
	}
	for _, d := range e.Shown.differ(s.shown) {
		s.fail(s.scenario.at, "of what the agent sees %s", d)
	}
	for _, d := range e.Vars.differ(s.vars) {
		s.fail(s.scenario.at, "at the end %s", d)
	}
}

// missed says what did not happen.
func (one *scriptStep) missed() string {
	switch {
	case one.Hear.text != "":
		return "the caller never heard " + one.Hear.text
	case one.Says.text != "":
		return fmt.Sprintf("nobody said %q", one.Says.text)
	case one.Queue != nil:
		return "the caller never reached the queue " + one.Queue.Name.text
	case one.Bot != nil:
		return "the caller never reached a bot"
	case one.Dial != nil:
		return "no number outside was called"
	case one.Agent != nil:
		return "no agent was asked"
	case one.Words.text != "":
		return "the call ended before the caller said so"
	case one.Press.text != "":
		return "the call ended before the caller pressed " + one.Press.text
	default:
		return "the call ended before the caller did this"
	}
}
