package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Action is what an entry of the audit log tells of.
type Action string

// The actions that this package records; other rooms add their own words
// ("listen").
const (
	ActionSignIn          Action = "sign_in"
	ActionSignInFailed    Action = "sign_in_failed"
	ActionSignOut         Action = "sign_out"
	ActionPassword        Action = "password_change"
	ActionUserAdd         Action = "user_add"
	ActionUserChange      Action = "user_change"
	ActionRecordingPlay   Action = "recording_play"
	ActionRecordingExport Action = "recording_export"
	ActionRecordingVerify Action = "recording_verify"
	ActionRecordingHold   Action = "recording_hold"
	ActionRecordingErase  Action = "recording_erase"
	ActionListen          Action = "listen"
)

// Entry is one line of the audit log: who did what to what, and when.
type Entry struct {
	N       int64          `json:"n" doc:"entries are numbered as they come"`
	At      string         `json:"at" doc:"RFC 3339 with milliseconds"`
	Who     string         `json:"who"`
	Action  Action         `json:"action"`
	Target  string         `json:"target" doc:"a user, a call or a recording"`
	Details map[string]any `json:"details"`
}

// Audit is the audit log. Entries are only ever added.
type Audit struct{ db *store.DB }

// NewAudit returns the audit log of a database.
func NewAudit(db *store.DB) *Audit { return &Audit{db: db} }

// Record adds an entry and returns when it is on disk; At is filled in. Where
// law wants the entry (playing, listening in, erasing) the caller acts only
// after Record returned nil.
func (a *Audit) Record(ctx context.Context, e Entry) error {
	return a.db.TxDurable(ctx, func(tx *store.Tx) error { return record(ctx, tx, e) })
}

func record(ctx context.Context, tx *store.Tx, e Entry) error {
	if e.Details == nil {
		e.Details = map[string]any{}
	}
	details, err := json.Marshal(e.Details)
	if err != nil {
		return fmt.Errorf("encode the details of the audit entry %s: %w", e.Action, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO api_audit (at, who, action, target, details) VALUES ($1, $2, $3, $4, $5)`,
		tx.Now.UnixMilli(), e.Who, string(e.Action), e.Target, string(details))
	if err != nil {
		return fmt.Errorf("add %s to the audit log: %w", e.Action, err)
	}
	return nil
}

// List returns the newest entries before the one with the number before (0: of all),
// at most limit.
func (a *Audit) List(ctx context.Context, before int64, limit int) ([]Entry, error) {
	entries := []Entry{}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT n, at, who, action, target, details FROM api_audit
			WHERE $1 = 0 OR n < $1 ORDER BY n DESC LIMIT $2`, before, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var e Entry
			var at int64
			var details []byte
			if err := rows.Scan(&e.N, &at, &e.Who, &e.Action, &e.Target, &details); err != nil {
				return err
			}
			if err := json.Unmarshal(details, &e.Details); err != nil {
				return err
			}
			e.At = contact.Time(time.UnixMilli(at))
			entries = append(entries, e)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return entries, nil
}
