package call

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// TagCount is how many calls have a tag.
type TagCount struct {
	Group string `json:"group"`
	Tag   string `json:"tag"`
	Calls int    `json:"calls"`
}

// tagColumn is a call's tags as GROUP=TAG, separated by spaces; neither has one
// in its ID.
const tagColumn = `(SELECT group_concat(tag_group || '=' || tag, ' ' ORDER BY tag_group, n) FROM call_tags WHERE contact = call_calls.id)`

// readTags reads tagColumn; never nil.
func readTags(column *string) contact.Tags {
	tags := contact.Tags{}
	if column == nil {
		return tags
	}
	for _, pair := range strings.Fields(*column) {
		group, tag, _ := strings.Cut(pair, "=")
		tags[group] = append(tags[group], tag)
	}
	return tags
}

// saveTags puts tags in the place of those that a call has.
func saveTags(tx *store.Tx, id contact.ID, tags contact.Tags) error {
	if _, err := tx.Exec(`DELETE FROM call_tags WHERE contact = $1`, id); err != nil {
		return err
	}
	for group, chosen := range tags {
		for n, tag := range chosen {
			if _, err := tx.Exec(`INSERT INTO call_tags (contact, tag_group, n, tag) VALUES ($1, $2, $3, $4)`, id, group, n, tag); err != nil {
				return err
			}
		}
	}
	return nil
}

// tagged adds to a query of call_calls that a call has all of q's tags.
func (q Query) tagged(args []any) (string, []any) {
	where := ""
	for _, tag := range q.Tags {
		group, id, _ := strings.Cut(tag, "=")
		where += fmt.Sprintf(" AND EXISTS (SELECT 1 FROM call_tags WHERE contact = call_calls.id AND tag_group = $%d AND tag = $%d)", len(args)+1, len(args)+2)
		args = append(args, group, id)
	}
	return where, args
}

// TagCounts returns how many calls that began in [from, to) have each tag; an
// agent's own, or everybody's for "". It is never nil, and in the order of
// group and tag.
func (j *Journal) TagCounts(ctx context.Context, from, to time.Time, agent contact.AgentID) ([]TagCount, error) {
	j.settle(ctx)
	return NewReader(j.db).TagCounts(ctx, from, to, agent)
}

// TagCounts is Journal.TagCounts without a running server.
func (r *Reader) TagCounts(ctx context.Context, from, to time.Time, agent contact.AgentID) ([]TagCount, error) {
	counts := []TagCount{}
	err := r.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT tag_group, tag, COUNT(*) FROM call_calls JOIN call_tags ON contact = id
			WHERE started >= $1 AND started < $2 AND ($3 = '' OR agent = $3) GROUP BY tag_group, tag ORDER BY tag_group, tag`,
			from.UnixMilli(), to.UnixMilli(), agent)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c TagCount
			if err := rows.Scan(&c.Group, &c.Tag, &c.Calls); err != nil {
				return err
			}
			counts = append(counts, c)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("count the tags of calls: %w", err)
	}
	return slices.Clip(counts), nil
}

// Tags returns the tags of one call; never nil.
func (j *Journal) Tags(ctx context.Context, id contact.ID) (contact.Tags, error) {
	d, err := j.Show(ctx, id)
	if err != nil {
		return nil, err
	}
	return d.Tags, nil
}
