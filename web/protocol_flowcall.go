package web

import "callfloor/contact"

// KeyFlowCall is the key of the document under which a FlowCallView stands
// while the person calls a flow from its editor, and with how it ended until
// the next one or until they put it away.
const KeyFlowCall = "flow_call"

// FlowCallView is a call from the flow editor, in which the seat is the
// customer's phone: the track customer carries what the flow plays.
type FlowCallView struct {
	Call  contact.ID `json:"call"`
	Flow  string     `json:"flow"`
	Line  string     `json:"line"`
	Since string     `json:"since"`
	// Codec is what the browser must send.
	Codec string `json:"codec"`
	// Node is where the flow stands; "" before the first.
	Node   string            `json:"node"`
	Events []FlowCallEvent   `json:"events"` // the last ones
	Ended  *contact.EndCause `json:"ended"`
	// Video is as in CallView; this seat is the customer.
	Video *VideoView `json:"video,omitempty"`
}

// FlowCallEvent is one thing that happened, in the words of ivr.TrialEvent.
type FlowCallEvent struct {
	At       float64 `json:"at"` // seconds since the call began
	Kind     string  `json:"kind"`
	Flow     string  `json:"flow"`
	Node     string  `json:"node"`
	Type     string  `json:"type,omitempty"`
	Text     string  `json:"text"`
	Prompt   string  `json:"prompt,omitempty"`
	Language string  `json:"language,omitempty"`
	Seconds  float64 `json:"seconds,omitempty"`
}
