package ivr

import (
	"context"
	"fmt"
)

// answerStep answers the call. Every flow that does not begin with ring or early
// answers by itself, so there it is written only to be plain.
type answerStep struct {
	Kind word `yaml:"kind"`
	Next word `yaml:"next"`
}

func (s *answerStep) settle(c *settling) { needNext(c, s.Next) }
func (s *answerStep) exits() []exit      { return []exit{{to: s.Next, quiet: true}} }
func (*answerStep) sounds() []soundRef   { return nil }
func (*answerStep) summary() string      { return "answers the call" }

func (s *answerStep) run(ctx context.Context, r *runner) (string, error) {
	return s.Next.text, r.answer(ctx)
}

// ringStep lets it ring (180) until the caller gives up.
type ringStep struct {
	Kind word `yaml:"kind"`
}

func (*ringStep) settle(*settling)   {}
func (*ringStep) exits() []exit      { return end() }
func (*ringStep) sounds() []soundRef { return nil }
func (*ringStep) summary() string    { return "rings and is not answered" }

func (*ringStep) run(ctx context.Context, r *runner) (string, error) {
	return "", r.caller.Ring(ctx)
}

// echoStep sends the caller's audio back until they hang up.
type echoStep struct {
	Kind word `yaml:"kind"`
}

func (*echoStep) settle(*settling)   {}
func (*echoStep) exits() []exit      { return end() }
func (*echoStep) sounds() []soundRef { return nil }
func (*echoStep) summary() string    { return "echo" }

func (*echoStep) run(ctx context.Context, r *runner) (string, error) {
	return "", r.caller.Echo(ctx)
}

// waitStep is a silence.
type waitStep struct {
	Kind word `yaml:"kind"`
	For  span `yaml:"for"`
	Next word `yaml:"next"`
}

func (s *waitStep) settle(c *settling) {
	needNext(c, s.Next)
	if s.For.d <= 0 {
		c.need("for", "how long to wait, for example 2s")
	}
}

func (s *waitStep) exits() []exit    { return []exit{{to: s.Next, quiet: true}} }
func (*waitStep) sounds() []soundRef { return nil }
func (s *waitStep) summary() string  { return fmt.Sprintf("waits %v", s.For.d) }

func (s *waitStep) run(ctx context.Context, r *runner) (string, error) {
	return s.Next.text, r.caller.Pause(ctx, s.For.d)
}

// gotoStep only leads on; it gives a place a second name.
type gotoStep struct {
	Kind word `yaml:"kind"`
	Next word `yaml:"next"`
}

func (s *gotoStep) settle(c *settling) { needNext(c, s.Next) }
func (s *gotoStep) exits() []exit      { return []exit{{to: s.Next, quiet: true}} }
func (*gotoStep) sounds() []soundRef   { return nil }
func (*gotoStep) summary() string      { return "goes on" }

func (s *gotoStep) run(context.Context, *runner) (string, error) { return s.Next.text, nil }

// hangupStep says good-bye, if it is to, and ends the call: one that is not
// answered by refusing it.
type hangupStep struct {
	Kind   word  `yaml:"kind"`
	Say    words `yaml:"say"`
	Refuse word  `yaml:"refuse"` // one of refusals
}

func (s *hangupStep) settle(c *settling) { settleRefusal(c, s.Refuse) }
func (*hangupStep) exits() []exit        { return end() }
func (s *hangupStep) sounds() []soundRef { return refs(s.Say) }
func (*hangupStep) summary() string      { return "ends the call" }

func (s *hangupStep) run(ctx context.Context, r *runner) (string, error) {
	if len(s.Say) > 0 {
		if err := r.play(ctx, r.resolve(s.Say), false); err != nil {
			return "", err
		}
	}
	r.end(s.Refuse.text, "the flow ended the call at "+r.at)
	return "", nil
}

func needNext(c *settling, next word) {
	if next.text == "" {
		c.need("next", "the name of the node to go on with")
	}
}
