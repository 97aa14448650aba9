package app

import (
	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
)

// What the queue engine decided about offers and their answers. It is carried out a
// moment later, when the customer may have hung up, or the agent, or another decision
// may be on its way already; nobody may be left with nobody for that.

func (h *House) offer(a acd.OfferTo) {
	c, ok := h.call(a.Contact)
	if !ok {
		if h.tasks.offered(a.Contact, a.Agent, true) {
			h.desk.offers[wrapKey{a.Contact, a.Agent}] = a
			return
		}
		h.tell(acd.ContactLeft{Contact: a.Contact}) // nobody is there: a task that was cancelled just before
		return
	}
	h.desk.offers[wrapKey{a.Contact, a.Agent}] = a
	c.Offering(a.Agent, true, "offered to "+string(a.Agent)+why(a.Reasons), map[string]any{
		"agent": a.Agent, "queue": a.Queue, "waited": a.Waited.Seconds(), "deadline": contact.Time(a.Deadline), "reasons": a.Reasons,
	})
	h.phones.ring(a.Agent, c, a.Deadline)
}

// why returns the reason for the candidate that was chosen, as ": reason".
func why(reasons []acd.Candidate) string {
	for _, r := range reasons {
		if r.Chosen {
			return ": " + r.Why
		}
	}
	return ""
}

func (h *House) offerEnded(a acd.OfferEnded) {
	if a.Why != "accepted" && !a.Rings {
		if _, live := h.call(a.Contact); !live {
			h.tasks.offered(a.Contact, a.Agent, false)
		}
	}
	if c, ok := h.call(a.Contact); ok && a.Why != "accepted" && a.Why != "left" {
		if a.Rings || a.Why == "taken" { // it rings elsewhere, or is answered
			c.Note(contact.KindOffer, "", "the offer to "+string(a.Agent)+" ended: "+a.Why, map[string]any{"agent": a.Agent, "why": a.Why})
			return
		}
		c.Offering(a.Agent, false, "the offer to "+string(a.Agent)+" ended: "+a.Why, map[string]any{"agent": a.Agent, "why": a.Why})
	}
}

// connect joins the two; where the customer has just hung up the call itself
// tells the engine.
func (h *House) connect(a acd.Connect) {
	h.transfers.unpark(a.Contact)
	if h.phones.connect(a) {
		return
	}
	c, ok := h.call(a.Contact)
	seat, online := h.desk.seats[string(a.Agent)]
	switch {
	case ok && online && h.talks(a.Agent, a.Contact):
		h.tasks.reached(a.Contact, a.Agent)
		if err := c.Connect(seat, a.Queue, a.Waited, h.announce.of(a)); err != nil {
			h.log.Info("an accepted call was over before it was connected", "call", a.Contact, "error", err)
		}
	case !ok && online && h.tasks.accepted(a, seat):
	case ok && !online: // nobody hears the customer, who must not wait for that in vain
		h.log.Warn("an accepted call cannot be connected: there is no seat", "call", a.Contact, "agent", a.Agent)
		h.tell(acd.SeatLost{Agent: a.Agent})
	case !ok:
		h.tell(acd.ContactLeft{Contact: a.Contact})
	}
}

// talks says whether the queue engine has an agent in a call still: they may have been
// parted again before run came to join them.
func (h *House) talks(user contact.AgentID, id contact.ID) bool {
	a, _ := h.engine.Agent(user)
	if a.Contact != id {
		a = other(a)
	}
	return a.Contact == id && (a.State == contact.AgentTalking || a.State == contact.AgentHold)
}

// voice is what an agent speaks by in a call: the telephone that they answered
// it with, else the browser.
func (h *House) voice(user contact.AgentID, id contact.ID) (call.Seat, bool) {
	if phone := h.phones.seatFor(user, id); phone != nil {
		return phone, true
	}
	seat, ok := h.desk.seats[string(user)]
	return seat, ok
}
