// Package customers knows who customers are: what agents have written down
// about a number, and what another system says of it, by a look-up over HTTP.
package customers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Limits of what is kept, in letters.
const (
	maxName = 100
	maxNote = 2000
)

// Person is what is known about a number.
type Person struct {
	Name     string `json:"name"`
	Language string `json:"language"` // "en", "zh"; "" is not known
	VIP      bool   `json:"vip"`
	Note     string `json:"note"`
	// Changed is nil for somebody about whom nothing was written down yet.
	Changed   *time.Time `json:"changed"`
	ChangedBy string     `json:"changed_by"`
}

// Book keeps persons by their number. It is safe for concurrent use.
type Book struct{ db *store.DB }

// NewBook returns the book in db.
func NewBook(db *store.DB) *Book { return &Book{db: db} }

// Find returns what is known about a number; the zero Person for a new one.
func (b *Book) Find(ctx context.Context, number string) (Person, error) {
	var p Person
	err := b.db.View(ctx, func(tx *store.Tx) error {
		var changed int64
		err := tx.QueryRowContext(ctx, `SELECT name, language, vip, note, changed, changed_by FROM customers_people WHERE number = $1`, number).
			Scan(&p.Name, &p.Language, &p.VIP, &p.Note, &changed, &p.ChangedBy)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		at := time.UnixMilli(changed).UTC()
		p.Changed = &at
		return err
	})
	if err != nil {
		return Person{}, fmt.Errorf("look a customer up: %w", err)
	}
	return p, nil
}

// Save writes down who has a number; contact.Invalid says which field is wrong.
func (b *Book) Save(ctx context.Context, number, by string, p Person) (Person, error) {
	p.Name, p.Note = strings.TrimSpace(p.Name), strings.TrimSpace(p.Note)
	switch {
	case number == "":
		return Person{}, contact.Errorf(contact.Invalid, "the customer's number is hidden, so nothing can be kept under it")
	case utf8.RuneCountInString(p.Name) > maxName || utf8.RuneCountInString(p.Note) > maxNote:
		return Person{}, contact.Errorf(contact.Invalid, "a name has at most %d letters, a note %d", maxName, maxNote)
	case len(p.Language) > 10:
		return Person{}, contact.Errorf(contact.Invalid, "language: %q; write a code such as en or zh", p.Language)
	}
	err := b.db.Tx(ctx, func(tx *store.Tx) error {
		at := tx.Now.UTC()
		p.Changed, p.ChangedBy = &at, by
		_, err := tx.ExecContext(ctx, `INSERT INTO customers_people (number, name, language, vip, note, changed, changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (number) DO UPDATE SET name = $2, language = $3, vip = $4, note = $5, changed = $6, changed_by = $7`,
			number, p.Name, p.Language, p.VIP, p.Note, at.UnixMilli(), by)
		return err
	})
	if err != nil {
		return Person{}, fmt.Errorf("write down who a customer is: %w", err)
	}
	return p, nil
}
