package ivr

import (
	"context"
	"regexp"
	"strings"
	"time"

	"callfloor/contact"
)

// dialStep connects the caller with a number outside. The house's rules for
// calls to the outside decide whether it may be dialled at all.
type dialStep struct {
	Kind     word     `yaml:"kind"`
	To       template `yaml:"to"`
	Say      words    `yaml:"say"` // before it rings
	Music    word     `yaml:"music"`
	Ring     span     `yaml:"ring"`
	Longest  span     `yaml:"longest"` // of the talk; 0s is no bound
	Busy     word     `yaml:"busy"`
	NoAnswer word     `yaml:"no_answer"`
	Failed   word     `yaml:"failed"`
	Served   word     `yaml:"served"` // after the talk; without it the call ends
}

const (
	dialRing    = 30 * time.Second
	dialMaxRing = 2 * time.Minute
	dialLongest = time.Hour
)

// dialled is what a number of a flow looks like where it is no value.
var dialled = regexp.MustCompile(`^\+?[0-9][0-9 ()-]{1,30}$`)

func (s *dialStep) settle(c *settling) {
	if s.Failed.text == "" {
		c.need("failed", "where to go on if the number cannot be reached")
	}
	for _, w := range []*word{&s.Busy, &s.NoAnswer} {
		if w.text == "" {
			*w = s.Failed
		}
	}
	s.Ring.fallback(dialRing)
	s.Longest.fallback(dialLongest)
	if s.Ring.d < time.Second || s.Ring.d > dialMaxRing {
		c.add(s.Ring.at, "it rings for 1s to %v, not %v", dialMaxRing, s.Ring.d)
	}
	if s.Music.text == "" {
		s.Music = word{text: queueMusic, at: c.node.at}
	}
	switch {
	case s.To.text == "":
		c.need("to", "the number, for example +4930123456")
	case len(s.To.pieces) == 1 && s.To.pieces[0].value == nil && !dialled.MatchString(s.To.text):
		c.add(s.To.at, "%q is no number; write it as people dial it, for example +4930123456", s.To.text)
	default:
		c.settleTemplate(&s.To, "a number that is dialled")
	}
}

func (s *dialStep) exits() []exit {
	list := []exit{{to: s.Served, by: "served", quiet: true}, {to: s.Failed, by: "cannot be reached", quiet: true}}
	if s.Busy != s.Failed {
		list = append(list, exit{to: s.Busy, by: "busy", quiet: true})
	}
	if s.NoAnswer != s.Failed {
		list = append(list, exit{to: s.NoAnswer, by: "nobody answers", quiet: true})
	}
	return list
}

func (s *dialStep) sounds() []soundRef {
	return append(refs(s.Say), soundRef{word: s.Music, music: true})
}

func (*dialStep) summary() string { return "calls a number outside" }

func (s *dialStep) run(ctx context.Context, r *runner) (string, error) {
	if len(s.Say) > 0 {
		if err := r.play(ctx, r.resolve(s.Say), false); err != nil {
			return "", err
		}
	}
	number, err := r.fill(&s.To, onlyNumber)
	if err != nil || !dialled.MatchString(number) {
		r.note("there is no number to dial", nil)
		return s.Failed.text, nil
	}
	got, err := r.caller.Dial(ctx, DialRequest{To: number, Music: s.Music.text, Ring: s.Ring.d, Longest: s.Longest.d})
	if err != nil {
		return "", err
	}
	r.dropKeys()
	text := map[string]string{DialServed: "served outside", DialBusy: "the number is busy", DialNoAnswer: "nobody answered outside"}[got.Ended]
	if text == "" {
		text = "the number outside was not reached: " + got.Why
	}
	r.note(text, map[string]any{"ended": got.Ended})
	switch got.Ended {
	case DialServed:
		if s.Served.text == "" {
			r.hangup(contact.EndCompleted, "served outside")
		}
		return s.Served.text, nil
	case DialBusy:
		return s.Busy.text, nil
	case DialNoAnswer:
		return s.NoAnswer.text, nil
	}
	return s.Failed.text, nil
}

// onlyNumber keeps of a value what may be in a number.
func onlyNumber(v string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune("+0123456789 ()-", c) {
			return c
		}
		return -1
	}, v)
}
