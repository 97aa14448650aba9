package call

import "callfloor/contact"

// Telephone is a Seat whose sound is a telephone on a leg of its own, rung for
// this call. It has one ear: what it hears is mixed, as for the customer's
// phone, and its Track is never asked for. When the agent's part in the call is
// over the leg is hung up.
type Telephone interface {
	Seat
	// Leg is the telephone, which has answered.
	Leg() Leg
}

// telephone is the phone that a speaks by: one outside, or the one of a
// Telephone; nil for who speaks by a browser.
func (a *agent) telephone() Leg {
	if a == nil {
		return nil
	}
	if t, ok := a.seat.(Telephone); ok {
		return t.Leg()
	}
	return a.phone
}

// hangUpTelephone ends the leg of an agent's Telephone.
func hangUpTelephone(t Telephone) {
	t.Leg().Sender().Hear(nil)
	t.Leg().Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 16, Why: "the agent's part in the call is over"})
}
