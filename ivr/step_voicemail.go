package ivr

import (
	"context"
	"errors"
	"fmt"
	"time"

	"callfloor/contact"
)

// voicemailStep takes a message. What it says first tells that the message is
// recorded: leaving one after that is the consent to it (as with an announced
// recording), and it is kept like any recording. It becomes a task of the
// queue. A caller who hangs up after speaking has left their message.
type voicemailStep struct {
	Kind     word       `yaml:"kind"`
	Queue    word       `yaml:"queue"`
	Say      word       `yaml:"say"` // one prompt: it is the proof of what was said
	Max      span       `yaml:"max"`
	Silence  span       `yaml:"silence"` // ends the message
	Ends     key        `yaml:"ends"`
	Review   *bool      `yaml:"review"` // the caller may record it again; yes by default
	Priority expression `yaml:"priority"`
	Wait     span       `yaml:"wait"`
	Empty    word       `yaml:"empty"` // nothing was said; else as next
	Next     word       `yaml:"next"`
}

const (
	voicemailMax     = 2 * time.Minute
	voicemailSilence = 5 * time.Second
	voicemailTries   = 3
	// shortestMessage: less is a noise, not a message.
	shortestMessage = 500 * time.Millisecond
)

func (s *voicemailStep) settle(c *settling) {
	needNext(c, s.Next)
	if s.Queue.text == "" {
		c.need("queue", "the queue whose agents listen to the message")
	}
	if s.Say.text == "" {
		s.Say = word{text: "voicemail_leave", at: c.node.at}
	}
	if s.Empty.text == "" {
		s.Empty = s.Next
	}
	if s.Priority.set() && c.compile(&s.Priority, typeNumber, nil) {
		c.noSecret(&s.Priority, "the priority")
	}
	s.Max.fallback(voicemailMax)
	s.Silence.fallback(voicemailSilence)
	s.Ends.fallback('#')
	s.Wait.fallback(menuWait)
	for _, d := range []span{s.Max, s.Silence, s.Wait} {
		if d.d < time.Second {
			c.add(d.at, "%v is too short; write at least 1s", d.d)
		}
	}
}

func (s *voicemailStep) exits() []exit {
	return []exit{
		{to: s.Next, by: "left a message", quiet: true},
		{to: s.Empty, by: "said nothing", quiet: true},
	}
}

func (s *voicemailStep) sounds() []soundRef {
	list := refs(words{s.Say})
	ids := []string{"voicemail_sent", "voicemail_empty"}
	if s.review() {
		ids = append(ids, "voicemail_review")
	}
	for _, id := range ids {
		list = append(list, soundRef{word: word{text: id, at: s.Queue.at}})
	}
	return list
}

func (s *voicemailStep) review() bool { return s.Review == nil || *s.Review }

func (s *voicemailStep) summary() string { return "takes a message for " + s.Queue.text }

func (s *voicemailStep) run(ctx context.Context, r *runner) (string, error) {
	if r.policy == policyNever {
		return "", fmt.Errorf("a voicemail node on a line that never records; callfloor check shows the path to it")
	}
	for try := 1; ; try++ {
		if err := s.announce(ctx, r); err != nil {
			return "", err
		}
		m, err := r.caller.RecordMessage(ctx, MessageRequest{Queue: contact.QueueID(s.Queue.text), Max: s.Max.d, Silence: s.Silence.d, Ends: s.Ends.r})
		_, gone := errors.AsType[contact.EndCause](err)
		gone = gone || ctx.Err() != nil
		switch {
		case err != nil && !gone:
			r.note("the message could not be recorded: "+err.Error(), nil)
			return s.Empty.text, nil
		case m.Length < shortestMessage:
			return s.nothing(ctx, r, m, err)
		case gone: // hung up: it is left
			return "", errors.Join(s.keep(context.WithoutCancel(ctx), r, m), err)
		}
		key, err := s.decide(ctx, r, try)
		switch {
		case err != nil: // hung up while choosing: it is left
			return "", errors.Join(s.keep(context.WithoutCancel(ctx), r, m), err)
		case key == '2':
			r.caller.DropMessage(ctx, m)
			r.note("the caller records it again", nil)
			continue
		case key == '3':
			r.caller.DropMessage(ctx, m)
			r.note("the caller deleted the message", nil)
			return s.Empty.text, nil
		}
		if err := s.keep(ctx, r, m); err != nil {
			r.note("the message could not be kept: "+err.Error(), nil)
			return s.Empty.text, nil
		}
		return s.Next.text, r.play(ctx, r.resolve(words{{text: "voicemail_sent"}}), false)
	}
}

// announce says that the message is recorded, and writes it down.
func (s *voicemailStep) announce(ctx context.Context, r *runner) error {
	say := r.resolve(words{s.Say})
	asked := r.caller.Now()
	if err := r.play(ctx, say, false); err != nil {
		return err
	}
	r.dropKeys()
	return r.consent(ctx, ConsentAnswer{
		State: contact.ConsentAnnounced, Prompt: say[0], Language: say[0].Language,
		AskedAt: asked, At: r.caller.Now(), Attempt: 1,
	})
}

func (s *voicemailStep) nothing(ctx context.Context, r *runner, m Message, err error) (string, error) {
	if m.Recording != "" {
		r.caller.DropMessage(context.WithoutCancel(ctx), m)
	}
	if err != nil {
		return "", err
	}
	r.note("no message was left", nil)
	return s.Empty.text, r.play(ctx, r.resolve(words{{text: "voicemail_empty"}}), false)
}

// decide asks what becomes of the message; 1 is to send it.
func (s *voicemailStep) decide(ctx context.Context, r *runner, try int) (rune, error) {
	if !s.review() || try >= voicemailTries {
		return '1', nil
	}
	k, pressed, err := r.ask(ctx, r.resolve(words{{text: "voicemail_review"}}), s.Wait.d)
	if err != nil || !pressed || k != '2' && k != '3' {
		return '1', err
	}
	return k, nil
}

func (s *voicemailStep) keep(ctx context.Context, r *runner, m Message) error {
	err := r.caller.KeepMessage(ctx, m, contact.QueueID(s.Queue.text), r.priority(&s.Priority))
	if err == nil {
		r.note("left a message", map[string]any{"queue": s.Queue.text, "seconds": m.Length.Seconds(), "why": m.Why, "recording": m.Recording})
	}
	return err
}
