package app

import (
	"context"
	"fmt"
	"time"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/ivr"
	"callfloor/recordings"
	"callfloor/recordings/consent"
	"callfloor/sip"
)

// onCall runs one inbound call, on a goroutine of its own.
func (a *App) onCall(leg *sip.Leg) {
	line, ok := a.cfg.Line(contact.LineID(leg.Called()))
	if id := leg.TrunkLine(); id != "" { // a carrier that calls the contact which we registered
		line, ok = a.cfg.Line(id)
	}
	if !ok {
		a.log.Info("a call to an unknown line was refused", "trunk", leg.RemoteAddr().Addr())
		if err := leg.Reject(404, "Not Found"); err != nil {
			a.log.Debug("could not refuse a call", "error", err)
		}
		return
	}
	if !a.lineCaps.take(line, time.Now(), 0) {
		a.log.Info("a line is full; a call was told that it is busy", "line", line.ID)
		if err := leg.Reject(486, "Busy Here"); err != nil {
			a.log.Debug("could not refuse a call", "error", err)
		}
		return
	}
	on := line.ID
	defer func() { a.lineCaps.leave(on) }()
	a.calls.Add(1)
	defer a.calls.Done()
	origin := originOf(a.ctx, leg)
	customer := newLineLeg(leg)
	for from := leg.Invited(); ok; from = time.Now() {
		over := customer.Done()
		a.calls.Go(func() { customer.watch(over) })
		a.runCall(customer, line, origin, from)
		if line, ok = customer.line(); ok { // toLine has taken the place there
			a.lineCaps.leave(on)
			on = line.ID
		}
	}
}

// runCall runs the call of one line, until the customer is gone or goes on to another
// line.
func (a *App) runCall(leg *lineLeg, line config.Line, origin call.Origin, started time.Time) {
	flow := a.shelf.flow(line.Flow)
	c := call.New(call.Options{
		ID: contact.NewID(), Line: line.ID, Language: line.Language, From: leg.Caller(), Origin: origin, Started: started, Leg: leg, Log: a.log,
		Journal: a.journal, Queues: a.house, Consents: a.ledger, Record: a.record, Prompts: flow.Prompts(), Pacer: a.pacer, Work: a.house.work(), Bots: a.bots, Outsides: a.house,
		Changed: a.house.inbox.call, Troubled: func(t call.Trouble) { a.troubled.WithLabelValues(string(t)).Inc() }, Measured: a.legs.note,
	})
	a.house.add(c)
	defer a.house.remove(c.ID)
	defer a.where.end(c.ID)
	began := time.Now()
	c.Run(a.ctx, func(ctx context.Context, caller ivr.Caller) (contact.EndCause, error) {
		// The journal has the call's row only now; events need it.
		if leg.enter(c) {
			traceTo(leg.Leg, contact.LegID(contact.Customer), leg.in)
		}
		noteSound(c, leg.Leg)
		return flow.Run(ctx, caller, ivr.Start{
			Line: line.ID, Caller: leg.Caller(), Language: line.Language, Remembered: a.remembered(ctx, leg.Caller()),
			ConsentPolicy: line.Consent, Hours: a.cfg.Hours, Services: a.services,
			Reached: a.where.begin(c.ID, flow), BotsTalk: line.Bots == config.BotsTalk,
		})
	})
	a.log.Info("call ended", "call", c.ID, "line", line.ID, "by", leg.Cause().By, "class", leg.Cause().Class, "took", time.Since(began).Round(time.Millisecond))
}

// rememberedFor is how long the language that a number chose is remembered.
const rememberedFor = 180 * 24 * time.Hour

// remembered is the language that a number chose in an earlier call; "" if it
// is not known, and where it cannot be read: nobody waits for that.
func (a *App) remembered(ctx context.Context, caller string) string {
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	lang, err := a.journal.Language(ctx, caller, time.Now().Add(-rememberedFor))
	if err != nil {
		a.log.Warn("the language of an earlier call could not be read", "error", err)
	}
	return lang
}

// noteLeg writes what happens on a customer's leg into the timeline.
func noteLeg(c *call.Call, leg *sip.Leg) {
	traceLeg(c, leg, contact.LegID(contact.Customer))
	noteSound(c, leg)
}

// noteSound is noteLeg without the messages.
func noteSound(c *call.Call, leg *sip.Leg) {
	followCodec(c, leg)
	leg.OnAnother(c.AnotherPhone)
	leg.OnHold(func(on bool) { noteHold(c, on) })
	leg.OnSilence(func(silent time.Duration) {
		c.Note(contact.KindSilence, contact.LegID(contact.Customer), fmt.Sprintf("no sound from the customer's phone for %.0f s", silent.Seconds()), nil)
	})
}

func noteHold(c *call.Call, on bool) {
	kind, text := contact.KindResume, "the customer's phone takes the call back"
	if on {
		kind, text = contact.KindHold, "the customer's phone holds the call"
	}
	c.Held(on)
	c.Note(kind, contact.LegID(contact.Customer), text, nil)
}

func (a *App) record(ctx context.Context, g consent.Grant, m recordings.Meta) (call.Recording, error) {
	rec, err := a.recordings.Start(ctx, g, m)
	if err != nil {
		return nil, err // not a nil *Recording in an interface
	}
	return rec, nil
}

// recordingTrouble tells a call that its recording stopped by a fault.
func (a *App) recordingTrouble(id contact.ID, err error) {
	if c, ok := a.house.call(id); ok {
		c.RecordingTrouble(err)
	}
}

// waitForCalls waits until every call is cleaned up; they have been told to end.
func (a *App) waitForCalls(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.calls.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d calls did not end in time", len(a.house.live()))
	}
}

// Drain takes no new calls and waits until those that are up have ended, or
// until ctx is done.
func (a *App) Drain(ctx context.Context) {
	a.draining.Store(true)
	a.sip.SetDraining(true)
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for a.sip.Calls() > 0 {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// Calls returns how many calls are up.
func (a *App) Calls() int { return a.sip.Calls() }
