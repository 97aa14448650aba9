package call

import (
	"context"
	"fmt"
	"slices"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// Listen lets a supervisor hear the call. Nobody in it hears or notices. It is
// on disk before the first packet is forwarded.
func (c *Call) Listen(ctx context.Context, s Seat) error {
	err := c.Journal.eventNow(ctx, c.ID, int(c.n.Add(1)), contact.Event{
		At: time.Now(), Kind: contact.KindListen, Leg: contact.LegID(contact.Supervisor),
		Text: s.User() + " listens", Data: map[string]any{"supervisor": s.User(), "on": true, "mode": "listen"},
	})
	if err != nil {
		return fmt.Errorf("note the listening in the timeline: %w", err)
	}
	return c.do(func() error {
		if c.view.Stage == StageEnded {
			return contact.Errorf(contact.Conflict, "the call is over")
		}
		c.listeners[s.User()] = s
		c.apply()
		c.showListeners()
		return nil
	})
}

// Unlisten ends a supervisor's listening; harmless if there was none.
func (c *Call) Unlisten(user string) {
	c.post(func() {
		if c.stopListening(user) {
			c.showListeners()
		}
	})
}

func (c *Call) stopListening(user string) bool {
	s, ok := c.listeners[user]
	if !ok {
		return false
	}
	delete(c.listeners, user)
	s.Track(trackCustomer).Hear(nil)
	s.Track(trackThird).Hear(nil)
	c.Note(contact.KindListen, contact.LegID(contact.Supervisor), user+" stopped listening",
		map[string]any{"supervisor": user, "on": false, "mode": "listen"})
	return true
}

func (c *Call) showListeners() {
	names := make([]string, 0, len(c.listeners))
	for name := range c.listeners {
		names = append(names, name)
	}
	slices.Sort(names)
	c.view.Listeners = names
	c.changed()
}

// sampleQuality shows fresh figures to the floor and the seat.
func (c *Call) sampleQuality() {
	if c.flowPlayer == nil {
		return
	}
	q := c.Leg.Quality()
	c.view.Quality = &q
	c.changed()
}

// noteQuality writes each leg's figures into the timeline.
func (c *Call) noteQuality(at time.Time) {
	if c.flowPlayer == nil {
		return
	}
	c.noteLegQuality(at, legCustomer, c.Leg.Quality())
	if c.agent != nil {
		c.noteLegQuality(at, c.agent.leg, c.agent.seat.Quality())
	}
}

func (c *Call) noteLegQuality(at time.Time, leg contact.LegID, q media.Quality) {
	c.NoteAt(at, contact.KindQuality, leg,
		fmt.Sprintf("%d packets sent, %d received, %d lost, jitter %.1f ms, score %.1f", q.Sent, q.Received, q.Lost, q.JitterMS, q.Score),
		map[string]any{
			"codec": q.Codec, "sent": q.Sent, "received": q.Received, "lost": q.Lost, "loss_percent": q.LossPercent,
			"jitter_ms": q.JitterMS, "rtt_ms": q.RTTMS, "score": q.Score, "strangers": q.Strangers,
		})
}
