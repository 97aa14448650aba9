package call

import (
	"context"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// StageDialling is a call to a customer who has not answered, or who has and is
// being asked for consent.
const StageDialling Stage = "dialling"

// How far a call to a customer is (Snapshot.Progress).
const (
	ProgressTrying   = ""         // nothing is heard of it yet
	ProgressRinging  = "ringing"  // it rings; the agent's page makes the tone
	ProgressEarly    = "early"    // the carrier is heard
	ProgressAnswered = "answered" // the customer hears about recording
)

// Progress shows how far a call to a customer is.
func (c *Call) Progress(p string) {
	c.post(func() {
		if c.view.Stage != StageDialling || c.view.Progress == p || c.view.Progress == ProgressEarly && p == ProgressRinging {
			return
		}
		c.view.Progress = p
		c.changed()
	})
}

// WaitForEnd keeps the flow of a call to a customer, who is with an agent now,
// until the call is over.
func (c *Call) WaitForEnd(ctx context.Context) contact.EndCause {
	<-ctx.Done()
	if cause, ok := context.Cause(ctx).(contact.EndCause); ok { //nolint:errorlint // it is what leave gives
		return cause
	}
	return contact.EndCause{By: contact.System, Class: contact.EndFailed, Why: "the call was ended"}
}

// dials begins the view of a call that an agent makes.
func (s *Snapshot) dials(o Options) {
	s.Outbound = o.Outbound
	if o.Dialler != "" {
		s.Stage, s.StageSince, s.Agent = StageDialling, time.Now(), o.Dialler
	}
}

// Directions of a call.
const (
	DirectionIn  = "in"  // the customer called us
	DirectionOut = "out" // we called the customer
)

// dialled notes that we called the customer, and which agent did.
func (j *Journal) dialled(id contact.ID, a contact.AgentID) {
	j.later(func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE call_calls SET direction = $2, agent = NULLIF($3, '') WHERE id = $1`, id, DirectionOut, a)
		return err
	})
}
