package ivr

import (
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// address says what the address of a node must be.
type address struct {
	schemes     string // separated by spaces
	of, example string // for people
	secrets     string // says where none may stand
}

// settleAddress holds that a template is an address, and that values come only
// behind the server's name, so that no caller chooses whom we ask.
func (s *settling) settleAddress(t *template, a address) {
	first := t.pieces[0].literal
	u, err := url.Parse(first)
	if err != nil || !slices.Contains(strings.Fields(a.schemes), u.Scheme) || u.Host == "" || u.User != nil {
		s.add(t.at, "%q is no address %s; write %s, values only in the path or behind the ?", t.text, a.of, a.example)
		return
	}
	if _, rest, _ := strings.Cut(first, "://"); len(t.pieces) > 1 && !strings.ContainsAny(rest, "/?#") {
		s.add(t.at, "a value must not be part of the server's name; put a / before it")
	}
	s.settleTemplate(t, a.secrets)
}

// fillRequest writes the address and the headers of a request with their values.
func (r *runner) fillRequest(t *template, hs headers) (at string, header map[string]string, err error) {
	if at, err = r.fill(t, escapeValue); err != nil {
		return "", nil, err
	}
	header = map[string]string{}
	for i := range hs {
		if header[hs[i].name.text], err = r.fill(&hs[i].value, oneLine); err != nil {
			return "", nil, err
		}
	}
	return at, header, nil
}

// header is one of a request.
type header struct {
	name  word
	value template
}

// headers is a mapping of names to texts.
type headers []header

// UnmarshalYAML reads {X-Key: abc}.
func (hs *headers) UnmarshalYAML(n ast.Node) error {
	values, ok := mapping(n)
	if !ok {
		return wrong(placeOf(n), "headers must be a mapping, for example {X-Key: abc}")
	}
	for _, v := range values {
		h := header{name: keyWord(v)}
		if strings.Trim(h.name.text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" || h.name.text == "" {
			return wrong(h.name.at, "%q is no header; its name has letters, digits and -", h.name.text)
		}
		if err := h.value.UnmarshalYAML(v.Value); err != nil {
			return err
		}
		*hs = append(*hs, h)
	}
	return nil
}

func (hs headers) settle(c *settling) {
	for i := range hs {
		c.settleTemplate(&hs[i].value, "a header")
	}
}

// escapeValue makes a text safe anywhere in a path or a query. A path of dots
// alone would be taken as one that leads up.
func escapeValue(v string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(v), "+", "%20"), ".", "%2E")
}

// oneLine makes a text fit for a header.
func oneLine(v string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7F {
			return ' '
		}
		return c
	}, v)
}
