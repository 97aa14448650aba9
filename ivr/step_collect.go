package ivr

import (
	"context"
	"time"

	"github.com/expr-lang/expr/types"
)

// collectStep takes digits into a variable. They are in no event; with secret
// they may not even be used where somebody could hear or read them.
type collectStep struct {
	Kind     word       `yaml:"kind"`
	Say      words      `yaml:"say"`
	Into     word       `yaml:"into"`
	Min      count      `yaml:"min"`
	Max      count      `yaml:"max"`
	First    span       `yaml:"first"`   // silence until the first digit
	Between  span       `yaml:"between"` // silence between two digits, which ends the input
	Ends     key        `yaml:"ends"`
	Valid    expression `yaml:"valid"` // over value
	Secret   *bool      `yaml:"secret"`
	Timeouts count      `yaml:"timeouts"`
	Failures count      `yaml:"failures"`
	SayWrong words      `yaml:"say_wrong"`
	Silent   word       `yaml:"silent"`
	Failed   word       `yaml:"failed"`
	Next     word       `yaml:"next"`
}

const (
	collectFirst   = 10 * time.Second
	collectBetween = 2 * time.Second
	collectMax     = 20
	// clearKey begins the input again.
	clearKey = '*'
)

func (s *collectStep) settle(c *settling) {
	needNext(c, s.Next)
	if len(s.Say) == 0 {
		c.need("say", "the prompts that ask for the digits")
	}
	if s.Silent.text == "" {
		c.need("silent", "where a caller goes who presses nothing")
	}
	if s.Failed.text == "" {
		s.Failed = s.Silent
	}
	s.First.fallback(collectFirst)
	s.Between.fallback(collectBetween)
	s.Ends.fallback('#')
	s.Min.fallback(1)
	s.Max.fallback(collectMax)
	s.Timeouts.fallback(menuTimeouts)
	s.Failures.fallback(menuFailures)
	for _, d := range []span{s.First, s.Between} {
		if d.d < time.Second {
			c.add(d.at, "%v is too short to press a key in; wait at least 1s", d.d)
		}
	}
	for _, n := range []count{s.Timeouts, s.Failures, s.Min} {
		if n.n < 1 {
			c.add(n.at, "0 is too few; write at least 1")
		}
	}
	if s.Ends.r != '#' && s.Ends.r != clearKey {
		c.add(s.Ends.at, "%c is a digit; the input ends with # or *", s.Ends.r)
	}
	if s.Max.n < s.Min.n {
		c.add(s.Max.at, "max: %d is less than min: %d", s.Max.n, s.Min.n)
	}
	s.settleInto(c)
	if s.Valid.set() {
		c.compile(&s.Valid, typeYesNo, scope{"value": types.String})
	}
}

func (s *collectStep) settleInto(c *settling) {
	if s.Into.text == "" {
		c.need("into", "the variable that takes the digits")
		return
	}
	v, ok := c.flow.vars.find(s.Into.text)
	switch {
	case !ok:
		c.noVariable(s.Into)
	case v.typ != typeText:
		c.add(s.Into.at, "the variable %q is %s, but digits are a text (007 is not 7); declare it as %s: \"\"", v.name.text, oneOf(v.typ), v.name.text)
	case s.secret() && !v.secret:
		c.add(s.Into.at, "secret digits go only into a secret variable; declare it as %s: {secret: true}", v.name.text)
	}
	if v.secret { // what goes there is secret, whatever the node says
		yes := true
		s.Secret = &yes
	}
}

func (s *collectStep) secret() bool { return s.Secret != nil && *s.Secret }

func (s *collectStep) exits() []exit {
	return []exit{
		{to: s.Silent, by: "silence", quiet: true}, {to: s.Failed, by: "wrong digits"}, {to: s.Next, by: "digits"},
	}
}

func (s *collectStep) sounds() []soundRef { return append(refs(s.Say), refs(s.SayWrong)...) }

func (s *collectStep) summary() string {
	if s.secret() {
		return "asks for digits that are kept secret"
	}
	return "asks for digits"
}

func (s *collectStep) run(ctx context.Context, r *runner) (string, error) {
	silences, wrongs := 0, 0
	var apology words
	for {
		digits, pressed, err := s.read(ctx, r, append(r.resolve(apology), r.resolve(s.Say)...))
		if err != nil {
			return "", err
		}
		apology = nil
		switch {
		case !pressed:
			if silences++; silences >= s.Timeouts.n {
				r.note("nothing was entered", nil)
				return s.Silent.text, nil
			}
		case len(digits) >= s.Min.n && (!s.Valid.set() || r.truth(&s.Valid, map[string]any{"value": digits})):
			r.vars[s.Into.text] = digits
			r.note("digits were entered", nil)
			return s.Next.text, nil
		default:
			if wrongs++; wrongs >= s.Failures.n {
				r.note("only wrong digits were entered", nil)
				return s.Failed.text, nil
			}
			r.note("wrong digits were entered", nil)
			apology = s.SayWrong
		}
	}
}

// read takes digits until the end key, the most there may be, or a pause. The
// star begins again. It is false if no key was pressed at all.
func (s *collectStep) read(ctx context.Context, r *runner, say []Prompt) (entered string, any bool, err error) {
	var digits []byte
	wait := s.First.d
	for {
		k, pressed, err := r.ask(ctx, say, wait)
		switch {
		case err != nil:
			return "", false, err
		case !pressed:
			return string(digits), any, nil
		case k == s.Ends.r:
			return string(digits), true, nil
		case k == clearKey:
			digits = digits[:0]
		case k >= '0' && k <= '9':
			if digits = append(digits, byte(k)); len(digits) >= s.Max.n {
				return string(digits), true, nil
			}
		}
		any = true
		say, wait = nil, s.Between.d
		if len(digits) == 0 {
			wait = s.First.d
		}
	}
}
