package ivr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"callfloor/contact"
)

// Start is what a flow begins with: the line that was dialled, the language of
// its prompts ("en" if it is none of Languages) and the line's consent policy.
type Start struct {
	Line          contact.LineID
	Language      string
	ConsentPolicy string // ask, announce or never; "" is never
}

// maxSteps ends a flow that goes round and round: nobody listens to a thousand
// nodes.
const maxSteps = 1000

// runner is one run of a flow. One goroutine owns it.
type runner struct {
	flow         *Flow
	caller       Caller
	policy       string
	lang         string
	languageKeys map[rune]string // taken in every question that does not use them itself
	typed        []rune          // keys that ended an announcement; the next question takes them
	answered     bool
	at           string // the node that runs
	cause        *contact.EndCause
}

// Run runs the flow beside a call, as blocking code, until the caller is gone
// or the flow has ended the call; it returns how the call ended. The error is
// non-nil if the flow itself failed; the call is hung up then.
func (f *Flow) Run(ctx context.Context, c Caller, s Start) (contact.EndCause, error) {
	r := &runner{flow: f, caller: c, policy: s.ConsentPolicy, lang: s.Language, languageKeys: map[rune]string{}}
	if r.policy == "" {
		r.policy = policyNever
	}
	if !slices.Contains(Languages(), r.lang) {
		r.lang = Languages()[0] // every prompt has it
	}
	err := r.run(ctx)
	if err == nil {
		return *r.cause, nil
	}
	if gone, ok := errors.AsType[contact.EndCause](err); ok {
		return gone, nil
	}
	if gone, ok := errors.AsType[contact.EndCause](context.Cause(ctx)); ok {
		return gone, nil // the caller left while something else failed
	}
	r.hangup(contact.EndFailed, "the flow failed at "+r.at)
	return *r.cause, fmt.Errorf("run %s for line %s at node %q: %w", f.file, s.Line, r.at, err)
}

func (r *runner) run(ctx context.Context) error {
	r.at = r.flow.start
	for range maxSteps {
		n := r.flow.nodes[r.at]
		if n == nil {
			return fmt.Errorf("there is no node %q", r.at)
		}
		if _, rings := n.step.(*ringStep); !rings {
			if err := r.answer(ctx); err != nil {
				return err
			}
		}
		r.caller.Step(n.id, n.kind, n.step.summary(), nil)
		next, err := n.step.run(ctx, r)
		if err != nil {
			return err
		}
		if next == "" {
			return r.over(ctx)
		}
		r.at = next
	}
	return fmt.Errorf("the caller went through %d nodes without an end; the flow goes in circles", maxSteps)
}

// over is the end of a flow whose last node did not hang up: the caller left.
func (r *runner) over(ctx context.Context) error {
	if r.cause != nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.hangup(contact.EndCompleted, "the flow ended at "+r.at)
	return nil
}

func (r *runner) answer(ctx context.Context) error {
	if r.answered {
		return nil
	}
	r.answered = true
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
	r.lang = lang
	r.caller.SetLanguage(lang)
	r.note("language "+lang, map[string]any{"language": lang})
	return true
}

// note adds to the timeline what happened at the node that runs.
func (r *runner) note(text string, data map[string]any) {
	r.caller.Step(r.at, r.flow.nodes[r.at].kind, text, data)
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
		return nil
	}
	if _, gone := errors.AsType[contact.EndCause](err); gone || ctx.Err() != nil {
		return err
	}
	r.note("the answer could not be stored; the call is not recorded", map[string]any{"error": err.Error()})
	return nil
}
