package contact

import "time"

// Kind is the kind of an event in a contact's timeline.
type Kind string

// The kinds. See docs/architecture.md for the data that each carries.
const (
	KindSIP        Kind = "sip"
	KindIdentity   Kind = "identity"
	KindFlow       Kind = "flow"
	KindConsent    Kind = "consent"
	KindQueue      Kind = "queue"
	KindOffer      Kind = "offer"
	KindAnswer     Kind = "answer"
	KindHold       Kind = "hold"
	KindResume     Kind = "resume"
	KindMute       Kind = "mute"
	KindDigits     Kind = "digits"
	KindReconnect  Kind = "reconnect"
	KindConsult    Kind = "consult"
	KindListen     Kind = "listen"
	KindRecording  Kind = "recording"
	KindQuality    Kind = "quality"
	KindSilence    Kind = "silence"
	KindVideo      Kind = "video"
	KindWrapUp     Kind = "wrapup"
	KindEnd        Kind = "end"
	KindDial       Kind = "dial"
	KindAgentState Kind = "agent_state"
)

// Event is one thing that happened to a contact. Timelines, call records,
// wallboards and metrics are readings of events.
type Event struct {
	At   time.Time
	Kind Kind
	// Leg is the leg that it happened on, or "" for the contact as a whole.
	Leg LegID
	// Text says it in one short English sentence, without numbers of customers
	// and without digits that they pressed.
	Text string
	// Data holds the details, ready for JSON.
	Data map[string]any
}
