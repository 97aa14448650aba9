package call

import (
	"sync/atomic"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// troubleAfter is how long a side may be unheard before it is named; with
// lookSlow that is within five seconds.
const troubleAfter = 4400 * time.Millisecond

// Trouble is why two people who talk do not hear each other.
type Trouble string

// The troubles. Silent: packets come, but nothing is in them (a muted headset,
// a broken microphone). NoAudio: no packets come.
const (
	NoTrouble       Trouble = ""
	CustomerSilent  Trouble = "customer_silent"
	CustomerNoAudio Trouble = "customer_no_audio"
	AgentSilent     Trouble = "agent_silent"
	AgentNoAudio    Trouble = "agent_no_audio"
)

// presence notes when a source was last heard from, and when there was sound
// in it, after since, on the monotonic clock.
type presence struct {
	since       time.Time
	last, sound atomic.Int64
}

// WritePacket implements media.Sink.
func (p *presence) WritePacket(k *media.Packet) {
	at := int64(k.Arrival.Sub(p.since))
	p.last.Store(at)
	if !media.Silent(k) {
		p.sound.Store(at)
	}
}

func (p *presence) missing(now time.Time) time.Duration {
	return now.Sub(p.since) - time.Duration(p.last.Load())
}

func (p *presence) silent(now time.Time) time.Duration {
	return now.Sub(p.since) - time.Duration(p.sound.Load())
}

// lookForTrouble names one-way audio and silent microphones, and takes the
// name back. Sound is expected only while both sides can be heard.
func (c *Call) lookForTrouble(now time.Time) {
	found := c.findTrouble(now)
	if found == c.view.Trouble {
		return
	}
	before := c.view.Trouble
	c.view.Trouble = found
	if before != NoTrouble {
		c.noteTrouble(before, false)
	}
	if found != NoTrouble {
		c.noteTrouble(found, true)
		if c.Troubled != nil {
			c.Troubled(found)
		}
	}
	c.changed()
}

func (c *Call) findTrouble(now time.Time) Trouble {
	if c.held.Load() {
		c.switched = now // sound is expected again from when it is taken back
		return NoTrouble
	}
	if c.agent == nil || c.mode == modeHold || c.mode == modeConsult || c.mode == modeAnnounce {
		return NoTrouble
	}
	row := c.row()
	// long says whether a pause was long enough, counted from the last switch.
	long := func(pause time.Duration) bool { return min(pause, now.Sub(c.switched)) > troubleAfter }
	switch {
	case long(c.caller.missing(now)):
		return CustomerNoAudio
	case c.away && c.agent.presence.missing(now) > troubleAfter:
		return AgentNoAudio
	case long(c.caller.silent(now)):
		return CustomerSilent
	case row.customer&theAgent != 0 && long(c.agent.presence.silent(now)):
		return AgentSilent
	}
	return NoTrouble
}

// Held says that the customer's phone holds the call, or takes it back: while
// it does, nothing is to be heard from it. It does not wait.
func (c *Call) Held(on bool) { c.held.Store(on) }

func (c *Call) noteTrouble(t Trouble, on bool) {
	leg, text := legCustomer, ""
	switch t {
	case CustomerSilent:
		text = "the customer's phone sends silence"
	case CustomerNoAudio:
		text = "nothing is heard from the customer's phone"
	case AgentSilent:
		text = "the agent's microphone is silent"
	case AgentNoAudio:
		text = "nothing is heard from the agent's browser"
	}
	if t == AgentSilent || t == AgentNoAudio {
		leg = legName(contact.Agent, c.agents)
	}
	if !on {
		text = "no longer: " + text
	}
	c.Note(contact.KindSilence, leg, text, map[string]any{"trouble": t, "on": on})
}
