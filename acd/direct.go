package acd

import (
	"time"

	"callfloor/contact"
)

// Calls that go past the queues: from an agent who asks or hands over to one
// who is asked, to a number outside, to a parking place and back.
//
//	                       ┌──► rings at another ──► connected there
//	connected to an agent ─┼──► parked ────────────► connected to who picks up
//	                       └──► outside ───────────► forgotten (it goes on there)
//	       ▲                          │ nobody takes it
//	       └── rings at who had it ◄──┘
//	           │ not there either
//	           ▼
//	       waits, at the head of its queue
//
// A consultation leaves the contact where it is: only the agent who is asked
// is busy.

// Purpose is why an agent is rung past the queues.
type Purpose string

// Consult: to talk with the agent who asks. Transfer: the contact is handed
// over. Return: nobody took it, and it comes back to who had it.
const (
	Consult  Purpose = "consult"
	Transfer Purpose = "transfer"
	Return   Purpose = "return"
)

type (
	// Asked: From, who is connected with Contact, asks Agent to come in.
	Asked struct {
		Contact     contact.ID
		From, Agent contact.AgentID
	}
	// AskCancelled: From asks no longer. One who is in already leaves.
	AskCancelled struct {
		Contact contact.ID
		From    contact.AgentID
	}
	// HandedOver: the contact of From is that of Agent, who was asked and is in.
	HandedOver struct {
		Contact     contact.ID
		From, Agent contact.AgentID
	}
	// Transferred: From gives Contact away without talking to who gets it: to
	// Agent, or else to Queue, or with neither to a number outside; then
	// ContactLeft says that it was answered there, CameBack that it was not.
	// From wraps up.
	Transferred struct {
		Contact contact.ID
		From    contact.AgentID
		Agent   contact.AgentID
		Queue   contact.QueueID
	}
	// CameBack: nobody outside took Contact.
	CameBack struct {
		Contact contact.ID
		Why     string
	}
	// Parked: From leaves Contact in a parking place for as long as For; then it
	// comes back. From has no wrap-up.
	Parked struct {
		Contact contact.ID
		From    contact.AgentID
		For     time.Duration
	}
	// PickedUp: Agent takes Contact out of its parking place.
	PickedUp struct {
		Contact contact.ID
		Agent   contact.AgentID
	}
)

func (Asked) event()        {}
func (AskCancelled) event() {}
func (HandedOver) event()   {}
func (Transferred) event()  {}
func (CameBack) event()     {}
func (Parked) event()       {}
func (PickedUp) event()     {}

type (
	// Rang: Agent's seat rings past the queues until Deadline, because of From.
	Rang struct {
		Agent    contact.AgentID
		From     contact.AgentID
		Contact  contact.ID
		Purpose  Purpose
		Deadline time.Time
	}
	// AskEnded: Agent rings, or is in a consultation, no longer. Why is taken
	// (they are in the consultation now), declined, timeout, lost, left (the
	// customer is gone), cancelled or over.
	AskEnded struct {
		Agent   contact.AgentID
		From    contact.AgentID
		Contact contact.ID
		Purpose Purpose
		Why     string
	}
	// Parted: the contact is no longer with Agent, whatever comes next. Why is
	// transfer or parked.
	Parted struct {
		Contact contact.ID
		Agent   contact.AgentID
		Why     string
	}
	// Waits: the contact stands at the head of Queue again.
	Waits struct {
		Contact contact.ID
		Queue   contact.QueueID
	}
)

func (Rang) action()     {}
func (AskEnded) action() {}
func (Parted) action()   {}
func (Waits) action()    {}

// Why a ringing past the queues ended, beside those of offers; Parted.Why.
const (
	whyCancelled = "cancelled"
	whyOver      = "over"
	whyTransfer  = "transfer"
	whyParked    = "parked"
)

// ask is an agent's part in something past the queues: they ring, or (of a
// consultation) are in it.
type ask struct {
	c       *customer
	from    contact.AgentID
	purpose Purpose
}

// apart is where a contact is that neither waits nor is with an agent.
type apart struct {
	from   contact.AgentID // who had it last
	asked  *agent          // rings for it, or nil
	since  time.Time
	parked timer // runs while it is parked
	isPark bool
}

// direct applies the events of this file; false for any other.
func (s *State) direct(ev Event) (error, bool) {
	switch ev := ev.(type) {
	case Asked:
		return s.asked(ev), true
	case AskCancelled:
		return s.askCancelled(ev), true
	case HandedOver:
		return s.handedOver(ev), true
	case Transferred:
		return s.transferred(ev), true
	case CameBack:
		return s.cameBack(ev), true
	case Parked:
		return s.park(ev), true
	case PickedUp:
		return s.pickedUp(ev), true
	case Joined:
		return s.joined(ev), true
	case MovedTo:
		return s.movedTo(ev), true
	case Prioritised:
		return s.prioritised(ev), true
	case QueueForced:
		return s.queueForced(ev), true
	}
	return nil, false
}

// with returns the contact that id is connected with.
func (s *State) with(id contact.AgentID, want contact.ID) (*customer, error) {
	c := s.customers[want]
	if c == nil || !c.connected || c.agent == nil || c.agent.id != id {
		return nil, contact.Errorf(contact.Conflict, "this call is not with %s", id)
	}
	if c.agent.c != c {
		return nil, contact.Errorf(contact.Conflict, "this call is set aside: take it back first")
	}
	if c.virtual() {
		return nil, contact.Errorf(contact.Conflict, "nobody is on the line")
	}
	return c, nil
}

// free returns an agent who can be rung now, or why that makes no sense.
func (s *State) free(id contact.AgentID) (*agent, error) {
	a := s.agents[id]
	switch {
	case a == nil || a.status.State == contact.AgentOffline:
		return nil, contact.Errorf(contact.Conflict, "%s is not signed in", id)
	case a.gone || !a.status.Ready:
		return nil, contact.Errorf(contact.Conflict, "the phone of %s is not ready", id)
	case a.status.State == contact.AgentAway && a.status.Reason != "":
		return nil, contact.Errorf(contact.Conflict, "%s is away: %s", id, a.status.Reason)
	case a.status.State != contact.AgentAvailable && !a.waits():
		return nil, contact.Errorf(contact.Conflict, "%s cannot be rung now: %s", id, wordOf(a.status.State))
	}
	return a, nil
}

// wordOf says a state in a word for agents.
func wordOf(st contact.AgentState) string {
	switch st {
	case contact.AgentOffered:
		return "another call rings there"
	case contact.AgentTalking, contact.AgentHold:
		return "in a call"
	case contact.AgentWrapUp:
		return "in wrap-up"
	case contact.AgentNotResponding:
		return "not answering"
	}
	return string(st)
}

// ringPast rings a, in the other place where a is in a call.
func (s *State) ringPast(a *agent, k *ask) {
	if !a.turned && a.waits() {
		s.inOther(a, func() { s.ringPast(a, k) })
		return
	}
	a.ask = k
	deadline := s.now.Add(s.cfg.OfferTimeout)
	a.status.Contact, a.status.Queue, a.status.Until = k.c.id, k.c.q.cfg.ID, deadline
	s.start(a.timer, deadline)
	s.emit(Rang{Agent: a.id, From: k.from, Contact: k.c.id, Purpose: k.purpose, Deadline: deadline})
	s.move(a, contact.AgentOffered)
}

// stopAsk takes a, who rings past the queues or helps, out of it; a goes where
// the caller says.
func (s *State) stopAsk(a *agent, why string) {
	k := a.ask
	a.ask = nil
	if k.c.helper == a {
		k.c.helper = nil
		if by := k.c.agent; by != nil {
			s.lookAgain(by) // with room for another call again
		}
	}
	a.last = endedOffer{k.c.id, why}
	s.dropCall(a)
	s.emit(AskEnded{Agent: a.id, From: k.from, Contact: k.c.id, Purpose: k.purpose, Why: why})
	if p := k.c.apart; p != nil && p.asked == a {
		p.asked = nil
		if s.customers[k.c.id] == k.c {
			s.bringBack(k.c, k.purpose == Return)
		}
	}
}

// takeAsk is the answer of an agent who rings past the queues.
func (s *State) takeAsk(a *agent) {
	k := a.ask
	s.stop(a.timer)
	a.status.Until = time.Time{}
	if k.purpose == Consult {
		a.last = endedOffer{k.c.id, whyAccepted}
		s.emit(AskEnded{Agent: a.id, From: k.from, Contact: k.c.id, Purpose: Consult, Why: whyTaken})
		s.move(a, contact.AgentTalking)
		return
	}
	a.ask = nil
	a.last = endedOffer{k.c.id, whyAccepted}
	s.take(a, k.c)
}

// take connects a with a contact that is apart.
func (s *State) take(a *agent, c *customer) {
	waited := s.now.Sub(c.apart.since)
	s.stop(&c.apart.parked)
	c.apart = nil
	c.agent, c.connected, a.c = a, true, c
	a.mine, a.missed, a.talking = nil, 0, s.now
	a.calls++
	c.q.talking++
	s.touch(c.q)
	a.status.Contact, a.status.Queue, a.status.Until = c.id, c.q.cfg.ID, time.Time{}
	s.emit(Connect{Agent: a.id, Contact: c.id, Queue: c.q.cfg.ID, Waited: waited})
	s.move(a, contact.AgentTalking)
}

// leaveApart forgets a contact that is apart and hung up, or is outside for
// good.
func (s *State) leaveApart(c *customer) {
	p := c.apart
	s.forget(c)
	s.stop(&p.parked)
	if a := p.asked; a != nil {
		p.asked = nil
		s.onLine(a, c.id, func() {
			s.stopAsk(a, whyLeft)
			s.goOn(a)
		})
	}
}
