package web

import "callfloor/contact"

// The keys of an agent's calls.
const (
	KeyCall  = "call"
	KeyOther = "other"
)

// Phase is where the seat's call stands.
type Phase string

// The phases of a seat's call.
const (
	PhaseRinging Phase = "ringing"
	PhaseTalking Phase = "talking"
	PhaseHold    Phase = "hold"
	PhaseWrapUp  Phase = "wrap_up"
)

// CallView is the seat's call, from ringing to the end of wrap-up.
type CallView struct {
	Contact contact.ID `json:"contact"`
	Phase   Phase      `json:"phase"`
	Since   string     `json:"since"` // of the phase
	Line    string     `json:"line"`
	From    string     `json:"from"` // masked
	// Caller is what else is known of who calls; absent if nothing.
	Caller *CallerView `json:"caller,omitempty"`
	Queue  string      `json:"queue"`
	Name   string      `json:"queue_name"`
	Waited float64     `json:"waited"`
	// Chosen is the path through the menu in the customer's words ("Sales").
	Chosen   []string `json:"chosen"`
	Language string   `json:"language"`
	// Reason says why this agent was chosen.
	Reason string `json:"reason"`
	// Outbound: we called the customer. Progress in PhaseDialling is "" (nothing
	// is heard of it yet), ringing, early (the carrier is heard) or answered (the
	// customer hears about recording).
	Outbound bool   `json:"outbound,omitempty"`
	Progress string `json:"progress,omitempty"`
	// Until is when the ringing or the wrap-up ends by itself; null: not.
	Until *string `json:"until"`
	// WrapUp is the wrap-up of the call, also while it goes on: none, optional
	// (WrapUpWanted: the agent asked for it), mandatory (no limit), timed or fixed
	// (it cannot be done before).
	WrapUp       string          `json:"wrap_up"`
	WrapUpWanted bool            `json:"wrap_up_wanted,omitempty"`
	Muted        bool            `json:"muted"`
	Consent      contact.Consent `json:"consent"`
	// Recording is on, off, paused (until PausedUntil) or failed (RecordingWhy
	// says why).
	Recording    string  `json:"recording"`
	RecordingWhy string  `json:"recording_why"`
	PausedUntil  *string `json:"paused_until"`
	// Second is who is in the call beside its agent; on the seat of that one
	// Helps is true. Handover is what who had the call before wrote.
	Second   *SecondView   `json:"second"`
	Helps    bool          `json:"helps"`
	Handover *HandoverView `json:"handover"`
	// Codec is what the customer's leg speaks ("PCMU"); the browser's sender
	// switches to it.
	Codec string `json:"codec"`
	// Quality of the customer's leg while talking, Own of the agent's, both of
	// the last seconds; null before the first report.
	Quality *QualityView `json:"quality"`
	Own     *QualityView `json:"own"`
	// Coach is the supervisor who can be heard, or who took the call over;
	// null if nobody is, and for one who only listens.
	Coach *CoachView `json:"coach"`
	// Trouble is "", customer_silent, customer_no_audio, agent_silent or
	// agent_no_audio: why the two do not hear each other.
	Trouble string `json:"trouble"`
	// Ended says who ended it, in wrap-up.
	Ended       *contact.EndCause `json:"ended"`
	Answered    *string           `json:"answered"`
	Disposition string            `json:"disposition"`
	Note        string            `json:"note"`
	Tags        contact.Tags      `json:"tags,omitempty"`
	// Kind is "" for a call, callback (the customer is called when the agent has
	// answered; Answered is null until they are there) or voicemail; Task is
	// which one.
	Kind string `json:"kind,omitempty"`
	Task string `json:"task,omitempty"`
	// AutoAnswer: the page answers by itself, after a beep.
	AutoAnswer bool `json:"auto_answer,omitempty"`
	// Video is who shows what; absent where nobody else could see anything.
	Video *VideoView `json:"video,omitempty"`
	// CRM is the address of the CRM's page of this call.
	CRM string `json:"crm,omitempty"`
	Told
}

// TagsView are the groups of tags to choose from in wrap-up.
type TagsView struct {
	Groups []contact.TagGroup `json:"groups"`
}

// CoachView is a supervisor in an agent's call.
type CoachView struct {
	Name string `json:"name"`
	// Mode is whisper, barge, or in the wrap-up of the agent whose call it was
	// takeover, or handed: the agent gave it to Name ("" if nobody has it yet).
	Mode string `json:"mode"`
}

// QualityView is a leg's figures as a person sees them.
type QualityView struct {
	LossPercent float64  `json:"loss_percent"`
	JitterMS    float64  `json:"jitter_ms"`
	RTTMS       *float64 `json:"rtt_ms"`
	Score       float64  `json:"score"`
	// InPercent is lost on the way from the leg to the server, OutPercent on the
	// way there; null: the far end does not tell.
	InPercent  float64  `json:"in_percent"`
	OutPercent *float64 `json:"out_percent"`
}
