package app

import (
	"callfloor/contact"
	"callfloor/web"
)

// headset carries out what belongs to the check of a headset: the echo by which
// the network is tested, and what was found, which supervisors see on the floor.
func (h *House) headset(s *web.Seat, cmd web.Command) error {
	user := contact.AgentID(s.User())
	if cmd.Do == web.DoHeadset {
		s.SetHeadset(cmd.Headset)
		h.inbox.put(func(n *news) { n.headsets[user] = struct{}{} })
		return nil
	}
	if status, ok := h.engine.Agent(user); cmd.On && ok && status.Contact != "" {
		return contact.Errorf(contact.Conflict, "the network cannot be tested during a call")
	}
	return s.Echo(cmd.On)
}
