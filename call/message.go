package call

import (
	"context"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media"
	"callfloor/recordings"
	"callfloor/recordings/consent"
)

// Work keeps what a caller leaves behind for agents to do.
type Work interface {
	// Callback asks for a call back; a caller who waits hands their place over.
	Callback(ctx context.Context, c Snapshot, q ivr.CallbackRequest) error
	// Voicemail makes a sealed recording a task of the queue.
	Voicemail(ctx context.Context, c Snapshot, m ivr.Message, queue contact.QueueID, priority int) error
	// Discard erases a recording that the caller did not want to keep.
	Discard(ctx context.Context, recording string) error
}

const (
	// beepHz, beepFor and beepLevel are the tone before a message and an
	// announcement.
	beepHz    = 1000.0
	beepFor   = 300 * time.Millisecond
	beepLevel = -12.0
	// messageLook is how often a message is looked at for silence.
	messageLook = 100 * time.Millisecond
)

// Callback implements ivr.Caller.
func (c *Call) Callback(ctx context.Context, q ivr.CallbackRequest) error {
	if c.Work == nil {
		return contact.Errorf(contact.Conflict, "nobody calls back here")
	}
	view, err := c.look()
	if err != nil {
		return err
	}
	return c.Work.Callback(ctx, view, q)
}

// look returns the call as it is now.
func (c *Call) look() (view Snapshot, err error) {
	err = c.do(func() error { view = c.view; return nil })
	return view, err
}

// RecordMessage implements ivr.Caller. The grant is that of the consent node or
// of the announcement before the message; without one nothing is recorded.
func (c *Call) RecordMessage(ctx context.Context, q ivr.MessageRequest) (ivr.Message, error) {
	var grant consent.Grant
	if err := c.do(func() error { grant = c.grant; return nil }); err != nil {
		return ivr.Message{}, err
	}
	if c.Record == nil || !grant.Valid() {
		return ivr.Message{}, contact.Errorf(contact.Forbidden, "there is no consent to record a message")
	}
	if err := c.flowPlayer.Play(ctx, beep()); err != nil {
		return ivr.Message{}, err
	}
	opening, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	rec, err := c.Record(opening, grant, recordings.Meta{Contact: c.ID, Line: string(c.Line), Queue: string(q.Queue), Answered: time.Now()})
	if err != nil {
		return ivr.Message{}, fmt.Errorf("record the message: %w", err)
	}
	c.Journal.recording(c.ID, rec.ID())
	c.Note(contact.KindRecording, legCustomer, "a message is recorded", map[string]any{"recording": rec.ID(), "queue": q.Queue})
	m, err := c.hear(ctx, rec, q)
	c.sealNow(rec)
	return m, err
}

// hear records until the caller has finished.
func (c *Call) hear(ctx context.Context, rec Recording, q ivr.MessageRequest) (ivr.Message, error) {
	m := ivr.Message{Recording: rec.ID()}
	select {
	case <-c.another: // while the capture was opened
		m.Why = "another_phone"
		return m, context.Cause(ctx)
	default:
	}
	heard := &presence{since: time.Now()}
	track := rec.Track(contact.Customer)
	c.Leg.Source().Attach(track)
	c.Leg.Source().Attach(heard)
	defer c.Leg.Source().Detach(track)
	defer c.Leg.Source().Detach(heard)
	look := time.NewTicker(messageLook)
	defer look.Stop()
	over := time.NewTimer(q.Max)
	defer over.Stop()
	end := func(why string) (ivr.Message, error) {
		m.Why, m.Length = why, time.Duration(heard.sound.Load())
		return m, context.Cause(ctx)
	}
	for {
		select {
		case <-ctx.Done():
			return end("hangup")
		case <-c.another: // whoever is there now was not asked
			return end("another_phone")
		case key := <-c.keys:
			if key == q.Ends {
				return end("key")
			}
		case <-over.C:
			return end("length")
		case now := <-look.C:
			if heard.silent(now) >= q.Silence {
				return end("silence")
			}
		}
	}
}

// KeepMessage implements ivr.Caller.
func (c *Call) KeepMessage(ctx context.Context, m ivr.Message, queue contact.QueueID, priority int) error {
	if c.Work == nil {
		return contact.Errorf(contact.Conflict, "nobody listens to messages here")
	}
	view, err := c.look()
	if err != nil { // the caller has hung up: the view moves no more
		<-c.over
		view = c.view
	}
	return c.Work.Voicemail(ctx, view, m, queue, priority)
}

// DropMessage implements ivr.Caller.
func (c *Call) DropMessage(ctx context.Context, m ivr.Message) {
	if c.Work == nil {
		return
	}
	if err := c.Work.Discard(ctx, m.Recording); err != nil {
		c.log.Error("a message that the caller deleted could not be erased", "recording", m.Recording, "error", err)
	}
}

// beep is the tone after which somebody speaks.
func beep() *media.Clip {
	return media.ToneClip("beep", []float64{beepHz}, beepFor, beepLevel)
}
