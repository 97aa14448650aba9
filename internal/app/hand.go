package app

import (
	"callfloor/acd"
	"callfloor/contact"
	"callfloor/web"
)

// alertHand is the alert of an agent who asks for help.
const alertHand = "hand"

// hand raises or lowers an agent's hand. It is an alert like any other: it is
// on until it is lowered, or until the agent has left.
func (h *House) hand(s *web.Seat, cmd web.Command) error {
	agent := contact.AgentID(s.User())
	if watches(s) && !h.serves(s) {
		if cmd.On || cmd.Agent == "" {
			return contact.Errorf(contact.Invalid, "supervisors lower an agent's hand: say whose, and off")
		}
		agent = cmd.Agent
	}
	if status, _ := h.engine.Agent(agent); cmd.On && (status.State == "" || status.State == contact.AgentOffline) {
		return contact.Errorf(contact.Conflict, "you are offline: nobody on the floor sees your hand")
	}
	h.lift(agent, cmd.On)
	return nil
}

func (h *House) lift(agent contact.AgentID, on bool) {
	h.inbox.put(func(n *news) { n.actions = append(n.actions, acd.Alert{Kind: alertHand, On: on, Agent: agent}) })
}

func handKey(agent contact.AgentID) string { return "alert/" + alertHand + "/" + string(agent) }

// raised says whether an agent's hand is up.
func (d *desk) raised(agent contact.AgentID) bool {
	_, up := d.alerts[handKey(agent)]
	return up
}
