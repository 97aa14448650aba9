package call

import (
	"context"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/recordings"
	"callfloor/recordings/consent"
)

// openWithin bounds how long a disk may take to begin a capture.
const openWithin = 10 * time.Second

// opened is a capture that was opened beside the call, or why it was not.
type opened struct {
	rec  Recording
	held *recordings.AnswerHold
	err  error
}

// startRecording opens the capture beside the call, so that a slow disk never
// delays a word. It happens once for each call: a second agent speaks on the
// same recording.
func (c *Call) startRecording(agent string, q contact.QueueID) {
	switch {
	case c.recording != nil:
		c.mark("agent", map[string]any{"agent": agent})
		return
	case c.opening != nil:
		return
	case c.Record == nil || c.unasked || !c.grant.Valid():
		c.dropAnswer()
		return
	}
	grant, held := c.grant, c.answer
	c.answer = nil
	meta := recordings.Meta{Contact: c.ID, Line: string(c.Line), Queue: string(q), Agent: agent, Answered: c.answered}
	c.view.Recording = RecordingOn
	c.opening = make(chan opened, 1)
	// Not ended by a hang-up: of a talk that was short there is a recording too.
	ctx := context.WithoutCancel(c.ctx)
	c.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, openWithin)
		defer cancel()
		rec, err := c.Record(ctx, grant, meta)
		c.opening <- opened{rec, held, err}
	})
}

// recordingOpen joins a capture that is open now to the call.
func (c *Call) recordingOpen(o opened) {
	c.opening = nil
	if o.err != nil {
		c.recordingFailed("it could not be started: " + o.err.Error())
		return
	}
	c.enter(o)
	c.recording = o.rec
	if !c.paused.IsZero() {
		c.recording.Pause()
	}
	c.wires.recorded[customer].feed(o.rec.Track(contact.Customer))
	c.wires.recorded[theAgent].feed(o.rec.Track(contact.Agent))
	c.wires.recorded[second].feed(o.rec.SecondAgent())
	c.wires.recorded[supervisor].feed(o.rec.Track(contact.Supervisor))
}

// enter puts the proof into a capture and the capture into the journal. It
// touches nothing that run owns.
func (c *Call) enter(o opened) {
	if o.held != nil {
		o.rec.Proof(o.held)
	}
	c.Journal.recording(c.ID, o.rec.ID())
	c.Note(contact.KindRecording, "", "recording started", map[string]any{"recording": o.rec.ID()})
}

// RecordingTrouble says that the recording of this call stopped, and why. The
// call goes on.
func (c *Call) RecordingTrouble(err error) {
	c.post(func() { c.recordingFailed(err.Error()) })
}

func (c *Call) recordingFailed(why string) {
	if c.view.Recording == RecordingFailed {
		return
	}
	c.log.Error("the call is no longer recorded", "error", why)
	c.view.Recording, c.view.RecordingWhy = RecordingFailed, why
	c.Note(contact.KindRecording, "", "recording stopped: "+why, nil)
	c.changed()
}

// AnotherPhone says that somebody else is in the customer's place now: their phone has
// handed the call on, or another took its dialog over. The consent was not theirs, so
// nothing of this call is recorded any more.
func (c *Call) AnotherPhone() {
	c.post(func() {
		if !c.unasked {
			close(c.another) // a message that is being recorded ends
		}
		c.unasked, c.grant, c.paused, c.view.PausedUntil = true, consent.Grant{}, time.Time{}, time.Time{}
		c.dropAnswer()
		if c.view.Recording == RecordingOn || c.view.Recording == RecordingPaused {
			c.view.Recording = RecordingOff
		}
		c.mark("another_phone", nil)
		c.Note(contact.KindRecording, legCustomer, "another phone is in the customer's place, where nobody was asked; nothing is recorded any more",
			map[string]any{"state": RecordingOff})
		c.apply()
		c.changed()
	})
}

// mark notes something in the capture's own list of events.
func (c *Call) mark(kind string, data map[string]any) {
	if c.recording != nil {
		c.recording.Mark(kind, data)
	}
}

// seal ends the recording; the channel is closed when it is sealed or has
// failed to be. One that is still being opened is waited for.
func (c *Call) seal() <-chan struct{} {
	done := make(chan struct{})
	c.dropAnswer()
	recording, opening := c.recording, c.opening
	go func() {
		defer close(done)
		if opening != nil {
			o := <-opening
			if o.err != nil {
				c.Note(contact.KindRecording, "", "the recording could not be started: "+o.err.Error(), nil)
				return
			}
			c.enter(o)
			recording = o.rec
		}
		if recording != nil {
			c.sealNow(recording)
		}
	}()
	return done
}

func (c *Call) sealNow(rec Recording) {
	ctx, cancel := context.WithTimeout(context.Background(), sealWithin)
	defer cancel()
	began := time.Now()
	if err := rec.Seal(ctx); err != nil {
		c.log.Error("the recording could not be sealed", "recording", rec.ID(), "error", err)
		c.Note(contact.KindRecording, "", "the recording could not be sealed: "+err.Error(), map[string]any{"recording": rec.ID()})
		return
	}
	c.Note(contact.KindRecording, "", fmt.Sprintf("recording %s", rec.State()),
		map[string]any{"recording": rec.ID(), "state": rec.State(), "took_ms": time.Since(began).Milliseconds()})
}
