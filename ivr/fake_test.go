package ivr

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// scene is what happens to a flow from outside: what the customer does, and
// what becomes of them in the queue.
type scene struct {
	policy     string
	language   string
	presses    []press
	hangup     time.Duration // after the answer (or the ringing); 0: after an hour
	early      bool          // hangs up before the answer
	deaf       bool          // cannot hear anything before the answer
	queues     []queueing    // one for each Enqueue; the last one repeats
	diskFull   bool          // Consent fails
	caller     string
	remembered string
	hours      string
	clock      time.Duration // added to the time of the bubble
	lookups    []lookup      // one for each Fetch; the last one repeats
	percents   []int
	voice      bool // there is a speech command
	mute       bool // which fails
	figures    func(contact.QueueID) (QueueFigures, bool)
}

type press struct {
	key rune
	at  time.Duration
}

// lookup is one answer of another server.
type lookup struct {
	status int
	body   string
	after  time.Duration
}

// queueing is the fate of one wait.
type queueing struct {
	after    time.Duration
	refused  string
	served   bool // comes back served, still there
	gone     bool // the agent ends the call
	broken   bool // Enqueue fails
	position int
	expected time.Duration
	key      rune // pressed by the caller
}

// fakeCaller is a customer and a call in fake time. It writes down what the
// flow asks of it.
type fakeCaller struct {
	prompts *Prompts
	scene   scene
	cancel  context.CancelCauseFunc
	begin   time.Time
	keys    chan rune

	mu     sync.Mutex // the trace is read after a run only, but keys come from timers
	trace  []string
	called []string // names of the methods called, in order
	lives  bool
	ended  *contact.EndCause
}

var errDisk = errors.New("the disk is full")

// perform runs a flow in a bubble of fake time.
func perform(t *testing.T, f *Flow, s scene) (c *fakeCaller, cause contact.EndCause, err error) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		c = &fakeCaller{prompts: f.prompts, scene: s, cancel: cancel, begin: time.Now(), keys: make(chan rune, 64)}
		if s.early {
			cancel(contact.EndCause{By: contact.Customer, Class: contact.EndAbandoned, Why: "cancelled"})
		}
		services := Services{Lookups: NewLookups(c), Percent: c.percent, Queues: s.figures}
		if s.voice {
			services.Speaker = c
		}
		cause, err = f.Run(ctx, c, Start{
			Line: "1000", Caller: s.caller, Language: s.language, Remembered: s.remembered, ConsentPolicy: s.policy, Hours: s.hours, Services: services,
		})
		c.note("end by %s, %s: %s", cause.By, cause.Class, cause.Why)
		cancel(nil)
	})
	return c, cause, err
}

func (c *fakeCaller) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := time.Since(c.begin).Round(time.Millisecond)
	c.trace = append(c.trace, fmt.Sprintf("%-8s ", fmt.Sprintf("%.2fs", at.Seconds()))+fmt.Sprintf(format, args...))
}

func (c *fakeCaller) call(name string) {
	c.called = append(c.called, name)
}

// live starts the customer's doings; they count from the answer, or
// from when something can be heard.
func (c *fakeCaller) live(ctx context.Context) {
	if c.lives { // since they heard us early
		return
	}
	c.lives = true
	for _, p := range c.scene.presses {
		timer := time.AfterFunc(p.at, func() {
			select {
			case c.keys <- p.key:
			default:
			}
		})
		context.AfterFunc(ctx, func() { timer.Stop() })
	}
	after := c.scene.hangup
	if after == 0 {
		after = time.Hour
	}
	leave := time.AfterFunc(after, func() {
		c.cancel(contact.EndCause{By: contact.Customer, Class: contact.EndCompleted, Why: "hung up"})
	})
	context.AfterFunc(ctx, func() { leave.Stop() })
}

func (c *fakeCaller) Ring(ctx context.Context) error {
	c.call("Ring")
	c.note("ring")
	c.live(ctx)
	<-ctx.Done()
	return context.Cause(ctx)
}

func (c *fakeCaller) Early(ctx context.Context) (bool, error) {
	c.call("Early")
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	c.note("heard early: %v", !c.scene.deaf)
	if !c.scene.deaf {
		c.live(ctx)
	}
	return !c.scene.deaf, nil
}

func (c *fakeCaller) Answer(ctx context.Context) error {
	c.call("Answer")
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.note("answer")
	c.live(ctx)
	return nil
}

func (c *fakeCaller) Ask(ctx context.Context, prompts []Prompt, barge bool, wait time.Duration) (rune, bool, error) {
	c.call("Ask")
	if c.ended != nil {
		return 0, false, *c.ended
	}
	var names []string
	var length time.Duration
	for _, p := range prompts {
		clip, err := c.prompts.Clip(p)
		if err != nil {
			return 0, false, err
		}
		names = append(names, p.Language+"/"+p.ID)
		length += clip.Duration()
	}
	how := "play"
	if barge {
		how = "ask"
	}
	c.note("%s %s", how, strings.Join(names, " "))
	if !barge {
		return 0, false, sleep(ctx, length+wait)
	}
	timer := time.NewTimer(length + wait)
	defer timer.Stop()
	select {
	case k := <-c.keys:
		c.note("  key %c", k)
		return k, true, nil
	case <-timer.C:
		return 0, false, nil
	case <-ctx.Done():
		return 0, false, context.Cause(ctx)
	}
}

func (c *fakeCaller) DropKeys() {
	c.call("DropKeys")
	for {
		select {
		case k := <-c.keys:
			c.note("  dropped key %c", k)
		default:
			return
		}
	}
}

func (c *fakeCaller) HoldAnswer() { c.call("HoldAnswer") }

func (c *fakeCaller) Consent(ctx context.Context, a ConsentAnswer) error {
	c.call("Consent " + string(a.State))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if c.scene.diskFull {
		return errDisk
	}
	c.note("consent %s, %s/%s, key %q, asking %d, %.2fs to %.2fs", a.State, a.Language, a.Prompt.ID, a.Key, a.Attempt,
		a.AskedAt.Sub(c.begin).Seconds(), a.At.Sub(c.begin).Seconds())
	return nil
}

func (c *fakeCaller) Enqueue(ctx context.Context, q QueueRequest) (QueueResult, error) {
	c.call("Enqueue " + string(q.Queue))
	c.note("queue %s, music %s, announced every %v%s", q.Queue, q.Music, q.Announce, more(q))
	for _, p := range q.Intro {
		c.note("  first %s/%s", p.Language, p.ID)
	}
	if len(c.scene.queues) == 0 {
		return QueueResult{}, sleep(ctx, 2*time.Hour)
	}
	fate := c.scene.queues[0]
	if len(c.scene.queues) > 1 {
		c.scene.queues = c.scene.queues[1:]
	}
	if fate.broken {
		return QueueResult{}, errDisk
	}
	for left := fate.after; left > 0; left -= q.Announce {
		if q.Announce == 0 || left <= q.Announce {
			if err := sleep(ctx, left); err != nil {
				return QueueResult{}, err
			}
			break
		}
		if err := sleep(ctx, q.Announce); err != nil {
			return QueueResult{}, err
		}
		var said []string
		for _, p := range q.Say(fate.position, fate.expected) {
			said = append(said, p.Text)
		}
		c.note("  say %s", strings.Join(said, " "))
	}
	if fate.gone {
		c.cancel(contact.EndCause{By: contact.Agent, Class: contact.EndCompleted, Why: "hung up"})
		<-ctx.Done()
		return QueueResult{}, context.Cause(ctx)
	}
	return QueueResult{Refused: fate.refused, Served: fate.served, Key: fate.key}, nil
}

func (c *fakeCaller) Now() time.Time { return time.Now().Add(c.scene.clock) }

func (c *fakeCaller) Pause(ctx context.Context, d time.Duration) error {
	c.call("Pause")
	return sleep(ctx, d)
}

func (c *fakeCaller) Music(id string) (func(), error) {
	c.call("Music")
	c.note("music %s", id)
	return func() { c.note("music ends") }, nil
}

func (c *fakeCaller) Rated(ctx context.Context, csat int) error {
	c.call("Rated")
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if c.scene.diskFull {
		return errDisk
	}
	c.note("rated %d", csat)
	return nil
}

// Fetch answers lookups with what the scene has, in its order.
func (c *fakeCaller) Fetch(ctx context.Context, q Request) (Response, error) {
	c.note("%s %s %s", q.Method, q.URL, q.Body)
	if len(c.scene.lookups) == 0 {
		return Response{}, errors.New("no such host")
	}
	l := c.scene.lookups[0]
	if len(c.scene.lookups) > 1 {
		c.scene.lookups = c.scene.lookups[1:]
	}
	ctx, cancel := context.WithTimeout(ctx, q.Timeout)
	defer cancel()
	if err := sleep(ctx, l.after); err != nil {
		return Response{}, err
	}
	return Response{Status: l.status, Body: []byte(l.body)}, nil
}

func (c *fakeCaller) percent() int {
	if len(c.scene.percents) == 0 {
		return 0
	}
	p := c.scene.percents[0]
	c.scene.percents = c.scene.percents[1:]
	return p
}

// Speak is a voice that takes as long as the text has letters.
func (c *fakeCaller) Speak(_ context.Context, lang, text string) (*media.Clip, error) {
	c.note("speaks %s %q", lang, text)
	if c.scene.mute {
		return nil, errDisk
	}
	return media.NewClip(text, make([]int16, 400*len(text))), nil
}

func (c *fakeCaller) Echo(ctx context.Context) error {
	c.call("Echo")
	c.note("echo")
	<-ctx.Done()
	return context.Cause(ctx)
}

// more says what few queue requests have.
func more(q QueueRequest) string {
	var b strings.Builder
	if q.Priority != 0 {
		fmt.Fprintf(&b, ", priority %d", q.Priority)
	}
	for _, name := range slices.Sorted(maps.Keys(q.Vars)) {
		fmt.Fprintf(&b, ", %s=%v", name, q.Vars[name])
	}
	if q.GoOn {
		b.WriteString(", and on")
	}
	return b.String()
}

func (c *fakeCaller) Step(node, kind, text string, _ map[string]any) {
	c.call("Step")
	c.note("%s (%s): %s", node, kind, text)
}

func (c *fakeCaller) Chosen(label string) { c.call("Chosen " + label) }

func (c *fakeCaller) SetLanguage(lang string) { c.call("SetLanguage " + lang) }

func (c *fakeCaller) Hangup(cause contact.EndCause) {
	c.call("Hangup")
	c.ended = &cause
	c.note("hang up")
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
