package ivr

import (
	"context"
	"errors"
	"fmt"

	"callfloor/contact"
)

// surveyStep asks how satisfied the customer is, from 1 to 5, and keeps the
// answer with the call. No answer is one too.
type surveyStep struct {
	Kind     word  `yaml:"kind"`
	Say      words `yaml:"say"`
	SayWrong words `yaml:"say_wrong"`
	Thanks   words `yaml:"thanks"`
	Into     word  `yaml:"into"`
	Wait     span  `yaml:"wait"`
	Timeouts count `yaml:"timeouts"`
	Failures count `yaml:"failures"`
	Next     word  `yaml:"next"`
}

const surveyTries = 2

func (s *surveyStep) settle(c *settling) {
	needNext(c, s.Next)
	for _, d := range []struct {
		words *words
		id    string
	}{{&s.Say, "survey_question"}, {&s.SayWrong, "menu_wrong"}, {&s.Thanks, "survey_thanks"}} {
		if *d.words == nil {
			*d.words = words{{text: d.id, at: c.node.at}}
		}
	}
	s.Wait.fallback(menuWait)
	s.Timeouts.fallback(surveyTries)
	s.Failures.fallback(surveyTries)
	if s.Into.text == "" {
		return
	}
	if v, ok := c.flow.vars.find(s.Into.text); !ok {
		c.noVariable(s.Into)
	} else if v.typ != typeNumber {
		c.add(s.Into.at, "the variable %q is %s, but an answer is a number; declare it as %s: 0", v.name.text, oneOf(v.typ), v.name.text)
	}
}

func (s *surveyStep) exits() []exit { return []exit{{to: s.Next, quiet: true}} }

func (s *surveyStep) sounds() []soundRef {
	return append(append(refs(s.Say), refs(s.SayWrong)...), refs(s.Thanks)...)
}

func (*surveyStep) summary() string { return "asks how satisfied the customer is" }

func (s *surveyStep) run(ctx context.Context, r *runner) (string, error) {
	silences, wrongs, switches := 0, 0, 0
	var apology words
	for silences < s.Timeouts.n && wrongs < s.Failures.n {
		pressed, ok, err := r.ask(ctx, append(r.resolve(apology), r.resolve(s.Say)...), s.Wait.d)
		if err != nil {
			return "", err
		}
		apology = nil
		switch {
		case !ok:
			silences++
		case pressed >= '1' && pressed <= '5':
			return s.Next.text, s.rated(ctx, r, int(pressed-'0'))
		case switches < maxSwitches && r.switchLanguage(pressed):
			switches++
		default:
			wrongs++
			apology = s.SayWrong
		}
	}
	r.note("gave no answer", nil)
	return s.Next.text, nil
}

// rated keeps the answer; if that fails the call goes on.
func (s *surveyStep) rated(ctx context.Context, r *runner, csat int) error {
	if s.Into.text != "" {
		r.vars[s.Into.text] = float64(csat)
	}
	if err := r.caller.Rated(ctx, csat); err != nil {
		if _, gone := errors.AsType[contact.EndCause](err); gone || ctx.Err() != nil {
			return err
		}
		r.note("the answer could not be stored", map[string]any{"error": err.Error()})
	} else {
		r.note(fmt.Sprintf("answered %d of 5", csat), map[string]any{"csat": csat})
	}
	return r.play(ctx, r.resolve(s.Thanks), false)
}
