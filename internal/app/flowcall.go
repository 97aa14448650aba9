package app

import (
	"context"
	"sync"
	"time"

	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/ivr"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/web"
)

const (
	// flowCallEvents is how many of the last events the page sees.
	flowCallEvents = 200
	// flowCallGone is how long the page of a call may be away before it is
	// hung up.
	flowCallGone = 3 * time.Second
	// flowCallCodec is what the browser speaks in it: what most phones do.
	flowCallCodec = codec.PCMU
)

// flowCalls are the calls from flow editors, at most one of each person. They
// are calls like any other, with the seat in the place of the telephone.
type flowCalls struct {
	app *App

	mu    sync.Mutex
	calls map[string]*flowCall // by user, also when it is over, until it is put away
}

// flowCall is one of them; flowCalls.mu guards view.
type flowCall struct {
	leg  *seatLeg
	view web.FlowCallView
}

var _ api.FlowCalls = (*flowCalls)(nil)

func newFlowCalls(a *App) *flowCalls { return &flowCalls{app: a, calls: map[string]*flowCall{}} }

// Begin implements api.FlowCalls.
func (f *flowCalls) Begin(_ context.Context, user string, in api.FlowCall) (string, error) {
	a := f.app
	seat, err := f.seat(user)
	if err != nil {
		return "", err
	}
	line, ok := a.cfg.Line(contact.LineID(in.Line))
	if !ok {
		return "", contact.Errorf(contact.NotFound, "there is no line %q", in.Line)
	}
	flow, problems, err := a.editor.inspect(in.Name, in.Text)
	if err != nil {
		return "", err
	}
	if len(problems) == 0 {
		problems = flow.Check(checkOptions(a.cfg, line))
	}
	if len(problems) > 0 {
		return "", contact.Errorf(contact.Invalid, "the flow cannot be called: %s", problems[0])
	}
	leg := newSeatLeg(seat)
	one := &flowCall{leg: leg, view: web.FlowCallView{
		Call: contact.NewID(), Flow: in.Name, Line: in.Line, Since: contact.Time(time.Now()), Codec: flowCallCodec.String(), Events: []web.FlowCallEvent{},
	}}
	if err := f.take(user, one); err != nil {
		return "", err
	}
	a.calls.Go(func() { f.run(one, flow, line, in.Caller) })
	return string(one.view.Call), nil
}

// seat returns the seat of a person who can talk from it and does nothing else
// with it.
func (f *flowCalls) seat(user string) (*web.Seat, error) {
	seat, ok := f.app.seats.Seat(user)
	switch {
	case !ok || !seat.Online():
		return nil, contact.Errorf(contact.Conflict, "your page has no connection to the server; reload it")
	case f.app.draining.Load():
		return nil, contact.Errorf(contact.Conflict, "the server takes no new calls")
	case f.app.house.serves(seat) || f.app.house.listens(user):
		return nil, contact.Errorf(contact.Conflict, "first leave the call that you are in")
	case !seat.MediaReady():
		return nil, contact.Errorf(contact.Conflict, "your browser's sound is not connected yet")
	}
	return seat, nil
}

// take makes a call the person's, if they have no other one.
func (f *flowCalls) take(user string, one *flowCall) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.calls[user]; old != nil && old.view.Ended == nil {
		return contact.Errorf(contact.Conflict, "you have a call already; hang it up first")
	}
	f.calls[user] = one
	return nil
}

// run is the call, until it is over.
func (f *flowCalls) run(one *flowCall, flow *ivr.Flow, line config.Line, caller string) {
	a, began := f.app, time.Now()
	seen := stageWatch{}
	c := call.New(call.Options{
		ID: one.view.Call, Line: line.ID, Language: line.Language, From: caller, Started: began, Leg: one.leg, Log: a.log,
		Journal: a.journal, Queues: a.house, Consents: a.ledger, Record: a.record, Pacer: a.pacer, Work: a.house.work(), Bots: a.bots, Outsides: a.house,
		Prompts: heardPrompts{flow.Prompts(), func(p ivr.Prompt, d time.Duration) {
			f.note(one, web.FlowCallEvent{Kind: "hear", Text: p.Text, Prompt: p.ID, Language: p.Language, Seconds: d.Seconds()})
		}},
		Changed: func(s call.Snapshot) {
			a.house.inbox.call(s)
			if e, ok := seen.event(s); ok {
				f.note(one, e)
			}
			f.showVideo(one, s.Screens)
		},
	})
	a.house.add(c)
	defer a.house.remove(c.ID)
	defer a.where.end(c.ID)
	f.show(one, func(*web.FlowCallView) {})
	gone, stop := context.WithCancel(a.ctx)
	watched := make(chan struct{})
	go func() { defer close(watched); one.leg.watch(gone) }()
	kinds := kindsOf(flow)
	reached := a.where.begin(c.ID, flow)
	c.Run(a.ctx, func(ctx context.Context, caller ivr.Caller) (contact.EndCause, error) {
		c.Note(contact.KindFlow, contact.LegID(contact.Customer), one.leg.seat.User()+" calls from the flow editor", map[string]any{"user": one.leg.seat.User()})
		return flow.Run(ctx, caller, ivr.Start{
			Line: line.ID, Caller: c.From, Language: line.Language, Remembered: a.remembered(ctx, c.From),
			ConsentPolicy: line.Consent, Hours: a.cfg.Hours, Services: a.services, BotsTalk: line.Bots == config.BotsTalk,
			Reached: func(p ivr.Place) {
				reached(p)
				f.reached(one, p, kinds[p])
			},
		})
	})
	stop()
	<-watched
	one.leg.close()
	cause := one.leg.Cause()
	f.show(one, func(v *web.FlowCallView) { v.Ended = &cause })
}

// nodeInfo is what a node is.
type nodeInfo struct{ kind, summary string }

// kindsOf says what the nodes of a flow and of its subflows are.
func kindsOf(flow *ivr.Flow) map[ivr.Place]nodeInfo {
	kinds := map[ivr.Place]nodeInfo{}
	for _, n := range flow.Graph().Nodes {
		kinds[ivr.Place{Flow: flow.Name(), Version: flow.Version(), Node: n.ID}] = nodeInfo{n.Kind, n.Summary}
	}
	return kinds
}

func (f *flowCalls) reached(one *flowCall, p ivr.Place, n nodeInfo) {
	f.show(one, func(v *web.FlowCallView) {
		v.Node = ""
		if nameOf(p.Flow) == v.Flow {
			v.Node = p.Node
		}
	})
	f.note(one, web.FlowCallEvent{Kind: "step", Flow: nameOf(p.Flow), Node: p.Node, Type: n.kind, Text: n.summary})
}

// note adds an event to what the page sees.
func (f *flowCalls) note(one *flowCall, e web.FlowCallEvent) {
	f.show(one, func(v *web.FlowCallView) {
		began, err := time.Parse(time.RFC3339, v.Since)
		if err == nil {
			e.At = time.Since(began).Seconds()
		}
		if e.Node == "" {
			e.Flow, e.Node = v.Flow, v.Node
		}
		v.Events = append(v.Events[max(0, len(v.Events)+1-flowCallEvents):len(v.Events):len(v.Events)], e)
	})
}

// show changes what the page sees of a call, if it is still the person's.
func (f *flowCalls) show(one *flowCall, change func(*web.FlowCallView)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&one.view)
	user := one.leg.seat.User()
	if f.calls[user] == one {
		one.leg.seat.Put(web.KeyFlowCall, one.view)
	}
}

// Press implements api.FlowCalls.
func (f *flowCalls) Press(user, keys string) error {
	f.mu.Lock()
	one := f.calls[user]
	f.mu.Unlock()
	if one == nil {
		return contact.Errorf(contact.Conflict, "you have no call")
	}
	for _, k := range keys {
		if err := one.leg.press(k); err != nil {
			return err
		}
		// The page does not see which: it may be a card number.
		f.note(one, web.FlowCallEvent{Kind: "press", Text: "•"})
	}
	return nil
}

// End implements api.FlowCalls.
func (f *flowCalls) End(user string) error {
	f.mu.Lock()
	one := f.calls[user]
	if one != nil && one.view.Ended != nil {
		delete(f.calls, user)
		one.leg.seat.Drop(web.KeyFlowCall)
	}
	f.mu.Unlock()
	if one == nil {
		return contact.Errorf(contact.Conflict, "you have no call")
	}
	one.leg.Hangup(contact.EndCause{By: contact.Customer, Class: contact.EndCompleted, Q850: 16, Why: "the customer hung up"})
	return nil
}

// heardPrompts tells of every prompt that is about to be played.
type heardPrompts struct {
	call.Prompts
	heard func(p ivr.Prompt, d time.Duration)
}

// Clip implements call.Prompts.
func (h heardPrompts) Clip(p ivr.Prompt) (*media.Clip, error) {
	clip, err := h.Prompts.Clip(p)
	if err == nil {
		h.heard(p, clip.Duration())
	}
	return clip, err
}

// stageWatch says once what is new in a call's snapshots, which come on the
// call's goroutine.
type stageWatch struct{ stage call.Stage }

func (w *stageWatch) event(s call.Snapshot) (web.FlowCallEvent, bool) {
	if s.Stage == w.stage {
		return web.FlowCallEvent{}, false
	}
	w.stage = s.Stage
	switch s.Stage {
	case call.StageQueue:
		return web.FlowCallEvent{Kind: "queue", Text: string(s.Queue)}, true
	case call.StageRinging, call.StageTalking, call.StageHold:
		return web.FlowCallEvent{Kind: "note", Text: string(s.Stage) + ": " + string(s.Agent)}, true
	}
	return web.FlowCallEvent{}, false
}

// listens says whether a supervisor listens to a call.
func (h *House) listens(user string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, on := h.listening[user]
	return on
}

// callsFlow says whether a seat is a customer's phone now.
func (h *House) callsFlow(s *web.Seat) bool {
	for _, c := range h.live() {
		if l, ok := c.Leg.(*seatLeg); ok && l.seat == s {
			return true
		}
	}
	return false
}

// seatLeg is a seat as the customer's end of a call: a call.Leg whose telephone
// is a browser. What the flow plays is heard on the track customer.
type seatLeg struct {
	seat     *web.Seat
	measured func() media.Quality
	digits   chan media.Digit
	done     chan struct{}

	mu    sync.Mutex
	cause contact.EndCause
}

var _ call.Leg = (*seatLeg)(nil)

// seatKeys is how many keys may wait for the call's goroutine.
const seatKeys = 64

func newSeatLeg(s *web.Seat) *seatLeg {
	return &seatLeg{seat: s, measured: s.Measure(), digits: make(chan media.Digit, seatKeys), done: make(chan struct{})}
}

// watch hangs up when the page is gone, until ctx is done.
func (l *seatLeg) watch(ctx context.Context) {
	look := time.NewTicker(flowCallGone / 6)
	defer look.Stop()
	here := time.Now()
	for {
		select {
		case now := <-look.C:
			if l.seat.Online() {
				here = now
			} else if now.Sub(here) > flowCallGone {
				l.Hangup(contact.EndCause{By: contact.Customer, Class: contact.EndCompleted, Why: "the page was closed"})
			}
		case <-ctx.Done():
			return
		}
	}
}

// close leaves the seat as it was.
func (l *seatLeg) close() {
	sender := l.seat.Track(web.TrackCustomer)
	sender.Fill(codec.None)
	sender.Hear(nil)
}

func (l *seatLeg) press(key rune) error {
	select {
	case <-l.done:
		return contact.Errorf(contact.Conflict, "the call is over")
	case l.digits <- media.Digit{Key: key, At: time.Now(), Via: "browser"}:
		return nil
	default:
		return contact.Errorf(contact.Busy, "too many keys at once")
	}
}

// Ring implements call.Leg: a browser rings by itself.
func (l *seatLeg) Ring() error { return nil }

// Early implements call.Leg: the media is warm.
func (l *seatLeg) Early(context.Context) (bool, error) { return true, nil }

// Answer implements call.Leg.
func (l *seatLeg) Answer(context.Context) error { return nil }

// Codec implements call.Leg.
func (l *seatLeg) Codec() codec.ID { return flowCallCodec }

// Source implements call.Leg.
func (l *seatLeg) Source() *media.Source { return l.seat.Mic() }

// Sender implements call.Leg.
func (l *seatLeg) Sender() *media.Sender { return l.seat.Track(web.TrackCustomer) }

// Digits implements call.Leg.
func (l *seatLeg) Digits() <-chan media.Digit { return l.digits }

// SendDigit implements call.Leg: a browser has no use for a key.
func (l *seatLeg) SendDigit(rune, time.Duration) error { return nil }

// SetHeld implements call.Leg; there is no silence alarm.
func (l *seatLeg) SetHeld(bool) {}

// Quality implements call.Leg.
func (l *seatLeg) Quality() media.Quality { return l.measured() }

// Hangup implements call.Leg; the first cause counts.
func (l *seatLeg) Hangup(cause contact.EndCause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause != (contact.EndCause{}) {
		return
	}
	l.cause = cause
	close(l.done)
}

// Done implements call.Leg.
func (l *seatLeg) Done() <-chan struct{} { return l.done }

// Cause implements call.Leg.
func (l *seatLeg) Cause() contact.EndCause {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}
