package crm

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// State is where a delivery stands.
type State string

// The states. Waiting goes to delivered or, when every try failed, to dead; a
// dead one that is sent again waits anew.
const (
	Waiting   State = "waiting"
	Delivered State = "delivered"
	Dead      State = "dead"
)

// Delivery is one event on its way to one webhook.
type Delivery struct {
	ID      string       `json:"id"`
	Webhook string       `json:"webhook"`
	Contact contact.ID   `json:"contact"`
	Event   contact.Kind `json:"event"`
	State   State        `json:"state"`
	Tries   int          `json:"tries"`
	Made    time.Time    `json:"made"`
	// Next is when it is tried again; nil unless it waits.
	Next *time.Time `json:"next"`
	// Tried is the last try, Status what the server answered (0: nothing), Took
	// how long that was in milliseconds, Error what was wrong.
	Tried  *time.Time `json:"tried"`
	Status int        `json:"status"`
	Took   int        `json:"took"`
	Error  string     `json:"error"`

	seq  int64
	body []byte
}

// Limits of the outbox.
const (
	// maxWaiting is how many deliveries may wait for one webhook; later events
	// are not told, and counted.
	maxWaiting = 50_000
	// keepDelivered is how many that arrived are kept for people to look at,
	// keepFor how long any is: so long can be sent again what did not arrive.
	keepDelivered = 500
	keepFor       = 30 * 24 * time.Hour
)

// add writes one delivery; false: too many wait.
func add(tx *store.Tx, webhook string, id contact.ID, k contact.Kind, body []byte) (bool, error) {
	res, err := tx.Exec(`INSERT INTO crm_deliveries (id, webhook, contact, event, body, state, tries, made, next, status, took, error)
		SELECT $1, $2, $3, $4, $5, $6, 0, $7, $7, 0, 0, ''
		WHERE (SELECT COUNT(*) FROM crm_deliveries WHERE webhook = $2 AND state = $6) < $8`,
		"msg_"+string(contact.NewID()), webhook, id, k, string(body), Waiting, tx.Now.UnixMilli(), maxWaiting)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

const deliveryColumns = `seq, id, webhook, contact, event, body, state, tries, made, next, tried, status, took, error`

func scan(row interface{ Scan(...any) error }) (Delivery, error) {
	var (
		d          Delivery
		body       string
		made, next int64
		tried      *int64
	)
	err := row.Scan(&d.seq, &d.ID, &d.Webhook, &d.Contact, &d.Event, &body, &d.State, &d.Tries, &made, &next, &tried, &d.Status, &d.Took, &d.Error)
	d.body, d.Made = []byte(body), time.UnixMilli(made).UTC()
	if d.State == Waiting {
		at := time.UnixMilli(next).UTC()
		d.Next = &at
	}
	if tried != nil {
		at := time.UnixMilli(*tried).UTC()
		d.Tried = &at
	}
	return d, err
}

func query(ctx context.Context, db *store.DB, where string, args ...any) ([]Delivery, error) {
	list := []Delivery{}
	err := db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT `+deliveryColumns+` FROM crm_deliveries WHERE `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			d, err := scan(rows)
			if err != nil {
				return err
			}
			list = append(list, d)
		}
		return rows.Err()
	})
	return list, err
}

// due returns what can be sent to a webhook now: of each contact the oldest
// that waits, so that its events arrive in their order.
func due(ctx context.Context, db *store.DB, webhook string, now time.Time, limit int) ([]Delivery, error) {
	return query(ctx, db, `webhook = $1 AND state = $2 AND next <= $3
		AND NOT EXISTS (SELECT 1 FROM crm_deliveries e WHERE e.webhook = $1 AND e.contact = crm_deliveries.contact AND e.state = $2 AND e.seq < crm_deliveries.seq)
		ORDER BY seq LIMIT $4`, webhook, Waiting, now.UnixMilli(), limit)
}

// nextDue is when something waits for a webhook next; false if nothing does.
func nextDue(ctx context.Context, db *store.DB, webhook string) (time.Time, bool, error) {
	var at sql.NullInt64
	err := db.View(ctx, func(tx *store.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT MIN(next) FROM crm_deliveries d WHERE webhook = $1 AND state = $2
			AND NOT EXISTS (SELECT 1 FROM crm_deliveries e WHERE e.webhook = $1 AND e.contact = d.contact AND e.state = $2 AND e.seq < d.seq)`,
			webhook, Waiting).Scan(&at)
	})
	return time.UnixMilli(at.Int64), at.Valid, err
}

// keep writes the outcome of tries. What arrived loses its body: it is not sent
// again, and need not lie here.
func keep(ctx context.Context, db *store.DB, tried []Delivery) error {
	return db.Tx(ctx, func(tx *store.Tx) error {
		for _, d := range tried {
			var next int64
			if d.Next != nil {
				next = d.Next.UnixMilli()
			}
			if _, err := tx.Exec(`UPDATE crm_deliveries SET state = $2, tries = $3, next = $4, tried = $5, status = $6, took = $7, error = $8,
				body = CASE WHEN $2 = $9 THEN '' ELSE body END WHERE seq = $1`,
				d.seq, d.State, d.Tries, next, d.Tried.UnixMilli(), d.Status, d.Took, d.Error, Delivered); err != nil {
				return err
			}
		}
		return nil
	})
}

// sweep forgets what nobody looks at any more.
func sweep(ctx context.Context, db *store.DB) error {
	names, err := kept(ctx, db)
	if err != nil {
		return err
	}
	for _, webhook := range names {
		err := db.Tx(ctx, func(tx *store.Tx) error {
			if _, err := tx.Exec(`DELETE FROM crm_deliveries WHERE webhook = $1 AND state = $2 AND seq <= COALESCE((SELECT seq FROM crm_deliveries
				WHERE webhook = $1 AND state = $2 ORDER BY seq DESC LIMIT 1 OFFSET $3), 0)`, webhook, Delivered, keepDelivered); err != nil {
				return err
			}
			_, err := tx.Exec(`DELETE FROM crm_deliveries WHERE webhook = $1 AND made < $2`, webhook, tx.Now.Add(-keepFor).UnixMilli())
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// kept are the names of the webhooks of which there are deliveries; some may be
// configured no longer.
func kept(ctx context.Context, db *store.DB) ([]string, error) {
	var names []string
	err := db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT DISTINCT webhook FROM crm_deliveries`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			names = append(names, name)
		}
		return rows.Err()
	})
	return names, err
}

// revive lets dead deliveries wait anew: one by its ID, or all of a webhook. It
// returns how many they were.
func revive(ctx context.Context, db *store.DB, webhook, id string) (int, error) {
	var n int64
	err := db.Tx(ctx, func(tx *store.Tx) error {
		res, err := tx.Exec(`UPDATE crm_deliveries SET state = $1, tries = 0, next = $2 WHERE state = $3 AND webhook = $5 AND ($4 = '' OR id = $4)`,
			Waiting, tx.Now.UnixMilli(), Dead, id, webhook)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return int(n), err
}

// counts returns how many wait and are dead, and since when the oldest waits.
func counts(ctx context.Context, db *store.DB, webhook string) (waiting, dead int, since *time.Time, err error) {
	err = db.View(ctx, func(tx *store.Tx) error {
		var oldest *int64
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FILTER (WHERE state = $2), COUNT(*) FILTER (WHERE state = $3), MIN(made) FILTER (WHERE state = $2)
			FROM crm_deliveries WHERE webhook = $1 AND state <> $4`, webhook, Waiting, Dead, Delivered).Scan(&waiting, &dead, &oldest)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if oldest != nil {
			at := time.UnixMilli(*oldest).UTC()
			since = &at
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("count what waits for the webhook %s: %w", webhook, err)
	}
	return waiting, dead, since, err
}
