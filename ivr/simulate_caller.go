package ivr

import (
	"context"
	"errors"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

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

// Early implements Caller.
func (s *simulation) Early(ctx context.Context) (bool, error) {
	s.note("hears the flow before the answer")
	return true, context.Cause(ctx)
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
