package api

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Limits of what one person's pages may keep here.
const (
	maxPreferences     = 20
	maxPreferenceBytes = 4096
)

// preferenceName is what a preference may be called: the pages know what they mean.
var preferenceName = regexp.MustCompile(`^[a-z][a-z_]{0,31}$`)

// Preference is one thing that somebody chose for themself, the language or
// other keys, and when.
type Preference struct {
	Value   any   `json:"value" doc:"what the pages make of it; 4096 octets as JSON at most"`
	Changed int64 `json:"changed" minimum:"0" doc:"when it was chosen, in milliseconds since the epoch; the newer choice stays"`
}

// Preferences returns what user chose, by name; never nil.
func (a *Accounts) Preferences(ctx context.Context, user string) (map[string]Preference, error) {
	var all map[string]Preference
	err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		all, err = readPreferences(ctx, tx, user)
		return err
	})
	return all, err
}

// MergePreferences keeps of each preference the one that was chosen last, here
// or in some, and returns them all. A clock that runs ahead counts as now, so
// that it does not win for ever. Errors are contact.Errors of the code Invalid,
// or the database's.
func (a *Accounts) MergePreferences(ctx context.Context, user string, some map[string]Preference) (map[string]Preference, error) {
	texts := map[string]string{}
	for name, p := range some {
		text, err := json.Marshal(p.Value)
		if err != nil || !preferenceName.MatchString(name) || len(text) > maxPreferenceBytes {
			return nil, contact.Errorf(contact.Invalid, "the preference %.40q is no name of small letters, or larger than %d octets", name, maxPreferenceBytes)
		}
		texts[name] = string(text)
	}
	var all map[string]Preference
	err := a.db.Tx(ctx, func(tx *store.Tx) (err error) {
		now := tx.Now.Truncate(time.Millisecond).UnixMilli()
		for name, p := range some {
			_, err := tx.ExecContext(ctx, `INSERT INTO api_preferences (user, name, value, changed) VALUES ($1, $2, $3, $4)
				ON CONFLICT (user, name) DO UPDATE SET value = $3, changed = $4 WHERE changed < $4`, user, name, texts[name], min(p.Changed, now))
			if err != nil {
				return fmt.Errorf("keep the preference %s of %s: %w", name, user, err)
			}
		}
		if all, err = readPreferences(ctx, tx, user); err == nil && len(all) > maxPreferences {
			err = contact.Errorf(contact.Invalid, "one person has at most %d preferences", maxPreferences)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func readPreferences(ctx context.Context, tx *store.Tx, user string) (map[string]Preference, error) {
	rows, err := tx.QueryContext(ctx, `SELECT name, value, changed FROM api_preferences WHERE user = $1`, user)
	if err != nil {
		return nil, fmt.Errorf("read the preferences of %s: %w", user, err)
	}
	defer rows.Close()
	all := map[string]Preference{}
	for rows.Next() {
		var name, text string
		var p Preference
		if err := rows.Scan(&name, &text, &p.Changed); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(text), &p.Value); err != nil {
			return nil, fmt.Errorf("read the preference %s of %s: %w", name, user, err)
		}
		all[name] = p
	}
	return all, rows.Err()
}
