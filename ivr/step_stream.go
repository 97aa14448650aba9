package ivr

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/expr-lang/expr/types"

	"callfloor/contact"
)

// streamStep connects the caller with a voice bot, in the message form of
// Twilio Media Streams. The bot ends by closing the connection or hands the
// call over by name, with what it learned.
type streamStep struct {
	Kind       word        `yaml:"kind"`
	URL        template    `yaml:"url"`
	Headers    headers     `yaml:"headers"`
	Parameters assignments `yaml:"parameters"`
	Connect    span        `yaml:"connect"`
	Longest    span        `yaml:"longest"`
	Tries      count       `yaml:"tries"`    // connections that are made anew
	Keys       choices     `yaml:"keys"`     // lead away from the bot
	Handover   namedExits  `yaml:"handover"` // by the name that the bot says
	Into       assignments `yaml:"into"`     // over context and queue
	Refused    word        `yaml:"refused"`  // who did not agree to be recorded
	TooLong    word        `yaml:"too_long"`
	Failed     word        `yaml:"failed"`
	Next       word        `yaml:"next"`
}

const (
	streamConnect    = 5 * time.Second
	streamMaxConnect = 30 * time.Second
	streamLongest    = 10 * time.Minute
	streamMaxLongest = time.Hour
	streamTries      = 1
	streamMaxTries   = 5
)

func (s *streamStep) settle(c *settling) {
	needNext(c, s.Next)
	if s.Failed.text == "" {
		c.need("failed", "where to go on if the bot cannot be reached")
	}
	if s.TooLong.text == "" {
		s.TooLong = s.Next
	}
	if s.Refused.text == "" {
		s.Refused = s.Failed
	}
	s.Connect.fallback(streamConnect)
	s.Longest.fallback(streamLongest)
	s.Tries.fallback(streamTries)
	if s.Connect.d < 100*time.Millisecond || s.Connect.d > streamMaxConnect {
		c.add(s.Connect.at, "connecting may take 100ms to %v, not %v: the customer hears nothing meanwhile", streamMaxConnect, s.Connect.d)
	}
	if s.Longest.d < time.Second || s.Longest.d > streamMaxLongest {
		c.add(s.Longest.at, "a bot may talk for 1s to %v, not %v", streamMaxLongest, s.Longest.d)
	}
	if s.Tries.n > streamMaxTries {
		c.add(s.Tries.at, "a connection is made anew at most %d times, not %d", streamMaxTries, s.Tries.n)
	}
	if s.URL.text == "" {
		c.need("url", "the bot, for example wss://bot.example/voice")
	} else {
		c.settleAddress(&s.URL, address{schemes: "wss ws", of: "of a bot", example: "wss://HOST/PATH", secrets: "an address"})
	}
	s.Headers.settle(c)
	for i := range s.Parameters {
		if c.compile(&s.Parameters[i].value, "", nil) {
			c.noSecret(&s.Parameters[i].value, "a parameter of a bot")
		}
	}
	c.settleAssignments(s.Into, scope{"context": types.Any, "queue": types.String})
}

func (s *streamStep) exits() []exit {
	list := []exit{
		{to: s.Next, by: "the bot has finished", quiet: true},
		{to: s.Failed, by: "no bot", quiet: true},
	}
	if s.TooLong != s.Next {
		list = append(list, exit{to: s.TooLong, by: "the bot talks too long", quiet: true})
	}
	if s.Refused != s.Failed {
		list = append(list, exit{to: s.Refused, by: "refused to be recorded", quiet: true})
	}
	for _, h := range s.Handover {
		list = append(list, exit{to: h.to, by: "the bot hands over to " + h.name.text, quiet: true})
	}
	for _, k := range s.Keys {
		list = append(list, exit{to: k.Next, by: fmt.Sprintf("key %c (%s)", k.key, k.Label.text)})
	}
	return list
}

func (*streamStep) sounds() []soundRef { return nil }
func (*streamStep) summary() string    { return "talks with a bot" }

// may tells whether the caller may be given to a bot: where it counts as
// recording, only with the consent to that. It is the second lock behind Check.
func (s *streamStep) may(r *runner) bool {
	return r.start.BotsTalk || r.consented == contact.ConsentGranted || r.consented == contact.ConsentAnnounced
}

func (s *streamStep) run(ctx context.Context, r *runner) (string, error) {
	if !s.may(r) {
		r.note("no bot: the caller did not agree to be recorded", nil)
		return s.Refused.text, nil
	}
	q, err := s.request(r)
	if err != nil {
		r.note(err.Error(), nil)
		return s.Failed.text, nil
	}
	got, err := r.caller.Stream(ctx, q)
	if err != nil {
		return "", err
	}
	r.typed = nil // what was pressed was for the bot
	data := map[string]any{"ended": got.Ended}
	switch got.Ended {
	case StreamFailed:
		data["why"] = got.Why
		r.note("no bot: "+got.Why, data)
		return s.Failed.text, nil
	case StreamTooLong:
		r.note("the bot was cut off", data)
		return s.TooLong.text, nil
	case StreamKey:
		for _, k := range s.Keys {
			if k.key == got.Key {
				r.note("chose "+k.Label.text, map[string]any{"label": k.Label.text, "next": k.Next.text})
				r.caller.Chosen(k.Label.text)
				return k.Next.text, nil
			}
		}
		return s.Next.text, nil
	case StreamHandedOver:
		return s.handedOver(r, got), nil
	}
	r.note("the bot has finished", data)
	return s.Next.text, nil
}

// handedOver keeps what the bot learned and follows the name that it said.
func (s *streamStep) handedOver(r *runner, got StreamResult) string {
	words := cleanBrief(got.Context)
	r.caller.Brief(Brief{From: r.at, At: r.caller.Now(), Context: words})
	before := r.vars
	r.vars = maps.Clone(before)
	for i := range s.Into {
		if err := r.assign(&s.Into[i], map[string]any{"context": words, "queue": got.Queue}); err != nil {
			r.note("the bot's words were not taken: "+err.Error(), nil)
			r.vars = before
			break
		}
	}
	for _, h := range s.Handover {
		if h.name.text == got.Queue {
			r.note("the bot hands over to "+h.name.text, map[string]any{"to": h.name.text})
			return h.to.text
		}
	}
	if got.Queue != "" {
		r.note("the bot hands over to a name that the flow does not know", nil)
	}
	return s.Next.text
}

func (s *streamStep) request(r *runner) (StreamRequest, error) {
	q := StreamRequest{Parameters: map[string]string{}, Connect: s.Connect.d, Longest: s.Longest.d, Tries: s.Tries.n}
	var err error
	if q.URL, q.Header, err = r.fillRequest(&s.URL, s.Headers); err != nil {
		return q, err
	}
	for i := range s.Parameters {
		x, err := r.eval(&s.Parameters[i].value, nil)
		if err != nil {
			return q, err
		}
		q.Parameters[s.Parameters[i].name.text] = plain(x)
	}
	for _, k := range s.Keys {
		q.Leave += string(k.key)
	}
	return q, nil
}
