package ivr

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"callfloor/contact"
)

// queueStep puts the caller in a queue: music, and from time to time the place
// and the expected wait.
type queueStep struct {
	Kind     word       `yaml:"kind"`
	Queue    word       `yaml:"queue"`
	Say      words      `yaml:"say"` // said first, while the caller waits already
	Music    word       `yaml:"music"`
	Announce span       `yaml:"announce"`
	Priority expression `yaml:"priority"`   // 0 to 100, rounded and kept within
	Skills   template   `yaml:"skills"`     // required of agents: chinese >= {level}
	Keys     choices    `yaml:"keys"`       // taken while the caller waits; the place is kept
	Offer    words      `yaml:"offer"`      // says what the keys do, after each announcement
	From     span       `yaml:"offer_from"` // only where the expected wait is at least this
	Refused  word       `yaml:"refused"`    // the queue is full or closed
	Closed   word       `yaml:"closed"`     // refused because it is closed; else as refused
	NoAgents word       `yaml:"no_agents"`
	Overflow word       `yaml:"overflow"` // has waited long enough; else as refused
	Served   word       `yaml:"served"`   // after the agent; without it the call ends
}

const (
	queueMusic    = "music"
	queueAnnounce = 60 * time.Second
	queueGap      = 15 * time.Second // the least time between two announcements
)

func (s *queueStep) settle(c *settling) {
	if s.Queue.text == "" {
		c.need("queue", "the queue's id in the configuration")
	}
	if s.Refused.text == "" {
		c.need("refused", "where a caller goes whom the queue does not take")
	}
	if s.Music.text == "" {
		s.Music = word{text: queueMusic, at: c.node.at}
	}
	if s.Priority.set() && c.compile(&s.Priority, typeNumber, nil) {
		c.noSecret(&s.Priority, "the priority")
	}
	c.settleTemplate(&s.Skills, "the skills")
	s.Announce.fallback(queueAnnounce)
	if len(s.Offer) > 0 && (len(s.Keys) == 0 || s.Announce.d == 0) {
		c.add(s.Offer[0].at, "offer: is said after each announcement and tells of keys; write keys:, and no announce: 0s")
	}
	for _, k := range s.Keys {
		if k.Next.text == "" {
			c.add(k.Label.at, "the key %c leads nowhere; give it next:", k.key)
		}
	}
	if s.Announce.d > 0 && s.Announce.d < queueGap {
		c.add(s.Announce.at, "an announcement every %v leaves no music; write at least %v, or 0s for none", s.Announce.d, queueGap)
	}
}

func (s *queueStep) exits() []exit {
	list := []exit{
		{to: s.Served, by: "served", quiet: true}, // "" where the call ends
		{to: s.Refused, by: "refused by the queue", quiet: true},
	}
	for _, e := range []exit{
		{to: s.Closed, by: "refused because it is closed", quiet: true},
		{to: s.NoAgents, by: "refused because no agent is at work", quiet: true},
		{to: s.Overflow, by: "given back by the queue", quiet: true},
	} {
		if e.to.text != "" {
			list = append(list, e)
		}
	}
	for _, k := range s.Keys {
		list = append(list, exit{to: k.Next, by: fmt.Sprintf("key %c (%s)", k.key, k.Label.text)})
	}
	return list
}

// after is where a caller goes whom the queue did not keep.
func (s *queueStep) after(reason string) word {
	to := s.Refused
	switch reason {
	case "closed":
		to = s.Closed
	case "no_agents":
		to = s.NoAgents
	case "max_wait", "wait":
		to = s.Overflow
	}
	if to.text == "" {
		to = s.Refused
	}
	return to
}

func (s *queueStep) sounds() []soundRef {
	list := append(append(refs(s.Say), refs(s.Offer)...), soundRef{word: s.Music, music: true})
	if s.Announce.d > 0 {
		for _, id := range placePrompts() {
			list = append(list, soundRef{word: word{text: id, at: s.Queue.at}})
		}
	}
	return list
}

func (s *queueStep) summary() string { return "queue " + s.Queue.text }

func (s *queueStep) run(ctx context.Context, r *runner) (string, error) {
	place := &placeSayer{lang: r.lang, resolve: r.resolveIDs}
	say := func(position int, expected time.Duration) []Prompt {
		list := place.say(position, expected)
		if s.From.d == 0 || expected >= s.From.d {
			list = append(list, r.resolve(s.Offer)...)
		}
		return list
	}
	skills, err := r.fill(&s.Skills, func(text string) string { return text })
	if err != nil {
		r.note(err.Error()+"; no skills are required", nil)
	}
	result, err := r.caller.Enqueue(ctx, QueueRequest{
		Queue: contact.QueueID(s.Queue.text), Priority: r.priority(&s.Priority), Skills: skills, Intro: s.intro(r),
		Music: s.Music.text, Announce: s.Announce.d, Say: say, GoOn: s.Served.text != "", Keys: s.keys(), Vars: r.open(),
	})
	if _, gone := errors.AsType[contact.EndCause](err); err != nil && (gone || ctx.Err() != nil) {
		return "", err
	}
	if err != nil { // the queue is out of order: the customer hears so
		result.Refused = err.Error()
	}
	if result.Refused != "" {
		r.note("the queue did not take the call: "+result.Refused, map[string]any{"refused": result.Refused, "reason": result.Reason})
		return s.after(result.Reason).text, nil
	}
	for _, k := range s.Keys {
		if result.Key == k.key {
			r.waits = s.Queue.text
			r.note(fmt.Sprintf("pressed %c (%s) while waiting", k.key, k.Label.text), nil)
			return k.Next.text, nil
		}
	}
	if s.Served.text == "" {
		r.hangup(contact.EndCompleted, "served")
	}
	return s.Served.text, nil
}

// keys are those that a caller may press.
func (s *queueStep) keys() string {
	var b strings.Builder
	for _, k := range s.Keys {
		b.WriteRune(k.key)
	}
	return b.String()
}

// intro is what is said first; not to one who comes back to this queue.
func (s *queueStep) intro(r *runner) []Prompt {
	if r.waits == s.Queue.text {
		return nil
	}
	return r.resolve(s.Say)
}

// priority computes a priority; 0 if that fails.
func (r *runner) priority(e *expression) int {
	if !e.set() {
		return 0
	}
	x, err := r.eval(e, nil)
	if err != nil {
		r.note(err.Error()+"; the priority is 0", nil)
		return 0
	}
	n, ok := typeNumber.convert(x)
	if !ok {
		return 0
	}
	f := n.(float64)
	switch {
	case !(f > 0): // NaN too
		return 0
	case f > maxCount:
		return maxCount
	}
	return int(math.Round(f))
}
