package knowledge

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

const articleColumns = `a.id, a.version, a.language, a.title, a.keywords, a.text, a.review, a.changed, a.changed_by,
	EXISTS (SELECT 1 FROM knowledge_favourites f WHERE f.article = a.id AND f.user = $1)`

type scanner interface{ Scan(...any) error }

func scanArticle(row scanner, now time.Time) (Article, error) {
	var a Article
	var review *int64
	var changed int64
	err := row.Scan(&a.ID, &a.Version, &a.Language, &a.Title, &a.Keywords, &a.Text, &review, &changed, &a.ChangedBy, &a.Favourite)
	if review != nil {
		at := time.UnixMilli(*review).UTC()
		a.Review, a.Stale = &at, now.After(at)
	}
	a.Changed = time.UnixMilli(changed).UTC()
	return a, err
}

// Article returns one article as user sees it; contact.NotFound if there is
// none.
func (b *Base) Article(ctx context.Context, user, id string) (a Article, err error) {
	err = b.db.View(ctx, func(tx *store.Tx) error {
		a, err = scanArticle(tx.QueryRowContext(ctx, `SELECT `+articleColumns+` FROM knowledge_articles a WHERE a.id = $2`, user, id), tx.Now)
		if errors.Is(err, sql.ErrNoRows) {
			return contact.Errorf(contact.NotFound, "there is no article %q", id)
		}
		return err
	})
	return a, wrap("read the article", err)
}

// Save writes an article and keeps the version so far. An empty ID makes a new
// one. Version must be the one that was read (0 for a new one): contact.Conflict
// if somebody was quicker. contact.Invalid says which field is wrong.
func (b *Base) Save(ctx context.Context, by string, a Article) (Article, error) {
	if err := a.check(); err != nil {
		return Article{}, err
	}
	err := b.db.Tx(ctx, func(tx *store.Tx) error {
		switch {
		case a.ID == "":
			a.ID, a.Version = newID(), 0
		default:
			var version int
			err := tx.QueryRowContext(ctx, `SELECT version FROM knowledge_articles WHERE id = $1`, a.ID).Scan(&version)
			if errors.Is(err, sql.ErrNoRows) {
				return contact.Errorf(contact.NotFound, "there is no article %q", a.ID)
			}
			if err != nil {
				return err
			}
			if version != a.Version {
				return contact.Errorf(contact.Conflict, "the article was changed meanwhile; read it again and put your change in")
			}
		}
		a.Version++
		a.Changed, a.ChangedBy = tx.Now.UTC(), by
		a.Stale = a.Review != nil && tx.Now.After(*a.Review)
		return a.write(ctx, tx)
	})
	return a, wrap("save the article", err)
}

func (a *Article) write(ctx context.Context, tx *store.Tx) error {
	var review *int64
	if a.Review != nil {
		ms := a.Review.UnixMilli()
		review = &ms
	}
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO knowledge_articles (id, version, language, title, keywords, text, review, changed, changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (id) DO UPDATE SET version = $2, language = $3, title = $4, keywords = $5, text = $6, review = $7, changed = $8, changed_by = $9`,
			[]any{a.ID, a.Version, a.Language, a.Title, a.Keywords, a.Text, review, tx.Now.UnixMilli(), a.ChangedBy}},
		{`INSERT INTO knowledge_versions (article, version, language, title, keywords, text, changed, changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			[]any{a.ID, a.Version, a.Language, a.Title, a.Keywords, a.Text, tx.Now.UnixMilli(), a.ChangedBy}},
		{`DELETE FROM knowledge_index WHERE id = $1`, []any{a.ID}},
		{`INSERT INTO knowledge_index (id, title, keywords, text) VALUES ($1, $2, $3, $4)`, []any{a.ID, a.Title, a.Keywords, a.Text}},
	} {
		if _, err := tx.ExecContext(ctx, q.sql, q.args...); err != nil {
			return err
		}
	}
	return nil
}

// Remove takes an article away; its versions stay. contact.NotFound if there is
// none.
func (b *Base) Remove(ctx context.Context, id string) error {
	return wrap("remove the article", b.db.Tx(ctx, func(tx *store.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM knowledge_articles WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, contact.Errorf(contact.NotFound, "there is no article %q", id))
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM knowledge_index WHERE id = $1`, id)
		return err
	}))
}

// Versions returns every version of an article, the newest first, also of one
// that was removed; never nil.
func (b *Base) Versions(ctx context.Context, id string) ([]Article, error) {
	list := []Article{}
	err := b.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT article, version, language, title, keywords, text, NULL, changed, changed_by, 0
			FROM knowledge_versions WHERE article = $1 ORDER BY version DESC`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			a, err := scanArticle(rows, tx.Now)
			if err != nil {
				return err
			}
			list = append(list, a)
		}
		return rows.Err()
	})
	return list, wrap("read the versions of the article", err)
}

// Like makes an article a favourite of user, or no more. contact.NotFound if
// there is none.
func (b *Base) Like(ctx context.Context, user, id string, on bool) error {
	return wrap("mark the favourite", b.db.Tx(ctx, func(tx *store.Tx) error {
		if !on {
			_, err := tx.ExecContext(ctx, `DELETE FROM knowledge_favourites WHERE user = $1 AND article = $2`, user, id)
			return err
		}
		res, err := tx.ExecContext(ctx, `INSERT INTO knowledge_favourites (user, article)
			SELECT $1, id FROM knowledge_articles WHERE id = $2 ON CONFLICT DO UPDATE SET user = user`, user, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, contact.Errorf(contact.NotFound, "there is no article %q", id))
		}
		return nil
	}))
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
