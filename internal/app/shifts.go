package app

import (
	"callfloor/acd"
	"callfloor/acd/shifts"
	"callfloor/contact"
)

// noteShift writes down what an agent did until now.
func (h *House) noteShift(id contact.AgentID, before, now acd.AgentStatus) {
	if h.shifts == nil || before.State == "" || before.State == now.State && before.Reason == now.Reason && before.Since.Equal(now.Since) {
		return
	}
	switch before.State {
	case contact.AgentOffline, contact.AgentDisconnected:
		return // nobody is there
	}
	h.shifts.Note(shifts.Shift{Agent: id, State: before.State, Reason: before.Reason, Began: before.Since, Ended: now.Since})
}

// noteWrapUp writes that an agent has nothing to do with a call any more: the
// wrap-up is over. was is their status with it.
func (h *House) noteWrapUp(id contact.AgentID, was acd.AgentStatus) {
	switch was.State {
	case contact.AgentTalking, contact.AgentHold, contact.AgentWrapUp, // without a limit there is none to be seen
		contact.AgentDisconnected: // its time was over while the browser was gone
		h.journal.WrappedUp(was.Contact, id)
	}
}
