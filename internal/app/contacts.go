package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"callfloor/internal/store"
	"callfloor/sip"
)

// saveContactsEvery is how much of the registrations a crash may lose; phones
// register again by themselves.
const saveContactsEvery = 30 * time.Second

// keepContacts takes the registrations of the last run up again and writes them
// down from time to time, and at the end.
func (a *App) keepContacts() error {
	list, err := readContacts(a.ctx, a.db)
	if err != nil {
		return err
	}
	if err := a.sip.Restore(list); err != nil {
		a.log.Warn("some registrations of the last run are left out", "error", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(saveContactsEvery)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				if err := writeContacts(ctx, a.db, a.sip.Contacts()); err != nil && ctx.Err() == nil {
					a.log.Error("could not save the registrations of telephones", "error", err)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	a.onStop("registrations", func(ctx context.Context) error {
		stop()
		<-done
		return writeContacts(ctx, a.db, a.sip.Contacts())
	})
	return nil
}

func readContacts(ctx context.Context, db *store.DB) (list []sip.Contact, err error) {
	err = db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT contact FROM sip_contacts`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			var c sip.Contact
			if json.Unmarshal([]byte(text), &c) == nil { // else of another version: it registers again
				list = append(list, c)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read the registrations of telephones: %w", err)
	}
	return list, nil
}

func writeContacts(ctx context.Context, db *store.DB, list []sip.Contact) error {
	err := db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sip_contacts`); err != nil {
			return err
		}
		for _, c := range list {
			text, err := json.Marshal(c)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO sip_contacts (user, uri, contact) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, c.User, c.URI, string(text)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save the registrations of telephones: %w", err)
	}
	return nil
}
