package ivr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

var (
	errNoMessages = errors.New("messages are not set up (messages.url)")
	errNoNumber   = errors.New("there is no number to send it to")
)

func statusError(status int) error { return fmt.Errorf("the status is %d", status) }

// Recogniser writes down what a customer says (speech to text).
type Recogniser interface {
	// Recognise returns the words and how sure it is of them, 0 to 1. Hints are
	// words that may be expected. sound is 8 kHz mono.
	Recognise(ctx context.Context, lang string, sound []int16, hints []string) (text string, confidence float64, err error)
}

// speechStep asks and takes an answer in words or by key: by the words that it
// names, or any words into a variable.
type speechStep struct {
	Kind     word    `yaml:"kind"`
	Say      words   `yaml:"say"`
	Choices  phrases `yaml:"choices"`
	Into     word    `yaml:"into"` // the words as they were understood
	Sure     count   `yaml:"sure"` // how sure the recogniser must be, in percent
	Wait     span    `yaml:"wait"`
	Pause    span    `yaml:"pause"`
	Longest  span    `yaml:"longest"`
	Timeouts count   `yaml:"timeouts"`
	Failures count   `yaml:"failures"`
	SayWrong words   `yaml:"say_wrong"`
	Silent   word    `yaml:"silent"`
	Failed   word    `yaml:"failed"`
	Next     word    `yaml:"next"` // any words, with into
}

// phrase is one answer: what the caller may say or press for it.
type phrase struct {
	Label word  `yaml:"label"`
	Key   key   `yaml:"key"`
	Words words `yaml:"words"`
	Next  word  `yaml:"next"`
}

// phrases is a list of answers.
type phrases []phrase

// UnmarshalYAML reads [{label: Sales, key: 1, words: [sales, 销售], next: sales}].
func (ps *phrases) UnmarshalYAML(n ast.Node) error {
	const example = "[{label: Sales, key: 1, words: [sales, buy], next: sales}]"
	return eachOf(n, "an answer", example, func(v ast.Node) error {
		var p phrase
		if err := decode(v, &p, "an answer"); err != nil {
			return err
		}
		if p.Label.text == "" || p.Next.text == "" || len(p.Words) == 0 || p.Key.r == 0 {
			return wrong(placeOf(v), "an answer needs label:, key: (keys always work), words: and next:, for example %s", example)
		}
		*ps = append(*ps, p)
		return nil
	})
}

const (
	speechWait    = 5 * time.Second
	speechPause   = 800 * time.Millisecond
	speechLongest = 10 * time.Second
	speechMost    = 30 * time.Second
	speechSure    = 50
)

func (s *speechStep) settle(c *settling) {
	if len(s.Say) == 0 {
		c.need("say", "the prompts that ask")
	}
	if s.Silent.text == "" {
		c.need("silent", "where a caller goes who says and presses nothing")
	}
	if s.Failed.text == "" {
		s.Failed = s.Silent
	}
	s.Wait.fallback(speechWait)
	s.Pause.fallback(speechPause)
	s.Longest.fallback(speechLongest)
	s.Timeouts.fallback(menuTimeouts)
	s.Failures.fallback(menuFailures)
	s.Sure.fallback(speechSure)
	if s.Wait.d < time.Second {
		c.add(s.Wait.at, "%v is too short to begin to speak in; wait at least 1s", s.Wait.d)
	}
	if s.Pause.d < 200*time.Millisecond || s.Pause.d > 5*time.Second {
		c.add(s.Pause.at, "a pause of 200ms to 5s ends an answer, not %v", s.Pause.d)
	}
	if s.Longest.d < time.Second || s.Longest.d > speechMost {
		c.add(s.Longest.at, "an answer may last 1s to %v, not %v", speechMost, s.Longest.d)
	}
	for _, n := range []count{s.Timeouts, s.Failures} {
		if n.n < 1 {
			c.add(n.at, "0 would leave the question before it was heard; write at least 1")
		}
	}
	if s.Sure.n > 100 {
		c.add(s.Sure.at, "%d %% is more than sure; write at most 100", s.Sure.n)
	}
	s.settleAnswers(c)
}

func (s *speechStep) settleAnswers(c *settling) {
	if s.Into.text == "" && len(s.Choices) == 0 {
		c.need("choices", "what may be answered, or into: for any words")
	}
	var taken []rune
	for _, p := range s.Choices {
		if slices.Contains(taken, p.Key.r) {
			c.add(p.Key.at, "the key %c is taken by another answer", p.Key.r)
		}
		taken = append(taken, p.Key.r)
	}
	if s.Into.text == "" {
		return
	}
	needNext(c, s.Next)
	v, ok := c.flow.vars.find(s.Into.text)
	switch {
	case !ok:
		c.noVariable(s.Into)
	case v.typ != typeText || v.secret:
		c.add(s.Into.at, "words go into a text that is not secret: a recogniser has heard them; declare %s: \"\"", v.name.text)
	}
}

func (s *speechStep) exits() []exit {
	list := []exit{{to: s.Silent, by: "silence", quiet: true}, {to: s.Failed, by: "not understood"}}
	if s.Next.text != "" {
		list = append(list, exit{to: s.Next, by: "words"})
	}
	for _, p := range s.Choices {
		list = append(list, exit{to: p.Next, by: fmt.Sprintf("key %c (%s)", p.Key.r, p.Label.text)})
	}
	return list
}

func (s *speechStep) sounds() []soundRef { return append(refs(s.Say), refs(s.SayWrong)...) }
func (*speechStep) summary() string      { return "asks for words or a key" }

func (s *speechStep) run(ctx context.Context, r *runner) (string, error) {
	silences, wrongs := 0, 0
	var apology words
	for {
		heard, err := s.listen(ctx, r, append(r.resolve(apology), r.resolve(s.Say)...))
		if err != nil {
			return "", err
		}
		apology = nil
		next, understood := "", false
		switch {
		case heard.Key != 0:
			next, understood = s.byKey(r, heard.Key)
			if !understood && r.switchLanguage(heard.Key) {
				silences++ // it counts, so that nobody switches for ever
				understood = silences >= s.Timeouts.n
				next = s.Silent.text
				if !understood {
					continue
				}
			}
		case len(heard.Sound) > 0:
			if next, understood, err = s.byWords(ctx, r, heard.Sound); err != nil {
				return "", err
			}
		default:
			if silences++; silences >= s.Timeouts.n {
				r.note("nothing was said", nil)
				return s.Silent.text, nil
			}
			continue
		}
		if understood {
			return next, nil
		}
		if wrongs++; wrongs >= s.Failures.n {
			r.note("nothing was understood", nil)
			return s.Failed.text, nil
		}
		apology = s.SayWrong
	}
}

// listen takes a key that was typed ahead, or asks.
func (s *speechStep) listen(ctx context.Context, r *runner, say []Prompt) (Heard, error) {
	if len(r.typed) > 0 {
		k := r.typed[0]
		r.typed = r.typed[1:]
		return Heard{Key: k}, nil
	}
	if r.start.Services.Recogniser == nil { // keys always work
		k, pressed, err := r.caller.Ask(ctx, say, true, s.Wait.d)
		if !pressed {
			k = 0
		}
		return Heard{Key: k}, err
	}
	return r.caller.HearOut(ctx, ListenRequest{Prompts: say, Wait: s.Wait.d, Pause: s.Pause.d, Longest: s.Longest.d})
}

func (s *speechStep) byKey(r *runner, k rune) (string, bool) {
	for _, p := range s.Choices {
		if p.Key.r == k {
			r.note("chose "+p.Label.text+" by key", map[string]any{"label": p.Label.text, "next": p.Next.text})
			r.caller.Chosen(p.Label.text)
			return p.Next.text, true
		}
	}
	return "", false
}

// byWords asks the recogniser. What was said is in no event: it may be
// anything.
func (s *speechStep) byWords(ctx context.Context, r *runner, sound []int16) (string, bool, error) {
	var hints []string
	for _, p := range s.Choices {
		hints = append(hints, p.Words.texts()...)
	}
	text, sure, err := r.start.Services.Recogniser.Recognise(ctx, r.lang, sound, hints)
	if ctx.Err() != nil {
		return "", false, context.Cause(ctx)
	}
	if err != nil {
		r.note("what was said could not be recognised: "+err.Error(), nil)
		return "", false, nil
	}
	data := map[string]any{"sure": int(sure*100 + 0.5)}
	if sure*100 < float64(s.Sure.n) || strings.TrimSpace(text) == "" {
		r.note("what was said was not understood well enough", data)
		return "", false, nil
	}
	if p, ok := s.match(text); ok {
		data["label"], data["next"] = p.Label.text, p.Next.text
		r.note("chose "+p.Label.text+" in words", data)
		r.caller.Chosen(p.Label.text)
		return p.Next.text, true, nil
	}
	if s.Into.text == "" {
		r.note("words that are no choice", data)
		return "", false, nil
	}
	r.vars[s.Into.text] = cleanText(text, 500)
	r.note("words were taken", data)
	return s.Next.text, true, nil
}

// match finds the answer with the longest phrase that is in the text.
func (s *speechStep) match(text string) (phrase, bool) {
	said := spaced(text)
	best, longest := phrase{}, 0
	for _, p := range s.Choices {
		for _, w := range p.Words {
			if in(said, spaced(w.text)) && len(w.text) > longest {
				best, longest = p, len(w.text)
			}
		}
	}
	return best, longest > 0
}

// in tells whether a phrase is in what was said: as whole words where they
// have spaces between, anywhere in Chinese.
func in(said, phrase string) bool {
	phrase = strings.TrimSpace(phrase)
	if phrase == "" {
		return false
	}
	for _, c := range phrase {
		if unicode.Is(unicode.Han, c) {
			return strings.Contains(strings.ReplaceAll(said, " ", ""), strings.ReplaceAll(phrase, " ", ""))
		}
	}
	return strings.Contains(said, " "+phrase+" ")
}

// spaced is a text in lower case with one space around and between its words.
func spaced(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '\'' })
	return " " + strings.Join(words, " ") + " "
}
