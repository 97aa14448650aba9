package call

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Who set a call's disposition.
const (
	byAgent  = "agent"
	bySystem = "system"
)

// WrapUp saves what the agent wrote about a call. Of an agent whose call was
// taken over it goes into the timeline, when it is done; the call's own row is
// for who served it last. What the system set is overwritten by a choice only.
func (j *Journal) WrapUp(ctx context.Context, id contact.ID, w WrapUp) error {
	return j.now(ctx, func(tx *store.Tx) error {
		res, err := tx.Exec(`UPDATE call_calls SET note = $4,
				disposition = CASE WHEN $3 = '' AND disposition_by = $5 THEN disposition ELSE $3 END,
				disposition_by = CASE WHEN $3 <> '' THEN $6 WHEN disposition_by = $5 THEN $5 END
			WHERE id = $1 AND agent = $2`, id, w.Agent, w.Disposition, w.Note, bySystem, byAgent)
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

// WrappedUp is an agent who has nothing to do with a call any more.
type WrappedUp struct {
	Agent contact.AgentID
	// Why is agent, time, supervisor, left, returned or none (acd.WrapUpEnd).
	Why string
	// Disposition is set, as by the system, if the agent chose none; "" is nothing.
	Disposition string
}

// WrappedUp writes that an agent is done with a call, by their own word or
// because the time was: when the call is over, if it goes on without them, and
// not if it was taken over or another one answered it.
func (j *Journal) WrappedUp(id contact.ID, w WrappedUp) {
	at := time.Now()
	j.later(func(tx *store.Tx) error {
		if w.Disposition != "" {
			if _, err := tx.Exec(`UPDATE call_calls SET disposition = $3, disposition_by = $4
				WHERE id = $1 AND agent = $2 AND COALESCE(disposition, '') = ''`, id, w.Agent, w.Disposition, bySystem); err != nil {
				return err
			}
		}
		r, err := scanRecord(tx.QueryRow(`SELECT `+recordColumns+` FROM call_calls WHERE id = $1`, id))
		switch {
		case errors.Is(err, sql.ErrNoRows) || err == nil && (r.Agent == nil || *r.Agent != w.Agent):
			return nil
		case err != nil:
			return err
		case r.Ended == nil:
			_, err := tx.Exec(`INSERT INTO call_wrapups (contact, agent, at, why) VALUES ($1, $2, $3, $4)
				ON CONFLICT (contact) DO UPDATE SET agent = excluded.agent, at = excluded.at, why = excluded.why`, id, w.Agent, at.UnixMilli(), w.Why)
			return err
		}
		return j.wrappedUp(tx, r, at, w.Why)
	})
}

// wrappedUp writes the event of r, which is over.
func (j *Journal) wrappedUp(tx *store.Tx, r Record, at time.Time, why string) error {
	return j.afterwards(tx, r.ID, contact.Event{
		At: at, Kind: contact.KindWrapUp, Leg: contact.LegID(contact.Agent), Text: string(*r.Agent) + " is done with the call" + whyWrappedUp(why),
		Data: map[string]any{"agent": *r.Agent, "disposition": r.Disposition, "disposition_by": r.DispositionBy, "note": r.Note, "tags": r.Tags, "why": why},
	})
}

// whyWrappedUp says in words why a wrap-up ended where its agent did not end it.
func whyWrappedUp(why string) string {
	switch why {
	case "time":
		return ": the time for the wrap-up was over"
	case "supervisor":
		return ": a supervisor ended the wrap-up"
	case "left":
		return ": the agent left"
	case "returned":
		return ": it came back"
	case "none":
		return ": it has no wrap-up"
	}
	return ""
}

// wrappedUpBefore writes that the agent of a call that ends now was done with it
// before: it went on without them, or its end took longer to be written.
func (j *Journal) wrappedUpBefore(tx *store.Tx, id contact.ID) error {
	var (
		agent contact.AgentID
		at    int64
		why   string
	)
	err := tx.QueryRow(`DELETE FROM call_wrapups WHERE contact = $1 RETURNING agent, at, why`, id).Scan(&agent, &at, &why)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	r, err := scanRecord(tx.QueryRow(`SELECT `+recordColumns+` FROM call_calls WHERE id = $1`, id))
	if err != nil || r.Agent == nil || *r.Agent != agent {
		return err
	}
	return j.wrappedUp(tx, r, time.UnixMilli(at), why)
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
