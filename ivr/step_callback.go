package ivr

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"callfloor/contact"
)

// callbackStep offers to call the caller back, on the number that they call
// from or on another one, when it is their turn or at a time that they choose.
// The place in the queue is kept. It follows a queue node's key, or stands
// before a queue.
type callbackStep struct {
	Kind     word       `yaml:"kind"`
	Queue    word       `yaml:"queue"`
	Say      words      `yaml:"say"`    // the offer: 1 this number, 2 another one, 3 no
	Other    *bool      `yaml:"other"`  // the caller may give another number; yes by default
	Choose   *bool      `yaml:"choose"` // the caller may choose a time; no by default
	Zone     zone       `yaml:"zone"`   // of that time; UTC by default
	Priority expression `yaml:"priority"`
	Wait     span       `yaml:"wait"`
	Booked   word       `yaml:"booked"`   // will be called back
	Declined word       `yaml:"declined"` // does not want it, or says nothing
	Failed   word       `yaml:"failed"`   // the number cannot be called; else as declined
}

const (
	callbackTries = 3
	minNumber     = 4
	maxNumber     = 15 // digits of an E.164 number
)

func (s *callbackStep) settle(c *settling) {
	if s.Queue.text == "" {
		c.need("queue", "the queue whose agents call back")
	}
	if s.Booked.text == "" {
		c.need("booked", "where a caller goes who will be called back")
	}
	if s.Declined.text == "" {
		c.need("declined", "where a caller goes who does not want that")
	}
	if s.Failed.text == "" {
		s.Failed = s.Declined
	}
	if s.Say == nil {
		s.Say = words{{text: "callback_offer", at: c.node.at}}
	}
	if s.Priority.set() && c.compile(&s.Priority, typeNumber, nil) {
		c.noSecret(&s.Priority, "the priority")
	}
	s.Wait.fallback(menuWait)
	if s.Wait.d < time.Second {
		c.add(s.Wait.at, "%v is too short to press a key in; wait at least 1s", s.Wait.d)
	}
	if s.Zone.location == nil {
		s.Zone.location = time.UTC
	}
}

func (s *callbackStep) exits() []exit {
	return []exit{
		{to: s.Booked, by: "will be called back"},
		{to: s.Declined, by: "does not want to be called back", quiet: true},
		{to: s.Failed, by: "cannot be called back"},
	}
}

func (s *callbackStep) sounds() []soundRef {
	list := refs(s.Say)
	ids := []string{"menu_wrong", "callback_booked", "callback_refused"}
	if s.other() {
		ids = append(ids, "callback_enter", "callback_number", "callback_confirm", "collect_wrong")
		for n := range 10 {
			ids = append(ids, number(n))
		}
	}
	if s.choose() {
		ids = append(ids, "callback_when", "callback_time", "collect_wrong")
	}
	for _, id := range ids {
		list = append(list, soundRef{word: word{text: id, at: s.Queue.at}})
	}
	return list
}

func (s *callbackStep) other() bool  { return s.Other == nil || *s.Other }
func (s *callbackStep) choose() bool { return s.Choose != nil && *s.Choose }

func (s *callbackStep) summary() string { return "offers a call back by " + s.Queue.text }

func (s *callbackStep) run(ctx context.Context, r *runner) (string, error) {
	q := CallbackRequest{Queue: contact.QueueID(s.Queue.text), Priority: r.priority(&s.Priority)}
	wants, err := s.offer(ctx, r, &q)
	if err != nil || !wants {
		r.note("no call back", nil)
		return s.Declined.text, err
	}
	if s.choose() {
		if q.At, err = s.when(ctx, r); err != nil {
			return "", err
		}
	}
	if err := r.caller.Callback(ctx, q); err != nil {
		if _, gone := errors.AsType[contact.EndCause](err); gone || ctx.Err() != nil {
			return "", err
		}
		r.note("cannot be called back: "+contact.ErrorMessage(err), nil)
		return s.Failed.text, r.play(ctx, r.resolve(words{{text: "callback_refused"}}), false)
	}
	data := map[string]any{"queue": q.Queue}
	if !q.At.IsZero() {
		data["at"] = contact.Time(q.At)
	}
	r.note("will be called back", data)
	return s.Booked.text, r.play(ctx, r.resolve(words{{text: "callback_booked"}}), false)
}

// offer asks whether, and on which number. A caller whose number is not known
// is asked for one at once.
func (s *callbackStep) offer(ctx context.Context, r *runner, q *CallbackRequest) (bool, error) {
	known := strings.ContainsAny(r.start.Caller, "0123456789")
	if !known {
		if !s.other() {
			return false, nil
		}
		return s.number(ctx, r, q)
	}
	var apology words
	for range callbackTries {
		k, pressed, err := r.ask(ctx, append(r.resolve(apology), r.resolve(s.Say)...), s.Wait.d)
		switch {
		case err != nil:
			return false, err
		case !pressed, k == '3':
			return false, nil
		case k == '1':
			return true, nil
		case k == '2' && s.other():
			return s.number(ctx, r, q)
		case r.switchLanguage(k):
			apology = nil
		default:
			apology = words{{text: "menu_wrong"}}
		}
	}
	return false, nil
}

// number takes another number and has it confirmed.
func (s *callbackStep) number(ctx context.Context, r *runner, q *CallbackRequest) (bool, error) {
	digits := collectStep{First: span{d: collectFirst}, Between: span{d: collectBetween}, Ends: key{r: '#'}, Max: count{n: maxNumber}}
	ask := words{{text: "callback_enter"}}
	for range callbackTries {
		entered, pressed, err := digits.read(ctx, r, r.resolve(ask))
		switch {
		case err != nil || !pressed:
			return false, err
		case len(entered) < minNumber:
			ask = words{{text: "collect_wrong"}, {text: "callback_enter"}}
			continue
		}
		say := append(r.resolve(words{{text: "callback_number"}}), r.resolveIDs(r.lang, digitIDs(entered)...)...)
		k, pressed, err := r.ask(ctx, append(say, r.resolve(words{{text: "callback_confirm"}})...), s.Wait.d)
		switch {
		case err != nil || !pressed:
			return false, err
		case k == '1':
			q.Number = entered
			return true, nil
		}
		ask = words{{text: "callback_enter"}}
	}
	return false, nil
}

// when asks for a time: the next moment at which it is that time of day. Zero
// is the caller's turn.
func (s *callbackStep) when(ctx context.Context, r *runner) (time.Time, error) {
	k, pressed, err := r.ask(ctx, r.resolve(words{{text: "callback_when"}}), s.Wait.d)
	if err != nil || !pressed || k != '2' {
		return time.Time{}, err
	}
	digits := collectStep{First: span{d: collectFirst}, Between: span{d: collectBetween}, Ends: key{r: '#'}, Max: count{n: 4}}
	ask := words{{text: "callback_time"}}
	for range callbackTries {
		entered, pressed, err := digits.read(ctx, r, r.resolve(ask))
		if err != nil || !pressed {
			return time.Time{}, err
		}
		if of, err := time.Parse("1504", entered); err == nil {
			return nextTime(r.caller.Now().In(s.Zone.location), of), nil
		}
		ask = slices.Concat(words{{text: "collect_wrong"}}, words{{text: "callback_time"}})
	}
	return time.Time{}, nil
}

// nextTime is when it is that time of day next.
func nextTime(now, of time.Time) time.Time {
	at := time.Date(now.Year(), now.Month(), now.Day(), of.Hour(), of.Minute(), 0, 0, now.Location())
	if !at.After(now) {
		at = time.Date(now.Year(), now.Month(), now.Day()+1, of.Hour(), of.Minute(), 0, 0, now.Location())
	}
	return at
}
