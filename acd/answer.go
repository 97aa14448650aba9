package acd

import (
	"time"

	"callfloor/contact"
)

// offerAccepted: see OfferAccepted.
func (s *State) offerAccepted(ev OfferAccepted) error {
	a := s.agents[ev.Agent]
	if a != nil && a.c != nil && a.c.id == ev.Contact && a.c.connected {
		return nil // pressed twice
	}
	if a != nil && a.rings(ev.Contact) {
		s.setAside(a) // and it is in front now
	}
	if err := s.checkOffer(a, ev.Agent, ev.Contact); err != nil {
		return err
	}
	if a.ask != nil {
		s.takeAsk(a)
		return nil
	}
	c := a.c
	waited := s.now.Sub(c.since)
	s.endOffer(a, whyAccepted)
	s.unstand(c)
	for len(c.ringing) > 0 {
		s.offerOver(c.ringing[0], c, whyTaken)
	}
	missed := a.missed
	s.join(a, c)
	s.countAnswer(c, waited)
	if missed >= s.cfg.MissedAlert && s.cfg.MissedAlert > 0 {
		s.missOver(a)
	}
	s.emit(Connect{Agent: a.id, Contact: c.id, Queue: c.q.cfg.ID, Waited: waited, Kind: c.kind, Offered: true, AutoAnswer: s.autoAnswers(a, c)})
	s.move(a, contact.AgentTalking)
	return nil
}

func (s *State) countAnswer(c *customer, waited time.Duration) {
	if c.waited {
		c.q.pace.answer(s.now)
	}
	if c.served || c.virtual() {
		return
	}
	c.served = true
	s.counted = true
	c.q.answered++
	if waited <= s.cfg.ServiceLevel {
		c.q.answeredIn++
	}
}

// countAbandon counts a contact that left before an answer.
func (s *State) countAbandon(c *customer) {
	waited := s.now.Sub(c.since)
	s.counted = true
	c.q.abandoned++
	if waited <= s.cfg.ServiceLevel {
		c.q.abandonedIn++
	}
	if waited <= s.cfg.ShortAbandon {
		c.q.abandonedShort++
	}
}

// offerDeclined: see OfferDeclined.
func (s *State) offerDeclined(ev OfferDeclined) error {
	a := s.agents[ev.Agent]
	if a == nil || !a.rings(ev.Contact) {
		if err := s.checkOffer(a, ev.Agent, ev.Contact); err != nil {
			return err
		}
	}
	s.onLine(a, ev.Contact, func() {
		if a.ask == nil {
			s.rememberDecline(a.c, a)
		}
		s.passOn(a, whyDeclined)
		s.goOn(a)
	})
	return nil
}

// checkOffer says in a sentence why an offer cannot be answered any more.
func (s *State) checkOffer(a *agent, id contact.AgentID, offered contact.ID) error {
	if a == nil {
		return contact.Errorf(contact.NotFound, "%s is not an agent", id)
	}
	if a.status.State == contact.AgentOffered && a.status.Contact == offered {
		return nil
	}
	why := "this call does not ring for you any more"
	if a.last.contact == offered {
		switch a.last.why {
		case whyLeft:
			why = "the caller hung up before you answered"
		case whyTimeout:
			why = "the call rang too long and went on to the next agent"
		case whyLost:
			why = "your browser was away and the call went on to the next agent"
		case whyTaken:
			why = "another agent has answered this call"
		case whyReturned:
			why = "the call went back to the agent who had spoken with this caller"
		case whyDeclined:
			why = "you have declined this call"
		case whyAccepted:
			why = "you have answered this call already"
		}
	}
	return contact.Errorf(contact.Conflict, "%s", why)
}
