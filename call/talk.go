package call

import (
	"fmt"
	"sync/atomic"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// Media presence: the customer must hear a soft tone soon after the agent's
// browser is gone, and the agent soon after it is back.
const (
	// lookSlow and lookFast are how often the agent's media is looked at, in
	// general and once something is suspected.
	lookSlow = 500 * time.Millisecond
	lookFast = 40 * time.Millisecond
	// missingSuspect and missingAlways are the pauses after which the agent
	// counts as away: with the seat's socket gone, and in any case.
	missingSuspect = 150 * time.Millisecond
	missingAlways  = 2 * time.Second
)

// digitLength is how long a key sent to the customer's side lasts.
const digitLength = 160 * time.Millisecond

// presence notes when a source was last heard, after since, on the monotonic
// clock.
type presence struct {
	since time.Time
	last  atomic.Int64
}

// WritePacket implements media.Sink.
func (p *presence) WritePacket(k *media.Packet) { p.last.Store(int64(k.Arrival.Sub(p.since))) }

func (p *presence) missing(now time.Time) time.Duration {
	return now.Sub(p.since) - time.Duration(p.last.Load())
}

// Connect joins the customer and an agent who has accepted.
func (c *Call) Connect(s Seat, q contact.QueueID, waited time.Duration) error {
	return c.do(func() error {
		if c.Leg.Cause() != (contact.EndCause{}) {
			return contact.Errorf(contact.Conflict, "the customer has just hung up")
		}
		now := time.Now()
		c.partAgent()
		c.agents++
		c.agent = &agent{seat: s, leg: legName(contact.Agent, c.agents)}
		s.ResetQuality() // its connection is older than the call
		c.agent.presence.since = now
		s.Mic().Attach(&c.agent.presence)
		c.queue.serve(true)
		c.view.Agent, c.view.Queue, c.view.Muted = contact.AgentID(s.User()), q, false
		c.view.Waited = waited
		c.setMode(modeTalk, StageTalking)
		c.Note(contact.KindAnswer, c.agent.leg, fmt.Sprintf("%s answered after %.0f s in the queue", s.User(), waited.Seconds()),
			map[string]any{"agent": s.User(), "queue": q, "waited": waited.Seconds()})
		if c.answered.IsZero() {
			c.answered = now
			c.view.Answered = now
		}
		c.Journal.answered(c.ID, q, contact.AgentID(s.User()), now)
		c.startRecording(s.User(), q)
		c.changed()
		return nil
	})
}

func legName(p contact.Party, n int) contact.LegID {
	if n == 1 {
		return contact.LegID(p)
	}
	return contact.LegID(fmt.Sprintf("%s-%d", p, n))
}

// setMode changes who hears whom and what the floor sees.
func (c *Call) setMode(m mode, s Stage) {
	c.mode = m
	c.apply()
	c.setStage(s, time.Now())
}

// withAgent runs f on the call's goroutine if user is the agent of the call.
func (c *Call) withAgent(user string, f func() error) error {
	return c.do(func() error {
		if c.agent == nil || c.agent.seat.User() != user {
			return contact.Errorf(contact.Conflict, "this call is not with you")
		}
		return f()
	})
}

// Hold puts the customer on hold with music, or takes them back.
func (c *Call) Hold(user string, on bool) error {
	return c.withAgent(user, func() error {
		held := c.view.Stage == StageHold
		if held == on {
			return nil
		}
		kind, text := contact.KindHold, "put on hold"
		if on {
			c.setStage(StageHold, time.Now())
		} else {
			kind, text = contact.KindResume, "taken back from hold"
			c.setStage(StageTalking, time.Now())
		}
		c.settle()
		c.Note(kind, c.agent.leg, text, nil)
		c.mark(string(kind), nil)
		c.changed()
		return nil
	})
}

// Mute keeps the agent from being heard by anybody, or ends that.
func (c *Call) Mute(user string, on bool) error {
	return c.withAgent(user, func() error {
		if c.view.Muted == on {
			return nil
		}
		c.view.Muted = on
		c.settle()
		c.Note(contact.KindMute, c.agent.leg, map[bool]string{true: "muted", false: "unmuted"}[on], map[string]any{"on": on})
		c.mark("mute", map[string]any{"on": on})
		c.changed()
		return nil
	})
}

// SendDigit sends a key to the customer's side (RFC 4733).
func (c *Call) SendDigit(user string, key rune) error {
	return c.withAgent(user, func() error {
		if err := c.Leg.Sender().SendDigit(key, digitLength); err != nil {
			return contact.Errorf(contact.Conflict, "the key could not be sent: %v", err)
		}
		c.Note(contact.KindDigits, c.agent.leg, "the agent pressed a key", nil)
		return nil
	})
}

// settle picks the mode of a call with an agent from its stage, the agent's
// presence and mute, and what is played to the customer meanwhile.
func (c *Call) settle() {
	next := modeTalk
	switch {
	case c.agent == nil:
		next = modeFlow
	case c.view.Stage == StageHold:
		next = modeHold
	case c.away:
		next = modeAway
	case c.view.Muted:
		next = modeMuted
	}
	if next == c.mode {
		return
	}
	switch next {
	case modeHold:
		c.loop("music")
	case modeAway:
		c.loop("reconnect")
	default:
		c.holdPlayer.Stop()
	}
	c.mode = next
	c.apply()
}

// loop plays music to the customer, going on where it would be by now.
func (c *Call) loop(id string) {
	clip, err := c.Prompts.Music(id)
	if err != nil {
		c.log.Error("could not play to the customer on hold", "music", id, "error", err)
		return
	}
	c.holdPlayer.Loop(clip, time.Since(c.answered)%max(clip.Duration(), 1))
}

// HangupBy ends the call for the agent who serves it.
func (c *Call) HangupBy(user string) error {
	return c.withAgent(user, func() error {
		c.Leg.Hangup(contact.EndCause{By: contact.Agent, Class: contact.EndCompleted, Q850: 16, Why: "the agent hung up"})
		return nil
	})
}

// SeatSuspect says that the agent's seat lost its socket (or has it again), so
// that missing media is noticed at once.
func (c *Call) SeatSuspect(user string, on bool) {
	c.post(func() {
		if c.agent != nil && c.agent.seat.User() == user {
			c.suspect = on
		}
	})
}

func (c *Call) lookEvery() time.Duration {
	if c.suspect || c.away {
		return lookFast
	}
	return lookSlow
}

// lookAtAgent notices that the agent's media went missing or came back.
func (c *Call) lookAtAgent(now time.Time) {
	if c.agent == nil {
		return
	}
	limit := missingAlways
	if c.suspect {
		limit = missingSuspect
	}
	missing := c.agent.presence.missing(now)
	switch {
	case !c.away && missing > limit:
		c.setAway(true, "the agent's browser is gone; the customer hears a tone")
	case c.away && missing < lookFast*2:
		c.setAway(false, "the agent's browser is back")
	}
}

func (c *Call) setAway(on bool, text string) {
	c.away, c.view.Away = on, on
	c.settle()
	c.Note(contact.KindReconnect, c.agent.leg, text, map[string]any{"away": on})
	c.mark("agent_away", map[string]any{"on": on})
	c.changed()
}

// Requeue parts the customer from an agent who stayed away; they wait again.
func (c *Call) Requeue(a contact.AgentID, q contact.QueueID) {
	c.post(func() {
		if c.agent == nil || c.agent.seat.User() != string(a) {
			return
		}
		c.Note(contact.KindReconnect, c.agent.leg, fmt.Sprintf("%s did not come back; the customer waits again, first in the queue", a),
			map[string]any{"agent": a, "queue": q})
		c.mark("agent_lost", nil)
		c.partAgent()
		c.view.Agent = ""
		c.setMode(modeFlow, StageQueue)
		c.queue.serve(false)
		c.changed()
	})
}

// partAgent takes the agent out of the call.
func (c *Call) partAgent() {
	if c.agent == nil {
		return
	}
	a := c.agent
	a.seat.Mic().Detach(&a.presence)
	c.wires.fromAgent.hear(nil)
	c.wires.recAgent.hear(nil)
	a.seat.Track(trackCustomer).Hear(nil)
	c.agent, c.away, c.suspect = nil, false, false
	c.view.Away, c.view.Muted = false, false
	if c.holdPlayer != nil {
		c.holdPlayer.Stop()
	}
}
