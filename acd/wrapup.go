package acd

import (
	"time"

	"callfloor/contact"
)

type (
	// WrapUpExtended, WrapUpDone: what an agent does in wrap-up.
	// Contact says which call was meant; "" is the one in front.
	WrapUpExtended struct{ Agent contact.AgentID }
	WrapUpDone     struct {
		Agent   contact.AgentID
		Contact contact.ID
	}
	// WrapUpWanted: Agent asks, while the call goes on, for a wrap-up that is
	// optional, or takes that back.
	WrapUpWanted struct {
		Agent   contact.AgentID
		Contact contact.ID // "" is the one in front
		On      bool
	}
)

func (WrapUpExtended) event() {}
func (WrapUpDone) event()     {}
func (WrapUpWanted) event()   {}

// WrappedUp: Agent has nothing to do with Contact any more. It comes once for
// each wrap-up, also for one that lasted no time.
type WrappedUp struct {
	Agent   contact.AgentID
	Contact contact.ID
	Queue   contact.QueueID // whose rule it was
	Why     WrapUpEnd
}

func (WrappedUp) action() {}

// WrapUpEnd is why a wrap-up is over.
type WrapUpEnd string

// Why wrap-ups end.
const (
	EndByAgent      WrapUpEnd = "agent"      // who is done, or goes on with another call
	EndByTime       WrapUpEnd = "time"       // its limit
	EndBySupervisor WrapUpEnd = "supervisor" // see AgentWants.Force
	EndByLeaving    WrapUpEnd = "left"       // the agent is gone, or no agent any more
	EndByReturn     WrapUpEnd = "returned"   // the call came back to the agent
	EndNone         WrapUpEnd = "none"       // there was none
)

// wrap is a wrap-up that runs.
type wrap struct {
	mode  WrapUpMode // "": there is none
	until time.Time  // zero: it has no limit
}

// beginWrapUp gives a, who is in no call any more, the time for notes.
func (s *State) beginWrapUp(a *agent) {
	rule := s.wrapUpRule(a.status.Queue)
	none := rule.none(a.wanted)
	if none {
		rule = WrapUpRule{Mode: WrapUpTimed}
	}
	a.wanted = false
	s.startWrapUp(a, rule)
	s.move(a, contact.AgentWrapUp)
	switch {
	case none:
		s.leaveWrapUp(a, EndNone)
	case !a.turned && a.other != nil && a.other.at.State == contact.AgentHold:
		l := a.front() // a customer waits: the notes come later
		other := *a.other
		a.setFront(other)
		a.status.Since = s.now
		s.keepOther(a, l)
		s.told(a)
	}
}

// startWrapUp begins the wrap-up of the call in front, whose time counts from
// now.
func (s *State) startWrapUp(a *agent, rule WrapUpRule) {
	a.wrap = wrap{mode: rule.Mode}
	if rule.Mode == WrapUpMandatory {
		s.stop(a.timer)
	} else {
		a.wrap.until = s.now.Add(rule.Time)
		s.start(a.timer, a.wrap.until)
	}
	a.status.Until = a.wrap.until
}

// leaveWrapUp takes a to the state asked for, or to available. If the seat is
// gone that happens when it comes back.
func (s *State) leaveWrapUp(a *agent, why WrapUpEnd) {
	s.endWrapUp(a, why)
	switch {
	case a.status.State == contact.AgentDisconnected:
		s.told(a)
		return
	case a.other != nil && !a.turned:
		s.promote(a)
		return
	}
	next, reason := a.status.Next, a.nextReason
	if next == "" {
		next = contact.AgentAvailable
	}
	s.goTo(a, next, reason)
}

// endWrapUp ends the wrap-up in front, if there is one; a goes where the caller
// says.
func (s *State) endWrapUp(a *agent, why WrapUpEnd) {
	if a.wrap.mode != "" {
		s.emit(WrappedUp{Agent: a.id, Contact: a.status.Contact, Queue: a.status.Queue, Why: why})
	}
	a.wrap = wrap{}
	s.dropCall(a)
}

// dropNotes ends what a had still to write about the call of l, which is in no
// place any more; nil is none.
func (s *State) dropNotes(a *agent, l *line, why WrapUpEnd) {
	if l != nil {
		s.emit(WrappedUp{Agent: a.id, Contact: l.at.Contact, Queue: l.at.Queue, Why: why})
	}
}

func inWrapUp(a *agent) error {
	if a.status.State != contact.AgentWrapUp {
		return contact.Errorf(contact.Conflict, "you are not in wrap-up any more")
	}
	return nil
}

// stays says why a cannot leave the wrap-up in front now; nil if they can.
func (s *State) stays(a *agent) error {
	if a.wrap.mode != WrapUpFixed {
		return nil
	}
	left := a.wrap.until.Sub(s.now)
	return contact.Errorf(contact.Conflict, "this wrap-up lasts its whole time: %d s are left; what you wrote is kept", int((left+time.Second-1)/time.Second))
}

// wrapUpExtended: see WrapUpExtended.
func (s *State) wrapUpExtended(a *agent) error {
	if err := inWrapUp(a); err != nil {
		return err
	}
	if a.wrap.until.IsZero() {
		return contact.Errorf(contact.Conflict, "this wrap-up has no limit: it lasts until you are done")
	}
	a.wrap.until = a.wrap.until.Add(s.cfg.WrapUpExtension)
	a.status.Until = a.wrap.until
	s.start(a.timer, a.wrap.until)
	s.told(a)
	return nil
}

// wrapUpDone: see WrapUpDone.
func (s *State) wrapUpDone(a *agent, id contact.ID) error {
	if l := a.other; l != nil && l.at.State == contact.AgentWrapUp && id != "" && id == l.at.Contact {
		if s.wrapUpRule(l.at.Queue).Mode == WrapUpFixed {
			return contact.Errorf(contact.Conflict, "this wrap-up lasts its whole time, which begins when the other call is finished")
		}
		a.other = nil
		s.dropNotes(a, l, EndByAgent)
		s.told(a)
		return nil
	}
	if err := inWrapUp(a); err != nil {
		return err
	}
	if id != "" && id != a.status.Contact {
		return contact.Errorf(contact.Conflict, "the notes of this call are finished already")
	}
	if err := s.stays(a); err != nil {
		return err
	}
	s.leaveWrapUp(a, EndByAgent)
	return nil
}

// wrapUpWanted: see WrapUpWanted.
func (s *State) wrapUpWanted(a *agent, ev WrapUpWanted) error {
	switch {
	case a.c == nil || a.status.State != contact.AgentTalking && a.status.State != contact.AgentHold:
		return contact.Errorf(contact.Conflict, "there is no call of yours that a wrap-up could follow")
	case ev.Contact != "" && ev.Contact != a.status.Contact:
		return contact.Errorf(contact.Conflict, "this call is not the one in front")
	case s.wrapUpRule(a.status.Queue).Mode != WrapUpOptional:
		return contact.Errorf(contact.Conflict, "whether a wrap-up follows is not for agents to choose in this queue")
	case a.wanted == ev.On:
		return nil
	}
	a.wanted = ev.On
	s.told(a)
	return nil
}
