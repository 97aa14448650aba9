package app

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/ivr"
	"callfloor/outbound"
	"callfloor/sip"
	"callfloor/web"
)

// dialRequest is a call to a customer that a person or a program asks for.
type dialRequest struct {
	To      string
	Line    contact.LineID
	Agent   string // who talks; "": the flow of the line
	Purpose Purpose
	By      string
	RingFor time.Duration
}

// dials are the calls of agents to customers who are not with them yet.
type dials struct {
	mu sync.Mutex
	m  map[contact.ID]*dialling
}

type dialling struct {
	agent string
	leg   *sip.Leg
}

func (d *dials) put(id contact.ID, x *dialling) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.m == nil {
		d.m = map[contact.ID]*dialling{}
	}
	d.m[id] = x
}

func (d *dials) drop(id contact.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.m, id)
}

// has says whether an agent waits for this customer to answer.
func (d *dials) has(id contact.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.m[id] != nil
}

// hangUp ends the dialling of a call, if it is one that user began.
func (d *dials) hangUp(id contact.ID, user string) bool {
	return d.end(id, user, contact.EndCause{By: contact.Agent, Class: contact.EndAbandoned, SIP: 487, Q850: 16, Why: "the agent gave up before there was an answer"})
}

// lost ends the dialling of a call whose agent's browser stayed away.
func (d *dials) lost(id contact.ID) bool {
	return d.end(id, "", contact.EndCause{By: contact.System, Class: contact.EndFailed, SIP: 487, Q850: 16, Why: "the agent's browser is gone"})
}

func (d *dials) end(id contact.ID, user string, why contact.EndCause) bool {
	d.mu.Lock()
	x := d.m[id]
	d.mu.Unlock()
	if x == nil || user != "" && x.agent != user {
		return false
	}
	x.leg.Hangup(why)
	return true
}

// dialledLeg is a leg to a customer: answering it is waiting for them.
type dialledLeg struct {
	*sip.Leg
	up chan struct{}
}

// Ring implements call.Leg; it is their phone that rings.
func (dialledLeg) Ring() error { return nil }

// Early implements call.Leg; before they answer it is their side that speaks.
func (dialledLeg) Early(context.Context) (bool, error) { return false, nil }

// Answer implements call.Leg.
func (l dialledLeg) Answer(ctx context.Context) error {
	select {
	case <-l.up:
		return nil
	case <-l.Done():
		return l.Cause()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// dialOut calls a customer. It returns when the call has begun, or the error
// that kept it from that: the rules, the agent's state, the trunks.
func (a *App) dialOut(ctx context.Context, r dialRequest) (contact.ID, error) {
	line, ok := a.cfg.Line(r.Line)
	if !ok {
		return "", contact.Errorf(contact.NotFound, "there is no line %q to call from", r.Line)
	}
	var seat *web.Seat
	if r.Agent != "" {
		if seat, ok = a.seats.Seat(r.Agent); !ok || !seat.CanSpeak() {
			return "", contact.Errorf(contact.Conflict, "the agent's browser is not connected, or its microphone does not work")
		}
	}
	id := contact.NewID()
	began := make(chan error, 1)
	a.calls.Go(func() {
		o := &outgoing{app: a, id: id, line: line, req: r, seat: seat, up: make(chan struct{})}
		if err := o.place(began); err != nil {
			select {
			case began <- err:
			default: // it had begun; the call's end says why
			}
		}
	})
	select {
	case err := <-began:
		if err != nil {
			return "", err
		}
		return id, nil
	case <-ctx.Done():
		return "", contact.Errorf(contact.Conflict, "the call was given up before it began")
	}
}

// outgoing is one call to a customer.
type outgoing struct {
	app  *App
	id   contact.ID
	line config.Line
	req  dialRequest
	seat *web.Seat
	up   chan struct{} // closed by the answer
	call *call.Call
	wg   sync.WaitGroup
}

// place calls, and returns when the call is over.
func (o *outgoing) place(began chan<- error) error {
	a := o.app
	var refused error
	leg, err := a.house.PlaceOutside(a.ctx, Outside{
		To: o.req.To, Line: o.req.Line, Purpose: o.req.Purpose, By: o.req.By, Call: o.id, RingFor: o.req.RingFor,
		Prepare: func(l call.Leg) {
			leg, ok := l.(*sip.Leg)
			if !ok {
				return
			}
			if refused = o.begin(leg); refused != nil {
				leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndRejected, Why: "the agent could not take the call"})
			}
			began <- refused
		},
		Progress: func(status int, early bool) {
			switch {
			case o.call == nil:
			case early:
				o.call.Progress(call.ProgressEarly)
			case status == 180:
				o.call.Progress(call.ProgressRinging)
			}
		},
	})
	switch {
	case refused != nil:
		return refused
	case err == nil:
		close(o.up)
		_ = leg // the call has had it since Prepare
	case o.call != nil:
		o.call.Note(contact.KindDial, contact.LegID(contact.Customer), "the call out failed: "+contact.ErrorMessage(err), map[string]any{"code": contact.ErrorCode(err)})
	}
	o.wg.Wait()
	return err
}

// begin makes the agent busy and the call known; the INVITE goes next.
func (o *outgoing) begin(leg *sip.Leg) error {
	a := o.app
	if o.seat != nil {
		a.house.dials.put(o.id, &dialling{agent: o.req.Agent, leg: leg})
		if err := a.house.engine.Do(acd.Dialled{Agent: contact.AgentID(o.req.Agent), Contact: o.id, Beside: true}); err != nil {
			a.house.dials.drop(o.id)
			return err
		}
		a.house.makeRoom(o.req.Agent)
		o.seat.Track("customer").Hear(leg.Source()) // early media
	}
	flow := a.shelf.flow(o.line.Flow)
	number := o.req.To
	if n, err := a.cfg.Outbound.Parse(o.req.To); err == nil {
		number = n.Key()
	}
	o.call = call.New(call.Options{
		ID: o.id, Line: o.line.ID, Language: o.line.Language, From: number, Started: leg.Invited(), Leg: dialledLeg{leg, o.up}, Log: a.log,
		Outbound: true, Dialler: contact.AgentID(o.req.Agent),
		Journal: a.journal, Queues: a.house, Consents: a.ledger, Record: a.record, Prompts: flow.Prompts(), Pacer: a.pacer,
		Changed: a.house.inbox.call, Troubled: func(t call.Trouble) { a.troubled.WithLabelValues(string(t)).Inc() }, Measured: a.legs.note,
	})
	a.house.add(o.call)
	o.wg.Go(func() {
		defer a.house.remove(o.id)
		defer a.house.dials.drop(o.id)
		o.call.Run(a.ctx, func(ctx context.Context, caller ivr.Caller) (contact.EndCause, error) {
			noteLeg(o.call, leg)
			return o.talk(ctx, caller, flow, number)
		})
		if o.seat != nil {
			o.app.house.silence(o.seat, o.id)
		}
	})
	return nil
}

// talk is the call's flow: for an agent the consent that the line wants and
// then the agent; without one the flow of the line.
func (o *outgoing) talk(ctx context.Context, caller ivr.Caller, flow *ivr.Flow, number string) (contact.EndCause, error) {
	a, c := o.app, o.call
	c.Note(contact.KindDial, contact.LegID(contact.Customer), "calls out from line "+string(o.line.ID), map[string]any{
		"agent": o.req.Agent, "by": o.req.By, "purpose": o.req.Purpose, "line": o.line.ID,
	})
	if o.seat == nil {
		return flow.Run(ctx, caller, ivr.Start{
			Line: o.line.ID, Caller: number, Language: o.line.Language, Remembered: a.remembered(ctx, number),
			ConsentPolicy: o.line.Consent, Hours: a.cfg.Hours, Services: a.services,
		})
	}
	if err := caller.Answer(ctx); err != nil {
		return c.WaitForEnd(ctx), nil
	}
	c.Progress(call.ProgressAnswered)
	language := o.line.Language
	if r := a.remembered(ctx, number); r != "" {
		language = r
	}
	if _, err := ivr.AskConsent(ctx, caller, flow.Prompts(), o.line.Consent, language); err != nil {
		if ctx.Err() != nil {
			return c.WaitForEnd(ctx), nil
		}
		return contact.EndCause{}, fmt.Errorf("call out: %w", err)
	}
	status, _ := a.house.engine.Agent(contact.AgentID(o.req.Agent))
	if status.Contact != o.id {
		return contact.EndCause{By: contact.System, Class: contact.EndFailed, Why: "the agent was gone"}, nil
	}
	if err := c.Connect(o.seat, status.Queue, 0, call.Announcement{}); err != nil {
		return c.WaitForEnd(ctx), nil
	}
	a.house.dials.drop(o.id)
	a.house.tell(acd.ContactReached{Contact: o.id})
	return c.WaitForEnd(ctx), nil
}

// silence makes a seat deaf that hears a call which is over.
func (h *House) silence(s *web.Seat, id contact.ID) {
	if status, _ := h.engine.Agent(contact.AgentID(s.User())); status.Contact == "" || status.Contact == id {
		s.Track("customer").Hear(nil)
	}
}

// dialSeat is an agent's own wish to call: a number, or the customer of an
// earlier call of theirs.
func (h *House) dialSeat(ctx context.Context, s *web.Seat, cmd web.Command) error {
	if h.dial == nil {
		return contact.Errorf(contact.NoTrunk, "there is no trunk to call out on")
	}
	to, line := strings.TrimSpace(cmd.Number), contact.LineID(cmd.Line)
	if cmd.Contact != "" {
		d, err := h.journal.Show(ctx, cmd.Contact)
		if err != nil || d.Agent == nil || string(*d.Agent) != s.User() {
			return contact.Errorf(contact.NotFound, "that call was not with you")
		}
		to = d.From
		if line == "" {
			line = d.Line
		}
	}
	if line == "" {
		if lines := h.dialLines(s.User()); len(lines) > 0 {
			line = contact.LineID(lines[0].ID)
		}
	}
	if err := h.mayDialBeside(s.User()); err != nil {
		return err
	}
	_, err := h.dial(ctx, dialRequest{To: to, Line: line, Agent: s.User(), Purpose: PurposeSeat, By: s.User()})
	return err
}

// dialLines are the lines that a user may call out from.
func (h *House) dialLines(user string) []web.DialLine {
	if h.dial == nil {
		return nil
	}
	var lines []web.DialLine
	for _, l := range h.outboundLines(user) {
		lines = append(lines, web.DialLine{ID: string(l.ID), Name: l.Name})
	}
	return lines
}

// linesOf are the lines from which a rule lets user call from a seat.
func (w *wayOut) linesOf(user string) []config.Line {
	var out []config.Line
	for _, l := range w.lines {
		if w.cfg.Concerns(outbound.Request{Line: l.ID, Purpose: PurposeSeat, By: user}) {
			out = append(out, l)
		}
	}
	return out
}
