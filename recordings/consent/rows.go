package consent

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// withdrawn is the state of a row that ends an earlier consent; it is no answer
// and so no contact.Consent.
const withdrawn = "withdrawn"

func insertAnswer(ctx context.Context, tx *store.Tx, a Answer, state, by string) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO recordings_consent
			(contact, state, prompt_id, prompt_text, prompt_sha256, language, key, attempt, asked_at, at, by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.Contact, state, a.PromptID, a.PromptText, a.PromptSHA256, a.Language, a.Key, a.Attempt,
		millis(a.AskedAt), millis(a.At), by)
	return err
}

// lastAnswer returns the newest row of id, contact.NotFound if there is none.
func lastAnswer(ctx context.Context, tx *store.Tx, id contact.ID) (Answer, string, error) {
	return scanAnswer(id, tx.QueryRowContext(ctx, selectAnswer+` ORDER BY n DESC LIMIT 1`, id))
}

// answerBefore returns the newest row of id that is an answer.
func answerBefore(ctx context.Context, tx *store.Tx, id contact.ID) (Answer, error) {
	a, _, err := scanAnswer(id, tx.QueryRowContext(ctx, selectAnswer+` AND state <> 'withdrawn' ORDER BY n DESC LIMIT 1`, id))
	return a, err
}

const selectAnswer = `
	SELECT state, prompt_id, prompt_text, prompt_sha256, language, key, attempt, asked_at, at
	FROM recordings_consent WHERE contact = ?`

func scanAnswer(id contact.ID, row *sql.Row) (Answer, string, error) {
	var (
		a           = Answer{Contact: id}
		state       string
		askedAt, at int64
	)
	err := row.Scan(&state, &a.PromptID, &a.PromptText, &a.PromptSHA256, &a.Language, &a.Key, &a.Attempt, &askedAt, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return Answer{}, "", contact.Errorf(contact.NotFound, "contact %s was never asked for consent", id)
	}
	if err != nil {
		return Answer{}, "", err
	}
	if state != withdrawn {
		a.State = contact.Consent(state)
	}
	a.AskedAt, a.At = moment(askedAt), moment(at)
	return a, state, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
