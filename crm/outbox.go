package crm

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Answer is what a webhook's server said. RetryAfter is 0 unless it asked for
// patience.
type Answer struct {
	Status     int
	RetryAfter time.Duration
}

// Post sends a body and returns the answer without following redirects; it
// looks after where connections may lead. Its errors have no address in them.
type Post func(ctx context.Context, url string, header http.Header, body []byte) (Answer, error)

// Limits of sending.
const (
	sendWithin = 10 * time.Second
	sendAtOnce = 8 // to one webhook, each of another contact
	sweepEvery = time.Hour
	lookEvery  = time.Hour // for what is due, though nothing says that there is
	maxPatient = time.Hour // of Retry-After
	// rest is how long nothing is sent to a webhook when none of what was sent
	// arrived, or the database did not answer.
	rest = 5 * time.Second
)

// schedule is how long after each failed try the next one is, give or take a
// half; after the last one a delivery is dead. It spans a day.
func schedule() []time.Duration {
	return []time.Duration{
		2 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 8 * time.Hour,
	}
}

// Outbox keeps what webhooks are to be told until they have taken it.
type Outbox struct {
	db       *store.DB
	log      *slog.Logger
	post     Post
	webhooks []Webhook
	keys     [][]byte
	taken    []atomic.Int64  // when each took something last, or Start; Unix ms
	wake     []chan struct{} // one for each webhook, size 1
	schedule []time.Duration
	rest     time.Duration
	counted  *prometheus.CounterVec
	// added is that something may have been added since the last Committed.
	added   atomic.Bool
	running sync.WaitGroup
	stop    context.CancelFunc
}

// New returns an outbox; nothing is sent before Start. The webhooks have been
// checked (Config.Problems).
func New(db *store.DB, log *slog.Logger, c Config, post Post) (*Outbox, error) {
	o := &Outbox{
		db: db, log: log, post: post, webhooks: c.Webhooks, schedule: schedule(), rest: rest, stop: func() {},
		counted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callfloor_webhooks_total", Help: "Events told to webhooks: delivered, failed (a try), dead, or full (not kept).",
		}, []string{"webhook", "result"}),
	}
	o.taken = make([]atomic.Int64, len(c.Webhooks))
	for _, w := range c.Webhooks {
		key, err := w.key()
		if err != nil {
			return nil, fmt.Errorf("the secret of the webhook %s: %w", w.Name, err)
		}
		o.keys = append(o.keys, key)
		o.wake = append(o.wake, make(chan struct{}, 1))
	}
	return o, nil
}

// Describe implements prometheus.Collector.
func (o *Outbox) Describe(ch chan<- *prometheus.Desc) { o.counted.Describe(ch) }

// Collect implements prometheus.Collector.
func (o *Outbox) Collect(ch chan<- prometheus.Metric) { o.counted.Collect(ch) }

// Wants says whether any webhook is told of events of a kind.
func (o *Outbox) Wants(k contact.Kind) bool {
	return slices.ContainsFunc(o.webhooks, func(w Webhook) bool { return w.Wants(k) })
}

// Message is the body of a delivery.
type Message struct {
	Type      contact.Kind `json:"type"`
	Timestamp string       `json:"timestamp"`
	Data      any          `json:"data"`
}

// Add keeps an event for every webhook that wants it, in the transaction that
// writes the event itself. data makes what they are told, with the customer's
// number whole or masked.
func (o *Outbox) Add(tx *store.Tx, id contact.ID, k contact.Kind, at time.Time, data func(numbers bool) any) error {
	for _, w := range o.webhooks {
		if !w.Wants(k) {
			continue
		}
		if err := o.addTo(tx, w, id, k, at, data); err != nil {
			return err
		}
	}
	return nil
}

func (o *Outbox) addTo(tx *store.Tx, w Webhook, id contact.ID, k contact.Kind, at time.Time, data func(numbers bool) any) error {
	body, err := json.Marshal(Message{Type: k, Timestamp: contact.Time(at), Data: data(w.Numbers)})
	if err != nil {
		return fmt.Errorf("write what the webhook %s is told: %w", w.Name, err)
	}
	kept, err := add(tx, w.Name, id, k, body)
	o.added.Store(true)
	if err == nil && !kept {
		o.counted.WithLabelValues(w.Name, "full").Inc()
	}
	return err
}

// Committed says that what was added is in the database.
func (o *Outbox) Committed() {
	if !o.added.Swap(false) {
		return
	}
	for _, wake := range o.wake {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// Start begins to send; Close ends it.
func (o *Outbox) Start() {
	ctx, stop := context.WithCancel(context.Background())
	o.stop = stop
	for i := range o.webhooks {
		o.taken[i].Store(time.Now().UnixMilli())
		o.running.Go(func() { o.run(ctx, i) })
	}
	o.running.Go(func() { o.sweep(ctx) })
}

// sweep forgets what is old, that of webhooks which are configured no longer too,
// until ctx ends.
func (o *Outbox) sweep(ctx context.Context) {
	every := time.NewTicker(sweepEvery)
	defer every.Stop()
	for {
		if err := sweep(ctx, o.db); err != nil && ctx.Err() == nil {
			o.log.Warn("old deliveries of webhooks could not be forgotten", "error", err)
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

// Close stops sending and waits for what is on its way.
func (o *Outbox) Close() {
	o.stop()
	o.running.Wait()
}

// run sends to one webhook until ctx ends.
func (o *Outbox) run(ctx context.Context, i int) {
	for ctx.Err() == nil {
		pause, err := o.turn(ctx, i)
		if err != nil && ctx.Err() == nil {
			o.log.Error("a webhook's deliveries could not be read or written", "webhook", o.webhooks[i].Name, "error", err)
		}
		o.wait(ctx, i, pause)
	}
}

// wait returns after pause, or where that is negative when something may be due.
func (o *Outbox) wait(ctx context.Context, i int, pause time.Duration) {
	wake := o.wake[i]
	if pause > 0 {
		wake = nil // a rest is a rest
	}
	if pause < 0 {
		pause = -pause
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// turn sends what is due. It returns how long to rest; negative is how long at
// most until something is due.
func (o *Outbox) turn(ctx context.Context, i int) (time.Duration, error) {
	w := o.webhooks[i]
	list, err := due(ctx, o.db, w.Name, time.Now(), sendAtOnce)
	if err != nil {
		return o.rest, err
	}
	if len(list) == 0 {
		at, some, err := nextDue(ctx, o.db, w.Name)
		switch {
		case err != nil:
			return o.rest, err
		case some:
			return -min(max(time.Until(at), time.Millisecond), lookEvery), nil
		}
		return -lookEvery, nil
	}
	var all sync.WaitGroup
	for n := range list {
		all.Go(func() { o.send(ctx, i, &list[n]) })
	}
	all.Wait()
	if ctx.Err() != nil {
		// What was cut off is sent again: who gets it twice knows it by its ID.
		list = slices.DeleteFunc(list, func(d Delivery) bool { return d.State == Waiting })
		ctx = context.WithoutCancel(ctx)
	}
	if err := keep(ctx, o.db, list); err != nil {
		return o.rest, err
	}
	if !slices.ContainsFunc(list, func(d Delivery) bool { return d.State == Delivered }) {
		return o.rest, nil
	}
	return -time.Millisecond, nil
}

// send tries one delivery and writes into it what came of that; nothing where it
// was cut off because we stop.
func (o *Outbox) send(ctx context.Context, i int, d *Delivery) {
	within, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	w, begun := o.webhooks[i], time.Now()
	got, err := o.post(within, w.URL, sign(o.keys[i], d.ID, begun, d.body), d.body)
	if err != nil && ctx.Err() != nil {
		return
	}
	at := begun.UTC()
	d.Tried, d.Status, d.Took, d.Error, d.Next = &at, got.Status, int(time.Since(begun).Milliseconds()), "", nil
	d.Tries++
	switch {
	case err == nil && got.Status >= 200 && got.Status < 300:
		d.State = Delivered
		o.taken[i].Store(time.Now().UnixMilli())
		o.counted.WithLabelValues(w.Name, "delivered").Inc()
		return
	case err != nil:
		d.Error = err.Error()
	default:
		d.Error = fmt.Sprintf("the server answered %d %s", got.Status, http.StatusText(got.Status))
	}
	if d.Tries > len(o.schedule) {
		d.State = Dead
		o.counted.WithLabelValues(w.Name, "dead").Inc()
		o.log.Warn("a webhook did not take an event; it can be sent again", "webhook", w.Name, "event", d.Event, "delivery", d.ID, "tries", d.Tries, "error", d.Error)
		return
	}
	o.counted.WithLabelValues(w.Name, "failed").Inc()
	next := begun.Add(max(jitter(o.schedule[d.Tries-1]), min(got.RetryAfter, maxPatient)))
	d.Next = &next
}

// jitter is d, give or take a half, so that what failed together does not come
// back together.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d+1) } //nolint:gosec // nobody gains by guessing it
