package call

import (
	"time"

	"callfloor/contact"
)

// PauseRecording keeps what is said out of the recording until the agent ends
// the pause, the agent leaves, or limit is over: while a card number is read
// out. Both sides are silent in it.
func (c *Call) PauseRecording(user string, limit time.Duration) error {
	return c.withAgent(user, func() error {
		switch {
		case c.view.Recording == RecordingPaused:
			return nil
		case c.view.Recording != RecordingOn:
			return contact.Errorf(contact.Conflict, "this call is not recorded")
		}
		c.paused = time.Now().Add(limit)
		c.view.Recording, c.view.PausedUntil = RecordingPaused, c.paused
		if c.recording != nil {
			c.recording.Pause()
		}
		c.Note(contact.KindRecording, c.agent.leg, "recording paused", map[string]any{"state": RecordingPaused, "until": contact.Time(c.paused)})
		c.changed()
		return nil
	})
}

// ResumeRecording ends a pause.
func (c *Call) ResumeRecording(user string) error {
	return c.withAgent(user, func() error {
		c.resumeRecording("recording goes on")
		return nil
	})
}

func (c *Call) resumeRecording(text string) {
	if c.paused.IsZero() {
		return
	}
	c.paused, c.view.PausedUntil = time.Time{}, time.Time{}
	if c.view.Recording == RecordingPaused {
		c.view.Recording = RecordingOn
	}
	if c.recording != nil {
		c.recording.Resume()
	}
	c.Note(contact.KindRecording, "", text, map[string]any{"state": RecordingOn})
	c.changed()
}

// endPause ends a pause of an agent who leaves: the next one decides anew.
func (c *Call) endPause() { c.resumeRecording("recording goes on: the agent who paused it left") }

// lookAtPause ends a pause that lasts too long.
func (c *Call) lookAtPause(now time.Time) {
	if !c.paused.IsZero() && !now.Before(c.paused) {
		c.resumeRecording("recording goes on: the pause lasted as long as it may")
	}
}
