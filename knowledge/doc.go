// Package knowledge keeps what agents look up while they talk: articles, which
// are searched as one types and of which every version is kept, and phrases,
// which a short word stands for. It needs a store and nothing else.
package knowledge

import (
	"crypto/rand"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Limits of what is kept.
const (
	maxTitle    = 200    // letters
	maxKeywords = 500    // letters
	maxText     = 50_000 // letters
	maxShortcut = 30     // letters
	maxPhrase   = 2000   // letters
	maxFound    = 50
	excerpt     = 90 // letters on either side of what was found
)

// Base is the knowledge of the house. It is safe for concurrent use.
type Base struct{ db *store.DB }

// New returns the knowledge in db.
func New(db *store.DB) *Base { return &Base{db: db} }

// Article is one piece of knowledge.
type Article struct {
	ID string `json:"id"`
	// Version counts from 1.
	Version  int    `json:"version"`
	Language string `json:"language"` // "en", "zh"
	Title    string `json:"title"`
	Keywords string `json:"keywords"` // other words by which it is found
	Text     string `json:"text"`     // paragraphs, divided by empty lines
	// Review is when somebody must look whether it still holds; nil: never.
	Review    *time.Time `json:"review"`
	Stale     bool       `json:"stale"` // Review is over
	Changed   time.Time  `json:"changed"`
	ChangedBy string     `json:"changed_by"`
	Favourite bool       `json:"favourite"` // of the one who asks
}

// Found is an article as a search shows it.
type Found struct {
	ID        string `json:"id"`
	Language  string `json:"language"`
	Title     string `json:"title"`
	Excerpt   string `json:"excerpt"` // what is around the words that were looked for
	Stale     bool   `json:"stale"`
	Favourite bool   `json:"favourite"`
}

// Phrase is a text that a short word stands for.
type Phrase struct {
	ID       string `json:"id"`
	Shared   bool   `json:"shared"` // everybody's; else the agent's own
	Shortcut string `json:"shortcut"`
	Language string `json:"language"`
	Text     string `json:"text"`
}

// check says what is wrong with an article.
func (a *Article) check() error {
	a.Title, a.Keywords, a.Text = strings.TrimSpace(a.Title), strings.TrimSpace(a.Keywords), strings.TrimSpace(a.Text)
	return errors.Join(
		within("language", a.Language, 2, 10), within("title", a.Title, 1, maxTitle),
		within("keywords", a.Keywords, 0, maxKeywords), within("text", a.Text, 1, maxText),
	)
}

func (p *Phrase) check() error {
	p.Shortcut, p.Text = strings.TrimSpace(p.Shortcut), strings.TrimSpace(p.Text)
	if strings.ContainsAny(p.Shortcut, " \t\n/") {
		return contact.Errorf(contact.Invalid, "shortcut: %q has a space or a stroke in it; write one word", p.Shortcut)
	}
	return errors.Join(within("language", p.Language, 2, 10), within("shortcut", p.Shortcut, 1, maxShortcut), within("text", p.Text, 1, maxPhrase))
}

func within(field, text string, least, most int) error {
	if n := utf8.RuneCountInString(text); n < least || n > most || !utf8.ValidString(text) {
		return contact.Errorf(contact.Invalid, "%s: %d letters; it has %d to %d", field, n, least, most)
	}
	return nil
}

func newID() string { return strings.ToLower(rand.Text()[:12]) }
