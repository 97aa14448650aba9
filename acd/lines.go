package acd

import (
	"time"

	"callfloor/contact"
)

// An agent has two places for calls: the one in front, which the agent's state
// is about, and the other.
//
//	        Dialled, an answer          Swapped
//	front ──────────────────► other: hold ◄──────► front
//	  ▲                         │    │ ends
//	  │     the front is empty  │    ▼
//	  └─────────────────────────┴─ other: wrap_up
//	        other: offered ──► front (answered; what was there is set aside)
//	                       └─► none  (declined, not answered, gone)
//
// A call that is set aside stays on hold until its agent takes it back: it comes
// to the front when the call there is over, and nobody hears the agent unasked.
// Notes are finished one after the other; until then nothing is offered. Only
// calls that are meant for the agent ring in the other place, never a queue's.

type (
	// CallWaiting: Agent takes a second call, or does not. Nobody does at first.
	CallWaiting struct {
		Agent contact.AgentID
		On    bool
	}
	// Swapped: Agent takes the other call back and sets the one in front aside.
	Swapped struct{ Agent contact.AgentID }
)

func (CallWaiting) event() {}
func (Swapped) event()     {}

type (
	// SetAside: Agent speaks with another one than Contact from now on, which
	// must neither hear them nor be heard by them until TurnedTo. It comes before
	// the Connect of the other one.
	SetAside struct {
		Agent   contact.AgentID
		Contact contact.ID
	}
	// TurnedTo: Agent is with Contact again.
	TurnedTo struct {
		Agent   contact.AgentID
		Contact contact.ID
	}
)

func (SetAside) action() {}
func (TurnedTo) action() {}

// LineStatus is an agent's other call. Its State is offered, hold or wrap_up,
// and "" where there is none.
type LineStatus struct {
	State   contact.AgentState
	Contact contact.ID
	Queue   contact.QueueID
	Since   time.Time
	Until   time.Time // of offered: when the ringing ends
}

// beside is which states the other call can have, by the state of the one in
// front; what is not here is none.
var beside = map[contact.AgentState][]contact.AgentState{
	contact.AgentTalking: {contact.AgentOffered, contact.AgentHold, contact.AgentWrapUp},
	contact.AgentHold:    {contact.AgentOffered, contact.AgentHold, contact.AgentWrapUp},
	contact.AgentWrapUp:  {contact.AgentOffered, contact.AgentWrapUp},
}

// line is what an agent has to do with one call.
type line struct {
	at      LineStatus
	c       *customer
	ask     *ask
	talking time.Time
	wrap    wrap
	wanted  bool
	timer   *timer
	aside   bool
}

// newLine is one without a call.
func newLine(a *agent) line {
	t := &timer{}
	t.due = func(s *State) {
		if a.other != nil && a.other.timer == t {
			s.inOther(a, func() { s.notAnswered(a) })
			return
		}
		s.timeUp(a)
	}
	return line{at: LineStatus{State: contact.AgentAvailable}, timer: t}
}

// front takes a's call in front out of it.
func (a *agent) front() line {
	st := a.status
	return line{
		at: LineStatus{State: st.State, Contact: st.Contact, Queue: st.Queue, Since: st.Since, Until: st.Until},
		c:  a.c, ask: a.ask, talking: a.talking, wrap: a.wrap, wanted: a.wanted, timer: a.timer, aside: a.aside,
	}
}

// setFront puts a call in front. The call there before is the caller's to keep.
func (a *agent) setFront(l line) {
	st := &a.status
	st.State, st.Contact, st.Queue, st.Since, st.Until = l.at.State, l.at.Contact, l.at.Queue, l.at.Since, l.at.Until
	a.c, a.ask, a.talking, a.wrap, a.wanted, a.timer, a.aside = l.c, l.ask, l.talking, l.wrap, l.wanted, l.timer, l.aside
}

// inOther lets f work on a's other place as if it were in front; nothing is told
// of meanwhile, and what the agent wants to do next stays for the front.
func (s *State) inOther(a *agent, f func()) {
	front, next, reason := a.front(), a.status.Next, a.nextReason
	l := newLine(a)
	if a.other != nil {
		l = *a.other
	}
	a.other, a.turned = &front, true
	a.setFront(l)
	a.status.Next, a.nextReason = "", ""
	f()
	l = a.front()
	a.setFront(front)
	a.status.Next, a.nextReason = next, reason
	a.turned = false
	s.keepOther(a, l)
	s.told(a)
	s.route(a)
}

// keepOther makes l a's other call, if there is one in it.
func (s *State) keepOther(a *agent, l line) {
	a.other = nil
	switch l.at.State {
	case contact.AgentWrapUp: // its time begins when it is in front
		s.stop(l.timer)
		l.wrap, l.at.Until = wrap{}, time.Time{}
	case contact.AgentOffered, contact.AgentHold:
	default:
		s.stop(l.timer)
		return
	}
	a.other = &l
}

// onLine lets f work on that of a's calls which is id, as if it were in front.
func (s *State) onLine(a *agent, id contact.ID, f func()) {
	if a.other != nil && a.status.Contact != id && a.other.at.Contact == id {
		s.inOther(a, f)
		return
	}
	f()
}

// setAside puts the call in front into the other place, on hold; what was there
// is in front then, or nothing. The caller tells of it.
func (s *State) setAside(a *agent) {
	front, l := a.front(), newLine(a)
	if a.other != nil {
		l = *a.other
	}
	switch front.at.State {
	case contact.AgentTalking:
		front.at.State, front.at.Since = contact.AgentHold, s.now
		fallthrough
	case contact.AgentHold:
		front.aside = true
		s.emit(SetAside{Agent: a.id, Contact: front.at.Contact})
	}
	a.setFront(l)
	s.keepOther(a, front)
}

// promote brings the other call to the front, where there is none any more.
func (s *State) promote(a *agent) {
	l := *a.other
	a.other = nil
	a.setFront(l)
	a.status.Since = s.now
	if l.at.State == contact.AgentWrapUp {
		s.startWrapUp(a, s.wrapUpRule(l.at.Queue))
	}
	s.told(a)
}

// room says why no other call can come beside the one in front of a; nil if one
// can.
func (a *agent) room() error {
	switch st := a.status.State; {
	case a.other != nil:
		return contact.Errorf(contact.Conflict, "you have two calls: finish one of them first")
	case st != contact.AgentTalking && st != contact.AgentHold:
		return contact.Errorf(contact.Conflict, "you are in %s; finish that first", st)
	case a.ask != nil || a.c == nil:
		return contact.Errorf(contact.Conflict, "you help in another agent's call: leave that first")
	case a.c.virtual():
		return contact.Errorf(contact.Conflict, "finish what you work on first")
	case a.c.helper != nil:
		return contact.Errorf(contact.Conflict, "first end it with %s", a.c.helper.id)
	case a.c.calling:
		return contact.Errorf(contact.Conflict, "wait until the customer has answered")
	}
	return nil
}

// waits says that a call which is meant for a rings in a's other place.
func (a *agent) waits() bool { return a.waiting && a.status.Ready && !a.gone && a.room() == nil }

// ringBeside rings c in the other place of the agent whom alone it waits for.
func (s *State) ringBeside(c *customer) bool {
	if !c.only || c.prefer == nil || c.inReady.n == 0 {
		return false
	}
	a := c.prefer.a
	if !a.waits() || s.can(c.prefer, c) <= fitNo {
		return false
	}
	s.inOther(a, func() { s.ring(c, c.prefer, "asked for by name, beside another call") })
	return true
}

// lookAgain lets those who wait for a alone ring in a's other place.
func (s *State) lookAgain(a *agent) {
	if !a.waits() {
		return
	}
	for _, m := range a.members {
		for i := range m.own.len() {
			s.waiting = append(s.waiting, m.own.at(i))
		}
	}
}

// notAnswered ends the ringing in a's other place.
func (s *State) notAnswered(a *agent) {
	s.passOn(a, whyTimeout)
	s.move(a, contact.AgentAvailable)
}

// callWaiting: see CallWaiting.
func (s *State) callWaiting(a *agent, on bool) error {
	if a.waiting != on {
		a.waiting = on
		s.told(a)
	}
	return nil
}

// swapped: see Swapped.
func (s *State) swapped(a *agent) error {
	switch {
	case a.other == nil:
		return contact.Errorf(contact.Conflict, "there is no other call to swap with")
	case a.other.at.State == contact.AgentOffered:
		return contact.Errorf(contact.Conflict, "the other call rings: answer or decline it")
	case a.other.at.State == contact.AgentWrapUp:
		return contact.Errorf(contact.Conflict, "the other call is over; its notes come when this one is finished")
	case a.c != nil && a.c.calling:
		return contact.Errorf(contact.Conflict, "wait until the customer has answered")
	}
	s.setAside(a)
	s.takeBack(a)
	return nil
}

// takeBack makes a talk with the call in front, which was on hold.
func (s *State) takeBack(a *agent) {
	if a.aside {
		a.aside = false
		s.emit(TurnedTo{Agent: a.id, Contact: a.status.Contact})
	}
	if a.status.State == contact.AgentHold {
		s.move(a, contact.AgentTalking)
	}
}

// loseOther parts a, who is gone, from the other call. What a had still to write
// about one that is over is returned.
func (s *State) loseOther(a *agent) *line {
	l := a.other
	if l == nil {
		return nil
	}
	switch l.at.State {
	case contact.AgentOffered:
		s.inOther(a, func() {
			s.passOn(a, whyLost)
			s.move(a, contact.AgentAvailable)
		})
	case contact.AgentHold:
		s.inOther(a, func() {
			s.giveBack(a)
			s.move(a, contact.AgentAvailable)
		})
	default:
		a.other = nil
		return l
	}
	return nil
}

// rings says that a call rings in a's other place.
func (a *agent) rings(id contact.ID) bool {
	return a.other != nil && a.other.at.State == contact.AgentOffered && a.other.at.Contact == id
}

// offerOver ends the offer of c to a, who has nothing to do with it any more.
func (s *State) offerOver(a *agent, c *customer, why string) {
	s.onLine(a, c.id, func() {
		s.endOffer(a, why)
		s.goOn(a)
	})
}
