// Package shifts keeps what agents spent their time with, and adds it up: the
// figures that an agent sees of their own day, beside the team's.
package shifts

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// waiting is how many ended states may wait for the disk. More are lost and
// counted: figures are not worth holding up calls.
const waiting = 4096

// Shift is a state that an agent was in.
type Shift struct {
	Agent        contact.AgentID
	State        contact.AgentState
	Reason       string
	Began, Ended time.Time
}

// Book writes shifts down behind the back of those who tell them. Its methods
// are safe for concurrent use.
type Book struct {
	db   *store.DB
	log  *slog.Logger
	in   chan Shift
	done chan struct{}

	mu     sync.Mutex
	closed bool
	lost   int
}

// Open returns the book of db; Close it.
func Open(db *store.DB, log *slog.Logger) *Book {
	b := &Book{db: db, log: log, in: make(chan Shift, waiting), done: make(chan struct{})}
	go b.write()
	return b
}

// Close writes down what still waits.
func (b *Book) Close() {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		close(b.in)
	}
	b.mu.Unlock()
	<-b.done
}

// Note takes a state that has ended. It does not block.
func (b *Book) Note(s Shift) {
	if !s.Ended.After(s.Began) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	select {
	case b.in <- s:
	default:
		b.lost++
	}
}

// Lost is how many were lost because the disk was too slow.
func (b *Book) Lost() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lost
}

func (b *Book) write() {
	defer close(b.done)
	for s := range b.in {
		batch := []Shift{s}
		for more := true; more && len(batch) < 256; {
			select {
			case s, ok := <-b.in:
				if more = ok; ok {
					batch = append(batch, s)
				}
			default:
				more = false
			}
		}
		if err := b.put(batch); err != nil {
			b.log.Error("what agents spent their time with could not be saved", "states", len(batch), "error", err)
		}
	}
}

func (b *Book) put(batch []Shift) error {
	return b.db.Tx(context.Background(), func(tx *store.Tx) error {
		for _, s := range batch {
			_, err := tx.Exec(`INSERT INTO acd_shifts (agent, began, ended, state, reason) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (agent, began, state) DO UPDATE SET ended = $3`, s.Agent, s.Began.UnixMilli(), s.Ended.UnixMilli(), s.State, s.Reason)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Day is what one agent, or the mean of the team, did in a day. Times are
// seconds; nil is not known.
type Day struct {
	From  time.Time `json:"from"`
	Calls float64   `json:"calls" doc:"that were answered"`
	// Handle is the mean of talking, hold and wrap-up for a call, Answer of how
	// long a call rang.
	Handle *float64 `json:"handle"`
	Answer *float64 `json:"answer"`
	CSAT   *float64 `json:"csat"`
	// States is the time in each state.
	States map[contact.AgentState]float64 `json:"states"`
}

// sums is what a Day is made of.
type sums struct {
	calls, rings, rated   int
	handled, rang, rating float64
	states                map[contact.AgentState]float64
}

// Figures returns what the agent and the team's mean agent did on each of days
// days, of which the last one begins at from; the newest comes first. The team
// is whoever had a call or a state on that day.
func (b *Book) Figures(ctx context.Context, agent contact.AgentID, from time.Time, days int) (own, team []Day, err error) {
	err = b.db.View(ctx, func(tx *store.Tx) error {
		for i := range days {
			begin := from.AddDate(0, 0, -i)
			all, err := read(ctx, tx, begin, begin.AddDate(0, 0, 1))
			if err != nil {
				return err
			}
			own, team = append(own, day(begin, all[agent], 1)), append(team, day(begin, total(all), len(all)))
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("add up what agents did: %w", err)
	}
	return own, team, nil
}

func total(all map[contact.AgentID]*sums) *sums {
	t := &sums{states: map[contact.AgentState]float64{}}
	for _, s := range all {
		t.calls, t.rings, t.rated = t.calls+s.calls, t.rings+s.rings, t.rated+s.rated
		t.handled, t.rang, t.rating = t.handled+s.handled, t.rang+s.rang, t.rating+s.rating
		for state, d := range s.states {
			t.states[state] += d
		}
	}
	return t
}

func day(from time.Time, s *sums, agents int) Day {
	d := Day{From: from, States: map[contact.AgentState]float64{}}
	if s == nil || agents == 0 {
		return d
	}
	d.Calls = float64(s.calls) / float64(agents)
	mean := func(sum float64, n int) *float64 {
		if n == 0 {
			return nil
		}
		m := sum / float64(n)
		return &m
	}
	d.Handle, d.Answer, d.CSAT = mean(s.handled, s.calls), mean(s.rang, s.rings), mean(s.rating, s.rated)
	for state, t := range s.states {
		d.States[state] = t / float64(agents)
	}
	return d
}

// read adds up one day of everybody. A state counts for the day in which it
// began.
func read(ctx context.Context, tx *store.Tx, from, to time.Time) (map[contact.AgentID]*sums, error) {
	all := map[contact.AgentID]*sums{}
	of := func(agent contact.AgentID) *sums {
		if all[agent] == nil {
			all[agent] = &sums{states: map[contact.AgentState]float64{}}
		}
		return all[agent]
	}
	rows, err := tx.QueryContext(ctx, `SELECT agent, state, COUNT(*), SUM(ended - began) FROM acd_shifts
		WHERE began >= $1 AND began < $2 GROUP BY agent, state`, from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var agent contact.AgentID
		var state contact.AgentState
		var n int
		var ms float64
		if err := rows.Scan(&agent, &state, &n, &ms); err != nil {
			return nil, err
		}
		s := of(agent)
		s.states[state] += ms / 1000
		switch state {
		case contact.AgentOffered:
			s.rings, s.rang = s.rings+n, s.rang+ms/1000
		case contact.AgentTalking, contact.AgentHold, contact.AgentWrapUp:
			s.handled += ms / 1000
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return all, answers(ctx, tx, from, to, of)
}

// answersOf counts the answered calls of each agent from $1 until before $2, both in
// milliseconds since the epoch, and their ratings.
const answersOf = `SELECT agent, COUNT(*), COUNT(csat), COALESCE(SUM(csat), 0) FROM (
		SELECT id, agent, csat FROM call_calls c WHERE answered >= $1 AND answered < $2 AND agent IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM call_events e WHERE e.contact = c.id AND e.kind = 'answer' AND e.data ->> '$.agent' = c.agent)
		UNION
		SELECT c.id, e.data ->> '$.agent' AS agent, CASE WHEN c.agent = e.data ->> '$.agent' THEN c.csat END
		FROM call_events e JOIN call_calls c ON c.id = e.contact WHERE e.kind = 'answer' AND e.at >= $1 AND e.at < $2
	) WHERE agent IS NOT NULL GROUP BY agent`

// answers adds who answered how many calls, also those that another agent had
// last, whom the customer's rating is for. A call counts when the agent answered it;
// when it was answered first where the timeline does not say that.
func answers(ctx context.Context, tx *store.Tx, from, to time.Time, of func(contact.AgentID) *sums) error {
	calls, err := tx.QueryContext(ctx, answersOf, from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return err
	}
	defer calls.Close()
	for calls.Next() {
		var agent contact.AgentID
		var n, rated int
		var rating float64
		if err := calls.Scan(&agent, &n, &rated, &rating); err != nil {
			return err
		}
		s := of(agent)
		s.calls, s.rated, s.rating = n, rated, rating
	}
	return calls.Err()
}
