package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/crm"
	"callfloor/internal/store"
)

// openWebhooks makes the outbox; what the journal writes last, when the server
// stops, it still keeps.
func (a *App) openWebhooks() error {
	var err error
	a.webhooks, err = crm.New(a.db, a.log, a.cfg.CRM, a.postWebhook)
	if err != nil {
		return err
	}
	a.metrics.MustRegister(a.webhooks)
	a.onStop("webhooks", func(context.Context) error { a.webhooks.Close(); return nil })
	return nil
}

// startWebhooks begins to send, what the last run left first.
func (a *App) startWebhooks() error {
	a.webhooks.Start()
	return nil
}

// teller gives the outbox what happens in calls (call.Listener).
type teller struct{ *crm.Outbox }

var _ call.Listener = teller{}

// happened is what a webhook is told of an event.
type happened struct {
	Call call.Record    `json:"call"`
	Leg  *contact.LegID `json:"leg"`
	Text string         `json:"text"`
	// Details are the data of the event, as the timeline has them.
	Details map[string]any `json:"details"`
}

// Hear implements call.Listener.
func (t teller) Hear(tx *store.Tx, r call.Record, e contact.Event) error {
	h := happened{Call: following(r, e), Text: e.Text, Details: map[string]any{}}
	maps.Copy(h.Details, e.Data)
	delete(h.Details, "reasons") // why each agent was or was not chosen is long, and nobody else's
	if e.Leg != "" {
		h.Leg = &e.Leg
	}
	return t.Add(tx, r.ID, e.Kind, e.At, func(numbers bool) any {
		told := h
		if !numbers {
			told.Call.From = contact.Mask(r.From)
			if r.DivertedFrom != nil {
				masked := contact.Mask(*r.DivertedFrom)
				told.Call.DivertedFrom = &masked
			}
		}
		return told
	})
}

// following is a call's row with what follows from an event: the journal writes
// that right behind it.
func following(r call.Record, e contact.Event) call.Record {
	at := call.Stamp(e.At)
	switch e.Kind {
	case contact.KindAnswer:
		if user, ok := e.Data["agent"].(string); ok {
			agent := contact.AgentID(user)
			r.Agent = &agent
		}
		if q, ok := e.Data["queue"].(contact.QueueID); ok && q != "" {
			r.Queue = &q
		}
		if r.Answered == nil {
			r.Answered = &at
		}
	case contact.KindEnd:
		cause := contact.EndCause{}
		cause.By, _ = e.Data["by"].(contact.Party)
		cause.Class, _ = e.Data["class"].(contact.EndClass)
		cause.SIP, _ = e.Data["sip"].(contact.SIPStatus)
		cause.Q850, _ = e.Data["q850"].(int)
		if r.Ended == nil {
			r.Ended, r.End = &at, &cause
		}
	}
	return r
}

// postWebhook implements crm.Post: to public addresses and those of
// lookups.private, and to no other that it redirects to.
func (a *App) postWebhook(ctx context.Context, url string, header http.Header, body []byte) (crm.Answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return crm.Answer{}, errors.New("the address cannot be read")
	}
	r.Header = header
	r.Header.Set("User-Agent", "callfloor")
	client := *a.fetch.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	begun := time.Now()
	got, err := client.Do(r)
	if err != nil {
		return crm.Answer{}, plainly(ctx, err, time.Since(begun).Round(time.Millisecond))
	}
	defer got.Body.Close()                                       //nolint:errcheck // it was only read
	_, _ = io.Copy(io.Discard, io.LimitReader(got.Body, 16<<10)) // so that the connection is used again
	return crm.Answer{Status: got.StatusCode, RetryAfter: retryAfter(got.Header.Get("Retry-After"), time.Now())}, nil
}

// retryAfter is how much patience a Retry-After asks for, in seconds or until a date
// (RFC 9110 §10.2.3); 0 where it says neither, or what is past.
func retryAfter(value string, now time.Time) time.Duration {
	if s, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(s) * time.Second //nolint:gosec // 31 bits parsed
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(at.Sub(now), 0)
}

// behindAfter is how long a webhook may take nothing before people are told.
const behindAfter = 15 * time.Minute

// webhookTroubles says which webhooks take nothing.
func (a *App) webhookTroubles(ctx context.Context) []api.Trouble {
	list, err := a.webhooks.Status(ctx)
	if err != nil {
		return nil // the database says so itself
	}
	var all []api.Trouble
	for _, s := range list {
		if silent := s.Silent(time.Now()); silent > behindAfter {
			all = append(all, api.Trouble{Part: "webhooks", Why: "the webhook " + s.Name + " has taken nothing of what it is told for " + silent.Round(time.Minute).String()})
		}
	}
	return all
}
