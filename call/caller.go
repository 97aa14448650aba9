package call

import (
	"context"
	"fmt"
	"sync"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media"
	"callfloor/recordings"
	"callfloor/recordings/consent"
)

// answerHeld is how much of what the customer says at the consent question is
// held in memory.
const answerHeld = 10 * time.Second

var _ ivr.Caller = (*Call)(nil)

// Ring implements ivr.Caller.
func (c *Call) Ring(ctx context.Context) error {
	if err := c.Leg.Ring(); err != nil {
		return fmt.Errorf("ring: %w", err)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// Early implements ivr.Caller.
func (c *Call) Early(ctx context.Context) (bool, error) {
	heard, err := c.Leg.Early(ctx)
	if err != nil {
		return false, c.unanswered(ctx, "speak before the answer", err)
	}
	if !heard {
		return false, nil
	}
	return true, c.do(func() error {
		c.speak("the flow speaks before it answers")
		return nil
	})
}

// Answer implements ivr.Caller.
func (c *Call) Answer(ctx context.Context) error {
	if err := c.Leg.Answer(ctx); err != nil {
		return c.unanswered(ctx, "answer", err)
	}
	return c.do(func() error {
		c.speak("answered by the flow")
		return nil
	})
}

func (c *Call) unanswered(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// speak makes the flow heard from now on, if it is not yet.
func (c *Call) speak(why string) {
	f := c.Leg.Codec()
	c.Note(contact.KindFlow, legCustomer, why, map[string]any{"codec": f.String()})
	if c.flowPlayer != nil {
		return
	}
	c.flowPlayer = media.NewPlayer(c.Pacer, "flow", f)
	c.holdPlayer = media.NewPlayer(c.Pacer, "hold", f)
	c.wires.open(c.Pacer, f)
	c.Leg.Sender().Fill(f)
	c.view.Codec = f.String()
	c.mode = modeFlow
	c.apply()
	c.changed()
}

// Ask implements ivr.Caller.
func (c *Call) Ask(ctx context.Context, prompts []ivr.Prompt, barge bool, wait time.Duration) (rune, bool, error) {
	clips, err := c.clips(prompts)
	if err != nil {
		return 0, false, err
	}
	if len(clips) > 0 {
		key, pressed, err := c.play(ctx, clips, barge)
		if pressed || err != nil {
			return key, pressed, err
		}
	}
	if wait <= 0 {
		return 0, false, nil
	}
	over := time.NewTimer(wait)
	defer over.Stop()
	select {
	case key := <-c.keys:
		return key, true, nil
	case <-over.C:
		return 0, false, nil
	case <-ctx.Done():
		return 0, false, context.Cause(ctx)
	}
}

// play plays clips to the end, or until a key with barge.
func (c *Call) play(ctx context.Context, clips []*media.Clip, barge bool) (rune, bool, error) {
	playing, stop := context.WithCancel(ctx)
	defer stop()
	played := make(chan error, 1)
	go func() { played <- c.flowPlayer.Play(playing, clips...) }()
	var keys chan rune
	if barge {
		keys = c.keys
	}
	select {
	case key := <-keys:
		stop()
		<-played
		return key, true, nil
	case err := <-played:
		if ctx.Err() != nil {
			return 0, false, context.Cause(ctx)
		}
		return 0, false, err
	}
}

func (c *Call) clips(prompts []ivr.Prompt) ([]*media.Clip, error) {
	var clips []*media.Clip
	for _, p := range prompts {
		clip, err := c.Prompts.Clip(p)
		if err != nil {
			return nil, fmt.Errorf("prompt %s (%s): %w", p.ID, p.Language, err)
		}
		clips = append(clips, clip)
	}
	return clips, nil
}

// DropKeys implements ivr.Caller.
func (c *Call) DropKeys() {
	for {
		select {
		case <-c.keys:
		default:
			return
		}
	}
}

// HoldAnswer implements ivr.Caller.
func (c *Call) HoldAnswer() {
	c.post(func() {
		c.dropAnswer()
		c.answer = recordings.NewAnswerHold(answerHeld)
		c.Leg.Source().Attach(c.answer)
	})
}

// dropAnswer forgets what the customer said at the consent question.
func (c *Call) dropAnswer() {
	if c.answer != nil {
		c.Leg.Source().Detach(c.answer)
		c.answer = nil
	}
}

// Consent implements ivr.Caller. The answer is on disk before anything follows
// from it; if it cannot be written there is no consent, and nothing is
// recorded.
func (c *Call) Consent(ctx context.Context, a ivr.ConsentAnswer) error {
	event := contact.Event{
		At: a.At, Kind: contact.KindConsent, Leg: legCustomer, Text: "consent to recording: " + string(a.State),
		Data: map[string]any{
			"state": a.State, "prompt": a.Prompt.ID, "text": a.Prompt.Text, "sha256": a.Prompt.SHA256,
			"language": a.Language, "attempt": a.Attempt, "answered_by": how(a), "asked": contact.Time(a.AskedAt),
		},
	}
	grant, err := c.writeConsent(ctx, a, event)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		c.log.Error("the consent could not be saved; the call is not recorded", "error", err)
		c.Note(contact.KindConsent, legCustomer, "the answer could not be saved; the call is not recorded", nil)
	}
	return c.do(func() error {
		if err == nil {
			c.consent, c.grant, c.view.Consent = a.State, grant, a.State
		}
		if c.answer != nil {
			c.Leg.Source().Detach(c.answer)
		}
		if !c.grant.Valid() {
			c.answer = nil // of a customer who said no, nothing is kept
		}
		c.changed()
		return nil
	})
}

func how(a ivr.ConsentAnswer) string {
	switch {
	case a.Key != "":
		return "key"
	case a.State == contact.ConsentAnnounced:
		return "announcement"
	default:
		return "silence"
	}
}

func (c *Call) writeConsent(ctx context.Context, a ivr.ConsentAnswer, event contact.Event) (consent.Grant, error) {
	if err := c.Journal.consent(ctx, c.ID, a.State, int(c.n.Add(1)), event); err != nil {
		return consent.Grant{}, err
	}
	if c.Consents == nil {
		return consent.Grant{}, nil
	}
	return c.Consents.Record(ctx, consent.Answer{
		Contact: c.ID, State: a.State, PromptID: a.Prompt.ID, PromptText: a.Prompt.Text, PromptSHA256: a.Prompt.SHA256,
		Language: a.Language, Key: a.Key, Attempt: a.Attempt, AskedAt: a.AskedAt, At: a.At,
	})
}

// Echo implements ivr.Caller.
func (c *Call) Echo(ctx context.Context) error {
	c.post(func() {
		c.echoed = true
		c.mode = modeEcho
		c.apply()
	})
	<-ctx.Done()
	return context.Cause(ctx)
}

// Now implements ivr.Caller.
func (c *Call) Now() time.Time { return time.Now() }

// Pause implements ivr.Caller.
func (c *Call) Pause(ctx context.Context, d time.Duration) error {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Music implements ivr.Caller.
func (c *Call) Music(id string) (stop func(), err error) {
	clip, err := c.Prompts.Music(id)
	if err != nil {
		return nil, fmt.Errorf("music %s: %w", id, err)
	}
	c.flowPlayer.Loop(clip, 0)
	return c.flowPlayer.Stop, nil
}

// Rated implements ivr.Caller.
func (c *Call) Rated(ctx context.Context, csat int) error {
	c.post(func() {
		c.view.CSAT = csat
		c.changed()
	})
	return c.Journal.rated(ctx, c.ID, csat)
}

// Step implements ivr.Caller.
func (c *Call) Step(node, kind, text string, data map[string]any) {
	if data == nil {
		data = map[string]any{}
	}
	data["node"], data["type"] = node, kind
	c.Note(contact.KindFlow, legCustomer, text, data)
}

// Chosen implements ivr.Caller.
func (c *Call) Chosen(label string) {
	c.post(func() {
		c.addChosen(label)
		c.changed()
	})
}

// SetLanguage implements ivr.Caller.
func (c *Call) SetLanguage(lang string) {
	c.Journal.language(c.ID, lang)
	c.post(func() {
		c.view.Language = lang
		c.changed()
	})
}

// Hangup implements ivr.Caller.
func (c *Call) Hangup(cause contact.EndCause) { c.Leg.Hangup(cause) }

// queueing is a customer's wait, shared by the flow's goroutine, which plays,
// and the call's, which is told of places and agents.
type queueing struct {
	mu       sync.Mutex
	position int
	expected time.Duration
	served   bool
	active   bool // the flow waits
	parted   bool // the agent hung up and the flow goes on
	refused  string
	reason   string        // of refused, for the flow
	changed  chan struct{} // size 1
}

func (q *queueing) update(f func()) {
	q.mu.Lock()
	f()
	q.mu.Unlock()
	select {
	case q.changed <- struct{}{}:
	default:
	}
}

func (q *queueing) serve(on bool) { q.update(func() { q.served = on }) }

func (q *queueing) isActive() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.active
}

func (q *queueing) isParted() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.parted
}

func (q *queueing) state() (position int, expected time.Duration, served bool, refused string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.position, q.expected, q.served, q.refused
}

func (q *queueing) refusal() ivr.QueueResult {
	q.mu.Lock()
	defer q.mu.Unlock()
	return ivr.QueueResult{Refused: q.refused, Reason: q.reason}
}

// SetPlace tells the call its place in the queue.
func (c *Call) SetPlace(position int, expected time.Duration) {
	c.queue.update(func() { c.queue.position, c.queue.expected = position, expected })
}

// RefuseQueue tells the call that the queue does not take it.
func (c *Call) RefuseQueue(why string) {
	c.queue.update(func() { c.queue.refused = why })
}

// Enqueue implements ivr.Caller.
func (c *Call) Enqueue(ctx context.Context, q ivr.QueueRequest) (ivr.QueueResult, error) {
	music, err := c.Prompts.Music(q.Music)
	if err != nil {
		return ivr.QueueResult{}, fmt.Errorf("music %s: %w", q.Music, err)
	}
	c.queue.update(func() {
		c.queue.position, c.queue.expected, c.queue.served, c.queue.parted, c.queue.refused, c.queue.reason = 0, 0, false, false, "", ""
		c.queue.active = true
	})
	defer c.queue.update(func() { c.queue.active = false })
	started := time.Now()
	c.Note(contact.KindQueue, legCustomer, "waits in queue "+string(q.Queue), map[string]any{"queue": q.Queue, "priority": q.Priority})
	c.Journal.queued(c.ID, q.Queue)
	c.post(func() {
		c.view.Queue = q.Queue
		c.goOn = q.GoOn
		c.setStage(StageQueue, started)
		c.changed()
	})
	if err := c.Queues.Join(c.ID, q); err != nil {
		return ivr.QueueResult{}, fmt.Errorf("join queue %s: %w", q.Queue, err)
	}
	w := waiting{c: c, q: q, music: music, started: started}
	result, err := w.run(ctx)
	if err != nil { // the flow waits no longer; who hung up may have left before they had joined
		c.Queues.Leave(c.ID)
	}
	return result, err
}
