package call

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media"
	"callfloor/recordings"
	"callfloor/recordings/consent"
)

const (
	// commandQueue is how many commands may wait for the call's goroutine,
	// which never blocks for long; a full queue makes the sender wait.
	commandQueue = 64
	// keyQueue is how many keys a customer may type ahead; more are dropped.
	keyQueue = 64
	// qualityEvery is how often the floor sees fresh quality figures.
	qualityEvery = 2 * time.Second
	// sealWithin is how long the end waits for the recording's seal.
	sealWithin = 2 * time.Second
)

// Prompts finds the sounds that a flow plays.
type Prompts interface {
	Clip(p ivr.Prompt) (*media.Clip, error)
	Music(id string) (*media.Clip, error)
}

// Options are what a call is made of.
type Options struct {
	ID   contact.ID
	Line contact.LineID
	// From is the customer's number as the trunk gave it.
	From string
	// Origin is what else is known of the caller.
	Origin Origin
	// Outbound says that we called the customer; Dialler is the agent who did,
	// and whom Connect joins with them.
	Outbound bool
	Dialler  contact.AgentID
	// Language is the one that the flow begins in ("en").
	Language string
	Started  time.Time
	Leg      Leg
	Log      *slog.Logger
	Journal  *Journal
	Queues   Queues
	// Consents and Record are nil where nothing is ever recorded.
	Consents Consents
	Record   Recorder
	// Work is nil where callers leave nothing behind.
	Work Work
	// Bots is nil where no bot can be reached, Outsides where no number can.
	Bots     Bots
	Outsides Outsides
	Prompts  Prompts
	Pacer    *media.Pacer
	// Troubled is told each trouble that is named, on the call's goroutine.
	Troubled func(Trouble)
	// Measured is told what a leg was like when it ends, on the call's
	// goroutine; nil for nobody.
	Measured func(contact.LegID, media.Quality)
	// Changed is told every change, on the call's goroutine; it must not block
	// and must not call back into the Call.
	Changed func(Snapshot)
}

// Call is one call. Its exported methods may be called from any goroutine.
type Call struct {
	Options
	log     *slog.Logger
	n       atomic.Int64  // numbers events
	another chan struct{} // closed when another phone is in the customer's place
	held    atomic.Bool   // the customer's phone holds the call
	sipSeen atomic.Int64  // SIP messages that were kept
	over    chan struct{}
	ctx     context.Context // ends with the customer's EndCause
	leave   context.CancelCauseFunc
	tasks   sync.WaitGroup // the flow, a recording that is being opened

	commands chan func()
	keys     chan rune
	queue    queueing
	// flowPlayer is used by the flow, holdPlayer by the owner.
	flowPlayer, holdPlayer *media.Player

	// The rest is owned by run.
	view     Snapshot
	mode     mode
	away     bool // the agent's media is missing
	suspect  bool // the agent's socket is gone; look closely
	agent    *agent
	second   *agent // in a consultation or a conference
	joined   bool   // second and the customer hear each other
	between  bool   // no agent has the call, which is on its way to one
	agents   int
	watchers map[string]*watcher
	wires    wires
	caller   presence  // of the customer
	switched time.Time // when the row changed last
	playing  string    // what holdPlayer plays
	// announcing is what plays to the agent about the call; nil: nothing.
	announcing *announcing
	consent    contact.Consent
	grant      consent.Grant
	unasked    bool // another phone is in the customer's place
	answer     *recordings.AnswerHold
	recording  Recording
	opening    chan opened // nil: no capture is being opened
	answered   time.Time
	echoed     bool
	goOn       bool      // the flow goes on when the agent hangs up
	paused     time.Time // until when the recording is; zero: it is not
	recent     recent
	bot        *botLine // the customer talks with one
	// goneOutside tells the flow that the phone outside, which it called, has
	// hung up.
	goneOutside func()
	shows       shows // what the customer shows
	pictured    bool  // views may show something
}

// agent is one who serves the call: a seat, or as the second one a phone
// outside of the house.
type agent struct {
	seat     Seat
	phone    Leg                  // instead of a seat
	measured func() media.Quality // the seat's figures since this call began for it
	outlet   outlet
	leg      contact.LegID
	party    contact.Party // agent, or the supervisor who took over
	muted    bool
	aside    bool // in another call, see aside.go
	presence presence
	shows    shows
}

// mic is what the agent says; nil if there is none.
func (a *agent) mic() *media.Source {
	switch {
	case a == nil:
		return nil
	case a.phone != nil:
		return a.phone.Source()
	}
	return a.seat.Mic()
}

// user is who sits there; "" for a phone outside.
func (a *agent) user() string {
	if a.seat == nil {
		return ""
	}
	return a.seat.User()
}

// quality are the figures of the agent's leg.
func (a *agent) quality() media.Quality {
	if a.phone != nil {
		return a.phone.Quality()
	}
	return a.measured()
}

// leave makes the agent deaf and stops looking at their media.
func (a *agent) leave() {
	a.mic().Detach(&a.presence)
	if a.phone != nil {
		a.phone.Sender().Hear(nil)
		a.outlet.close()
		return
	}
	if a.aside {
		return // what they hear is another call's
	}
	if t, ok := a.seat.(Telephone); ok {
		hangUpTelephone(t)
		a.outlet.close()
		return
	}
	silence(a.seat)
	hide(a.seat)
}

// New returns a call that Run will run.
func New(o Options) *Call {
	c := &Call{
		Options:  o,
		log:      o.Log.With("call", o.ID),
		over:     make(chan struct{}),
		another:  make(chan struct{}),
		commands: make(chan func(), commandQueue),
		keys:     make(chan rune, keyQueue),
		watchers: map[string]*watcher{},
		wires:    newWires(),
		consent:  contact.ConsentNone,
		view: Snapshot{
			ID: o.ID, Line: o.Line, From: o.From, Origin: o.Origin, Started: o.Started,
			Stage: StageFlow, StageSince: o.Started, Consent: contact.ConsentNone, Recording: RecordingOff, Language: o.Language,
		},
	}
	c.queue.changed = make(chan struct{}, 1)
	c.view.dials(o)
	return c
}

// Run runs flow beside the call until the customer is gone and everything is
// cleaned up. The call ends when flow returns, with the cause that it returns.
func (c *Call) Run(ctx context.Context, flow func(context.Context, ivr.Caller) (contact.EndCause, error)) {
	c.ctx, c.leave = context.WithCancelCause(ctx)
	c.Journal.begin(c.ID, c.Line, c.From, c.Started)
	if c.Outbound {
		c.Journal.dialled(c.ID, c.Dialler)
	}
	c.noteOrigin()
	c.tasks.Go(func() { c.runFlow(flow) })
	quality := time.NewTicker(qualityEvery)
	defer quality.Stop()
	look := time.NewTicker(lookSlow)
	defer look.Stop()
	c.changed()
	for {
		select {
		case f := <-c.commands:
			f()
			look.Reset(c.lookEvery())
		case d := <-c.Leg.Digits():
			c.digit(d)
		case <-look.C:
			c.lookAtAgent(time.Now())
			c.lookAtPause(time.Now())
			c.lookForTrouble(time.Now())
			c.lookAtPictures()
			look.Reset(c.lookEvery())
		case <-quality.C:
			c.sampleQuality()
		case o := <-c.opening:
			c.recordingOpen(o)
		case <-ctx.Done():
			c.Leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 31, Why: "the server is stopping"})
			ctx = context.Background() // once
		case <-c.Leg.Done():
			c.finish()
			return
		}
	}
}

func (c *Call) runFlow(flow func(context.Context, ivr.Caller) (contact.EndCause, error)) {
	defer func() {
		if r := recover(); r != nil {
			c.log.Error("the flow panicked", "panic", r, "stack", string(debug.Stack()))
			c.Leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 500, Why: "the flow failed"})
		}
	}()
	cause, err := flow(c.ctx, c)
	switch {
	case c.ctx.Err() != nil: // the customer is gone; nothing to do
	case err != nil:
		c.log.Error("the flow failed", "error", err)
		c.Leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 500, Why: "the flow failed: " + err.Error()})
	default:
		c.Leg.Hangup(cause)
	}
}

// post hands f to the call's goroutine; false if the call is over.
func (c *Call) post(f func()) bool {
	select {
	case c.commands <- f:
		return true
	case <-c.over:
		return false
	}
}

// do runs f on the call's goroutine and returns its error; contact.Conflict if
// the call is over.
func (c *Call) do(f func() error) error {
	gone := contact.Errorf(contact.Conflict, "the call is over")
	done := make(chan error, 1)
	if !c.post(func() { done <- f() }) {
		return gone
	}
	select {
	case err := <-done:
		return err
	case <-c.over:
		select {
		case err := <-done:
			return err
		default:
			return gone
		}
	}
}

// Note appends an event to the timeline without waiting for the disk.
func (c *Call) Note(kind contact.Kind, leg contact.LegID, text string, data map[string]any) {
	c.NoteAt(time.Now(), kind, leg, text, data)
}

// NoteAt is Note for something that happened at another time.
func (c *Call) NoteAt(at time.Time, kind contact.Kind, leg contact.LegID, text string, data map[string]any) {
	c.Journal.event(c.ID, int(c.n.Add(1)), contact.Event{At: at, Kind: kind, Leg: leg, Text: text, Data: data})
}

// End ends the call from our side.
func (c *Call) End(cause contact.EndCause) { c.Leg.Hangup(cause) }

// Over is closed when the call has ended and is cleaned up.
func (c *Call) Over() <-chan struct{} { return c.over }

// digit takes a key that the customer pressed: for the flow while it runs,
// for nobody while an agent talks.
func (c *Call) digit(d media.Digit) {
	if c.agent != nil {
		c.Note(contact.KindDigits, legCustomer, "the customer pressed a key", map[string]any{"via": d.Via})
		return
	}
	select {
	case c.keys <- d.Key:
	default: // typed further ahead than anybody needs
	}
}

// finish cleans up after the customer's leg has ended.
func (c *Call) finish() {
	now := time.Now()
	cause := c.refine(c.Leg.Cause())
	c.leave(cause)
	c.noteQuality(now)
	served := c.agent
	c.hangUpSecond("the customer's call is over")
	c.unseatAgent()
	for user := range c.watchers {
		c.stopWatching(user, "stopped listening")
	}
	c.cut()
	c.Leg.Source().Detach(&c.caller) // the leg may go on in another call
	if served != nil {
		c.Queues.Release(c.ID, contact.AgentID(served.seat.User()))
	}
	// Also who had an agent: the queue engine may have decided otherwise by now, and
	// what it says of that finds no call any more.
	c.Queues.Leave(c.ID)
	sealed := c.seal()
	// The timeline reads best with the end last; a slow disk must not delay it.
	select {
	case <-sealed:
	case <-time.After(300 * time.Millisecond):
	}
	c.NoteAt(now, contact.KindEnd, "", fmt.Sprintf("ended by the %s: %s", cause.By, cause.Why), map[string]any{
		"by": cause.By, "class": cause.Class, "sip": cause.SIP, "q850": cause.Q850,
	})
	c.Journal.end(c.ID, now, cause)
	c.view.Ended, c.view.EndedAt = &cause, now
	c.setStage(StageEnded, now)
	c.changed()
	close(c.over)
	c.tasks.Wait()
	<-sealed
	if c.flowPlayer != nil {
		c.flowPlayer.Close()
		c.holdPlayer.Close()
		c.wires.close()
	}
}

// refine says what kind of end it was from the customer's point of view.
func (c *Call) refine(cause contact.EndCause) contact.EndCause {
	if cause.By == contact.Customer && cause.Class == contact.EndCompleted && c.answered.IsZero() && !c.echoed {
		cause.Class = contact.EndAbandoned
		cause.Why = "hung up before an agent answered"
	}
	return cause
}
