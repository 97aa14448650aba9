package web

import "callfloor/contact"

// What agents do with a call beside talking, and supervisors with calls and
// queues: further Verbs of a Command, and what they show.

// The verbs. Agents: consult (To: an agent or a number; Note: what they shall
// know before they answer), transfer (To: an agent, a queue or a number, at
// once; without To the call goes to the second one), swap (between the customer
// and the second one, or between two calls), merge (all hear each other), drop (the second one goes,
// or is asked no longer; the second one's own seat leaves by it too), park,
// pickup (Contact), rec_pause (On). Supervisors: move (Contact, To: a queue),
// priority (Contact, Priority), teardown (Contact), queue (To: a queue; Door:
// open, closed or "" by its hours).
const (
	DoConsult  Verb = "consult"
	DoTransfer Verb = "transfer"
	DoSwap     Verb = "swap"
	DoMerge    Verb = "merge"
	DoDrop     Verb = "drop"
	DoPark     Verb = "park"
	DoPickUp   Verb = "pickup"
	DoRecPause Verb = "rec_pause"
	DoMove     Verb = "move"
	DoPriority Verb = "priority"
	DoTearDown Verb = "teardown"
	DoQueue    Verb = "queue"
)

// Target is where a call can go.
type Target struct {
	Kind TargetKind `json:"kind"`
	// ID is a user name, the ID of a queue, or a number as people dial it.
	ID string `json:"id"`
}

// TargetKind is what a Target is.
type TargetKind string

// The kinds of targets.
const (
	TargetAgent  TargetKind = "agent"
	TargetQueue  TargetKind = "queue"
	TargetNumber TargetKind = "number"
)

// SecondView is who is in a call beside its agent, or is asked to come.
type SecondView struct {
	User string `json:"user"` // "" for a number outside
	Name string `json:"name"` // a number is masked
	// State is ringing, talking (the customer hears music), waiting (hears
	// music while the agent is with the customer), joined (all hear each other)
	// or failed.
	State string `json:"state"`
	Since string `json:"since"`
	Muted bool   `json:"muted"`
	// Why is why they do not come: declined, timeout, lost, or a sentence of
	// calls to the outside.
	Why string `json:"why"`
}

// HandoverView is what the agent before wants the next one to know; it is there
// while the seat rings.
type HandoverView struct {
	From string `json:"from"`
	Name string `json:"name"`
	// Kind is consult, transfer or return (nobody took it and it comes back).
	Kind string `json:"kind"`
	Note string `json:"note"`
	At   string `json:"at"`
}

// ParkedView, at parked/CONTACT, is a call that waits in a parking place for
// whoever picks it up.
type ParkedView struct {
	Contact contact.ID `json:"contact"`
	Slot    int        `json:"slot"`
	From    string     `json:"from"` // masked
	Queue   string     `json:"queue"`
	By      string     `json:"by"`
	Since   string     `json:"since"`
	Until   string     `json:"until"`
	Note    string     `json:"note"`
}
