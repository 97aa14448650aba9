package ivr

import "context"

// playStep plays prompts. A key ends it and counts as the answer to the next
// question, unless the file says skip: false.
type playStep struct {
	Kind word    `yaml:"kind"`
	Say  sayable `yaml:"say"`
	Skip *bool   `yaml:"skip"`
	Next word    `yaml:"next"`
}

func (s *playStep) settle(c *settling) {
	needNext(c, s.Next)
	if len(s.Say) == 0 {
		c.need("say", "the prompts to play")
	}
	s.Say.settle(c)
}

func (s *playStep) exits() []exit      { return []exit{{to: s.Next, quiet: true}} }
func (s *playStep) sounds() []soundRef { return s.Say.sounds() }
func (*playStep) summary() string      { return "plays an announcement" }

func (s *playStep) run(ctx context.Context, r *runner) (string, error) {
	return s.Next.text, r.play(ctx, r.resolveItems(s.Say), s.Skip == nil || *s.Skip)
}
