package consent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"sync"
	"weak"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Ledger keeps answers and makes grants. It is safe for concurrent use.
type Ledger struct {
	db *store.DB

	// order makes row and grant of one answer one step, so that a withdrawal
	// cannot come between them.
	order sync.Mutex

	mu sync.Mutex // guards live
	// live finds the grant to cancel. The pointers are weak: a grant that nobody
	// holds any more has nothing to stop, and leaves the map by itself.
	live map[contact.ID]weak.Pointer[grant]
}

// NewLedger returns the ledger of db.
func NewLedger(db *store.DB) *Ledger {
	return &Ledger{db: db, live: make(map[contact.ID]weak.Pointer[grant])}
}

// Record keeps a; its row is committed before Record returns. The Grant is
// valid if the state is granted or announced and is the zero Grant otherwise.
// A new answer replaces the contact's earlier one: a refusal withdraws an
// earlier grant. An answer that proves nothing (no prompt, no time, no key for
// a yes) is refused with contact.Invalid.
func (l *Ledger) Record(ctx context.Context, a Answer) (Grant, error) {
	if err := a.check(); err != nil {
		return Grant{}, err
	}
	if a.PromptSHA256 == "" && a.PromptText != "" {
		sum := sha256.Sum256([]byte(a.PromptText))
		a.PromptSHA256 = hex.EncodeToString(sum[:])
	}
	l.order.Lock()
	defer l.order.Unlock()
	err := l.db.TxDurable(ctx, func(tx *store.Tx) error { return insertAnswer(ctx, tx, a, string(a.State), "customer") })
	if err != nil {
		return Grant{}, fmt.Errorf("keep the consent answer of contact %s: %w", a.Contact, err)
	}
	if a.State != contact.ConsentGranted && a.State != contact.ConsentAnnounced {
		l.cancel(a.Contact, "customer")
		return Grant{}, nil
	}
	return l.grant(a), nil
}

// Withdraw keeps that the consent of id is withdrawn by by and cancels its
// grant. The grant is cancelled even where the row cannot be kept: a customer's
// no does not wait for a disk. It returns contact.NotFound if id never granted
// anything; withdrawing twice is withdrawing once.
func (l *Ledger) Withdraw(ctx context.Context, id contact.ID, by string) error {
	if by == "" {
		return contact.Errorf(contact.Invalid, "a withdrawal of consent needs to say who withdrew it")
	}
	l.cancel(id, by) // at once, without waiting for anything
	l.order.Lock()
	defer l.order.Unlock()
	l.cancel(id, by)
	err := l.db.TxDurable(ctx, func(tx *store.Tx) error {
		last, state, err := lastAnswer(ctx, tx, id)
		if err != nil || state == withdrawn {
			return err
		}
		if state != string(contact.ConsentGranted) && state != string(contact.ConsentAnnounced) {
			return contact.Errorf(contact.NotFound, "contact %s has no consent to withdraw", id)
		}
		last.At = tx.Now
		return insertAnswer(ctx, tx, last, withdrawn, by)
	})
	if err != nil {
		return fmt.Errorf("withdraw the consent of contact %s: %w", id, err)
	}
	return nil
}

// Last returns the last answer of id, and whether the consent was withdrawn
// after it; contact.NotFound if id was never asked.
func (l *Ledger) Last(ctx context.Context, id contact.ID) (a Answer, wasWithdrawn bool, err error) {
	err = l.db.View(ctx, func(tx *store.Tx) error {
		last, state, err := lastAnswer(ctx, tx, id)
		if err != nil {
			return err
		}
		if wasWithdrawn = state == withdrawn; !wasWithdrawn {
			a = last
			return nil
		}
		a, err = answerBefore(ctx, tx, id)
		return err
	})
	return a, wasWithdrawn, err
}

// grant makes a's grant and replaces the contact's earlier one.
func (l *Ledger) grant(a Answer) Grant {
	// Not derived from the caller's context: that one may end with the question,
	// a consent lasts until it is withdrawn.
	ctx, cancel := context.WithCancelCause(context.Background())
	g := &grant{answer: a, ctx: ctx, cancel: cancel}
	l.cancel(a.Contact, "a newer answer")
	l.mu.Lock()
	defer l.mu.Unlock()
	w := weak.Make(g)
	l.live[a.Contact] = w
	runtime.AddCleanup(g, func(id contact.ID) { l.forget(id, w) }, a.Contact)
	return Grant{g: g}
}

func (l *Ledger) forget(id contact.ID, w weak.Pointer[grant]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live[id] == w {
		delete(l.live, id)
	}
}

// cancel ends the live grant of id, if there is one.
func (l *Ledger) cancel(id contact.ID, by string) {
	l.mu.Lock()
	g := l.live[id].Value()
	delete(l.live, id)
	l.mu.Unlock()
	if g != nil { // outside the lock: cancelling calls back
		g.cancel(&WithdrawnError{Contact: id, By: by})
	}
}

// check refuses an answer that would prove nothing.
func (a Answer) check() error {
	bad := func(what string) error {
		return contact.Errorf(contact.Invalid, "a consent answer of state %q needs %s", a.State, what)
	}
	if !a.Contact.Valid() {
		return bad("the contact that gave it")
	}
	asked := a.PromptID != "" && a.PromptText != "" && !a.AskedAt.IsZero() && !a.At.IsZero()
	switch a.State {
	case contact.ConsentNone:
		return nil
	case contact.ConsentGranted:
		if a.Key == "" {
			return bad("the key that was pressed")
		}
	case contact.ConsentRefused, contact.ConsentAnnounced:
	default:
		return contact.Errorf(contact.Invalid, "consent state %q is none of granted, refused, announced, none", a.State)
	}
	if !asked {
		return bad("the prompt (its id and text) and the times of question and answer")
	}
	if a.At.Before(a.AskedAt) {
		return bad("an answer that comes after its question")
	}
	return nil
}
