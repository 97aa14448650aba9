package call

import (
	"sync/atomic"

	"callfloor/contact"
	"callfloor/media"
)

const (
	legCustomer = contact.LegID(contact.Customer)

	trackCustomer = "customer"
	trackThird    = "third"
)

// mode is who hears whom: the rows of the matrix.
type mode int

const (
	modeNone  mode = iota // before the answer and after the end
	modeFlow              // the customer hears the flow: prompts, music
	modeEcho              // the customer hears themselves
	modeTalk              // customer and agent hear each other
	modeMuted             // as talk, but nobody hears the agent
	modeHold              // the customer hears music
	modeAway              // the agent's browser is gone: the customer hears a soft tone
)

// voice is one that can be heard.
type voice int

const (
	nobody voice = iota
	customer
	theAgent
	flowPlayer
	holdPlayer
)

// hearing is one row: what every ear hears in a mode. The recording has two
// ears, and so has a listening supervisor; neither is ever a voice.
type hearing struct {
	customer, agent               voice
	listenerCustomer, listenThird voice
	recordCustomer, recordAgent   voice
}

// matrix is the whole of who hears whom.
var matrix = map[mode]hearing{
	modeNone: {},
	modeFlow: {customer: flowPlayer},
	modeEcho: {customer: customer},
	modeTalk: {
		customer: theAgent, agent: customer,
		listenerCustomer: customer, listenThird: theAgent,
		recordCustomer: customer, recordAgent: theAgent,
	},
	modeMuted: {
		agent:            customer,
		listenerCustomer: customer,
		recordCustomer:   customer,
	},
	modeHold: {customer: holdPlayer, recordCustomer: customer},
	modeAway: {customer: holdPlayer, listenerCustomer: customer, recordCustomer: customer},
}

// wires are the ends that are switched besides the legs' own senders.
type wires struct {
	// toCustomer turns what the agent's browser sends into what the customer's
	// leg speaks, should the browser refuse to switch; else it passes through.
	toCustomer *media.Transcoder
	fromAgent  ear // feeds toCustomer
	recCust    ear
	recAgent   ear
}

// ear is a sink that hears one source at a time; packets of any other source
// that are still under way when it is switched are dropped.
type ear struct {
	to  media.Sink
	src atomic.Pointer[media.Source]
}

// WritePacket implements media.Sink.
func (e *ear) WritePacket(p *media.Packet) {
	if p.From == e.src.Load() {
		e.to.WritePacket(p)
	}
}

// feed says where the ear leads, which is not known at first; what it hears
// already comes through from now on.
func (e *ear) feed(to media.Sink) {
	e.to = to
	if src := e.src.Load(); src != nil {
		src.Attach(e)
	}
}

func (e *ear) hear(src *media.Source) {
	old := e.src.Swap(src)
	if old == src {
		return
	}
	if old != nil {
		old.Detach(e)
	}
	if src != nil && e.to != nil {
		src.Attach(e)
	}
}

// apply switches every ear to the row of the present mode.
func (c *Call) apply() {
	row := matrix[c.mode]
	if c.flowPlayer == nil {
		row = hearing{} // not answered: nothing to hear with
	}
	if row.customer == theAgent {
		// Through the transcoder, so that the sender keeps one source while the
		// browser's codec changes.
		c.wires.fromAgent.hear(c.source(theAgent))
		c.Leg.Sender().Hear(c.wires.toCustomer.Source())
	} else {
		c.Leg.Sender().Hear(c.source(row.customer))
		c.wires.fromAgent.hear(nil)
	}
	if c.agent != nil {
		c.agent.seat.Track(trackCustomer).Hear(c.source(row.agent))
	}
	for _, s := range c.listeners {
		s.Track(trackCustomer).Hear(c.source(row.listenerCustomer))
		s.Track(trackThird).Hear(c.source(row.listenThird))
	}
	c.wires.recCust.hear(c.source(row.recordCustomer))
	c.wires.recAgent.hear(c.source(row.recordAgent))
}

// source returns where a voice comes from, or nil.
func (c *Call) source(v voice) *media.Source {
	switch v {
	case customer:
		return c.Leg.Source()
	case theAgent:
		if c.agent != nil {
			return c.agent.seat.Mic()
		}
	case flowPlayer:
		return c.flowPlayer.Source()
	case holdPlayer:
		return c.holdPlayer.Source()
	}
	return nil
}

// cut makes everybody deaf, for good.
func (c *Call) cut() {
	c.mode = modeNone
	c.apply()
}
