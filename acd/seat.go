package acd

import (
	"fmt"
	"time"

	"callfloor/contact"
)

// seatReady: see SeatReady.
func (s *State) seatReady(a *agent, ev SeatReady) error {
	a.notReady = ev.Why
	if a.status.Ready == ev.Ready {
		return nil
	}
	a.status.Ready = ev.Ready
	s.told(a)
	s.route(a)
	return nil
}

// seatLost starts the grace time, in which only routing knows.
func (s *State) seatLost(a *agent) error {
	if a.gone || a.status.State == contact.AgentOffline || a.status.State == contact.AgentDisconnected {
		return nil
	}
	a.gone = true
	s.start(&a.grace, s.now.Add(s.cfg.SeatGrace))
	s.route(a)
	return nil
}

// disconnect ends the grace time: the seat stayed away.
func (s *State) disconnect(a *agent) {
	s.stop(&a.grace)
	a.back = contact.AgentAway
	owed := s.loseOther(a)
	switch a.status.State {
	case contact.AgentAvailable:
		a.back = contact.AgentAvailable
	case contact.AgentOffered:
		a.back = contact.AgentAvailable
		s.passOn(a, whyLost)
	case contact.AgentTalking, contact.AgentHold:
		a.back = contact.AgentAvailable
		s.giveBack(a)
		if owed != nil { // to be written about once the agent is back in time
			a.status.Contact, a.status.Queue = owed.at.Contact, owed.at.Queue
			a.wrapUntil = s.now.Add(s.cfg.WrapUp)
			a.status.Until = a.wrapUntil
			s.start(a.timer, a.wrapUntil)
		}
	}
	s.move(a, contact.AgentDisconnected)
}

// giveBack parts a from its call, which goes to the head of its queue and is
// a's again if a comes back in time.
func (s *State) giveBack(a *agent) {
	if a.ask != nil {
		s.stopAsk(a, whyLost)
		return
	}
	c := a.c
	s.freeHelper(c, whyLost)
	s.stopTalking(a)
	a.c, c.agent, c.connected = nil, nil, false
	a.mine, a.mineUntil = c, s.now.Add(s.cfg.SameAgent)
	s.dropCall(a)
	s.parts(c)
	c.returned = true
	s.home(c)
	s.emit(Requeued{Contact: c.id, Agent: a.id, Queue: c.q.cfg.ID, Kind: c.kind})
	s.stand(c)
}

// seatBack ends the absence of a seat.
func (s *State) seatBack(a *agent) error {
	if !a.gone {
		return nil
	}
	a.gone = false
	s.stop(&a.grace)
	if a.status.State != contact.AgentDisconnected {
		s.route(a) // within the grace time: nothing happened
		s.lookAgain(a)
		return nil
	}
	switch {
	case a.wrapUntil.After(s.now):
		s.move(a, contact.AgentWrapUp)
	case a.status.Next != "":
		s.goTo(a, a.status.Next, a.nextReason)
	default:
		s.move(a, a.back)
	}
	return nil
}

// timeUp ends an offer or a wrap-up.
func (s *State) timeUp(a *agent) {
	switch {
	case a.status.State == contact.AgentOffered && a.gone:
		s.disconnect(a) // nobody was there to respond
	case a.status.State == contact.AgentOffered && a.ask != nil:
		q := a.ask.c.q.cfg.ID
		s.stopAsk(a, whyTimeout)
		s.move(a, contact.AgentNotResponding)
		s.miss(a, q)
	case a.status.State == contact.AgentOffered:
		q := a.c.q.cfg.ID
		s.passOn(a, whyTimeout)
		s.move(a, contact.AgentNotResponding)
		s.miss(a, q)
	default:
		s.leaveWrapUp(a)
	}
}

// parts counts that c has no agent any more.
func (s *State) parts(c *customer) {
	c.q.talking--
	if c.virtual() {
		s.taskDone(c.q)
	}
}

// stopTalking counts the time of a's call.
func (s *State) stopTalking(a *agent) {
	talked := s.now.Sub(a.talking)
	a.talked += talked
	a.c.q.handled(talked)
	a.talking = time.Time{}
}

// miss tells the supervisors of an agent who does not answer again and again.
func (s *State) miss(a *agent, q contact.QueueID) {
	a.missed++
	if s.cfg.MissedAlert > 0 && a.missed >= s.cfg.MissedAlert {
		s.emit(Alert{Kind: "missed", On: true, Agent: a.id, Queue: q, Text: fmt.Sprintf("%s has not answered %d calls in a row", a.id, a.missed)})
	}
}

// missOver takes the alert back: the agent answers again, or is gone.
func (s *State) missOver(a *agent) {
	s.emit(Alert{Kind: "missed", Agent: a.id, Text: string(a.id) + " answers again"})
}

// wrapUp ends a's call.
func (s *State) wrapUp(a *agent) {
	c := a.c
	s.freeHelper(c, whyLeft)
	s.stopTalking(a)
	a.c, c.agent = nil, nil
	s.parts(c)
	s.touch(c.q)
	s.forget(c)
	s.beginWrapUp(a)
}

// beginWrapUp gives a, who is in no call any more, the time for notes.
func (s *State) beginWrapUp(a *agent) {
	a.wrapUntil = s.now.Add(s.cfg.WrapUp)
	a.status.Until = a.wrapUntil
	s.start(a.timer, a.wrapUntil)
	s.move(a, contact.AgentWrapUp)
	switch {
	case s.cfg.WrapUp <= 0:
		s.leaveWrapUp(a)
	case !a.turned && a.other != nil && a.other.at.State == contact.AgentHold:
		l := a.front() // a customer waits: the notes come later
		other := *a.other
		a.setFront(other)
		a.status.Since = s.now
		s.keepOther(a, l)
		s.told(a)
	}
}

// leaveWrapUp takes a to the state asked for, or to available. If the seat is
// gone that happens when it comes back.
func (s *State) leaveWrapUp(a *agent) {
	s.endWrapUp(a)
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

func (s *State) endWrapUp(a *agent) {
	a.wrapUntil = time.Time{}
	s.dropCall(a)
}

func inWrapUp(a *agent) error {
	if a.status.State != contact.AgentWrapUp {
		return contact.Errorf(contact.Conflict, "you are not in wrap-up any more")
	}
	return nil
}

// wrapUpExtended: see WrapUpExtended.
func (s *State) wrapUpExtended(a *agent) error {
	if err := inWrapUp(a); err != nil {
		return err
	}
	a.wrapUntil = a.wrapUntil.Add(s.cfg.WrapUpExtension)
	a.status.Until = a.wrapUntil
	s.start(a.timer, a.wrapUntil)
	s.told(a)
	return nil
}

// wrapUpDone: see WrapUpDone.
func (s *State) wrapUpDone(a *agent, id contact.ID) error {
	if a.other != nil && a.other.at.State == contact.AgentWrapUp && id != "" && id == a.other.at.Contact {
		a.other = nil
		s.told(a)
		return nil
	}
	if err := inWrapUp(a); err != nil {
		return err
	}
	if id != "" && id != a.status.Contact {
		return contact.Errorf(contact.Conflict, "the notes of this call are finished already")
	}
	s.leaveWrapUp(a)
	return nil
}

// held: see Held.
func (s *State) held(a *agent, ev Held) error {
	if ev.Contact != "" && ev.Contact != a.status.Contact {
		return contact.Errorf(contact.Conflict, "this call is not the one in front")
	}
	from, to := contact.AgentTalking, contact.AgentHold
	if !ev.On {
		from, to = to, from
	}
	switch a.status.State {
	case from:
		if !ev.On {
			s.takeBack(a)
			return nil
		}
		s.move(a, to)
		return nil
	case to:
		return nil // pressed twice
	}
	return contact.Errorf(contact.Conflict, "there is no call to hold or to take back")
}
