package ivr

import (
	"context"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// Studio takes prompts that staff record by phone. What it takes is the house's
// own sound, not a customer's: no consent is asked for and no capture is made.
type Studio interface {
	// Opens tells whether this is the code of the staff; it takes as long for a
	// wrong one, and none is right where no code is set.
	Opens(code string) bool
	// Take makes a sound of 8 kHz that of a prompt in the calls from now on.
	// contact.Invalid: it is too quiet, clipped, too short or too long.
	Take(ctx context.Context, p Prompt, sound []int16, line contact.LineID) error
}

// studioStep lets staff record prompts by phone: they type the code and then,
// by its number in the list, a prompt; they hear it, speak, hear what they spoke,
// and keep it, speak again or leave it as it was.
type studioStep struct {
	Kind    word  `yaml:"kind"`
	Prompts words `yaml:"prompts"` // 1 is the first
	Longest span  `yaml:"longest"` // a recording may last
	Wait    span  `yaml:"wait"`
	Failed  word  `yaml:"failed"` // no right code in three tries
	Next    word  `yaml:"next"`   // nothing more is chosen
}

const (
	studioLongest = time.Minute
	// studioMost is what is held in memory of one caller: a megabyte and a half.
	studioMost  = 90 * time.Second
	studioPause = 4 * time.Second // ends a recording; # does so at once
	studioTries = 3               // at the code
	// studioRounds bounds what one call may record.
	studioRounds = 50
	studioNumber = 9 // one key is enough
	beepHz       = 1000.0
	beepFor      = 300 * time.Millisecond
	beepLevel    = -12.0
)

// studioSays is all that the node says itself.
var studioSays = [...]string{
	"studio_code", "studio_wrong", "studio_choose", "studio_speak", "studio_review", "studio_kept", "studio_refused", "voicemail_empty",
}

func (s *studioStep) settle(c *settling) {
	needNext(c, s.Next)
	if len(s.Prompts) == 0 {
		c.need("prompts", "the prompts that may be recorded; 1 is the first")
	}
	if len(s.Prompts) > studioNumber {
		c.add(s.Prompts[studioNumber].at, "one key chooses a prompt: %d are too many; write at most %d, and another node for more", len(s.Prompts), studioNumber)
	}
	if s.Failed.text == "" {
		s.Failed = s.Next
	}
	s.Longest.fallback(studioLongest)
	s.Wait.fallback(menuWait)
	if s.Longest.d < time.Second || s.Longest.d > studioMost {
		c.add(s.Longest.at, "a recording may last 1s to %v, not %v", studioMost, s.Longest.d)
	}
	if s.Wait.d < time.Second {
		c.add(s.Wait.at, "%v is too short to press a key in; wait at least 1s", s.Wait.d)
	}
}

func (s *studioStep) exits() []exit {
	return []exit{{to: s.Next, by: "recorded prompts", quiet: true}, {to: s.Failed, by: "wrong code", quiet: true}}
}

func (s *studioStep) sounds() []soundRef {
	list := refs(s.Prompts)
	for _, id := range studioSays {
		list = append(list, soundRef{word: word{text: id, at: s.Kind.at}})
	}
	return list
}

func (*studioStep) summary() string { return "lets staff record prompts" }

func (s *studioStep) run(ctx context.Context, r *runner) (string, error) {
	open, err := s.unlock(ctx, r)
	if err != nil || !open {
		return s.Failed.text, err
	}
	for range studioRounds {
		k, pressed, err := r.ask(ctx, r.resolve(words{{text: "studio_choose"}}), s.Wait.d)
		if err != nil || !pressed {
			return s.Next.text, err
		}
		n := int(k - '0')
		if n < 1 || n > len(s.Prompts) {
			continue
		}
		if err := s.record(ctx, r, r.resolve(s.Prompts[n-1:n])); err != nil {
			return "", err
		}
	}
	return s.Next.text, nil
}

// unlock asks for the code. It is in no event.
func (s *studioStep) unlock(ctx context.Context, r *runner) (bool, error) {
	code := collectStep{First: s.Wait, Between: s.Wait, Max: count{n: collectMax}}
	code.Ends.fallback('#')
	say := words{{text: "studio_code"}}
	for range studioTries {
		typed, _, err := code.read(ctx, r, r.resolve(say))
		if err != nil {
			return false, err
		}
		if st := r.start.Services.Studio; st != nil && st.Opens(typed) {
			r.note("the code was right", nil)
			return true, nil
		}
		r.note("the code was wrong", nil)
		say = words{{text: "studio_wrong"}, {text: "studio_code"}}
	}
	return false, r.play(ctx, r.resolve(words{{text: "studio_wrong"}}), false)
}

// record takes one prompt until it is kept or left as it was.
func (s *studioStep) record(ctx context.Context, r *runner, present []Prompt) error {
	prompt := present[0]
	beep := Prompt{ID: "beep", Language: r.lang, clip: media.ToneClip("beep", []float64{beepHz}, beepFor, beepLevel)}
	before := present
	for range studioRounds {
		if err := r.play(ctx, append(before, r.resolve(words{{text: "studio_speak"}})...), true); err != nil {
			return err
		}
		r.dropKeys()
		heard, err := r.caller.HearOut(ctx, ListenRequest{Prompts: []Prompt{beep}, Wait: s.Wait.d, Pause: studioPause, Longest: s.Longest.d})
		if err != nil {
			return err
		}
		if len(heard.Sound) == 0 {
			r.note("nothing was recorded", nil)
			return r.play(ctx, r.resolve(words{{text: "voicemail_empty"}}), false)
		}
		take := Prompt{ID: prompt.ID, Language: prompt.Language, Text: prompt.Text, clip: media.NewClip("take", heard.Sound)}
		k, _, err := r.ask(ctx, append([]Prompt{take}, r.resolve(words{{text: "studio_review"}})...), s.Wait.d)
		switch {
		case err != nil:
			return err
		case k == '1':
			again, err := s.keep(ctx, r, prompt, heard.Sound)
			if err != nil || !again {
				return err
			}
		case k != '2':
			r.note("the prompt stays as it was", map[string]any{"prompt": prompt.ID, "language": prompt.Language})
			return nil
		}
		before = nil
	}
	return nil
}

// keep takes what was recorded; it is true where it must be spoken again.
func (s *studioStep) keep(ctx context.Context, r *runner, p Prompt, sound []int16) (again bool, err error) {
	data := map[string]any{"prompt": p.ID, "language": p.Language}
	err = r.start.Services.Studio.Take(ctx, p, sound, r.start.Line)
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case err == nil:
		r.note("a prompt was recorded", data)
		return false, r.play(ctx, r.resolve(words{{text: "studio_kept"}}), false)
	}
	r.note("the recording was not taken: "+err.Error(), data)
	return contact.ErrorCode(err) == contact.Invalid, r.play(ctx, r.resolve(words{{text: "studio_refused"}}), false)
}
