package call

import (
	"context"
	"fmt"
	"time"

	"callfloor/internal/store"
)

// Earlier returns the calls of one number on all lines that began before, the
// newest first; never nil, and empty for a number that is hidden.
func (j *Journal) Earlier(ctx context.Context, number string, before time.Time, limit int) ([]Record, error) {
	list := []Record{}
	if number == "" {
		return list, nil
	}
	err := j.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT `+recordColumns+` FROM call_calls
			WHERE caller = $1 AND started < $2 ORDER BY started DESC, id DESC LIMIT $3`, number, before.UnixMilli(), limit)
		if err != nil {
			return err
		}
		list, err = scanRecords(rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read a customer's earlier calls: %w", err)
	}
	return list, nil
}
