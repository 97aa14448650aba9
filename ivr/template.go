package ivr

import (
	"context"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"callfloor/media"
)

// template is a text with expressions in braces: "order {order as digits}".
type template struct {
	expression // its own text; the pieces are compiled
	pieces     []piece
}

// piece is a part of a template: a literal text, or a value and how to say it.
type piece struct {
	literal string
	value   *expression
	format  format
}

// UnmarshalYAML reads a text and takes it apart.
func (t *template) UnmarshalYAML(n ast.Node) error {
	if err := t.expression.UnmarshalYAML(n); err != nil {
		return err
	}
	rest, offset := t.text, 0
	if t.quoted {
		offset = 1
	}
	for rest != "" {
		literal, after, found := strings.Cut(rest, "{")
		if literal != "" {
			t.pieces = append(t.pieces, piece{literal: literal})
		}
		if !found {
			break
		}
		inside, tail, closed := strings.Cut(after, "}")
		where := at{t.at.line, t.at.col + offset + len(t.text) - len(after)}
		if !closed || strings.TrimSpace(inside) == "" {
			return wrong(where, "a value in a text is written {NAME} or {EXPRESSION as number}; close the brace")
		}
		p, err := newPiece(inside, where)
		if err != nil {
			return err
		}
		t.pieces = append(t.pieces, p)
		rest = tail
	}
	return nil
}

func newPiece(inside string, where at) (piece, error) {
	p := piece{value: &expression{word: word{text: inside, at: where}}}
	if i := strings.LastIndex(inside, " as "); i >= 0 {
		p.value.text = inside[:i]
		var err error
		if p.format, err = readFormat(word{text: strings.TrimSpace(inside[i+4:]), at: where}); err != nil {
			return p, err
		}
	}
	return p, nil
}

// settleTemplate compiles the values of a template.
func (s *settling) settleTemplate(t *template, where string) {
	for _, p := range t.pieces {
		if p.value != nil && s.compile(p.value, p.format.wants(), nil) {
			s.noSecret(p.value, where)
		}
	}
}

// fill writes the template with its values as they are, each through escape.
func (r *runner) fill(t *template, escape func(string) string) (string, error) {
	var b strings.Builder
	for _, p := range t.pieces {
		if p.value == nil {
			b.WriteString(p.literal)
			continue
		}
		x, err := r.eval(p.value, nil)
		if err != nil {
			return "", err
		}
		b.WriteString(escape(plain(x)))
	}
	return b.String(), nil
}

// Speaker speaks texts (text to speech). The clips of equal texts are the same.
type Speaker interface {
	Speak(ctx context.Context, lang, text string) (*media.Clip, error)
}

// sayStep speaks a text with values in it, by the server's speech command.
type sayStep struct {
	Kind word  `yaml:"kind"`
	Text texts `yaml:"text"`
	Skip *bool `yaml:"skip"`
	Next word  `yaml:"next"`
}

// texts are a template for each language.
type texts struct {
	at at
	in map[string]*template
}

// UnmarshalYAML reads {en: "Your order is {order as digits}.", zh: …}.
func (t *texts) UnmarshalYAML(n ast.Node) error {
	values, ok := mapping(n)
	if !ok {
		return wrong(placeOf(n), "text must be a text for each language: {en: …, zh: …}")
	}
	t.at, t.in = placeOf(n), map[string]*template{}
	for _, v := range values {
		lang := keyWord(v)
		if !isLanguage(lang.text) {
			return wrong(lang.at, "unknown language %q; the languages are %s", lang.text, quoteList(Languages()))
		}
		one := &template{}
		if err := one.UnmarshalYAML(v.Value); err != nil {
			return err
		}
		t.in[lang.text] = one
	}
	return nil
}

func isLanguage(lang string) bool {
	for _, l := range Languages() {
		if l == lang {
			return true
		}
	}
	return false
}

func (s *sayStep) settle(c *settling) {
	needNext(c, s.Next)
	for _, lang := range Languages() {
		t := s.Text.in[lang]
		if t == nil || strings.TrimSpace(t.text) == "" {
			c.need("text", "what is said in \""+lang+"\"; every language needs it")
			continue
		}
		c.settleTemplate(t, "what is said")
	}
}

func (s *sayStep) exits() []exit { return []exit{{to: s.Next, quiet: true}} }

func (s *sayStep) sounds() []soundRef { return nil } // numbers are in every set of prompts (TestEverythingSaidHasAPrompt)
func (*sayStep) summary() string      { return "says a text" }

// needsSpeech tells whether clips alone cannot say it.
func (s *sayStep) needsSpeech() bool {
	for _, t := range s.Text.in {
		for _, p := range t.pieces {
			if p.value == nil || p.format.kind == "" && p.value.typ != typeNumber {
				return true
			}
		}
	}
	return false
}

func (s *sayStep) run(ctx context.Context, r *runner) (string, error) {
	say, err := r.sayText(ctx, s.Text.in[r.lang])
	if err != nil {
		return "", err
	}
	return s.Next.text, r.play(ctx, say, s.Skip == nil || *s.Skip)
}

// sayText speaks a template: as a whole by the speech command, or without one
// what clips can say. What cannot be spoken is noted; the call goes on.
func (r *runner) sayText(ctx context.Context, t *template) ([]Prompt, error) {
	var text strings.Builder
	var clips []Prompt
	literal := false
	for _, p := range t.pieces {
		if p.value == nil {
			text.WriteString(p.literal)
			literal = literal || strings.TrimSpace(p.literal) != ""
			continue
		}
		x, err := r.eval(p.value, nil)
		if err != nil {
			r.note(err.Error()+"; it is left out", nil)
			continue
		}
		ids := p.format.ids(r.lang, x)
		said := r.resolveIDs(r.lang, ids...)
		clips = append(clips, said...)
		if len(ids) == 0 {
			literal = true
			text.WriteString(plain(x))
			continue
		}
		text.WriteString(textOf(r.lang, said))
	}
	if !literal {
		return clips, nil
	}
	if r.start.Services.Speaker == nil {
		r.note("there is no speech command; only the numbers of the text are said", nil)
		return clips, nil
	}
	clip, err := r.start.Services.Speaker.Speak(ctx, r.lang, text.String())
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		r.note("the text could not be spoken; only its numbers are said: "+oneLine(err.Error()), nil)
		return clips, nil
	}
	return []Prompt{{ID: "say", Language: r.lang, Text: text.String(), clip: clip}}, nil
}

// textOf joins what prompts say.
func textOf(lang string, said []Prompt) string {
	list := make([]string, len(said))
	for i, p := range said {
		list[i] = p.Text
	}
	if lang == "zh" {
		return strings.Join(list, "")
	}
	return strings.Join(list, " ")
}
