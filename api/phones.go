package api

import (
	"context"
	"fmt"
	"sync"

	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/sip"
)

// phoneBook holds the hashes of telephones' passwords in memory, so that the
// registrar answers for everybody in the same time. Disabled users are not in
// it.
type phoneBook struct {
	mu  sync.RWMutex
	ha1 map[string]phoneHashes
}

type phoneHashes struct{ md5, sha256 string }

func hashPhone(user, password string) phoneHashes {
	return phoneHashes{md5: sip.HA1(sip.MD5, user, password), sha256: sip.HA1(sip.SHA256, user, password)}
}

// HA1 implements sip.Phones.
func (a *Accounts) HA1(user, algorithm string) (string, bool) {
	a.phones.mu.RLock()
	h, ok := a.phones.ha1[user]
	a.phones.mu.RUnlock()
	if algorithm == sip.SHA256 {
		return h.sha256, ok
	}
	return h.md5, ok
}

// LoadPhones reads the passwords of telephones. Call it before any registers,
// and where users are listed without a server. The people of the demo have
// telephones with their own passwords.
func (a *Accounts) LoadPhones(ctx context.Context) error {
	book := map[string]phoneHashes{}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT p.user, p.md5, p.sha256 FROM api_phones p JOIN api_users u ON u.user = p.user WHERE NOT u.disabled`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var user string
			var h phoneHashes
			if err := rows.Scan(&user, &h.md5, &h.sha256); err != nil {
				return err
			}
			book[user] = h
		}
		return rows.Err()
	})
	if err != nil {
		return fmt.Errorf("read the passwords of telephones: %w", err)
	}
	for _, p := range a.demoOrder {
		book[p.User] = hashPhone(p.User, p.Password)
	}
	a.phones.mu.Lock()
	a.phones.ha1 = book
	a.phones.mu.Unlock()
	return nil
}

// SetPhonePassword gives a user's telephones a password to register with; ""
// takes it away. Who changes either ends the registrations made with the old
// one, by what Watch was given.
func (a *Accounts) SetPhonePassword(ctx context.Context, by, user, password string) (User, error) {
	if _, ok := a.demo[user]; ok {
		return User{}, contact.Errorf(contact.Conflict, "%s belongs to the demo, whose telephones use the demo's password", user)
	}
	if password != "" {
		if err := checkPassword(user, password); err != nil {
			return User{}, err
		}
	}
	var u User
	err := a.db.Tx(ctx, func(tx *store.Tx) (err error) {
		if u, _, err = readUser(ctx, tx, user); err != nil {
			return err
		}
		what := "none"
		if password == "" {
			_, err = tx.ExecContext(ctx, `DELETE FROM api_phones WHERE user = $1`, user)
		} else {
			what = "new"
			h := hashPhone(user, password)
			_, err = tx.ExecContext(ctx, `INSERT INTO api_phones (user, md5, sha256, changed) VALUES ($1, $2, $3, $4)
				ON CONFLICT (user) DO UPDATE SET md5 = $2, sha256 = $3, changed = $4`, user, h.md5, h.sha256, tx.Now.UnixMilli())
		}
		if err != nil {
			return fmt.Errorf("keep the telephone password of %s: %w", user, err)
		}
		return record(ctx, tx, Entry{Who: by, Action: ActionUserChange, Target: user, Details: map[string]any{"phone_password": what}})
	})
	if err != nil {
		return User{}, err
	}
	if err := a.LoadPhones(ctx); err != nil {
		return User{}, err
	}
	a.phoneChanged(user)
	u.Phone = password != ""
	return u, nil
}

// WatchPhones sets what is called after a user's telephone password was
// changed or taken away, or the user disabled. Call it before requests are
// served.
func (a *Accounts) WatchPhones(changed func(user string)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.onPhone = changed
}

func (a *Accounts) phoneChanged(user string) {
	a.mu.Lock()
	f := a.onPhone
	a.mu.Unlock()
	f(user)
}

// hasPhone says whether a user's telephones may register.
func (a *Accounts) hasPhone(user string) bool {
	_, ok := a.HA1(user, sip.MD5)
	return ok
}
