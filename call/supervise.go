package call

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"callfloor/contact"
)

// watcher is a supervisor in the call.
type watcher struct {
	seat  Seat
	mode  Supervision
	since time.Time
}

// Watcher is a supervisor in a call, as others see it.
type Watcher struct {
	User  string
	Mode  Supervision
	Since time.Time // in this mode
}

// Listen lets a supervisor hear the call. Nobody in it hears or notices. It is
// on disk before the first packet is forwarded.
func (c *Call) Listen(ctx context.Context, s Seat) error { return c.Supervise(ctx, s, Listen) }

// Supervise lets a supervisor listen, whisper or barge in, or changes between
// these. It is on disk before the first packet is forwarded. Only one
// supervisor at a time may be heard, and only while there is an agent;
// contact.Conflict otherwise.
func (c *Call) Supervise(ctx context.Context, s Seat, m Supervision) error {
	if err := c.do(func() error { return c.maySupervise(s.User(), m) }); err != nil {
		return err
	}
	text := map[Supervision]string{Listen: " listens", Whisper: " whispers to the agent", Barge: " barges in"}[m]
	if err := c.noteSupervision(ctx, s.User(), m.String(), text); err != nil {
		return err
	}
	return c.do(func() error {
		if err := c.maySupervise(s.User(), m); err != nil {
			return err
		}
		c.watchers[s.User()] = &watcher{seat: s, mode: m, since: time.Now()}
		if m == Barge {
			c.mark("barge", map[string]any{"supervisor": s.User()})
		}
		c.apply()
		c.showWatchers()
		return nil
	})
}

// noteSupervision writes into the timeline what a supervisor is about to do
// and waits until it is on disk.
func (c *Call) noteSupervision(ctx context.Context, user, mode, text string) error {
	err := c.Journal.eventNow(ctx, c.ID, int(c.n.Add(1)), contact.Event{
		At: time.Now(), Kind: contact.KindListen, Leg: legSupervisor,
		Text: user + text, Data: map[string]any{"supervisor": user, "on": true, "mode": mode},
	})
	if err != nil {
		return fmt.Errorf("note in the timeline that %s%s: %w", user, text, err)
	}
	return nil
}

// maySupervise says why a supervisor cannot do that now.
func (c *Call) maySupervise(user string, m Supervision) error {
	switch s := c.speaker(); {
	case c.view.Stage == StageEnded:
		return contact.Errorf(contact.Conflict, "the call is over")
	case c.has(user):
		return contact.Errorf(contact.Conflict, "you are in this call yourself")
	case m != Listen && c.agent == nil:
		return contact.Errorf(contact.Conflict, "there is no agent in the call yet")
	case m != Listen && s != nil && s.seat.User() != user:
		return contact.Errorf(contact.Conflict, "%s speaks in this call already", s.seat.User())
	}
	return nil
}

// speaker is the supervisor who whispers or barges in, or nil.
func (c *Call) speaker() *watcher {
	for _, w := range c.watchers {
		if w.mode != Listen {
			return w
		}
	}
	return nil
}

// Unlisten ends what a supervisor does in the call; harmless if it is nothing.
func (c *Call) Unlisten(user string) {
	c.post(func() {
		if c.stopWatching(user, "stopped listening") {
			c.apply()
			c.showWatchers()
		}
	})
}

func (c *Call) stopWatching(user, why string) bool {
	w, ok := c.watchers[user]
	if !ok {
		return false
	}
	delete(c.watchers, user)
	silence(w.seat)
	c.Note(contact.KindListen, legSupervisor, user+" "+why, map[string]any{"supervisor": user, "on": false, "mode": w.mode.String()})
	return true
}

// hush makes a supervisor who is heard a mere listener: the agent whom they
// spoke to is gone, and the next one must not hear them by surprise.
func (c *Call) hush() {
	w := c.speaker()
	if w == nil {
		return
	}
	c.Note(contact.KindListen, legSupervisor, w.seat.User()+" only listens now, since the agent is gone",
		map[string]any{"supervisor": w.seat.User(), "on": true, "mode": Listen.String()})
	w.mode, w.since = Listen, time.Now()
	c.showWatchers()
}

func (c *Call) showWatchers() {
	all := make([]Watcher, 0, len(c.watchers))
	for user, w := range c.watchers {
		all = append(all, Watcher{User: user, Mode: w.mode, Since: w.since})
	}
	slices.SortFunc(all, func(a, b Watcher) int { return strings.Compare(a.User, b.User) })
	c.view.Watchers = all
	c.changed()
}

// TakeOver makes a supervisor the agent of the call; the agent so far is out
// of it. It is on disk before the first packet is forwarded, and before decide
// asks the queue engine, so that a slow disk holds up nobody who is parted
// already; as in GiveAway nothing comes between that and the change.
// contact.Conflict if the call is not with from.
func (c *Call) TakeOver(ctx context.Context, s Seat, from contact.AgentID, decide func() error) error {
	if err := c.do(func() error { return c.isWith(from) }); err != nil {
		return err
	}
	if err := c.noteSupervision(ctx, s.User(), "takeover", " takes the call over from "+string(from)); err != nil {
		return err
	}
	return c.do(func() error {
		err := c.isWith(from)
		if err == nil {
			err = decide()
		}
		if err != nil {
			c.Note(contact.KindListen, legSupervisor, s.User()+" did not take the call over", map[string]any{"supervisor": s.User(), "on": false, "mode": "takeover"})
			return err
		}
		c.stopWatching(s.User(), "is the agent now")
		if c.second != nil && !c.joined {
			c.hangUpSecond("a supervisor took the call over")
		}
		c.handOver(s, contact.Supervisor)
		c.showWatchers()
		return nil
	})
}

// Agent returns who serves the call; "" if nobody does.
func (c *Call) Agent() (a contact.AgentID) {
	_ = c.do(func() error { // a call that is over is with nobody
		if c.agent != nil {
			a = contact.AgentID(c.agent.seat.User())
		}
		return nil
	})
	return a
}

func (c *Call) isWith(a contact.AgentID) error {
	if c.agent == nil || c.agent.seat.User() != string(a) {
		return contact.Errorf(contact.Conflict, "the call is not with %s any more", a)
	}
	return nil
}

// handOver makes s the agent instead of the present one.
func (c *Call) handOver(s Seat, p contact.Party) {
	now := time.Now()
	c.noteLegQuality(now, c.agent.leg, c.agent.quality())
	c.endPause()
	c.unseatAgent()
	c.seatAgent(s, p, now)
	c.view.Agent = contact.AgentID(s.User())
	c.setStage(StageTalking, now)
	c.settle()
	c.Journal.answered(c.ID, c.view.Queue, c.view.Agent, now)
	c.mark("agent", map[string]any{"agent": s.User()})
}
