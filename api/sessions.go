package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// CookieName is the session cookie.
const CookieName = "callfloor_session"

// SessionLife is how long a session lasts after sign-in. It is longer than any
// shift; a seat that is in a call then is signed out after it.
const SessionLife = 24 * time.Hour

// maxSessions is how many sessions one person may have; the oldest goes first.
const maxSessions = 20

// demoKey is the owner of a demo session's row. A slash is in no user name, so
// a demo session can never become one of a real user with the same name.
func demoKey(user string) string { return "demo/" + user }

func (a *Accounts) newSession(ctx context.Context, key string, u User) (string, Identity, error) {
	token := newToken()
	id := identityOf(u)
	id.session = sha256.Sum256([]byte(token))
	err := a.db.Tx(ctx, func(tx *store.Tx) error {
		now := tx.Now.UnixMilli()
		if _, err := tx.ExecContext(ctx, `DELETE FROM api_sessions WHERE expires <= $1`, now); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO api_sessions (hash, user, created, expires) VALUES ($1, $2, $3, $4)`,
			id.session[:], key, now, tx.Now.Add(SessionLife).UnixMilli())
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM api_sessions WHERE user = $1 AND hash NOT IN
			(SELECT hash FROM api_sessions WHERE user = $1 ORDER BY created DESC, hash = $2 DESC LIMIT $3)`, key, id.session[:], maxSessions)
		if err != nil {
			return err
		}
		return record(ctx, tx, Entry{Who: u.User, Action: ActionSignIn, Target: u.User})
	})
	if err != nil {
		return "", Identity{}, fmt.Errorf("begin a session for %s: %w", u.User, err)
	}
	return token, id, nil
}

func identityOf(u User) Identity {
	return Identity{User: u.User, Name: u.Name, Role: u.Role, MustChangePassword: u.MustChangePassword}
}

// Authenticate finds who a request comes from: by token if it is not empty,
// else by the Authorization header, else by the session cookie. The error is
// Unauthorized when there is no valid session. It does not look at
// MustChangePassword.
func (a *Accounts) Authenticate(r *http.Request, token string) (Identity, error) {
	if token == "" {
		token = requestToken(r)
	}
	// The length is ours alone; anything else needs no look-up, however long.
	if len(token) != len(a.local) {
		return Identity{}, errNotSignedIn()
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(a.local)) == 1 {
		return Identity{User: localUser, Name: "this machine", Role: contact.RoleAdmin}, nil
	}
	return a.bySession(r.Context(), sha256.Sum256([]byte(token)))
}

func requestToken(r *http.Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	if c, err := r.Cookie(CookieName); err == nil {
		return c.Value
	}
	return ""
}

func errNotSignedIn() error {
	return contact.Errorf(contact.Unauthorized, "not signed in, or the session is over; sign in again")
}

func (a *Accounts) bySession(ctx context.Context, hash [sha256.Size]byte) (id Identity, err error) {
	var ends time.Time
	err = a.db.View(ctx, func(tx *store.Tx) error {
		var key string
		var expires int64
		err := tx.QueryRowContext(ctx, `SELECT user, expires FROM api_sessions WHERE hash = $1`, hash[:]).Scan(&key, &expires)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return errNotSignedIn()
		case err != nil:
			return fmt.Errorf("look up a session: %w", err)
		case tx.Now.UnixMilli() >= expires:
			return errNotSignedIn()
		}
		ends = time.UnixMilli(expires)
		id, err = a.owner(ctx, tx, key)
		return err
	})
	id.session, id.Ends = hash, ends
	return id, err
}

// owner resolves the owner of a session's row.
func (a *Accounts) owner(ctx context.Context, tx *store.Tx, key string) (Identity, error) {
	if user, demo := strings.CutPrefix(key, "demo/"); demo {
		if p, ok := a.demo[user]; ok {
			return identityOf(demoUser(p)), nil
		}
		return Identity{}, errNotSignedIn()
	}
	u, _, err := readUser(ctx, tx, key)
	if contact.ErrorCode(err) == contact.NotFound || (err == nil && u.Disabled) {
		return Identity{}, errNotSignedIn()
	}
	return identityOf(u), err
}

// SignOut ends the session that id came from; the seat of the user goes with it.
func (a *Accounts) SignOut(ctx context.Context, id Identity) error {
	err := a.db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM api_sessions WHERE hash = $1`, id.session[:]); err != nil {
			return err
		}
		return record(ctx, tx, Entry{Who: id.User, Action: ActionSignOut, Target: id.User})
	})
	if err != nil {
		return fmt.Errorf("end the session of %s: %w", id.User, err)
	}
	a.signedOut(id.User, "")
	return nil
}

// deleteSessions ends all sessions of a user but the one with the hash keep
// (nil: all).
func deleteSessions(ctx context.Context, tx *store.Tx, user string, keep []byte) error {
	if keep == nil {
		keep = []byte{}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM api_sessions WHERE user = $1 AND hash <> $2`, user, keep); err != nil {
		return fmt.Errorf("end the sessions of %s: %w", user, err)
	}
	return nil
}
