package call

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// WrapUp saves what the agent wrote about a call. Of an agent whose call was
// taken over it goes into the timeline, when it is done; the call's own row is
// for who served it last.
func (j *Journal) WrapUp(ctx context.Context, id contact.ID, w WrapUp) error {
	return j.now(ctx, func(tx *store.Tx) error {
		res, err := tx.Exec(`UPDATE call_calls SET disposition = $3, note = $4 WHERE id = $1 AND agent = $2`, id, w.Agent, w.Disposition, w.Note)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 || !w.Done {
			if err == nil && n > 0 && w.Tags != nil {
				err = saveTags(tx, id, w.Tags)
			}
			return err
		}
		return j.afterwards(tx, id, contact.Event{
			At: time.Now(), Kind: contact.KindWrapUp, Leg: contact.LegID(contact.Agent), Text: string(w.Agent) + " wrote about the call that was taken over",
			Data: map[string]any{"agent": w.Agent, "disposition": w.Disposition, "note": w.Note, "tags": w.Tags},
		})
	})
}

// WrapUp is what an agent wrote about a call; Done when they have finished.
type WrapUp struct {
	Agent             contact.AgentID
	Disposition, Note string
	// Tags are in the place of those chosen before; nil leaves them.
	Tags contact.Tags
	Done bool
}

// WrappedUp writes that an agent is done with a call that is over, by their own
// word or because the time was; not of one whose call was taken over or handed
// on.
func (j *Journal) WrappedUp(id contact.ID, agent contact.AgentID) {
	at := time.Now()
	j.later(func(tx *store.Tx) error {
		r, err := scanRecord(tx.QueryRow(`SELECT `+recordColumns+` FROM call_calls WHERE id = $1`, id))
		if errors.Is(err, sql.ErrNoRows) || err == nil && (r.Agent == nil || *r.Agent != agent || r.Ended == nil) {
			return nil
		}
		if err != nil {
			return err
		}
		return j.afterwards(tx, id, contact.Event{
			At: at, Kind: contact.KindWrapUp, Leg: contact.LegID(contact.Agent), Text: string(agent) + " is done with the call",
			Data: map[string]any{"agent": agent, "disposition": r.Disposition, "note": r.Note, "tags": r.Tags},
		})
	})
}

// afterwards adds an event of a call that has no goroutine any more. Numbers
// below 0 are nobody else's; the order is by time.
func (j *Journal) afterwards(tx *store.Tx, id contact.ID, e contact.Event) error {
	var n int
	if err := tx.QueryRow(`SELECT COALESCE(MIN(n), 0) FROM call_events WHERE contact = $1`, id).Scan(&n); err != nil {
		return err
	}
	return j.insertEvent(tx, id, min(n, 0)-1, e)
}
