package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"
	"unicode/utf8"

	"callfloor/contact"
	"callfloor/internal/store"
)

// localUser is who the machine's own administrator is in the audit log: the
// command line with the token of run.json, or reading the folder itself.
const localUser = "local"

// firstAdmin is the administrator that the first start makes.
const firstAdmin = "admin"

// Identity is who a request comes from.
type Identity struct {
	User               string
	Name               string
	Role               contact.Role
	MustChangePassword bool
	// Ends is when the session is over; zero for the local token, which has none.
	Ends time.Time

	session [sha256.Size]byte // the hash of the token; zero for the local token
}

// Session names the session: the hash of its token, in hex, which opens nothing.
func (id Identity) Session() string { return hex.EncodeToString(id.session[:]) }

// AccountsOptions are what NewAccounts needs.
type AccountsOptions struct {
	Log *slog.Logger
	DB  *store.DB
	// Demo are the people of the demo, nil otherwise.
	Demo []Person
}

// Accounts knows who may sign in and who has: users, passwords, sessions and
// the limits on guessing. It is safe for concurrent use.
type Accounts struct {
	log       *slog.Logger
	db        *store.DB
	hasher    *hasher
	demo      map[string]Person
	demoOrder []Person
	local     string // the token of run.json
	byUser    *limiter
	byAddress *limiter

	mu        sync.Mutex
	onSignOut func(user, keep string)
	onChange  func(User)
	onPhone   func(user string)

	phones phoneBook
}

// NewAccounts returns the accounts of a database.
func NewAccounts(o AccountsOptions) (*Accounts, error) {
	h, err := newHasher()
	if err != nil {
		return nil, fmt.Errorf("prepare password hashing: %w", err)
	}
	a := &Accounts{
		log: o.Log, db: o.DB, hasher: h, local: newToken(),
		demo: map[string]Person{}, demoOrder: o.Demo,
		byUser:    newLimiter(guessesPerUser, guessEvery),
		byAddress: newLimiter(guessesPerAddress, addressGuessEvery),
		onSignOut: func(string, string) {}, onChange: func(User) {}, onPhone: func(string) {},
	}
	for _, p := range o.Demo {
		a.demo[p.User] = p
	}
	return a, nil
}

// Watch sets what is called after a user's sessions were ended from our side
// (signed out, disabled, another role) and after a user was added or changed.
// keep is the Session that stays, after a password was changed in it; "": none.
// Call it before requests are served; nil keeps what is set.
func (a *Accounts) Watch(signedOut func(user, keep string), changed func(User)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if signedOut != nil {
		a.onSignOut = signedOut
	}
	if changed != nil {
		a.onChange = changed
	}
}

func (a *Accounts) signedOut(user, keep string) {
	a.mu.Lock()
	f := a.onSignOut
	a.mu.Unlock()
	f(user, keep)
}

func (a *Accounts) changed(u User) {
	a.mu.Lock()
	f := a.onChange
	a.mu.Unlock()
	f(u)
}

// LocalToken returns an administrator's token that dies with the process; it
// goes into run.json for the command line on the same machine.
func (a *Accounts) LocalToken() string { return a.local }

// FirstStart makes the first administrator if there is no user at all, and
// returns the name and the one-time password; both are empty otherwise.
func (a *Accounts) FirstStart(ctx context.Context) (user, password string, err error) {
	if n, err := a.countUsers(ctx); err != nil || n > 0 {
		return "", "", err
	}
	password = rand.Text()
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return "", "", err
	}
	made := false
	err = a.db.Tx(ctx, func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM api_users`).Scan(&n); err != nil || n > 0 {
			return err
		}
		made = true
		u := User{User: firstAdmin, Name: "Administrator", Role: contact.RoleAdmin, MustChangePassword: true}
		if err := insertUser(ctx, tx, u, hash); err != nil {
			return err
		}
		return record(ctx, tx, Entry{Who: localUser, Action: ActionUserAdd, Target: firstAdmin, Details: map[string]any{"role": u.Role, "first_start": true}})
	})
	if err != nil {
		return "", "", fmt.Errorf("make the first administrator: %w", err)
	}
	if !made {
		return "", "", nil
	}
	return firstAdmin, password, nil
}

func (a *Accounts) countUsers(ctx context.Context) (n int, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT count(*) FROM api_users`).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("count the users: %w", err)
	}
	return n, nil
}

// LimitError says that there were too many wrong passwords from an address.
type LimitError struct{ After time.Duration }

// Error says how long to wait.
func (e *LimitError) Error() string {
	return fmt.Sprintf("too many wrong passwords; try again in %s", e.After.Round(time.Second))
}

func errWrongPassword() error {
	return contact.Errorf(contact.Unauthorized, "the user name or the password is wrong")
}

// SignIn checks a password and returns the token of a new session. The answer
// and the time it takes are the same whether the user exists or not. A
// *LimitError means: not looked at, too many wrong ones before.
func (a *Accounts) SignIn(ctx context.Context, from netip.Addr, user, password string) (token string, id Identity, err error) {
	if p, ok := a.demo[user]; ok {
		if subtle.ConstantTimeCompare([]byte(password), []byte(p.Password)) != 1 {
			return "", Identity{}, errWrongPassword()
		}
		return a.newSession(ctx, demoKey(user), demoUser(p))
	}
	u, err := a.checkGuess(ctx, from, user, password)
	if err != nil {
		return "", Identity{}, err
	}
	return a.newSession(ctx, user, u)
}

// checkGuess returns the user if the password is right, counting wrong ones.
func (a *Accounts) checkGuess(ctx context.Context, from netip.Addr, user, password string) (User, error) {
	if len(user) > 64 || utf8.RuneCountInString(password) > maxPassword {
		return User{}, errWrongPassword()
	}
	addr := addressKey(from)
	pair, now := addr+" "+user, time.Now()
	if wait := a.byUser.take(pair, now); wait > 0 {
		return User{}, &LimitError{After: wait}
	}
	if wait := a.byAddress.take(addr, now); wait > 0 {
		a.byUser.giveBack(pair, now)
		return User{}, &LimitError{After: wait}
	}
	u, ok, err := a.verify(ctx, user, password)
	switch {
	case err != nil: // it was not looked at, so it was no guess
		a.byUser.giveBack(pair, time.Now())
		a.byAddress.giveBack(addr, time.Now())
		return User{}, err
	case !ok:
		a.log.WarnContext(ctx, "sign-in refused", "address", from.String(), "user", shownUser(user))
		return User{}, errWrongPassword()
	}
	a.byUser.forget(pair)
	a.byAddress.giveBack(addr, time.Now())
	return u, nil
}

func (a *Accounts) verify(ctx context.Context, user, password string) (u User, ok bool, err error) {
	var hash string
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		u, hash, err = readUser(ctx, tx, user)
		return err
	})
	if err != nil && contact.ErrorCode(err) != contact.NotFound {
		return User{}, false, err
	}
	if u.Disabled {
		hash = ""
	}
	ok, err = a.hasher.matches(ctx, password, hash)
	return u, ok, err
}

// shownUser is what the log may hold of a name that somebody typed: people type
// passwords into the wrong field.
func shownUser(user string) string {
	if userPattern.MatchString(user) {
		return user
	}
	return "(not a user name)"
}

// ChangePassword sets a person's own password and ends the person's other
// sessions, with the tabs of theirs that are open.
func (a *Accounts) ChangePassword(ctx context.Context, from netip.Addr, id Identity, old, password string) error {
	if _, ok := a.demo[id.User]; ok || id.User == localUser {
		return contact.Errorf(contact.Conflict, "the password of %s is fixed", id.User)
	}
	if _, err := a.checkGuess(ctx, from, id.User, old); err != nil {
		if contact.ErrorCode(err) == contact.Unauthorized {
			return contact.Errorf(contact.Invalid, "the old password is wrong")
		}
		return err
	}
	if err := checkPassword(id.User, password); err != nil {
		return err
	}
	if old == password {
		return contact.Errorf(contact.Invalid, "the new password is the old one; choose another")
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	err = a.db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE api_users SET hash = $2, must_change = 0, changed = $3 WHERE user = $1`, id.User, hash, tx.Now.UnixMilli()); err != nil {
			return fmt.Errorf("store the new password of %s: %w", id.User, err)
		}
		if err := deleteSessions(ctx, tx, id.User, id.session[:]); err != nil {
			return err
		}
		return record(ctx, tx, Entry{Who: id.User, Action: ActionPassword, Target: id.User})
	})
	if err != nil {
		return err
	}
	a.signedOut(id.User, id.Session())
	return nil
}

// newToken returns 256 random bits in a form that headers, cookies and command
// lines carry as they are. The prefix names whose it is, for people and for
// programs that look for lost secrets, and keeps a dash from coming first.
func newToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (its documentation)
	return "cf_" + base64.RawURLEncoding.EncodeToString(b[:])
}

// isLimit says whether err is a LimitError, and how long to wait.
func isLimit(err error) (time.Duration, bool) {
	if e, ok := errors.AsType[*LimitError](err); ok {
		return e.After, true
	}
	return 0, false
}
