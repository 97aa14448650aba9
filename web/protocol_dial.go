package web

// DoDial calls a customer: Number as people dial it, or Contact for the customer
// of an earlier call of the agent's own; Line is the one to call from, "" the
// first of MeView.Dial. The agent is in the call at once (PhaseDialling) and
// hears the carrier, if that sends anything; else the page makes the ringing.
const DoDial Verb = "dial"

// PhaseDialling is a call of the agent's own that is not answered yet; see
// CallView.Progress.
const PhaseDialling Phase = "dialling"

// DialLine is a line that an agent may call from.
type DialLine struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}
