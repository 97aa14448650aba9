package call

import (
	"database/sql"
	"encoding/json"
	"errors"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Listener is told of events in the transaction that writes them, so that what
// it keeps is there exactly when they are.
type Listener interface {
	// Wants says whether Hear is asked about events of a kind.
	Wants(k contact.Kind) bool
	// Hear is given the call's row as it is before what follows from the event.
	// It must not wait. An error that says that the disk refused lets both be
	// written again later; any other loses only what the listener keeps.
	Hear(tx *store.Tx, r Record, e contact.Event) error
	// Committed follows when something is in the database.
	Committed()
}

// Tell lets l hear every event. It is called before the first call begins.
func (j *Journal) Tell(l Listener) { j.hears = l }

// tell lets the listener hear an event that is being written.
func (j *Journal) tell(tx *store.Tx, id contact.ID, e contact.Event) error {
	if j.hears == nil || !j.hears.Wants(e.Kind) {
		return nil
	}
	r, err := scanRecord(tx.QueryRow(`SELECT `+recordColumns+` FROM call_calls WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil // a note about a call that is not kept any more
	}
	if err == nil {
		err = j.hears.Hear(tx, r, e)
	}
	if err != nil && !store.Refused(err) {
		j.log.Error("other systems could not be told of an event", "call", id, "kind", e.Kind, "error", err)
		return nil
	}
	return err
}

func (j *Journal) insertEvent(tx *store.Tx, id contact.ID, n int, e contact.Event) error {
	var data, leg any
	if e.Data != nil {
		b, err := json.Marshal(e.Data)
		if err != nil {
			return err
		}
		data = string(b)
	}
	if e.Leg != "" {
		leg = string(e.Leg)
	}
	_, err := tx.Exec(`INSERT INTO call_events (contact, n, at, kind, leg, text, data) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id, n, e.At.UnixMilli(), e.Kind, leg, e.Text, data)
	if err != nil {
		return err
	}
	return j.tell(tx, id, e)
}
