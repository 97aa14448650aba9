package app

import (
	"time"

	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
)

// direct carries out what the queue engine decided about calls that go past
// the queues; false for any other decision.
func (h *House) direct(a acd.Action) bool {
	switch a := a.(type) {
	case acd.Rang:
		h.rang(a)
	case acd.AskEnded:
		h.askEnded(a)
	case acd.Parted:
		if c, ok := h.call(a.Contact); ok {
			var parked *call.Parking
			if a.Why == "parked" {
				parked = h.transfers.parking(a.Contact, a.Agent, time.Now())
			}
			c.HandOff(a.Agent, parked)
		}
	case acd.Waits:
		h.transfers.unpark(a.Contact)
		if c, ok := h.call(a.Contact); ok {
			c.Note(contact.KindQueue, contact.LegID(contact.Customer), "waits first in queue "+string(a.Queue)+": nobody took the call", map[string]any{"queue": a.Queue, "why": "returned"})
			c.WaitAgain()
		}
	default:
		return false
	}
	return true
}

func (h *House) rang(a acd.Rang) {
	c, ok := h.call(a.Contact)
	if !ok {
		return
	}
	text := map[acd.Purpose]string{
		acd.Consult: "asked by " + string(a.From) + " to come: rings at ", acd.Transfer: "handed on by " + string(a.From) + ": rings at ",
		acd.Return: "nobody took the call: it rings again at ",
	}[a.Purpose] + string(a.Agent)
	if a.Purpose == acd.Return {
		h.transfers.unpark(a.Contact)
		c.Unparked()
	}
	c.Offering(a.Agent, true, text, map[string]any{"agent": a.Agent, "from": a.From, "purpose": a.Purpose, "deadline": contact.Time(a.Deadline)})
	h.desk.rang[wrapKey{a.Contact, a.Agent}] = a
	h.phones.ring(a.Agent, c, a.Deadline)
}

func (h *House) askEnded(a acd.AskEnded) {
	delete(h.desk.rang, wrapKey{a.Contact, a.Agent})
	if a.Why != "taken" {
		h.phones.quiet(a.Agent, a.Contact)
	}
	c, ok := h.call(a.Contact)
	if !ok {
		h.phones.giveUp(a.Agent, a.Contact)
		return
	}
	text, data := "the ringing at "+string(a.Agent)+" ended: "+a.Why, map[string]any{"agent": a.Agent, "why": a.Why, "purpose": a.Purpose}
	switch {
	case a.Purpose != acd.Consult:
		c.Offering(a.Agent, false, text, data)
	case a.Why == "taken":
		seat, online := h.voice(a.Agent, a.Contact)
		if !online || c.Consult(string(a.From), seat) != nil {
			c.AskFailed(a.Agent, "lost", false)
			h.Release(a.Contact, a.Agent)
			h.phones.giveUp(a.Agent, a.Contact)
		}
		h.phones.joined(a.Agent, a.Contact)
	default:
		c.AskFailed(a.Agent, a.Why, a.Why == "cancelled")
		_ = c.EndConsult(string(a.Agent)) // a conflict: not in it, or not any more
	}
}

// syncHold tells the queue engine that an agent holds the customer, or not,
// where that followed from something else than the agent's wish.
func (h *House) syncHold(s call.Snapshot) {
	status := h.desk.agents[s.Agent]
	if s.Agent == "" || status.Contact != s.ID {
		return
	}
	switch held := s.Stage == call.StageHold; {
	case held && status.State == contact.AgentTalking, s.Stage == call.StageTalking && status.State == contact.AgentHold:
		h.tell(acd.Held{Agent: s.Agent, On: held, Contact: s.ID})
	}
}
