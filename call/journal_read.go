package call

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Reader reads the journal; it needs no running server.
type Reader struct{ db *store.DB }

// NewReader returns a Reader on db.
func NewReader(db *store.DB) *Reader { return &Reader{db: db} }

// List returns the calls that q chooses, newest first. It is never nil.
func (j *Journal) List(ctx context.Context, q Query) ([]Record, error) {
	j.settle(ctx)
	return NewReader(j.db).List(ctx, q)
}

// Show returns one call with its timeline; contact.NotFound if there is none.
func (j *Journal) Show(ctx context.Context, id contact.ID) (Detail, error) {
	j.settle(ctx)
	return NewReader(j.db).Show(ctx, id)
}

const recordColumns = `id, line, caller, queue, agent, started, answered, ended, end_by, end_class, end_sip, end_q850, end_why, consent, recording, disposition, note, csat, caller_name, trust, attest, diverted_from, diverted_why, queued, direction, disposition_by, ` + tagColumn

// List returns the calls that q chooses, newest first. It is never nil.
func (r *Reader) List(ctx context.Context, q Query) ([]Record, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, 1000)
	before := int64(1) << 62
	if !q.Before.IsZero() {
		before = q.Before.UnixMilli()
	}
	records := []Record{}
	err := r.db.View(ctx, func(tx *store.Tx) error {
		tagged, args := q.tagged([]any{before, q.Line, q.Agent, limit, q.BeforeID, q.From.UnixMilli()})
		rows, err := tx.QueryContext(ctx, `SELECT `+recordColumns+` FROM call_calls
			WHERE started >= $6 AND started <= $1 AND (started < $1 OR id < $5) AND ($2 = '' OR line = $2) AND ($3 = '' OR agent = $3)`+tagged+`
			ORDER BY started DESC, id DESC LIMIT $4`, args...)
		if err != nil {
			return err
		}
		records, err = scanRecords(rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the calls: %w", err)
	}
	return records, nil
}

// Show returns one call with its timeline; contact.NotFound if there is none.
func (r *Reader) Show(ctx context.Context, id contact.ID) (Detail, error) {
	var d Detail
	err := r.db.View(ctx, func(tx *store.Tx) error {
		var err error
		d.Record, err = scanRecord(tx.QueryRowContext(ctx, `SELECT `+recordColumns+` FROM call_calls WHERE id = $1`, id))
		if errors.Is(err, sql.ErrNoRows) {
			return contact.Errorf(contact.NotFound, "there is no call %q", id)
		}
		if err != nil {
			return err
		}
		d.Timeline, err = timeline(ctx, tx, id)
		return err
	})
	if err != nil {
		return Detail{}, fmt.Errorf("show call %s: %w", id, err)
	}
	return d, nil
}

// Language returns the language that a number chose last, in a call that
// started at since or later; "" if there is none.
func (j *Journal) Language(ctx context.Context, caller string, since time.Time) (string, error) {
	if caller == "" {
		return "", nil
	}
	var lang string
	err := j.db.View(ctx, func(tx *store.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT language FROM call_calls WHERE caller = $1 AND started >= $2 AND language IS NOT NULL
			ORDER BY started DESC LIMIT 1`, caller, since.UnixMilli()).Scan(&lang)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the language of an earlier call: %w", err)
	}
	return lang, nil
}

func timeline(ctx context.Context, tx *store.Tx, id contact.ID) ([]TimelineEvent, error) {
	rows, err := tx.QueryContext(ctx, `SELECT at, kind, leg, text, data FROM call_events WHERE contact = $1 ORDER BY at, n`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	events := []TimelineEvent{}
	for rows.Next() {
		var (
			e    TimelineEvent
			at   int64
			data *string
		)
		if err := rows.Scan(&at, &e.Kind, &e.Leg, &e.Text, &data); err != nil {
			return nil, err
		}
		e.At = Stamp(time.UnixMilli(at))
		if data != nil {
			e.Data = json.RawMessage(*data)
		}
		events = append(events, e)
	}
	return events, rows.Err()
}

// scanRecords reads the rows of recordColumns and closes them; never nil.
func scanRecords(rows *sql.Rows) ([]Record, error) {
	defer rows.Close()
	list := []Record{}
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

func scanRecord(row interface{ Scan(...any) error }) (Record, error) {
	var (
		r               Record
		started         int64
		answered, ended *int64
		queued          *int64
		by, class, why  *string
		sip, q850       *int
		tags            *string
	)
	err := row.Scan(&r.ID, &r.Line, &r.From, &r.Queue, &r.Agent, &started, &answered, &ended,
		&by, &class, &sip, &q850, &why, &r.Consent, &r.Recording, &r.Disposition, &r.Note, &r.CSAT,
		&r.Name, &r.Trust, &r.Attest, &r.DivertedFrom, &r.DivertedWhy, &queued, &r.Direction, &r.DispositionBy, &tags)
	if err != nil {
		return Record{}, err
	}
	r.Tags = readTags(tags)
	r.Started = Stamp(time.UnixMilli(started))
	r.Answered, r.Ended, r.Queued = stamp(answered), stamp(ended), stamp(queued)
	if by != nil {
		r.End = &contact.EndCause{By: contact.Party(*by), Class: contact.EndClass(orZero(class)), SIP: contact.SIPStatus(orZero(sip)), Q850: orZero(q850), Why: orZero(why)}
	}
	return r, nil
}

func stamp(ms *int64) *Stamp {
	if ms == nil {
		return nil
	}
	s := Stamp(time.UnixMilli(*ms))
	return &s
}

func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// CloseOpen ends, as failed, every call that a process which died left
// without an end; serve calls it at start. It returns how many there were.
func (j *Journal) CloseOpen(ctx context.Context) (int, error) {
	var n int64
	err := j.now(ctx, func(tx *store.Tx) error {
		open, err := openCalls(tx)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO call_events (contact, n, at, kind, leg, text, data)
			SELECT c.id, COALESCE((SELECT MAX(n) FROM call_events WHERE contact = c.id), 0) + 1, $1, $2, NULL, $3, NULL
			FROM call_calls c WHERE c.ended IS NULL`, tx.Now.UnixMilli(), contact.KindEnd, crashed)
		if err != nil {
			return err
		}
		res, err := tx.Exec(`UPDATE call_calls SET
			ended = COALESCE((SELECT MAX(at) FROM call_events e WHERE e.contact = call_calls.id AND e.kind <> $3), started),
			end_by = $1, end_class = $2, end_sip = 0, end_q850 = 0, end_why = $4 WHERE ended IS NULL`,
			contact.System, contact.EndFailed, contact.KindEnd, crashed)
		if err != nil {
			return err
		}
		if n, err = res.RowsAffected(); err != nil {
			return err
		}
		for _, id := range open {
			if err := j.tell(tx, id, contact.Event{At: tx.Now, Kind: contact.KindEnd, Text: crashed, Data: map[string]any{"by": contact.System, "class": contact.EndFailed}}); err != nil {
				return err
			}
			if err := j.wrappedUpBefore(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	return int(n), err
}

// openCalls returns the calls that have no end.
func openCalls(tx *store.Tx) ([]contact.ID, error) {
	rows, err := tx.Query(`SELECT id FROM call_calls WHERE ended IS NULL ORDER BY started, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []contact.ID
	for rows.Next() {
		var id contact.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

const crashed = "the server stopped without warning while the call was up"
