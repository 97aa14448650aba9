package ivr

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
)

// scene is what happens to a flow from outside: what the customer does, and
// what becomes of them in the queue.
type scene struct {
	policy   string
	language string
	presses  []press
	hangup   time.Duration // after the answer (or the ringing); 0: after an hour
	early    bool          // hangs up before the answer
	queues   []queueing    // one for each Enqueue; the last one repeats
	diskFull bool          // Consent fails
}

type press struct {
	key rune
	at  time.Duration
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
		cause, err = f.Run(ctx, c, Start{Line: "1000", Language: s.language, ConsentPolicy: s.policy})
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

// live starts the customer's doings; they count from the answer.
func (c *fakeCaller) live(ctx context.Context) {
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
	c.note("queue %s, music %s, announced every %v", q.Queue, q.Music, q.Announce)
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
	return QueueResult{Refused: fate.refused, Served: fate.served}, nil
}

func (c *fakeCaller) Echo(ctx context.Context) error {
	c.call("Echo")
	c.note("echo")
	<-ctx.Done()
	return context.Cause(ctx)
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
