package ivr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"callfloor/contact"
)

// Start is what a flow begins with.
type Start struct {
	// Line was dialled, by Caller ("" if the number is not known).
	Line   contact.LineID
	Caller string
	// Language is that of the line ("en" if it is none of Languages);
	// Remembered is the one that this caller chose in an earlier call, or "".
	Language, Remembered string
	// ConsentPolicy of the line is ask, announce or never; "" is never.
	ConsentPolicy string
	// BotsTalk: on this line a bot is a talk like any other; else what it hears
	// counts as recorded, and only who agreed to that is given to one.
	BotsTalk bool
	// Hours overrides the opening hours of every node: open, closed, or "".
	Hours string
	// Services are what nodes need from outside.
	Services Services
	// Reached is told each node that the call comes to, on the flow's
	// goroutine; nil: nobody is told.
	Reached func(Place)
}

// Place is where a call stands in its flow. Flow is a file's name; in a subflow
// it is that one's.
type Place struct{ Flow, Version, Node string }

// Services are what flows need of the world; the flow opens no socket and runs
// no program of its own.
type Services struct {
	// Lookups answers lookup nodes; nil: every lookup fails.
	Lookups *Lookups
	// Speaker speaks texts; nil: say nodes play only what clips can say.
	Speaker Speaker
	// Recogniser writes down what customers say; nil: speech nodes take keys.
	Recogniser Recogniser
	// Messages is where message nodes send texts; nil: every one fails.
	Messages *Messages
	// Studio takes prompts that staff record; nil: no code is right.
	Studio Studio
	// Queues tells how a queue stands, false where there is none; it may be called
	// by many calls at once and must not wait for one of them. nil: an expression
	// that asks cannot be computed.
	Queues func(contact.QueueID) (QueueFigures, bool)
	// Percent draws a number from 0 to 99 for split nodes; nil: at random.
	Percent func() int
}

// maxSteps ends a flow that goes round and round: nobody listens to a thousand
// nodes.
const maxSteps = 1000

// runner is one run of a flow. One goroutine owns it.
type runner struct {
	frame                // of the flow that runs
	stack        []frame // of the flows that called it
	start        Start
	caller       Caller
	policy       string
	lang         string
	consented    contact.Consent
	languageKeys map[rune]string // taken in every question that does not use them itself
	typed        []rune          // keys that ended an announcement; the next question takes them
	answered     bool
	early        bool               // the caller hears us, and is not answered yet
	menus        map[*menuStep]bool // where the caller was offered choices
	waits        string             // the queue where the caller waits while they choose
	cause        *contact.EndCause
}

// frame is where a flow stands: the flow itself, or one that called a subflow.
type frame struct {
	flow *Flow
	at   string // the node that runs
	vars map[string]any
}

// Run runs the flow beside a call, as blocking code, until the caller is gone
// or the flow has ended the call; it returns how the call ended. The error is
// non-nil if the flow itself failed; the call is hung up then.
func (f *Flow) Run(ctx context.Context, c Caller, s Start) (contact.EndCause, error) {
	r := &runner{
		frame: frame{flow: f, at: f.start, vars: f.vars.fresh()}, start: s, caller: c,
		policy: cmp.Or(s.ConsentPolicy, policyNever), lang: s.Language, languageKeys: map[rune]string{}, menus: map[*menuStep]bool{},
	}
	if !slices.Contains(Languages(), r.lang) {
		r.lang = Languages()[0] // every prompt has it
	}
	err := r.run(ctx)
	if w, ok := c.(interface{ finished(vars map[string]any) }); ok {
		w.finished(r.open()) // the simulation looks at the end
	}
	if err == nil {
		return *r.cause, nil
	}
	if gone, ok := errors.AsType[contact.EndCause](err); ok {
		return gone, nil
	}
	if gone, ok := errors.AsType[contact.EndCause](context.Cause(ctx)); ok {
		return gone, nil // the caller left while something else failed
	}
	if context.Cause(ctx) == context.Canceled { // whoever stopped the flow ends the call, and says why
		return contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 31, Why: "the flow was stopped"}, nil
	}
	r.hangup(contact.EndFailed, "the flow failed at "+r.at)
	return *r.cause, fmt.Errorf("run %s for line %s at node %q: %w", r.flow.file, s.Line, r.at, err)
}

func (r *runner) run(ctx context.Context) error {
	r.caller.Step(r.at, "start", "begins "+r.flow.file+" version "+r.flow.version, map[string]any{"flow": r.flow.file, "version": r.flow.version})
	for range maxSteps {
		n := r.flow.nodes[r.at]
		if n == nil {
			return fmt.Errorf("there is no node %q", r.at)
		}
		if err := r.answerAt(ctx, n); err != nil {
			return err
		}
		r.reached()
		r.caller.Step(n.id, n.kind, n.step.summary(), nil)
		if meetsPeople(n.step) {
			r.showValues()
		}
		next, err := n.step.run(ctx, r)
		if err != nil {
			return err
		}
		if next == "" {
			return r.over(ctx)
		}
		if ctx.Err() != nil { // a loop of nodes that wait for nothing
			return context.Cause(ctx)
		}
		r.at = next
	}
	return fmt.Errorf("the caller went through %d nodes without an end; the flow goes in circles", maxSteps)
}

func (r *runner) reached() {
	if r.start.Reached != nil {
		r.start.Reached(Place{Flow: r.flow.file, Version: r.flow.version, Node: r.at})
	}
}

// over is the end of a flow whose last node did not hang up: the caller left.
func (r *runner) over(ctx context.Context) error {
	if r.cause != nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.end("", "the flow ended at "+r.at)
	return nil
}

// answerAt answers the call where a node needs that: every one does, but for ring,
// early, and those that come early.
func (r *runner) answerAt(ctx context.Context, n *node) error {
	switch n.step.(type) {
	case *ringStep, *earlyStep:
		return nil
	}
	if r.early && early(n.kind) {
		return nil
	}
	return r.answer(ctx)
}

func (r *runner) answer(ctx context.Context) error {
	if r.answered {
		return nil
	}
	r.answered, r.early = true, false
	return r.caller.Answer(ctx)
}

// ask plays prompts, which any key ends, and waits for a key. A key that was
// typed ahead is taken without playing.
func (r *runner) ask(ctx context.Context, say []Prompt, wait time.Duration) (rune, bool, error) {
	if len(r.typed) > 0 {
		k := r.typed[0]
		r.typed = r.typed[1:]
		return k, true, nil
	}
	return r.caller.Ask(ctx, say, true, wait)
}

// play plays prompts to their end or, with skip, to the first key, which the
// next question gets.
func (r *runner) play(ctx context.Context, say []Prompt, skip bool) error {
	if skip && len(r.typed) > 0 {
		return nil
	}
	k, pressed, err := r.caller.Ask(ctx, say, skip, 0)
	if err == nil && pressed {
		r.keep(k)
	}
	return err
}

func (r *runner) keep(k rune) { r.typed = append(r.typed, k) }

func (r *runner) dropKeys() {
	r.typed = nil
	r.caller.DropKeys()
}

// switchLanguage changes the language if k is the key of another one.
func (r *runner) switchLanguage(k rune) bool {
	lang, ok := r.languageKeys[k]
	if !ok || lang == r.lang {
		return false
	}
	r.speak(lang, "language "+lang)
	return true
}

// speak goes on in a language.
func (r *runner) speak(lang, text string) {
	r.lang = lang
	r.caller.SetLanguage(lang)
	r.note(text, map[string]any{"language": lang})
}

// percent draws a number from 0 to 99.
func (r *runner) percent() int {
	if r.start.Services.Percent != nil {
		return r.start.Services.Percent()
	}
	return rand.IntN(100)
}

// open are the variables that others may see: all but the secret ones.
func (r *runner) open() map[string]any {
	m := map[string]any{}
	for _, v := range r.flow.vars {
		if !v.secret {
			m[v.name.text] = r.vars[v.name.text]
		}
	}
	return m
}

// note adds to the timeline what happened at the node that runs.
func (r *runner) note(text string, data map[string]any) {
	r.caller.Step(r.at, r.flow.nodes[r.at].kind, text, data)
}

// end ends the call as a flow does: one that was never answered is refused.
func (r *runner) end(refusal, why string) {
	if !r.early {
		r.hangup(contact.EndCompleted, why)
		return
	}
	status := refusals[cmp.Or(refusal, refusalUnsaid)]
	r.cause = &contact.EndCause{By: contact.System, Class: contact.EndRejected, SIP: contact.SIPStatus(status), Why: why}
	r.caller.Hangup(*r.cause)
}

func (r *runner) hangup(class contact.EndClass, why string) {
	r.cause = &contact.EndCause{By: contact.System, Class: class, Why: why}
	r.caller.Hangup(*r.cause)
}

// resolve finds the prompts of a node in the caller's language.
func (r *runner) resolve(ws words) []Prompt {
	var list []Prompt
	for _, w := range ws {
		lang, id := split(w.text)
		if lang == "" {
			lang = r.lang
		}
		list = append(list, r.resolveIDs(lang, id)...)
	}
	return list
}

// resolveIDs finds prompts by id. They exist: LoadFlow has looked for each in
// every language.
func (r *runner) resolveIDs(lang string, ids ...string) []Prompt {
	var list []Prompt
	for _, id := range ids {
		if p, ok := r.flow.prompts.Lookup(id, lang); ok {
			list = append(list, p)
		}
	}
	return list
}

// mayConsent is the second lock behind Flow.Check: a consent node only runs on
// a line with the policy that it serves.
func (r *runner) mayConsent(mode string) error {
	if r.policy == mode {
		return nil
	}
	return fmt.Errorf("a consent node of mode %q on a line whose policy is %q; callfloor check shows the path to it", mode, r.policy)
}

// consent stores an answer. If that fails the call goes on: without a stored
// answer nothing is recorded.
func (r *runner) consent(ctx context.Context, a ConsentAnswer) error {
	err := r.caller.Consent(ctx, a)
	if err == nil {
		r.consented = a.State
		return nil
	}
	if _, gone := errors.AsType[contact.EndCause](err); gone || ctx.Err() != nil {
		return err
	}
	r.note("the answer could not be stored; the call is not recorded", map[string]any{"error": err.Error()})
	return nil
}
