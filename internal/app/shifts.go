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
