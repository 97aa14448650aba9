package ivr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/expr-lang/expr/types"
	"github.com/goccy/go-yaml/ast"
)

// lookupStep asks another server and takes values from its JSON answer. The
// customer hears music meanwhile. Whatever goes wrong leads to failed.
type lookupStep struct {
	Kind    word        `yaml:"kind"`
	URL     template    `yaml:"url"`
	Method  word        `yaml:"method"` // get or post
	Headers headers     `yaml:"headers"`
	Body    assignments `yaml:"body"` // a JSON object, for post
	Timeout span        `yaml:"timeout"`
	Cache   span        `yaml:"cache"`
	Music   word        `yaml:"music"`
	Into    assignments `yaml:"into"` // over body and status
	Failed  word        `yaml:"failed"`
	Next    word        `yaml:"next"`
}

const (
	lookupTimeout    = 3 * time.Second
	lookupMaxTimeout = 15 * time.Second
	lookupMaxBody    = 1 << 20
)

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

func (s *lookupStep) settle(c *settling) {
	needNext(c, s.Next)
	if s.Failed.text == "" {
		c.need("failed", "where to go on if there is no answer")
	}
	s.settleURL(c)
	switch s.Method.text {
	case "":
		s.Method.text = "get"
	case "get", "post":
	default:
		c.add(s.Method.at, "%q is no method; write get or post", s.Method.text)
	}
	if len(s.Body) > 0 && s.Method.text != "post" {
		c.add(s.Body[0].name.at, "only a lookup with method: post has a body")
	}
	for i := range s.Headers {
		c.settleTemplate(&s.Headers[i].value, "a header")
	}
	for i := range s.Body {
		c.compile(&s.Body[i].value, "", nil)
	}
	s.Timeout.fallback(lookupTimeout)
	if s.Timeout.d < 100*time.Millisecond || s.Timeout.d > lookupMaxTimeout {
		c.add(s.Timeout.at, "a lookup waits 100ms to %v, not %v: a customer hears music meanwhile", lookupMaxTimeout, s.Timeout.d)
	}
	s.Cache.fallback(0)
	if s.Music.text == "" {
		s.Music = word{text: queueMusic, at: c.node.at}
	}
	c.settleAssignments(s.Into, scope{"body": types.Any, "status": types.Int})
}

// settleURL holds that values come only behind the server's name, so that no
// caller chooses whom we ask.
func (s *lookupStep) settleURL(c *settling) {
	if s.URL.text == "" {
		c.need("url", "what to ask, for example https://crm.example/customers/{caller}")
		return
	}
	first := s.URL.pieces[0].literal
	u, err := url.Parse(first)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		c.add(s.URL.at, "%q is no address to look things up at; write https://HOST/PATH, values only in the path or behind the ?", s.URL.text)
		return
	}
	if len(s.URL.pieces) > 1 && strings.TrimPrefix(first, u.Scheme+"://") == u.Host {
		c.add(s.URL.at, "a value must not be part of the server's name; put a / before it")
	}
	c.settleTemplate(&s.URL, "an address (put it into the body)")
}

func (s *lookupStep) exits() []exit {
	return []exit{{to: s.Failed, by: "no answer", quiet: true}, {to: s.Next, by: "an answer", quiet: true}}
}

func (s *lookupStep) sounds() []soundRef { return []soundRef{{word: s.Music, music: true}} }
func (s *lookupStep) summary() string    { return "looks something up" }

func (s *lookupStep) run(ctx context.Context, r *runner) (string, error) {
	got, err := s.ask(ctx, r)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err == nil {
		err = s.take(r, got)
	}
	if err != nil {
		r.note("the lookup failed: "+err.Error(), nil)
		return s.Failed.text, nil
	}
	return s.Next.text, nil
}

func (s *lookupStep) ask(ctx context.Context, r *runner) (Response, error) {
	q, err := s.request(r)
	if err != nil {
		return Response{}, err
	}
	stop, err := r.caller.Music(s.Music.text)
	if err != nil {
		return Response{}, err
	}
	defer stop()
	began := r.caller.Now()
	got, kept, err := r.start.Services.Lookups.ask(ctx, q, s.Cache.d, began)
	if err != nil {
		return Response{}, err
	}
	r.note(fmt.Sprintf("got the status %d", got.Status), map[string]any{
		"status": got.Status, "ms": r.caller.Now().Sub(began).Milliseconds(), "cached": kept,
	})
	if got.Status/100 != 2 {
		return got, fmt.Errorf("the status is %d", got.Status)
	}
	return got, nil
}

func (s *lookupStep) request(r *runner) (Request, error) {
	q := Request{Method: strings.ToUpper(s.Method.text), Header: map[string]string{}, Timeout: s.Timeout.d, MaxBody: lookupMaxBody}
	var err error
	if q.URL, err = r.fill(&s.URL, escapeValue); err != nil {
		return q, err
	}
	for i := range s.Headers {
		h := &s.Headers[i]
		if q.Header[h.name.text], err = r.fill(&h.value, oneLine); err != nil {
			return q, err
		}
	}
	if s.Method.text != "post" {
		return q, nil
	}
	body := map[string]any{}
	for i := range s.Body {
		if body[s.Body[i].name.text], err = r.eval(&s.Body[i].value, nil); err != nil {
			return q, err
		}
	}
	q.Body, err = json.Marshal(body)
	return q, err
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

// take sets the variables, all of them or none.
func (s *lookupStep) take(r *runner, got Response) error {
	if len(s.Into) == 0 {
		return nil
	}
	var body any
	if err := json.Unmarshal(got.Body, &body); err != nil {
		return errors.New("the answer is no JSON")
	}
	before := r.vars
	r.vars = maps.Clone(before)
	for i := range s.Into {
		if err := r.assign(&s.Into[i], map[string]any{"body": body, "status": got.Status}); err != nil {
			r.vars = before
			return err
		}
	}
	return nil
}
