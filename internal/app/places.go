package app

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/store"
)

const (
	// saveEvery is how much of the queues a crash forgets at most.
	saveEvery = time.Second
	// usualWeeks is over how many weeks "usual" is the mean.
	usualWeeks = 4
)

// places keeps how the queues stand on the disk, so that a restart loses
// nobody's place and no agent's state, and tells the queues what is usual.
type places struct {
	db      *store.DB
	journal *call.Journal
	log     *slog.Logger
	engine  *acd.Engine
	queues  []contact.QueueID

	saved string // the last state written, without its time
	hour  time.Time
	stop  context.CancelFunc
	done  chan struct{}
}

// queueSecret returns the key under which the queues hash callers' numbers; it
// is made once for each data folder.
func queueSecret(ctx context.Context, db *store.DB) ([]byte, error) {
	var key []byte
	err := db.Tx(ctx, func(tx *store.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT key FROM acd_secret`).Scan(&key)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		key = make([]byte, 32)
		_, _ = rand.Read(key) // crypto/rand.Read never fails (its documentation)
		_, err = tx.ExecContext(ctx, `INSERT INTO acd_secret (one, key) VALUES (1, $1)`, key)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the key of the queues' state: %w", err)
	}
	return key, nil
}

// restorePlaces hands the engine what the last run left. A state that cannot be
// read is left out and said so: calls must come in all the same.
func restorePlaces(ctx context.Context, db *store.DB, log *slog.Logger, engine *acd.Engine) error {
	var text string
	err := db.View(ctx, func(tx *store.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT state FROM acd_state`).Scan(&text)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the queues' state of the last run: %w", err)
	}
	var snap acd.Snapshot
	if err := json.Unmarshal([]byte(text), &snap); err != nil {
		log.Error("the queues' state of the last run cannot be read; callers' places are lost", "error", err)
		return nil
	}
	return engine.Do(acd.Restored{Snapshot: snap})
}

// keepPlaces saves the queues' state until Stop.
func keepPlaces(db *store.DB, journal *call.Journal, log *slog.Logger, engine *acd.Engine, queues []contact.QueueID) *places {
	ctx, stop := context.WithCancel(context.Background())
	p := &places{db: db, journal: journal, log: log, engine: engine, queues: queues, stop: stop, done: make(chan struct{})}
	go p.run(ctx)
	return p
}

func (p *places) run(ctx context.Context) {
	defer close(p.done)
	every := time.NewTicker(saveEvery)
	defer every.Stop()
	for {
		p.tellUsual(ctx)
		select {
		case <-every.C:
			p.save(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// close writes the last state; the calls are still up in it.
func (p *places) close(ctx context.Context) error {
	p.stop()
	<-p.done
	return p.write(ctx)
}

func (p *places) save(ctx context.Context) {
	if err := p.write(ctx); err != nil && ctx.Err() == nil {
		p.log.Error("could not save the queues' state; a restart would lose callers' places", "error", err)
	}
}

func (p *places) write(ctx context.Context) error {
	snap := p.engine.Snapshot()
	at := snap.At
	snap.At = time.Time{}
	same, err := json.Marshal(snap)
	if err != nil {
		return err
	}
	if string(same) == p.saved {
		return nil
	}
	snap.At = at
	state, err := json.Marshal(snap)
	if err != nil {
		return err
	}
	err = p.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO acd_state (one, at, state) VALUES (1, $1, $2)
			ON CONFLICT (one) DO UPDATE SET at = excluded.at, state = excluded.state`, at.UnixMilli(), string(state))
		return err
	})
	if err == nil {
		p.saved = string(same)
	}
	return err
}

// tellUsual tells each queue, once an hour, how many calls came in this hour of
// this weekday in the last weeks.
func (p *places) tellUsual(ctx context.Context) {
	hour := time.Now().Truncate(time.Hour)
	if hour.Equal(p.hour) {
		return
	}
	p.hour = hour
	came, weeks := map[contact.QueueID]int{}, 0
	for week := 1; week <= usualWeeks; week++ {
		from := hour.AddDate(0, 0, -7*week)
		week, err := p.journal.Arrivals(ctx, from, from.Add(time.Hour))
		if err != nil {
			if ctx.Err() == nil {
				p.log.Warn("could not count what is usual", "error", err)
			}
			return
		}
		if len(week) > 0 {
			weeks++
		}
		for q, n := range week {
			came[q] += n
		}
	}
	for _, q := range p.queues {
		usual := acd.Usual{Queue: q, PerHour: float64(came[q]) / float64(max(1, weeks))}
		if err := p.engine.Do(usual); err != nil {
			p.log.Debug("the queue engine refused an event", "event", usual, "error", err)
		}
	}
}
