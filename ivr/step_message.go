package ivr

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// Messages is where message nodes send texts: an SMS gateway, a chat, a mail
// server behind an HTTP address of the configuration.
type Messages struct {
	URL    string
	Header map[string]string
}

// messageStep sends a short text to a number, the caller's own unless another
// is given, over the server's gateway; it does not wait for its delivery.
type messageStep struct {
	Kind   word     `yaml:"kind"`
	To     template `yaml:"to"`
	Text   texts    `yaml:"text"`
	Say    words    `yaml:"say"` // once it is sent
	Failed word     `yaml:"failed"`
	Next   word     `yaml:"next"`
}

const (
	messageTimeout = 3 * time.Second
	// maxMessageText is ten SMS of Latin letters, in runes.
	maxMessageText = 1530
)

func (s *messageStep) settle(c *settling) {
	needNext(c, s.Next)
	if s.Failed.text == "" {
		s.Failed = s.Next
	}
	if s.To.text != "" {
		c.settleTemplate(&s.To, "the number of a message")
	}
	for _, lang := range Languages() {
		t := s.Text.in[lang]
		if t == nil || strings.TrimSpace(t.text) == "" {
			c.need("text", "what is sent in \""+lang+"\"; every language needs it")
			continue
		}
		c.settleTemplate(t, "a message")
	}
}

func (s *messageStep) exits() []exit {
	list := []exit{{to: s.Next, by: "sent", quiet: true}}
	if s.Failed != s.Next {
		list = append(list, exit{to: s.Failed, by: "not sent", quiet: true})
	}
	return list
}

func (s *messageStep) sounds() []soundRef { return refs(s.Say) }
func (*messageStep) summary() string      { return "sends a message" }

func (s *messageStep) run(ctx context.Context, r *runner) (string, error) {
	err := s.send(ctx, r)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		r.note("the message was not sent: "+err.Error(), nil)
		return s.Failed.text, nil
	}
	r.note("a message was sent", nil)
	if len(s.Say) > 0 {
		return s.Next.text, r.play(ctx, r.resolve(s.Say), true)
	}
	return s.Next.text, nil
}

func (s *messageStep) send(ctx context.Context, r *runner) error {
	m := r.start.Services.Messages
	if m == nil || m.URL == "" {
		return errNoMessages
	}
	to := onlyNumber(r.start.Caller)
	var err error
	if s.To.text != "" {
		if to, err = r.fill(&s.To, onlyNumber); err != nil {
			return err
		}
	}
	if !dialled.MatchString(to) {
		return errNoNumber
	}
	text, err := r.fill(s.Text.in[r.lang], func(v string) string { return v })
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"to": to, "line": string(r.start.Line), "language": r.lang, "text": cut(text, maxMessageText)})
	if err != nil {
		return err
	}
	q := Request{Method: "POST", URL: m.URL, Header: m.Header, Body: body, Timeout: messageTimeout, MaxBody: lookupMaxBody}
	got, _, err := r.start.Services.Lookups.ask(ctx, q, 0, r.caller.Now())
	if err == nil && got.Status/100 != 2 {
		err = statusError(got.Status)
	}
	return err
}
