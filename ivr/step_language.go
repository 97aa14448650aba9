package ivr

import (
	"context"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// languageStep greets and takes the key of another language. The keys are
// taken in every later question too that does not use them itself.
type languageStep struct {
	Kind word         `yaml:"kind"`
	Say  words        `yaml:"say"`
	Keys languageKeys `yaml:"keys"`
	Wait span         `yaml:"wait"` // silence after the prompts; 0 by default
	// Remember begins in the language that this number chose in an earlier call.
	Remember *bool `yaml:"remember"`
	Next     word  `yaml:"next"`
}

type languageKey struct {
	key  rune
	lang word
}

// languageKeys is a mapping of keys to languages.
type languageKeys []languageKey

// UnmarshalYAML reads {9: zh}.
func (ks *languageKeys) UnmarshalYAML(n ast.Node) error {
	values, ok := mapping(n)
	if !ok {
		return wrong(placeOf(n), "keys must be a mapping of a key to a language, for example {9: zh}")
	}
	for _, v := range values {
		r, err := keyWord(v).key()
		if err != nil {
			return err
		}
		var lang word
		if err := lang.UnmarshalYAML(v.Value); err != nil {
			return err
		}
		if !slices.Contains(Languages(), lang.text) {
			return wrong(lang.at, "unknown language %q; the languages are %s", lang.text, strings.Join(Languages(), ", "))
		}
		*ks = append(*ks, languageKey{key: r, lang: lang})
	}
	return nil
}

func (s *languageStep) settle(c *settling) {
	needNext(c, s.Next)
	if len(s.Say) == 0 {
		c.need("say", "the greeting that offers the languages")
	}
	if len(s.Keys) == 0 {
		c.need("keys", "which key chooses which language, for example {9: zh}")
	}
}

func (s *languageStep) exits() []exit      { return []exit{{to: s.Next, quiet: true}} }
func (s *languageStep) sounds() []soundRef { return refs(s.Say) }
func (*languageStep) summary() string      { return "greets and offers languages" }

func (s *languageStep) run(ctx context.Context, r *runner) (string, error) {
	for _, k := range s.Keys {
		r.languageKeys[k.key] = k.lang.text
	}
	if known := r.start.Remembered; s.Remember != nil && *s.Remember && known != r.lang && slices.Contains(Languages(), known) {
		r.speak(known, "language "+known+", as in an earlier call")
	}
	pressed, ok, err := r.ask(ctx, r.resolve(s.Say), s.Wait.d)
	if err != nil {
		return "", err
	}
	if ok && !r.switchLanguage(pressed) {
		r.keep(pressed) // typed ahead: what comes next may want it
	}
	return s.Next.text, nil
}
