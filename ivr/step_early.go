package ivr

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// earlyStep lets the caller hear the flow before the call is answered, and so
// before it costs anything. Nodes that only speak, ask and decide leave it
// unanswered; answer, and every other kind, answers it. Who cannot hear anything
// before is answered here.
type earlyStep struct {
	Kind word `yaml:"kind"`
	Next word `yaml:"next"`
}

func (s *earlyStep) settle(c *settling) { needNext(c, s.Next) }
func (s *earlyStep) exits() []exit      { return []exit{{to: s.Next, quiet: true}} }
func (*earlyStep) sounds() []soundRef   { return nil }
func (*earlyStep) summary() string      { return "speaks before it answers" }

func (s *earlyStep) run(ctx context.Context, r *runner) (string, error) {
	heard, err := r.caller.Early(ctx)
	if err != nil {
		return "", err
	}
	if !heard {
		return s.Next.text, r.answer(ctx)
	}
	r.early = true
	return s.Next.text, nil
}

// refusals are the words for how a call that is not answered is refused, and their
// SIP statuses (RFC 3261 §21).
var refusals = map[string]int{"unavailable": 480, "busy": 486, "declined": 603, "unknown": 404}

// refusalUnsaid is how a call ends that was never answered, where the flow does
// not say it.
const refusalUnsaid = "unavailable"

// refusalOf is the word for a SIP status; "" if there is none.
func refusalOf(status int) string {
	for name, s := range refusals {
		if s == status {
			return name
		}
	}
	return ""
}

func refusalNames() string {
	return strings.Join(slices.Sorted(maps.Keys(refusals)), ", ")
}

// settleRefusal checks a word for a refusal.
func settleRefusal(c *settling, w word) {
	if _, ok := refusals[w.text]; w.text != "" && !ok {
		c.add(w.at, "%q is no way to refuse a call; write one of %s", w.text, refusalNames())
	}
}

// checkEarly refuses what has no effect: an early node that comes too late, and a
// refusal of calls that are answered.
func (f *Flow) checkEarly(found *findings) {
	_, early := f.nodes[f.start].step.(*earlyStep)
	f.eachSub(func(s *Flow) {
		theirs := &findings{file: s.file}
		for _, id := range s.order {
			n := s.nodes[id]
			if h, ok := n.step.(*hangupStep); ok && h.Refuse.text != "" && !early {
				theirs.add(h.Refuse.at, "the node %q refuses the call, but it is answered by then; begin %s with a node of kind early", id, f.file)
			}
		}
		found.list = append(found.list, theirs.list...)
	})
}
