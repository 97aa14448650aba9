package ivr

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"callfloor/contact"
)

// wantBot is what a bot does in a scenario, once the flow has connected it.
type wantBot struct {
	Handover word   `yaml:"handover"` // the name that it hands over to; "" with context alone
	Context  raw    `yaml:"context"`
	Closes   *bool  `yaml:"closes"`
	Fails    *bool  `yaml:"fails"`
	After    span   `yaml:"after"`
	With     values `yaml:"with"` // the parameters that it must get
}

// wantDial is what becomes of a call to a number outside.
type wantDial struct {
	To       word  `yaml:"to"`
	Served   span  `yaml:"served"`
	Busy     *bool `yaml:"busy"`
	NoAnswer *bool `yaml:"no_answer"`
	Fails    *bool `yaml:"fails"`
}

var _ Talks = (*simulation)(nil)

// Stream implements Talks.
func (s *simulation) Stream(ctx context.Context, r StreamRequest) (StreamResult, error) {
	parameters := map[string]any{}
	for name, v := range r.Parameters {
		parameters[name] = v
	}
	s.event(TrialEvent{Kind: "bot", Text: "talks with a bot", Data: parameters}, "a bot%s", listed(parameters))
	end := s.now.Add(r.Longest)
	for {
		if one := s.step(); one != nil && one.Bot != nil {
			return s.bot(ctx, one, r, parameters)
		}
		key, pressed, err := s.asks(ctx, "bot", end, true)
		switch {
		case err != nil:
			return StreamResult{}, err
		case !pressed:
			return StreamResult{Ended: StreamTooLong}, nil
		case strings.ContainsRune(r.Leave, key):
			return StreamResult{Ended: StreamKey, Key: key}, nil
		}
	}
}

// bot does what the script says of it.
func (s *simulation) bot(ctx context.Context, one *scriptStep, r StreamRequest, parameters map[string]any) (StreamResult, error) {
	w := one.Bot
	for _, d := range w.With.differ(parameters) {
		s.fail(one.at, "the bot's parameters: %s", d)
	}
	s.pass(s.now)
	if w.Fails != nil && *w.Fails {
		return StreamResult{Ended: StreamFailed, Why: "it cannot be reached"}, nil
	}
	if _, _, err := s.until(ctx, s.now.Add(min(w.After.d, r.Longest)), false); err != nil {
		return StreamResult{}, err
	}
	s.met = s.now
	if w.After.d > r.Longest {
		return StreamResult{Ended: StreamTooLong}, nil
	}
	if w.Closes != nil && *w.Closes {
		return StreamResult{Ended: StreamClosed}, nil
	}
	words := map[string]any{}
	if len(w.Context.json) > 0 {
		if err := w.Context.into(&words); err != nil {
			s.fail(one.at, "the context of the bot is a mapping: %v", err)
		}
	}
	return StreamResult{Ended: StreamHandedOver, Queue: w.Handover.text, Context: words}, nil
}

// Dial implements Talks.
func (s *simulation) Dial(ctx context.Context, r DialRequest) (DialResult, error) {
	s.event(TrialEvent{Kind: "dial", Text: r.To}, "calls %s", r.To)
	one := s.step()
	if one == nil || one.Dial == nil {
		if _, _, err := s.asks(ctx, "dial", s.now.Add(r.Ring), false); err != nil {
			return DialResult{}, err
		}
		if one = s.step(); one == nil || one.Dial == nil {
			return DialResult{Ended: DialNoAnswer}, nil
		}
	}
	w := one.Dial
	if w.To.text != "" && w.To.text != r.To {
		s.fail(one.at, "called %s, want %s", r.To, w.To.text)
	}
	s.pass(s.now)
	is := func(b *bool) bool { return b != nil && *b }
	switch {
	case is(w.Busy):
		return DialResult{Ended: DialBusy}, nil
	case is(w.Fails):
		return DialResult{Ended: DialFailed, Why: "no trunk"}, nil
	case is(w.NoAnswer):
		_, _, err := s.until(ctx, s.now.Add(r.Ring), false)
		s.met = s.now
		return DialResult{Ended: DialNoAnswer}, err
	}
	lasts := w.Served.d
	if r.Longest > 0 {
		lasts = min(lasts, r.Longest)
	}
	_, _, err := s.until(ctx, s.now.Add(lasts), false)
	s.typed, s.met = nil, s.now
	return DialResult{Ended: DialServed}, err
}

// OfferAgent implements Talks.
func (s *simulation) OfferAgent(ctx context.Context, r AgentRequest) (QueueResult, error) {
	s.event(TrialEvent{Kind: "agent", Text: string(r.Agent)}, "asks the agent %s%s", r.Agent, listed(r.Vars))
	one := s.step()
	if one == nil || one.Agent == nil {
		if _, _, err := s.asks(ctx, "agent", s.now.Add(r.Wait), false); err != nil {
			return QueueResult{}, err
		}
		if one = s.step(); one == nil || one.Agent == nil {
			return QueueResult{Refused: "the agent did not answer", Reason: AgentNoAnswer}, nil
		}
	}
	w := one.Agent
	if w.Name.text != "" && w.Name.text != string(r.Agent) {
		s.fail(one.at, "asked the agent %s, want %s", r.Agent, w.Name.text)
	}
	for _, d := range w.Vars.differ(r.Vars) {
		s.fail(one.at, "at the agent %s %s", r.Agent, d)
	}
	s.pass(s.now)
	if w.Refused != nil && *w.Refused {
		reason := cmp.Or(w.Reason.text, AgentNoAnswer)
		return QueueResult{Refused: reason, Reason: reason}, nil
	}
	if _, _, err := s.until(ctx, s.now.Add(w.Served.d), false); err != nil {
		return QueueResult{}, err
	}
	if r.GoOn {
		s.note("  the agent hangs up; the flow goes on")
		s.typed, s.met = nil, s.now
		return QueueResult{Served: true}, nil
	}
	return QueueResult{}, s.gone(contact.Agent, "hung up")
}

// HearOut implements Talks. What is said is a step: words: "sales, please".
func (s *simulation) HearOut(ctx context.Context, r ListenRequest) (Heard, error) {
	key, pressed, err := s.hears(ctx, r.Prompts, true)
	if pressed || err != nil {
		return Heard{Key: key}, err
	}
	if one := s.step(); one != nil && one.Words.text != "" {
		s.said = one.Words.text
		s.event(TrialEvent{Kind: "words", Text: s.said}, "  says %q", s.said)
		lasts := time.Duration(len([]rune(s.said))) * spokenRune
		s.pass(s.now)
		if _, _, err := s.until(ctx, s.now.Add(min(lasts, r.Longest)), false); err != nil {
			return Heard{}, err
		}
		s.met = s.now
		return Heard{Sound: []int16{0}}, nil
	}
	key, _, err = s.asks(ctx, "speech", s.now.Add(r.Wait), true)
	return Heard{Key: key}, err
}

// Recognise understands every word.
func (s *simulation) Recognise(context.Context, string, []int16, []string) (string, float64, error) {
	if s.said == "" {
		return "", 0, errors.New("nothing was said")
	}
	text := s.said
	s.said = ""
	return text, 1, nil
}

// Brief implements Talks.
func (s *simulation) Brief(b Brief) {
	s.brief = b.Context
	s.event(TrialEvent{Kind: "brief", Text: "what the agent is told", Data: b.Context}, "the agent is told%s", listed(b.Context))
}

// Show implements Talks.
func (s *simulation) Show(vs []Value) {
	s.shown = map[string]any{}
	for _, v := range vs {
		s.shown[v.Name] = v.Value
	}
	s.event(TrialEvent{Kind: "show", Text: "what the agent sees", Data: s.shown}, "the agent sees%s", listed(s.shown))
}

// triedMessages stands for the address of messages.
const triedMessages = "https://messages.invalid/"

// sends takes a message.
func (s *simulation) sends(q Request) (Response, error) {
	var m struct{ To, Text string }
	if err := json.Unmarshal(q.Body, &m); err != nil {
		return Response{}, err
	}
	s.sent = m.Text
	s.event(TrialEvent{Kind: "message", Text: m.Text}, "a message to %s: %s", m.To, m.Text)
	return Response{Status: 202}, nil
}

// triedCode opens every studio node that is tried.
const triedCode = "24681357"

// Opens implements Studio.
func (s *simulation) Opens(code string) bool { return code == triedCode }

// Take implements Studio.
func (s *simulation) Take(_ context.Context, p Prompt, _ []int16, _ contact.LineID) error {
	s.event(TrialEvent{Kind: "recorded", Text: p.ID, Prompt: p.ID, Language: p.Language}, "records %s/%s", p.Language, p.ID)
	return nil
}
