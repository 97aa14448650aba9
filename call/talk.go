package call

import (
	"fmt"
	"time"

	"callfloor/contact"
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

// Connect joins the customer and an agent who has accepted, and tells the agent
// about the call; harmless if they are joined.
func (c *Call) Connect(s Seat, q contact.QueueID, waited time.Duration, tell Announcement) error {
	return c.do(func() error {
		switch {
		case c.Leg.Cause() != (contact.EndCause{}):
			return contact.Errorf(contact.Conflict, "the customer has just hung up")
		case c.agent != nil && c.agent.seat == s:
			return nil
		}
		now := time.Now()
		c.unseatAgent()
		c.between, c.view.Parked = false, nil
		c.stopWatching(s.User(), "is the agent now")
		c.seatAgent(s, contact.Agent, now)
		c.queue.serve(true)
		c.view.Agent, c.view.Queue = contact.AgentID(s.User()), q
		c.view.Waited = waited
		c.setStage(StageTalking, now)
		c.announce(tell)
		c.settle()
		text := fmt.Sprintf("%s answered after %.0f s in the queue", s.User(), waited.Seconds())
		if c.Dialler == contact.AgentID(s.User()) {
			text = "the customer answered the call of " + s.User()
		}
		c.Note(contact.KindAnswer, c.agent.leg, text,
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

// seatAgent makes s the agent.
func (c *Call) seatAgent(s Seat, p contact.Party, now time.Time) {
	c.agent = c.newAgent(s, p, now)
	if c.caller.since.IsZero() {
		c.caller.since = now
		c.Leg.Source().Attach(&c.caller)
	}
}

func (c *Call) newAgent(s Seat, p contact.Party, now time.Time) *agent {
	c.agents++
	a := &agent{seat: s, measured: s.Measure(), leg: legName(contact.Agent, c.agents), party: p}
	a.presence.since = now
	s.Mic().Attach(&a.presence)
	if t, ok := s.(Telephone); ok {
		a.outlet.open(c.Pacer, "telephone", t.Leg().Codec())
		a.outlet.coached = true
		t.Leg().Sender().Fill(t.Leg().Codec())
	}
	return a
}

// withAgent runs f on the call's goroutine if user is the agent of the call.
func (c *Call) withAgent(user string, f func() error) error {
	return c.do(func() error {
		switch {
		case c.agent == nil || c.agent.seat.User() != user:
			return contact.Errorf(contact.Conflict, "this call is not with you")
		case c.agent.aside:
			return contact.Errorf(contact.Conflict, "this call is set aside: take it back first")
		}
		return f()
	})
}

// Hold puts the customer on hold with music, or takes them back. A call that is
// set aside stays as it is: TurnTo takes it back.
func (c *Call) Hold(user string, on bool) error {
	return c.do(func() error {
		a := c.agent
		switch {
		case a == nil || a.user() != user:
			return contact.Errorf(contact.Conflict, "this call is not with you")
		case a.aside:
			return nil
		}
		held := c.view.Stage == StageHold
		switch {
		case held == on:
			return nil
		case !on && c.second != nil && !c.joined:
			return contact.Errorf(contact.Conflict, "first end the consultation with %s, or merge the calls", c.view.Second.Name)
		case on && c.second != nil && !c.joined:
			return contact.Errorf(contact.Conflict, "you are with the customer and %s waits: swap, or merge the calls", c.view.Second.Name)
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

// Mute keeps an agent of the call from being heard by anybody, or ends that.
func (c *Call) Mute(user string, on bool) error {
	return c.do(func() error {
		a := c.agent
		if c.second != nil && c.second.user() == user {
			a = c.second
		}
		switch {
		case a == nil || a.user() != user:
			return contact.Errorf(contact.Conflict, "this call is not with you")
		case a.muted == on:
			return nil
		}
		a.muted = on
		if a == c.agent {
			c.view.Muted = on
		} else {
			c.showSecond(func(v *Second) { v.Muted = on })
		}
		c.settle()
		c.Note(contact.KindMute, a.leg, map[bool]string{true: "muted", false: "unmuted"}[on], map[string]any{"on": on})
		c.mark(map[bool]string{true: "mute", false: "unmute"}[on], nil)
		c.changed()
		return nil
	})
}

// SendDigit sends a key to the customer's side.
func (c *Call) SendDigit(user string, key rune) error {
	return c.withAgent(user, func() error {
		if err := c.Leg.SendDigit(key, digitLength); err != nil {
			return contact.Errorf(contact.Conflict, "the key could not be sent: %v", err)
		}
		c.Note(contact.KindDigits, c.agent.leg, "the agent pressed a key", nil)
		return nil
	})
}

// settle picks the mode of a call with an agent from what is going on, plays
// to the customer what they hear meanwhile, and switches everybody.
func (c *Call) settle() {
	c.mode = c.pick()
	if c.mode != modeTalk && c.mode != modeAnnounce {
		c.endAnnouncement()
	}
	c.showMode()
	c.switched = time.Now()
	switch {
	case (c.row().customer|c.row().second)&holdPlayer == 0:
		c.holdPlayer.Stop()
		c.playing = ""
	case c.away: // from its beginning: an agent may be back before it says anything otherwise
		c.loop("reconnect", 0)
	default: // going on where it would be by now
		c.loop("music", time.Since(c.answered))
	}
	c.apply()
}

func (c *Call) pick() mode {
	held := c.view.Stage == StageHold
	switch {
	case c.isAside() && c.second != nil && c.joined:
		return modeAwayConference
	case c.isAside():
		return modeHold
	case c.agent == nil && c.second != nil:
		return modeBridge
	case c.agent == nil && c.between:
		return modeBetween
	case c.agent == nil:
		return modeFlow
	case c.away && c.joined && !held:
		return modeAwayConference
	case held && c.second != nil && !c.away:
		return modeConsult
	case held:
		return modeHold
	case c.away:
		return modeAway
	case c.second != nil && !c.joined:
		return modeAside
	case c.second != nil:
		return modeConference
	case c.announcing != nil && c.announcing.alone:
		return modeAnnounce
	default:
		return modeTalk
	}
}

// loop plays a piece of music to the customer, from a point of it on.
func (c *Call) loop(id string, at time.Duration) {
	if c.playing == id {
		return
	}
	clip, err := c.Prompts.Music(id)
	if err != nil {
		c.log.Error("could not play to the customer on hold", "music", id, "error", err)
		return
	}
	c.playing = id
	c.holdPlayer.Loop(clip, at)
}

// HangupBy ends the call for the agent who serves it; where the flow goes on
// after the agent (a queue node with served:) only the agent leaves.
func (c *Call) HangupBy(user string) error {
	return c.withAgent(user, func() error {
		if c.goOn {
			c.part()
			return nil
		}
		by := c.agent.party
		c.Leg.Hangup(contact.EndCause{By: by, Class: contact.EndCompleted, Q850: 16, Why: "the " + string(by) + " hung up"})
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
	if c.agent.telephone() != nil && !c.suspect && !c.away {
		return // telephones may be silent; one that is lost is suspected
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
	c.mark(map[bool]string{true: "agent_away", false: "agent_back"}[on], nil)
	c.changed()
}

// Requeue parts the customer from an agent who stayed away; they wait again.
// When it returns the agent hears nothing of the call: they may be back for the
// next one.
func (c *Call) Requeue(a contact.AgentID, q contact.QueueID) {
	_ = c.do(func() error { // a call that is over has no agent
		if c.agent == nil || c.agent.seat.User() != string(a) {
			return nil
		}
		c.Note(contact.KindReconnect, c.agent.leg, fmt.Sprintf("%s did not come back; the customer waits again, first in the queue", a),
			map[string]any{"agent": a, "queue": q})
		c.mark("agent_lost", nil)
		c.hangUpSecond("the agent's browser is gone")
		c.endPause()
		c.unseatAgent()
		c.hush()
		c.view.Agent = ""
		c.between = !c.queue.isActive() // no flow plays music to whom we called
		c.setStage(StageQueue, time.Now())
		c.settle()
		c.queue.serve(false)
		c.changed()
		return nil
	})
}

// unseatAgent takes the agent out of the call.
func (c *Call) unseatAgent() {
	if c.agent == nil {
		return
	}
	c.endAnnouncement()
	c.agent.leave()
	c.agent, c.away, c.suspect = nil, false, false
	c.view.Away, c.view.Muted = false, false
}
