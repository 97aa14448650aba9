package ivr

import (
	"context"
	"errors"
	"math"
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
	Priority expression `yaml:"priority"` // 0 to 100, rounded and kept within
	Refused  word       `yaml:"refused"`  // the queue is full or closed
	Closed   word       `yaml:"closed"`   // refused because it is closed; else as refused
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
	s.Announce.fallback(queueAnnounce)
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
	list := append(refs(s.Say), soundRef{word: s.Music, music: true})
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
	result, err := r.caller.Enqueue(ctx, QueueRequest{
		Queue: contact.QueueID(s.Queue.text), Priority: s.priority(r), Intro: r.resolve(s.Say),
		Music: s.Music.text, Announce: s.Announce.d, Say: place.say, GoOn: s.Served.text != "", Vars: r.open(),
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
	if s.Served.text == "" {
		r.hangup(contact.EndCompleted, "served")
	}
	return s.Served.text, nil
}

// priority computes the priority; 0 if that fails.
func (s *queueStep) priority(r *runner) int {
	if !s.Priority.set() {
		return 0
	}
	x, err := r.eval(&s.Priority, nil)
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
