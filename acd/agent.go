package acd

import (
	"slices"
	"time"

	"callfloor/contact"
)

// agent is one person with a seat.
//
//	offline ◄──────────► away ◄─────────────────────────────┐
//	                      ▲ │ wants available               │
//	                      │ ▼                               │ wants away
//	      ┌─────────► available ◄───────────────┐           │ (at once, or
//	      │ declined,   │                       │           │  after the call)
//	      │ caller left ▼                       │ 30 s,     │
//	      └────────── offered ──► not_responding│ or done   │
//	                    │ accepts   (no answer; │           │
//	                    ▼            asks for   │           │
//	     hold ◄──► talking           available) │           │
//	      │             │                       │           │
//	      └─────────────┴──────► wrap_up ───────┴───────────┘
//	                             (see WrapUpMode)
//
//	any but offline ──► disconnected: the seat is gone for SeatGrace. An offer
//	moves on, a call goes back to the head of its queue. SeatBack: to wrap_up
//	if its time still runs, to what was asked for meanwhile, to available if
//	the agent was available, offered, talking or on hold, else to away.
//
// An agent is routable when available, ready (connection and microphone) and
// not gone; only then it is in the idle trees of its queues.
type agent struct {
	id      contact.AgentID
	made    uint64
	members []*member
	status  AgentStatus

	awayReason string // the reason of away, also while disconnected
	nextReason string
	notReady   string    // what is missing, when not ready
	idleSince  time.Time // for routing: available since
	routable   bool
	gone       bool // the seat is lost, and the grace time runs or is over

	// back is what the agent returns to from disconnected.
	back contact.AgentState
	// wrap is the wrap-up in front; wanted says that one shall follow the call
	// there which is optional.
	wrap   wrap
	wanted bool

	c     *customer // offered, talked to or on hold
	ask   *ask      // rung past the queues, or in a consultation
	timer *timer    // ends the offer or the wrap-up
	aside bool      // the call is on hold because of another one
	grace timer     // ends the seat's absence

	other   *line // the other call, see lines.go; nil: none
	turned  bool  // in inOther
	waiting bool  // takes a second call

	person  AgentConfig
	levels  map[string]int
	fits    []fit // by demand.n: whether the agent's skills fit
	missed  int   // offers in a row
	calls   int   // answered today
	talked  time.Duration
	talking time.Time // since when, if so

	// mine is the contact lost with the seat; until then it is offered to this
	// agent first.
	mine      *customer
	mineUntil time.Time
	// last is the offer that ended last, to say why it cannot be answered.
	last endedOffer
}

type endedOffer struct {
	contact contact.ID
	why     string
}

func newAgent(id contact.AgentID, now time.Time, made uint64) *agent {
	a := &agent{id: id, made: made, status: AgentStatus{State: contact.AgentOffline, Since: now}}
	a.timer = newLine(a).timer
	a.grace.due = func(s *State) { s.disconnect(a) }
	return a
}

// move takes a to another state and tells it. The callers know the table; a
// move outside of it is a bug in this package.
func (s *State) move(a *agent, to contact.AgentState) {
	from := a.status.State
	if _, err := from.Move(to); err != nil {
		panic("acd: " + err.Error())
	}
	if to == contact.AgentAvailable && from != contact.AgentOffered {
		a.idleSince = s.now
	}
	if to == contact.AgentOffline {
		if s.cfg.MissedAlert > 0 && a.missed >= s.cfg.MissedAlert {
			s.missOver(a)
		}
		a.missed = 0
	}
	if change := working(to) - working(from); change != 0 {
		for _, m := range a.members {
			s.restaff(m.q, change)
			if change < 0 {
				s.releaseOwn(m)
			}
		}
	}
	a.status.State, a.status.Since, a.status.Reason = to, s.now, ""
	if to == contact.AgentAway {
		a.status.Reason = a.awayReason
	}
	s.told(a)
	s.route(a)
}

// told reports a's status; the figures of its queues follow at the end of the
// step if they changed. Who waits for a alone may ring beside a call now.
func (s *State) told(a *agent) {
	if a.turned {
		return // see inOther
	}
	a.status.Other, a.status.CallWaiting, a.status.WrapUpWanted = LineStatus{}, a.waiting, a.wanted
	if a.other != nil {
		a.status.Other = a.other.at
	}
	s.emit(AgentChanged{Agent: a.id, Status: a.status})
	s.lookAgain(a)
}

func working(st contact.AgentState) int {
	switch st {
	case contact.AgentAvailable, contact.AgentOffered, contact.AgentTalking, contact.AgentHold, contact.AgentWrapUp:
		return 1
	}
	return 0
}

// route puts a into the idle trees of its queues, or takes it out.
func (s *State) route(a *agent) {
	can := a.status.State == contact.AgentAvailable && a.status.Ready && !a.gone && a.other == nil
	if can == a.routable {
		return
	}
	a.routable = can
	for _, m := range a.members {
		if can {
			m.key = m.q.turn(m)
			m.q.idle.insert(&m.inIdle)
			s.freeTask(m.q) // one more customer may be called
		} else {
			m.q.idle.remove(&m.inIdle)
		}
		s.touch(m.q)
	}
	if can {
		s.freed = append(s.freed, a)
	}
}

// agentAdded: see AgentAdded.
func (s *State) agentAdded(ev AgentAdded) error {
	if ev.Agent == "" {
		return contact.Errorf(contact.Invalid, "an agent needs a name")
	}
	ids := ev.Queues
	if ids == nil {
		ids = s.queuesOf(ev.Agent)
	}
	a := s.agents[ev.Agent]
	if a == nil {
		a = newAgent(ev.Agent, s.now, s.number())
		a.setPerson(s.people[ev.Agent])
		s.agents[a.id] = a
		s.told(a)
	}
	s.setQueues(a, ids)
	return nil
}

func (s *State) setQueues(a *agent, ids []contact.QueueID) {
	ready := a.status.Ready
	a.status.Ready = false // out of the old idle trees,
	s.route(a)
	for _, m := range a.members {
		s.releaseOwn(m)
		m.q.members = slices.DeleteFunc(m.q.members, func(x *member) bool { return x == m })
		s.restaff(m.q, -working(a.status.State))
	}
	a.members = nil
	for _, id := range ids {
		q := s.queues[id]
		if q == nil || slices.ContainsFunc(a.members, func(m *member) bool { return m.q == q }) {
			continue
		}
		m := newMember(a, q)
		a.members = append(a.members, m)
		q.members = append(q.members, m)
		s.restaff(q, working(a.status.State))
	}
	a.status.Ready = ready // and into the new ones
	s.route(a)
}

// agentRemoved: see AgentRemoved. A call goes back to its queue.
func (s *State) agentRemoved(a *agent) error {
	s.dropNotes(a, s.loseOther(a), EndByLeaving)
	switch a.status.State {
	case contact.AgentOffered:
		s.passOn(a, whyLost)
		s.move(a, contact.AgentAway)
	case contact.AgentTalking, contact.AgentHold:
		s.giveBack(a)
		s.move(a, contact.AgentDisconnected)
	case contact.AgentWrapUp:
		s.endWrapUp(a, EndByLeaving)
		s.move(a, contact.AgentAway)
	}
	s.endWrapUp(a, EndByLeaving)
	if a.status.State != contact.AgentOffline {
		s.move(a, contact.AgentOffline)
	}
	s.stop(&a.grace)
	s.setQueues(a, nil)
	delete(s.agents, a.id)
	return nil
}

// agentWants: see AgentWants.
func (s *State) agentWants(a *agent, ev AgentWants) error {
	switch ev.State {
	case contact.AgentAvailable, contact.AgentAway, contact.AgentOffline:
	default:
		return contact.Errorf(contact.Invalid, "an agent can ask to be available, away or offline, not %s", ev.State)
	}
	if ev.Force && (a.status.State == contact.AgentWrapUp || a.status.State == contact.AgentDisconnected && ev.State != contact.AgentAvailable) {
		s.dropNotes(a, s.loseOther(a), EndBySupervisor)
		s.endWrapUp(a, EndBySupervisor)
		s.goTo(a, ev.State, ev.Reason)
		return nil
	}
	switch a.status.State {
	case contact.AgentTalking, contact.AgentHold, contact.AgentWrapUp:
		s.setNext(a, ev.State, ev.Reason)
	case contact.AgentDisconnected:
		if ev.State == contact.AgentOffline {
			s.goTo(a, ev.State, ev.Reason)
			return nil
		}
		s.setNext(a, ev.State, ev.Reason)
	case contact.AgentOffered:
		if ev.State == contact.AgentAvailable {
			return nil // it is, and a call rings
		}
		s.passOn(a, whyDeclined)
		s.goTo(a, ev.State, ev.Reason)
	default:
		s.goTo(a, ev.State, ev.Reason)
	}
	return nil
}

func (s *State) setNext(a *agent, next contact.AgentState, reason string) {
	if a.status.Next == next && a.nextReason == reason {
		return
	}
	a.status.Next, a.nextReason = next, reason
	s.told(a)
}

// goTo moves a to available, away or offline by the moves that the table has.
func (s *State) goTo(a *agent, to contact.AgentState, reason string) {
	from := a.status.State
	a.status.Next, a.nextReason = "", ""
	if to == contact.AgentAway {
		a.awayReason = reason
	}
	if to == contact.AgentOffline {
		s.endWrapUp(a, EndByLeaving)
	}
	switch {
	case from == to && to == contact.AgentAway:
		if a.status.Reason != reason {
			a.status.Reason, a.status.Since = reason, s.now
			s.told(a)
		}
	case from == to:
	case from == contact.AgentOffline && to == contact.AgentAvailable,
		from == contact.AgentOffered && to == contact.AgentOffline,
		from == contact.AgentWrapUp && to == contact.AgentOffline:
		if to == contact.AgentOffline {
			a.awayReason = ""
		}
		s.move(a, contact.AgentAway)
		s.move(a, to)
	default:
		s.move(a, to)
	}
	if to == contact.AgentOffline {
		a.gone, a.mine = false, nil
		s.stop(&a.grace)
	}
}

// dropCall clears what a's status shows of a call that is over.
func (s *State) dropCall(a *agent) {
	s.stop(a.timer)
	a.status.Contact, a.status.Queue, a.status.Until, a.wanted = "", "", time.Time{}, false
}
