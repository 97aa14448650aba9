package api

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"callfloor/contact"
	"callfloor/internal/store"
)

// User is a person who may sign in.
type User struct {
	User               string       `json:"user" doc:"the name to sign in with"`
	Name               string       `json:"name" doc:"the name that others see"`
	Role               contact.Role `json:"role" enum:"agent,supervisor,admin"`
	MustChangePassword bool         `json:"must_change_password"`
	Disabled           bool         `json:"disabled"`
	Demo               bool         `json:"demo"`
	Phone              bool         `json:"phone" doc:"may register a SIP telephone"`
}

// Person is one of the people of the demo; they live in memory only, so that
// nobody can sign in with their password once the demo is over.
type Person struct {
	User     string
	Name     string
	Role     contact.Role
	Password string
}

var userPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

func checkUser(u User) error {
	switch {
	case !userPattern.MatchString(u.User):
		return contact.Errorf(contact.Invalid, "%q cannot be a user name: take 1 to 32 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit", u.User)
	case u.User == localUser:
		return contact.Errorf(contact.Invalid, "the user name %q is the server's own; take another", u.User)
	case !u.Role.Valid():
		return contact.Errorf(contact.Invalid, "%q is not a role; take agent, supervisor or admin", u.Role)
	case utf8.RuneCountInString(u.Name) > 64 || strings.ContainsFunc(u.Name, unicode.IsControl):
		return contact.Errorf(contact.Invalid, "the shown name of %s must have at most 64 characters and no control characters", u.User)
	}
	return nil
}

// Users returns everybody, the demo's people first, then by name.
func (a *Accounts) Users(ctx context.Context) ([]User, error) {
	users := make([]User, 0, len(a.demo))
	for _, p := range a.demoOrder {
		u := demoUser(p)
		u.Phone = a.hasPhone(u.User)
		users = append(users, u)
	}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT user, name, role, must_change, disabled FROM api_users ORDER BY user`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var u User
			if err := rows.Scan(&u.User, &u.Name, &u.Role, &u.MustChangePassword, &u.Disabled); err != nil {
				return err
			}
			u.Phone = a.hasPhone(u.User)
			if _, hidden := a.demo[u.User]; !hidden {
				users = append(users, u)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read the users: %w", err)
	}
	return users, nil
}

// AddUser adds a person. The password is one to change at first sign-in if
// u.MustChangePassword says so.
func (a *Accounts) AddUser(ctx context.Context, by string, u User, password string) (User, error) {
	if u.Name == "" {
		u.Name = u.User
	}
	if err := errors.Join(checkUser(u), checkPassword(u.User, password)); err != nil {
		return User{}, firstShown(err)
	}
	if _, taken := a.demo[u.User]; taken {
		return User{}, contact.Errorf(contact.Conflict, "there is a user %s already, in the demo", u.User)
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return User{}, err
	}
	err = a.db.Tx(ctx, func(tx *store.Tx) error {
		if err := insertUser(ctx, tx, u, hash); err != nil {
			return err
		}
		return record(ctx, tx, Entry{Who: by, Action: ActionUserAdd, Target: u.User, Details: map[string]any{"role": u.Role}})
	})
	if err != nil {
		return User{}, err
	}
	a.changed(u)
	return u, nil
}

func insertUser(ctx context.Context, tx *store.Tx, u User, hash string) error {
	now := tx.Now.UnixMilli()
	res, err := tx.ExecContext(ctx, `INSERT INTO api_users (user, name, role, hash, must_change, disabled, created, changed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (user) DO NOTHING`,
		u.User, u.Name, string(u.Role), hash, u.MustChangePassword, u.Disabled, now)
	if err != nil {
		return fmt.Errorf("add the user %s: %w", u.User, err)
	}
	if n, err := res.RowsAffected(); err == nil && n == 0 {
		return contact.Errorf(contact.Conflict, "there is a user %s already", u.User)
	}
	return nil
}

// UserChange is what to change of a user; nil leaves it.
type UserChange struct {
	Name     *string       `json:"name,omitempty"`
	Role     *contact.Role `json:"role,omitempty" enum:"agent,supervisor,admin"`
	Disabled *bool         `json:"disabled,omitempty"`
	// Password must be changed by the user at the next sign-in.
	Password *string `json:"password,omitempty" doc:"a new one-time password"`
}

// ChangeUser changes a person. A new role, a new password and disabling end
// the person's sessions. The last administrator stays one.
func (a *Accounts) ChangeUser(ctx context.Context, by, user string, c UserChange) (User, error) {
	if _, ok := a.demo[user]; ok {
		return User{}, contact.Errorf(contact.Conflict, "%s belongs to the demo and cannot be changed; add a user of your own", user)
	}
	var hash string
	if c.Password != nil {
		if err := checkPassword(user, *c.Password); err != nil {
			return User{}, err
		}
		var err error
		if hash, err = a.hasher.hash(ctx, *c.Password); err != nil {
			return User{}, err
		}
	}
	var u User
	signOut := c.Role != nil || c.Password != nil || (c.Disabled != nil && *c.Disabled)
	err := a.db.Tx(ctx, func(tx *store.Tx) (err error) {
		if u, err = changeUser(ctx, tx, user, c, hash); err != nil {
			return err
		}
		if signOut {
			if err := deleteSessions(ctx, tx, user, nil); err != nil {
				return err
			}
		}
		return record(ctx, tx, Entry{Who: by, Action: ActionUserChange, Target: user, Details: c.details()})
	})
	if err != nil {
		return User{}, err
	}
	if signOut {
		a.signedOut(user, "")
	}
	if c.Disabled != nil {
		if err := a.LoadPhones(ctx); err != nil {
			return User{}, err
		}
		a.phoneChanged(user)
	}
	u.Phone = a.hasPhone(user)
	a.changed(u)
	return u, nil
}

func changeUser(ctx context.Context, tx *store.Tx, user string, c UserChange, hash string) (User, error) {
	u, oldHash, err := readUser(ctx, tx, user)
	if err != nil {
		return User{}, err
	}
	wasAdmin := u.Role == contact.RoleAdmin && !u.Disabled
	if c.Name != nil {
		u.Name = *c.Name
	}
	if c.Role != nil {
		u.Role = *c.Role
	}
	if c.Disabled != nil {
		u.Disabled = *c.Disabled
	}
	if c.Password != nil {
		u.MustChangePassword, oldHash = true, hash
	}
	if err := checkUser(u); err != nil {
		return User{}, err
	}
	if wasAdmin && (u.Role != contact.RoleAdmin || u.Disabled) {
		if err := otherAdmin(ctx, tx, user); err != nil {
			return User{}, err
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE api_users SET name = $2, role = $3, hash = $4, must_change = $5, disabled = $6, changed = $7 WHERE user = $1`,
		user, u.Name, string(u.Role), oldHash, u.MustChangePassword, u.Disabled, tx.Now.UnixMilli())
	if err != nil {
		return User{}, fmt.Errorf("change the user %s: %w", user, err)
	}
	return u, nil
}

// otherAdmin refuses to leave the house without an administrator.
func otherAdmin(ctx context.Context, tx *store.Tx, but string) error {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM api_users WHERE role = 'admin' AND NOT disabled AND user <> $1`, but).Scan(&n)
	if err != nil {
		return fmt.Errorf("count the administrators: %w", err)
	}
	if n == 0 {
		return contact.Errorf(contact.Conflict, "%s is the only administrator; make another one first", but)
	}
	return nil
}

// readUser returns a user and the hash of the password; NotFound if there is none.
func readUser(ctx context.Context, tx *store.Tx, user string) (u User, hash string, err error) {
	u.User = user
	err = tx.QueryRowContext(ctx, `SELECT name, role, hash, must_change, disabled FROM api_users WHERE user = $1`, user).
		Scan(&u.Name, &u.Role, &hash, &u.MustChangePassword, &u.Disabled)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return User{}, "", contact.Errorf(contact.NotFound, "there is no user %s", user)
	case err != nil:
		return User{}, "", fmt.Errorf("read the user %s: %w", user, err)
	}
	return u, hash, nil
}

// details is what of a change belongs in the audit log: never the password.
func (c UserChange) details() map[string]any {
	d := map[string]any{}
	if c.Name != nil {
		d["name"] = *c.Name
	}
	if c.Role != nil {
		d["role"] = *c.Role
	}
	if c.Disabled != nil {
		d["disabled"] = *c.Disabled
	}
	if c.Password != nil {
		d["password"] = "new"
	}
	return d
}

// firstShown returns the first error of a join that a user may read.
func firstShown(err error) error {
	if e, ok := errors.AsType[*contact.Error](err); ok {
		return e
	}
	return err
}

func demoUser(p Person) User { return User{User: p.User, Name: p.Name, Role: p.Role, Demo: true} }
