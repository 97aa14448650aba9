package knowledge

import (
	"context"
	"errors"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Phrases returns everybody's phrases and the user's own, by shortcut; never
// nil.
func (b *Base) Phrases(ctx context.Context, user string) ([]Phrase, error) {
	list := []Phrase{}
	err := b.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id, owner = '', shortcut, language, text FROM knowledge_phrases
			WHERE owner = '' OR owner = $1 ORDER BY shortcut, language, owner DESC`, user)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p Phrase
			if err := rows.Scan(&p.ID, &p.Shared, &p.Shortcut, &p.Language, &p.Text); err != nil {
				return err
			}
			list = append(list, p)
		}
		return rows.Err()
	})
	return list, wrap("read the phrases", err)
}

// SavePhrase writes a phrase of user's, or everybody's if it is Shared, in the
// place of the one with the same shortcut and language. contact.Invalid says
// which field is wrong.
func (b *Base) SavePhrase(ctx context.Context, user string, p Phrase) (Phrase, error) {
	if err := p.check(); err != nil {
		return Phrase{}, err
	}
	owner := user
	if p.Shared {
		owner = ""
	}
	err := b.db.Tx(ctx, func(tx *store.Tx) error {
		return tx.QueryRowContext(ctx, `INSERT INTO knowledge_phrases (id, owner, shortcut, language, text) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (owner, shortcut, language) DO UPDATE SET text = $5 RETURNING id`, newID(), owner, p.Shortcut, p.Language, p.Text).Scan(&p.ID)
	})
	return p, wrap("save the phrase", err)
}

// RemovePhrase takes a phrase of user's away; with shared also everybody's.
// contact.NotFound if there is none.
func (b *Base) RemovePhrase(ctx context.Context, user, id string, shared bool) error {
	return wrap("remove the phrase", b.db.Tx(ctx, func(tx *store.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM knowledge_phrases WHERE id = $1 AND (owner = $2 OR $3 AND owner = '')`, id, user, shared)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, contact.Errorf(contact.NotFound, "there is no phrase %q of yours", id))
		}
		return nil
	}))
}
