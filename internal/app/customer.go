package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"callfloor/acd/tasks"
	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/customers"
)

// callers tells who is on the phone (api.Customers).
type callers struct {
	*customers.Book
	lookup  *customers.Lookup
	house   *House
	journal *call.Journal
	tasks   *tasks.Store
}

var _ api.Customers = (*callers)(nil)

func (a *App) callers() *callers {
	return &callers{
		Book: customers.NewBook(a.db), lookup: customers.NewLookup(a.cfg.CustomerLookup, a.fetch.get),
		house: a.house, journal: a.journal, tasks: tasks.NewStore(a.db),
	}
}

// Attributes implements api.Customers.
func (c *callers) Attributes(ctx context.Context, number string) ([]customers.Attribute, error) {
	return c.lookup.Attributes(ctx, number)
}

// Number implements api.Customers.
func (c *callers) Number(ctx context.Context, id contact.ID) (string, time.Time, error) {
	d, err := c.journal.Show(ctx, id)
	if err == nil {
		return d.From, d.Started.Time(), nil
	}
	// A voicemail, or a callback that nobody has dialled yet, is in no journal.
	if _, task := c.house.tasks.describe(id); task != "" {
		if t, err := c.tasks.Get(ctx, task); err == nil {
			return t.Caller, t.Made, nil
		}
	}
	return "", time.Time{}, err
}

// Serves implements api.Customers.
func (c *callers) Serves(ctx context.Context, user string, id contact.ID) bool {
	if s, ok := c.house.engine.Agent(contact.AgentID(user)); ok && s.Contact == id {
		return true
	}
	d, err := c.journal.Show(ctx, id)
	return err == nil && d.Agent != nil && string(*d.Agent) == user
}

// Earlier implements api.Customers.
func (c *callers) Earlier(ctx context.Context, number string, before time.Time, limit int) ([]call.Record, error) {
	return c.journal.Earlier(ctx, number, before, limit)
}

// Open implements api.Customers.
func (c *callers) Open(ctx context.Context, number string) ([]tasks.Task, error) {
	return c.tasks.List(ctx, tasks.Query{Caller: number})
}

// get asks a server for JSON by GET.
func (f *fetcher) get(ctx context.Context, url, authorization string, limit int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, errors.New("the address cannot be read")
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "callfloor")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	begun := time.Now()
	got, err := f.client.Do(r)
	if err != nil {
		return nil, plainly(ctx, err, time.Since(begun).Round(time.Millisecond))
	}
	defer got.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(got.Body, limit+1))
	switch {
	case err != nil:
		return nil, plainly(ctx, err, time.Since(begun).Round(time.Millisecond))
	case got.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the server answered %s", got.Status)
	case int64(len(body)) > limit:
		return nil, fmt.Errorf("the answer is longer than %d octets", limit)
	}
	return body, nil
}
