package knowledge

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"callfloor/internal/store"
)

// maxWords is how many words of a question are looked for.
const maxWords = 8

// Search finds the articles that have every word of text, the best first:
// the title counts most, then the keywords. A word may be a part of one, and one
// or two Chinese characters do. language "" is every one. Without words it lists
// the user's favourites and then what was changed last. It is never nil.
func (b *Base) Search(ctx context.Context, user, language, text string) ([]Found, error) {
	words := split(text)
	found := []Found{}
	err := b.db.View(ctx, func(tx *store.Tx) error {
		rows, err := query(ctx, tx, user, language, words)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			a, err := scanArticle(rows, tx.Now)
			if err != nil {
				return err
			}
			found = append(found, Found{ID: a.ID, Language: a.Language, Title: a.Title, Excerpt: cut(a.Text, words), Stale: a.Stale, Favourite: a.Favourite})
		}
		return rows.Err()
	})
	return found, wrap("search the knowledge", err)
}

// split takes a question into words, without those that are there twice.
func split(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	var list []string
	for _, w := range words {
		if !slices.Contains(list, w) && len(list) < maxWords {
			list = append(list, w)
		}
	}
	return list
}

// query asks the index for words of three letters and more, and looks at the
// text itself for shorter ones, which it does not have.
func query(ctx context.Context, tx *store.Tx, user, language string, words []string) (*sql.Rows, error) {
	args := []any{user, language, maxFound}
	from, where, order := `knowledge_articles a`, `($2 = '' OR a.language = $2)`, `10 DESC, a.changed DESC, a.id`
	var match []string
	for _, w := range words {
		if utf8.RuneCountInString(w) >= 3 {
			match = append(match, `"`+w+`"`) // letters and numbers only: nothing to escape
			continue
		}
		args = append(args, "%"+w+"%")
		n := "$" + strconv.Itoa(len(args))
		where += ` AND (a.title LIKE ` + n + ` OR a.keywords LIKE ` + n + ` OR a.text LIKE ` + n + `)`
	}
	if len(match) > 0 {
		args = append(args, strings.Join(match, " "))
		n := "$" + strconv.Itoa(len(args))
		from += ` JOIN knowledge_index i ON i.id = a.id`
		where += ` AND knowledge_index MATCH ` + n
		order = `bm25(knowledge_index, 0, 10, 5, 1), a.changed DESC, a.id`
	}
	return tx.QueryContext(ctx, `SELECT `+articleColumns+` FROM `+from+` WHERE `+where+` ORDER BY `+order+` LIMIT $3`, args...)
}

// cut returns what is around the first of the words that the text has.
func cut(text string, words []string) string {
	letters := []rune(strings.Join(strings.Fields(text), " "))
	lower := []rune(strings.ToLower(string(letters)))
	at := 0
	if len(lower) == len(letters) { // some letters change their number with their case
		for _, w := range words {
			if i := index(lower, []rune(w)); i >= 0 {
				at = i
				break
			}
		}
	}
	from, to := max(0, at-excerpt), min(len(letters), at+excerpt)
	short := string(letters[from:to])
	if from > 0 {
		short = "…" + short
	}
	if to < len(letters) {
		short += "…"
	}
	return short
}

func index(text, word []rune) int {
	for i := 0; i+len(word) <= len(text); i++ {
		if slices.Equal(text[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}
