package call

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Message is one SIP message of one of a call's legs, without its secrets.
type Message struct {
	At        time.Time
	Leg       contact.LegID
	Sent      bool // by us
	Transport string
	From, To  netip.AddrPort
	Text      string
}

// SIPMessage is a Message as programs read it.
type SIPMessage struct {
	At        string        `json:"at" doc:"RFC 3339 with microseconds"`
	Leg       contact.LegID `json:"leg" doc:"customer, agent, agent-2 or outside"`
	Sent      bool          `json:"sent" doc:"by us"`
	Transport string        `json:"transport"`
	From      string        `json:"from" doc:"address and port"`
	To        string        `json:"to"`
	Text      string        `json:"text" doc:"the message; credentials, keys and pressed keys are removed"`
}

// maxMessages is how many SIP messages of one call are kept: a leg keeps 300, and
// a call that goes from hand to hand has many legs.
const maxMessages = 3000

// KeepSIP keeps a SIP message of one of the call's legs without waiting for
// the disk. At most 3000 are kept.
func (c *Call) KeepSIP(m Message) {
	n := c.sipSeen.Add(1)
	if n > maxMessages || m.Text == "" {
		return
	}
	c.Journal.later(func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO call_messages (contact, n, at, leg, sent, transport, source, destination, text) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			c.ID, n, m.At.UnixMicro(), m.Leg, m.Sent, m.Transport, endpoint(m.From), endpoint(m.To), m.Text)
		return err
	})
}

func endpoint(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// Messages returns the SIP messages of a call, oldest first; contact.NotFound if
// there is no such call.
func (j *Journal) Messages(ctx context.Context, id contact.ID) ([]SIPMessage, error) {
	j.settle(ctx)
	return NewReader(j.db).Messages(ctx, id)
}

// Messages returns the SIP messages of a call, oldest first; contact.NotFound if
// there is no such call. It is never nil without an error.
func (r *Reader) Messages(ctx context.Context, id contact.ID) ([]SIPMessage, error) {
	list := []SIPMessage{}
	err := r.db.View(ctx, func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM call_calls WHERE id = $1`, id).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return contact.Errorf(contact.NotFound, "there is no call %q", id)
		}
		rows, err := tx.QueryContext(ctx, `SELECT at, leg, sent, transport, source, destination, text FROM call_messages WHERE contact = $1 ORDER BY at, n`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m SIPMessage
			var at int64
			if err := rows.Scan(&at, &m.Leg, &m.Sent, &m.Transport, &m.From, &m.To, &m.Text); err != nil {
				return err
			}
			m.At = time.UnixMicro(at).UTC().Format("2006-01-02T15:04:05.000000Z")
			list = append(list, m)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read the SIP messages of call %s: %w", id, err)
	}
	return list, nil
}

// SweepMessages forgets the SIP messages from before a time and returns how many
// there were.
func (j *Journal) SweepMessages(ctx context.Context, before time.Time) (int, error) {
	var n int64
	err := j.now(ctx, func(tx *store.Tx) error {
		res, err := tx.Exec(`DELETE FROM call_messages WHERE at < $1`, before.UnixMicro())
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forget old SIP messages: %w", err)
	}
	return int(n), nil
}

// WriteMessages writes the SIP messages of a call as text, each under a line that
// says when, over what, between whom, and on which leg:
//
//	2026-01-02T15:04:05.000000Z UDP 192.0.2.9:5060 > 192.0.2.1:5060 customer
func WriteMessages(w io.Writer, id contact.ID, list []SIPMessage) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# SIP messages of call %s: %d\n# Credentials, keys of media and pressed keys are removed.\n", id, len(list))
	for _, m := range list {
		fmt.Fprintf(&b, "\n%s %s %s > %s %s\n%s\n", m.At, m.Transport, m.From, m.To, m.Leg, strings.TrimRight(strings.ReplaceAll(m.Text, "\r\n", "\n"), "\n"))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the SIP messages of call %s: %w", id, err)
	}
	return nil
}
