package crm

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Status is how one webhook stands.
type Status struct {
	Name string `json:"name"`
	// Host is where it is; the rest of the address may be a secret.
	Host    string         `json:"host"`
	Events  []contact.Kind `json:"events"`
	Numbers bool           `json:"numbers"`
	Waiting int            `json:"waiting"`
	Dead    int            `json:"dead"`
	// Since is when the oldest that waits was made; nil if none does.
	Since *time.Time `json:"since"`

	taken time.Time // something, or the start
}

// Silent is how long the webhook has taken nothing though something waited. One
// that takes all but the events of one call is not silent.
func (s Status) Silent(now time.Time) time.Duration {
	switch {
	case s.Since == nil:
		return 0
	case s.Since.After(s.taken):
		return now.Sub(*s.Since)
	}
	return now.Sub(s.taken)
}

// Status returns how the webhooks stand, in their order; never nil.
func (o *Outbox) Status(ctx context.Context) ([]Status, error) {
	list := []Status{}
	for i, w := range o.webhooks {
		s := Status{Name: w.Name, Events: w.Events, Numbers: w.Numbers, taken: time.UnixMilli(o.taken[i].Load())}
		if len(w.Events) == 0 {
			s.Events = DefaultEvents()
		}
		if u, err := url.Parse(w.URL); err == nil {
			s.Host = u.Host
		}
		var err error
		if s.Waiting, s.Dead, s.Since, err = counts(ctx, o.db, w.Name); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// Deliveries returns those of a webhook in a state ("" is any), the newest
// first; never nil.
func (o *Outbox) Deliveries(ctx context.Context, webhook string, s State, limit int) ([]Delivery, error) {
	if !o.known(webhook) {
		return nil, contact.Errorf(contact.NotFound, "there is no webhook %q", webhook)
	}
	list, err := query(ctx, o.db, `webhook = $1 AND ($2 = '' OR state = $2) ORDER BY seq DESC LIMIT $3`, webhook, s, limit)
	if err != nil {
		return nil, fmt.Errorf("list the deliveries of a webhook: %w", err)
	}
	return list, nil
}

func (o *Outbox) known(webhook string) bool {
	return slices.ContainsFunc(o.webhooks, func(w Webhook) bool { return w.Name == webhook })
}

// Again sends what is dead again: one delivery by its ID, or with id "" all of
// the webhook. contact.NotFound if there is none.
func (o *Outbox) Again(ctx context.Context, webhook, id string) (int, error) {
	n, err := revive(ctx, o.db, webhook, id)
	if err != nil {
		return 0, fmt.Errorf("send deliveries again: %w", err)
	}
	if n == 0 {
		return 0, contact.Errorf(contact.NotFound, "nothing that failed waits to be sent again")
	}
	o.added.Store(true)
	o.Committed()
	return n, nil
}

// Test sends an event of kind test, which goes the way of all others.
func (o *Outbox) Test(ctx context.Context, webhook, by string) error {
	i := slices.IndexFunc(o.webhooks, func(w Webhook) bool { return w.Name == webhook })
	if i < 0 {
		return contact.Errorf(contact.NotFound, "there is no webhook %q", webhook)
	}
	err := o.db.Tx(ctx, func(tx *store.Tx) error {
		return o.addTo(tx, o.webhooks[i], contact.NewID(), EventTest, tx.Now, func(bool) any { return map[string]string{"by": by} })
	})
	if err != nil {
		return fmt.Errorf("send a test: %w", err)
	}
	o.Committed()
	return nil
}
