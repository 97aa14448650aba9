package api

import (
	"context"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"callfloor/contact"
)

// Bounds of a password, in characters. The upper one keeps hashing cheap for us
// (argon2 reads the password once, but a request must not carry megabytes).
const (
	minPassword = 10
	maxPassword = 200
)

// hashWait is how long a sign-in waits for its turn before it is told that the
// server is busy.
const hashWait = 3 * time.Second

// hasher makes and checks argon2id hashes, a few at a time: each takes 19 MiB
// and tens of milliseconds of a core, which must never come out of the calls'
// share.
type hasher struct {
	params *argon2id.Params
	turn   chan struct{}
	wait   time.Duration // for a turn
	dummy  string        // compared with where there is no such user
}

// newHasher uses the parameters that OWASP recommends for argon2id: 19 MiB, two
// passes, one lane.
func newHasher() (*hasher, error) {
	p := &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	dummy, err := argon2id.CreateHash(newToken(), p)
	if err != nil {
		return nil, err
	}
	return &hasher{params: p, turn: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), wait: hashWait, dummy: dummy}, nil
}

// hash returns the hash to store for password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	return argon2id.CreateHash(password, h.params)
}

// matches says whether password belongs to hash. With an empty hash it does the
// same work and says no.
func (h *hasher) matches(ctx context.Context, password, hash string) (bool, error) {
	known := hash != ""
	if !known {
		hash = h.dummy
	}
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	return ok && known, err
}

func (h *hasher) enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.wait)
	defer cancel()
	select {
	case h.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return contact.Errorf(contact.Busy, "too many people are signing in at this moment; try again in a few seconds")
	}
}

func (h *hasher) leave() { <-h.turn }

// checkPassword says why password cannot be the password of user, or nil.
func checkPassword(user, password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return contact.Errorf(contact.Invalid, "a password has at least %d characters; this one has %d", minPassword, n)
	case n > maxPassword:
		return contact.Errorf(contact.Invalid, "a password has at most %d characters", maxPassword)
	case strings.EqualFold(password, user):
		return contact.Errorf(contact.Invalid, "a password must not be the user name")
	}
	return nil
}
