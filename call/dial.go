package call

import (
	"context"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
)

// Outsides places calls to numbers outside for flows; *app.House does, by the
// house's rules.
type Outsides interface {
	// DialOut returns an answered leg, which is the caller's to hang up.
	DialOut(ctx context.Context, c Snapshot, r ivr.DialRequest) (Leg, error)
}

// Dial implements ivr.Talks.
func (c *Call) Dial(ctx context.Context, r ivr.DialRequest) (ivr.DialResult, error) {
	if c.Outsides == nil {
		return ivr.DialResult{Ended: ivr.DialFailed, Why: "calls to the outside are not set up"}, nil
	}
	view, err := c.look()
	if err != nil {
		return ivr.DialResult{}, context.Cause(ctx)
	}
	c.Note(contact.KindFlow, legCustomer, "calls a number outside", map[string]any{"to": contact.Mask(r.To)})
	leg, err := c.ringOutside(ctx, view, r)
	if ctx.Err() != nil {
		if leg != nil {
			leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 16, Why: "the customer hung up"})
		}
		return ivr.DialResult{}, context.Cause(ctx)
	}
	if err != nil {
		return notDialled(err), nil
	}
	if err := c.talkOutside(ctx, leg, r); err != nil {
		return ivr.DialResult{}, err
	}
	return ivr.DialResult{Ended: ivr.DialServed}, nil
}

// ringOutside plays music until somebody answers.
func (c *Call) ringOutside(ctx context.Context, view Snapshot, r ivr.DialRequest) (Leg, error) {
	stop, err := c.Music(r.Music)
	if err != nil {
		return nil, fmt.Errorf("music %s: %w", r.Music, err)
	}
	defer stop()
	return c.Outsides.DialOut(ctx, view, r)
}

func notDialled(err error) ivr.DialResult {
	ended := ivr.DialFailed
	switch contact.ErrorCode(err) {
	case contact.CalleeBusy, contact.CalleeDeclined:
		ended = ivr.DialBusy
	case contact.NoAnswer:
		ended = ivr.DialNoAnswer
	}
	return ivr.DialResult{Ended: ended, Why: err.Error()}
}

// talkOutside joins the customer with the phone outside until one of them
// hangs up.
func (c *Call) talkOutside(ctx context.Context, leg Leg, r ivr.DialRequest) error {
	gone := make(chan struct{})
	err := c.do(func() error {
		now := time.Now()
		c.second = c.newPhone(leg)
		c.view.Second = &Second{Name: contact.Mask(r.To), State: SecondJoined, Since: now}
		c.goneOutside = func() { close(gone) }
		if c.answered.IsZero() {
			c.answered, c.view.Answered = now, now
		}
		c.toOutside(now)
		c.noteConsult(legOutside, "a number outside answered", "transfer", "", "")
		return nil
	})
	if err != nil {
		leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 16, Why: "the customer hung up"})
		return context.Cause(ctx)
	}
	var over <-chan time.Time
	if r.Longest > 0 {
		t := time.NewTimer(r.Longest)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-over:
	}
	leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 16, Why: "the flow's time for the talk is over"})
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// backFromOutside goes on with the flow after the phone outside has hung up; it
// is false where no flow waits for that.
func (c *Call) backFromOutside() bool {
	if c.goneOutside == nil {
		return false
	}
	c.goneOutside()
	c.goneOutside = nil
	c.setStage(StageFlow, time.Now())
	c.DropKeys()
	c.settle()
	c.changed()
	return true
}
