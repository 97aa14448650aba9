package web

import "callfloor/contact"

// Command is what a person does. Req is echoed in Result.
type Command struct {
	Type string `json:"type"` // TypeDo
	Req  int    `json:"req"`
	Do   Verb   `json:"do"`

	Contact contact.ID      `json:"contact,omitempty"`
	Agent   contact.AgentID `json:"agent,omitempty"` // force, hand
	// State and Reason go with Verb state: available, away, offline.
	State  contact.AgentState `json:"state,omitempty"`
	Reason string             `json:"reason,omitempty"`
	On     bool               `json:"on,omitempty"`    // hold, mute and others that switch
	Digit  string             `json:"digit,omitempty"` // one of 0-9*#A-D
	// Disposition and Note go with wrapup_note and wrapup_done; Note also with
	// consult, transfer and park.
	Disposition string `json:"disposition,omitempty"`
	Note        string `json:"note,omitempty"`
	// Tags go with wrapup_note and wrapup_done too; without them those chosen
	// before stay.
	Tags contact.Tags `json:"tags,omitempty"`
	// To, Priority and Door: see DoConsult and the other verbs there.
	To       *Target `json:"to,omitempty"`
	Priority int     `json:"priority,omitempty"`
	Door     string  `json:"door,omitempty"`
	// Number and Line go with Verb dial.
	Number string `json:"number,omitempty"`
	Line   string `json:"line,omitempty"`
	// Headset goes with Verb headset.
	Headset *HeadsetReport `json:"headset,omitempty"`
	// Source goes with Verb video: camera or screen.
	Source string `json:"source,omitempty"`
}

// Verb is what a Command asks for.
type Verb string

// The verbs. Agents: state, answer, decline, hold, mute, digit, hangup,
// wrapup_extend, wrapup_note (saves without ending), wrapup_done, wrapup_want (On:
// a wrap-up that is optional follows the call), waiting (On:
// a call that is meant for the agent rings beside another one). With two calls
// Contact says which one is meant; notes can be those of the other one, all else
// is for the one in front. Supervisors:
// listen, whisper, barge (each also changes from one to another), unlisten,
// takeover (the call becomes theirs, and they have the agents' verbs for it),
// force (another agent's state). DoConsult and those with it, DoDial, DoVideo,
// DoHand, DoEcho and DoHeadset are beside what they are about.
const (
	DoState        Verb = "state"
	DoAnswer       Verb = "answer"
	DoDecline      Verb = "decline"
	DoHold         Verb = "hold"
	DoMute         Verb = "mute"
	DoDigit        Verb = "digit"
	DoHangup       Verb = "hangup"
	DoWrapUpExtend Verb = "wrapup_extend"
	DoWrapUpNote   Verb = "wrapup_note"
	DoWrapUpDone   Verb = "wrapup_done"
	DoWrapUpWant   Verb = "wrapup_want"
	DoWaiting      Verb = "waiting"
	DoListen       Verb = "listen"
	DoWhisper      Verb = "whisper"
	DoBarge        Verb = "barge"
	DoTakeOver     Verb = "takeover"
	DoUnlisten     Verb = "unlisten"
	DoForce        Verb = "force"
)
