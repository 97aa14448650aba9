package call

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

const (
	// journalQueue is how many writes may wait for the disk. When it is full
	// (about a minute of a busy floor with a dead disk) the newest write is
	// dropped and counted: a call never waits for the disk.
	journalQueue = 8192
	// journalBatch is how many writes one transaction carries at most.
	journalBatch = 256
	// journalLinger is how long a write that nobody waits for may wait for
	// others to share its transaction: one costs more than ten writes do.
	journalLinger = 50 * time.Millisecond
	// journalRetry is how often writes are tried again that a full or broken
	// disk refused; as many as journalQueue are kept for that.
	journalRetry = time.Second
)

// Journal keeps calls and their events in the database. Writes are queued and
// written in order by one goroutine; those on which law depends wait for it.
type Journal struct {
	db      *store.DB
	log     *slog.Logger
	writes  chan write
	dropped atomic.Uint64
	failing atomic.Pointer[error]

	mu     sync.RWMutex // guards closed against a send on writes
	closed bool
	done   chan struct{}

	hears Listener // nil: nobody; static once the first call began
}

// write is one change; done is told the outcome where somebody waits.
type write struct {
	fn   func(*store.Tx) error
	done chan error
	// durable: law depends on it, so it must outlive a power cut too.
	durable bool
}

// NewJournal starts the writer; Close ends it.
func NewJournal(db *store.DB, log *slog.Logger) *Journal {
	j := &Journal{db: db, log: log, writes: make(chan write, journalQueue), done: make(chan struct{})}
	go j.run()
	return j
}

// Close writes what waits and stops. Later writes are refused.
func (j *Journal) Close() {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return
	}
	j.closed = true
	close(j.writes)
	j.mu.Unlock()
	<-j.done
}

// Dropped returns how many writes were lost because the disk could not keep up.
func (j *Journal) Dropped() uint64 { return j.dropped.Load() }

// Healthy returns the error of the last write, or nil if it went well. What a
// full disk refused is tried again, so that it is nil soon after there is room.
func (j *Journal) Healthy() error {
	if e := j.failing.Load(); e != nil {
		return *e
	}
	return nil
}

var errJournalClosed = errors.New("the journal is closed")

// later queues fn and does not wait.
func (j *Journal) later(fn func(*store.Tx) error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if j.closed {
		j.dropped.Add(1)
		return
	}
	select {
	case j.writes <- write{fn: fn}:
	default:
		j.dropped.Add(1)
	}
}

// now queues fn and waits until it is on disk, in order with what was queued
// before.
func (j *Journal) now(ctx context.Context, fn func(*store.Tx) error) error {
	w := write{fn: fn, done: make(chan error, 1), durable: true}
	if err := j.enqueue(ctx, w); err != nil {
		return err
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (j *Journal) enqueue(ctx context.Context, w write) error {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if j.closed {
		return errJournalClosed
	}
	select {
	case j.writes <- w:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// settle waits until what was queued before is written, so that who reads sees
// what they did. It is no error if the disk refuses: what is there is read.
func (j *Journal) settle(ctx context.Context) {
	w := write{fn: func(*store.Tx) error { return nil }, done: make(chan error, 1)}
	if j.enqueue(ctx, w) != nil {
		return
	}
	select {
	case <-w.done:
	case <-ctx.Done():
	}
}

func (j *Journal) run() {
	defer close(j.done)
	var refused []write
	for {
		var again <-chan time.Time
		if len(refused) > 0 {
			again = time.After(journalRetry)
		}
		select {
		case w, ok := <-j.writes:
			if !ok {
				j.dropped.Add(uint64(len(j.commit(refused))))
				return
			}
			refused = j.bounded(j.commit(append(refused, j.gather(w)...)))
		case <-again:
			refused = j.commit(refused)
		}
	}
}

// gather returns w and what comes behind it: until somebody waits for one of
// them, what is queued already, otherwise for journalLinger.
func (j *Journal) gather(w write) []write {
	batch, waited := []write{w}, w.done != nil
	linger := time.NewTimer(journalLinger)
	defer linger.Stop()
	for len(batch) < journalBatch {
		var next write
		ok := true
		select {
		case next, ok = <-j.writes:
		default:
			if waited {
				return batch
			}
			select {
			case next, ok = <-j.writes:
			case <-linger.C:
				return batch
			}
		}
		if !ok {
			return batch // run sees it too
		}
		batch, waited = append(batch, next), waited || next.done != nil
	}
	return batch
}

// bounded drops the newest of what the disk refuses when there is too much.
func (j *Journal) bounded(refused []write) []write {
	if over := len(refused) - journalQueue; over > 0 {
		j.dropped.Add(uint64(over))
		refused = refused[:journalQueue]
	}
	return refused
}

// commit writes a batch in one transaction; if that fails each write is tried
// alone, so that one bad write does not take others with it. It returns what
// the disk does not take now (it is full, say), to be tried again in its order.
func (j *Journal) commit(batch []write) (refused []write) {
	if len(batch) == 0 {
		return nil
	}
	run := j.db.Tx
	if slices.ContainsFunc(batch, func(w write) bool { return w.durable }) {
		run = j.db.TxDurable
	}
	err := run(context.Background(), func(tx *store.Tx) error {
		for _, w := range batch {
			if err := w.fn(tx); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case store.Refused(err):
		j.report(err)
		return unanswered(batch, err)
	case err != nil && len(batch) > 1:
		for i, w := range batch {
			if refused = j.commit([]write{w}); len(refused) > 0 {
				return append(refused, unanswered(batch[i+1:], *j.failing.Load())...)
			}
		}
		return nil
	}
	j.report(err)
	if err != nil {
		j.dropped.Add(1)
	} else if j.hears != nil {
		j.hears.Committed()
	}
	for _, w := range batch {
		if w.done != nil {
			w.done <- err
		}
	}
	return nil
}

// unanswered tells those who wait that the disk refused their writes, which are
// over with that, and returns the others.
func unanswered(batch []write, err error) []write {
	rest := make([]write, 0, len(batch))
	for _, w := range batch {
		if w.done == nil {
			rest = append(rest, w)
		} else {
			w.done <- err
		}
	}
	return rest
}

// report keeps the outcome of a write for Healthy; it logs what is new.
func (j *Journal) report(err error) {
	if err == nil {
		if j.failing.Swap(nil) != nil {
			j.log.Info("the journal of calls is written again")
		}
		return
	}
	if before := j.failing.Swap(&err); before == nil || (*before).Error() != err.Error() {
		j.log.Error("could not write to the journal of calls", "error", err)
	}
}

// begin writes the row of a new call.
func (j *Journal) begin(id contact.ID, line contact.LineID, from string, at time.Time) {
	j.later(func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO call_calls (id, line, caller, started, consent) VALUES ($1, $2, $3, $4, $5)`,
			id, line, from, at.UnixMilli(), contact.ConsentNone)
		return err
	})
}

// event appends one event; n numbers a call's events from 1.
func (j *Journal) event(id contact.ID, n int, e contact.Event) {
	j.later(func(tx *store.Tx) error { return j.insertEvent(tx, id, n, e) })
}

// eventNow appends one event and waits until it is on disk.
func (j *Journal) eventNow(ctx context.Context, id contact.ID, n int, e contact.Event) error {
	return j.now(ctx, func(tx *store.Tx) error { return j.insertEvent(tx, id, n, e) })
}

// consent notes the customer's answer in the call's row, with its event, and
// waits until both are on disk.
func (j *Journal) consent(ctx context.Context, id contact.ID, c contact.Consent, n int, e contact.Event) error {
	return j.now(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(`UPDATE call_calls SET consent = $2 WHERE id = $1`, id, c); err != nil {
			return err
		}
		return j.insertEvent(tx, id, n, e)
	})
}

// answered notes the first agent who answered.
func (j *Journal) answered(id contact.ID, q contact.QueueID, a contact.AgentID, at time.Time) {
	j.later(func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE call_calls SET queue = $2, agent = $3, answered = COALESCE(answered, $4) WHERE id = $1`,
			id, q, a, at.UnixMilli())
		if err != nil {
			return err
		}
		// Who was done with it before, is not who serves it last.
		if _, err = tx.Exec(`DELETE FROM call_wrapups WHERE contact = $1`, id); err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE call_calls SET disposition = NULL, disposition_by = NULL WHERE id = $1 AND disposition_by = $2`, id, bySystem)
		return err
	})
}

func (j *Journal) queued(id contact.ID, q contact.QueueID) {
	at := time.Now()
	j.later(func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE call_calls SET queue = $2, queued = COALESCE(queued, $3) WHERE id = $1`, id, q, at.UnixMilli())
		return err
	})
}

// rated notes how satisfied the customer says to be and waits until it is on
// disk.
func (j *Journal) rated(ctx context.Context, id contact.ID, csat int) error {
	return j.now(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE call_calls SET csat = $2 WHERE id = $1`, id, csat)
		return err
	})
}

func (j *Journal) language(id contact.ID, lang string) {
	j.later(func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE call_calls SET language = $2 WHERE id = $1`, id, lang)
		return err
	})
}

func (j *Journal) recording(id contact.ID, recording string) {
	j.later(func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE call_calls SET recording = $2 WHERE id = $1`, id, recording)
		return err
	})
}

func (j *Journal) end(id contact.ID, at time.Time, c contact.EndCause) {
	j.later(func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE call_calls SET ended = $2, end_by = $3, end_class = $4, end_sip = $5, end_q850 = $6, end_why = $7 WHERE id = $1`,
			id, at.UnixMilli(), c.By, c.Class, c.SIP, c.Q850, c.Why)
		if err != nil {
			return err
		}
		return j.wrappedUpBefore(tx, id)
	})
}
