package ivr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/expr-lang/expr/types"
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

func (s *lookupStep) settle(c *settling) {
	needNext(c, s.Next)
	if s.Failed.text == "" {
		c.need("failed", "where to go on if there is no answer")
	}
	if s.URL.text == "" {
		c.need("url", "what to ask, for example https://crm.example/customers/{caller}")
	} else {
		c.settleAddress(&s.URL, address{schemes: "https http", of: "to look things up at", example: "https://HOST/PATH", secrets: "an address (put it into the body)"})
	}
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
	s.Headers.settle(c)
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
	q := Request{Method: strings.ToUpper(s.Method.text), Timeout: s.Timeout.d, MaxBody: lookupMaxBody}
	var err error
	if q.URL, q.Header, err = r.fillRequest(&s.URL, s.Headers); err != nil {
		return q, err
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
