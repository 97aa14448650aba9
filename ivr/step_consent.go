package ivr

import (
	"context"
	"time"

	"callfloor/contact"
)

// consentStep asks whether the call may be recorded, or announces that it is.
// The answer is stored before the flow goes on. Keys pressed before the
// question do not count; silence after the last repeat is a no.
type consentStep struct {
	Kind    word  `yaml:"kind"`
	Mode    word  `yaml:"mode"` // ask or announce
	Say     word  `yaml:"say"`  // one prompt: it is the proof of what was asked
	Agree   key   `yaml:"agree"`
	Decline key   `yaml:"decline"`
	Repeats count `yaml:"repeats"`
	Wait    span  `yaml:"wait"` // silence after the question
	Next    word  `yaml:"next"`
	Agreed  word  `yaml:"agreed"`  // instead of next
	Refused word  `yaml:"refused"` // instead of next
}

// Modes of a consent node, and the policies of a line (with "never").
const (
	modeAsk      = "ask"
	modeAnnounce = "announce"
	policyNever  = "never"
)

const (
	consentWait    = 4 * time.Second
	consentRepeats = 2
)

func (s *consentStep) settle(c *settling) {
	if s.Say.text == "" {
		c.need("say", "the one prompt that asks or announces")
	}
	s.Agree.fallback('1')
	s.Decline.fallback('2')
	s.Wait.fallback(consentWait)
	s.Repeats.fallback(consentRepeats)
	switch s.Mode.text {
	case modeAsk:
		s.settleAsk(c)
	case modeAnnounce:
		needNext(c, s.Next)
		if s.Agree.at != (at{}) || s.Decline.at != (at{}) || s.Repeats.set || s.Wait.set || s.Agreed.text+s.Refused.text != "" {
			c.add(c.node.at, "the node %q announces and takes no answer; leave out agree, decline, repeats, wait, agreed and refused, or write mode: ask", c.node.id)
		}
	default:
		c.add(c.node.at, "the consent node %q has mode %q; write mode: ask or mode: announce", c.node.id, s.Mode.text)
	}
}

func (s *consentStep) settleAsk(c *settling) {
	if s.Agreed.text == "" {
		s.Agreed = s.Next
	}
	if s.Refused.text == "" {
		s.Refused = s.Next
	}
	if s.Agreed.text == "" || s.Refused.text == "" {
		c.need("next", "where to go on after the answer (or agreed: and refused:)")
	}
	if s.Agree.r == s.Decline.r {
		c.add(c.node.at, "agree and decline are both the key %c; give each its own", s.Agree.r)
	}
	if s.Wait.d < time.Second {
		c.add(s.Wait.at, "%v is too short to answer in; wait at least 1s", s.Wait.d)
	}
}

func (s *consentStep) exits() []exit {
	if s.Mode.text == modeAnnounce {
		return []exit{{to: s.Next, quiet: true}}
	}
	return []exit{
		{to: s.Refused, by: "no or silence", quiet: true},
		{to: s.Agreed, by: "yes"},
	}
}

func (s *consentStep) sounds() []soundRef { return refs(words{s.Say}) }

func (s *consentStep) summary() string {
	if s.Mode.text == modeAnnounce {
		return "announces the recording"
	}
	return "asks for consent to record"
}

func (s *consentStep) run(ctx context.Context, r *runner) (string, error) {
	if err := r.mayConsent(s.Mode.text); err != nil {
		return "", err
	}
	if s.Mode.text == modeAnnounce {
		return s.announce(ctx, r)
	}
	answer, err := s.ask(ctx, r)
	if err != nil {
		return "", err
	}
	if err := r.consent(ctx, answer); err != nil {
		return "", err
	}
	if answer.State == contact.ConsentGranted {
		return s.Agreed.text, nil
	}
	return s.Refused.text, nil
}

func (s *consentStep) announce(ctx context.Context, r *runner) (string, error) {
	say := r.resolve(words{s.Say})
	asked := r.caller.Now()
	if err := r.play(ctx, say, false); err != nil {
		return "", err
	}
	return s.Next.text, r.consent(ctx, ConsentAnswer{
		State: contact.ConsentAnnounced, Prompt: say[0], Language: say[0].Language,
		AskedAt: asked, At: r.caller.Now(), Attempt: 1,
	})
}

// ask asks until there is an answer: a wrong key and a silence each use up one
// asking, a change of language does not.
func (s *consentStep) ask(ctx context.Context, r *runner) (ConsentAnswer, error) {
	r.dropKeys()
	answer := ConsentAnswer{State: contact.ConsentRefused}
	switches := 0
	for answer.Attempt = 1; ; answer.Attempt++ {
		say := r.resolve(words{s.Say})
		answer.Prompt, answer.Language, answer.AskedAt = say[0], say[0].Language, r.caller.Now()
		r.caller.HoldAnswer()
		pressed, ok, err := r.ask(ctx, say, s.Wait.d)
		if err != nil {
			return ConsentAnswer{}, err
		}
		answer.At, answer.Key = r.caller.Now(), ""
		if ok {
			answer.Key = string(pressed)
		}
		switch {
		case ok && pressed == s.Agree.r:
			answer.State = contact.ConsentGranted
			return answer, nil
		case ok && pressed == s.Decline.r:
			return answer, nil
		case ok && switches < maxSwitches && r.switchLanguage(pressed):
			switches++
			answer.Attempt--
		case answer.Attempt > s.Repeats.n:
			return answer, nil
		}
	}
}
