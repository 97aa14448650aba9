package call

import (
	"context"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/recordings"
)

// startRecording opens the capture beside the call, so that a slow disk never
// delays a word. It happens once for each call: a second agent speaks on the
// same recording.
func (c *Call) startRecording(agent string, q contact.QueueID) {
	switch {
	case c.recording != nil:
		c.mark("agent", map[string]any{"agent": agent})
		return
	case c.Record == nil || !c.grant.Valid():
		c.dropAnswer()
		return
	}
	grant, held := c.grant, c.answer
	c.answer = nil
	meta := recordings.Meta{Contact: c.ID, Line: string(c.Line), Queue: string(q), Agent: agent, Answered: c.answered}
	c.view.Recording = RecordingOn
	c.tasks.Go(func() {
		rec, err := c.Record(c.ctx, grant, meta)
		if !c.post(func() { c.recordingOpen(rec, held, err) }) && err == nil {
			c.sealNow(rec)
		}
	})
}

func (c *Call) recordingOpen(rec Recording, held *recordings.AnswerHold, err error) {
	if err != nil {
		c.recordingFailed("it could not be started: " + err.Error())
		return
	}
	if held != nil {
		rec.Proof(held)
	}
	c.recording = rec
	c.Journal.recording(c.ID, rec.ID())
	c.Note(contact.KindRecording, "", "recording started", map[string]any{"recording": rec.ID(), "consent": c.consent})
	c.wires.recorded[customer].feed(rec.Track(contact.Customer))
	c.wires.recorded[theAgent].feed(rec.Track(contact.Agent))
	c.wires.recorded[second].feed(rec.SecondAgent())
	c.wires.recorded[supervisor].feed(rec.Track(contact.Supervisor))
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

// mark notes something in the capture's own list of events.
func (c *Call) mark(kind string, data map[string]any) {
	if c.recording != nil {
		c.recording.Mark(kind, data)
	}
}

// seal ends the recording; the channel is closed when it is sealed or has
// failed to be.
func (c *Call) seal() <-chan struct{} {
	done := make(chan struct{})
	c.dropAnswer()
	if c.recording == nil {
		close(done)
		return done
	}
	go func() {
		defer close(done)
		c.sealNow(c.recording)
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
