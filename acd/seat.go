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
			s.startWrapUp(a, s.wrapUpRule(owed.at.Queue))
		}
	case contact.AgentWrapUp:
		s.dropNotes(a, owed, EndByLeaving)
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
	case a.wrap.mode != "":
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
		s.leaveWrapUp(a, EndByTime)
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
