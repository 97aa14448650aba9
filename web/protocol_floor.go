package web

import "callfloor/contact"

// AgentView is one agent on the floor.
type AgentView struct {
	User    string             `json:"user"`
	Name    string             `json:"name"`
	State   contact.AgentState `json:"state"`
	Reason  string             `json:"reason"`
	Since   string             `json:"since"`
	Ready   bool               `json:"ready"`
	Contact contact.ID         `json:"contact"`
	Queue   string             `json:"queue"`
	Queues  []string           `json:"queues"`
	// Other is the agent's other call, in OtherState: offered, hold or wrap_up;
	// absent if there is none.
	Other      contact.ID         `json:"other,omitempty"`
	OtherState contact.AgentState `json:"other_state,omitempty"`
	// Headset is what the check of the headset found; null if there was none.
	Headset *HeadsetReport `json:"headset"`
}

// QueueView is one queue.
type QueueView struct {
	ID           string  `json:"id"`
	Name         string  `json:"name"`
	Waiting      int     `json:"waiting"`
	Tasks        int     `json:"tasks"` // callbacks and voicemails that wait
	LongestSince *string `json:"longest_since"`
	Available    int     `json:"available"`
	Staffed      int     `json:"staffed"`
	Talking      int     `json:"talking"`
	Answered     int     `json:"answered"`
	AnsweredIn   int     `json:"answered_in"` // within ServiceLevel seconds
	ServiceLevel float64 `json:"service_level"`
	Abandoned    int     `json:"abandoned"`
	Expected     float64 `json:"expected"`
	// Door is what a supervisor decided: open, closed, or "" by the hours.
	Door string `json:"door"`
}

// TaskView is something to be done after a call, until it is closed.
type TaskView struct {
	ID string `json:"id"`
	// Kind is callback, voicemail, after_call or promise.
	Kind string `json:"kind,omitempty"`
	// State is scheduled, queued, active or open.
	State string     `json:"state"`
	Queue string     `json:"queue"`
	Name  string     `json:"queue_name"`
	Agent string     `json:"agent"`
	From  string     `json:"from"` // masked
	Call  contact.ID `json:"call"` // that it came of
	// Recording is that of a voicemail, Length its seconds.
	Recording string  `json:"recording"`
	Length    float64 `json:"length"`
	Note      string  `json:"note"`
	Made      string  `json:"made"`
	Due       *string `json:"due"`
	Next      *string `json:"next"` // when the customer is called again
	Tries     int     `json:"tries"`
	// Reminded: the deadline is near or over.
	Reminded bool `json:"reminded"`
}

// AlertView is something that supervisors should look at. Kind is "missed" (an
// agent who does not answer), "surge" (a queue, until it is over), "promise"
// (an agent's deadlines are near or over), "callback" (a customer who could not
// be called back), "hand" (an agent asks for help) or "threshold" (Figure of the
// queue is over, or under, Limit; Severity is warn or bad).
type AlertView struct {
	Kind  string          `json:"kind"`
	Agent contact.AgentID `json:"agent"`
	Queue string          `json:"queue"`
	Text  string          `json:"text"`
	At    string          `json:"at"`

	Figure   string  `json:"figure,omitempty"`
	Over     bool    `json:"over,omitempty"`
	Limit    float64 `json:"limit,omitempty"`
	Severity string  `json:"severity,omitempty"`
}

// FloorCallView is one live call on the floor.
type FloorCallView struct {
	Contact contact.ID `json:"contact"`
	Line    string     `json:"line"`
	From    string     `json:"from"` // masked
	// Stage is flow, queue, ringing, parked, talking, hold or wrap_up.
	Stage   string          `json:"stage"`
	Started string          `json:"started"`
	Since   string          `json:"since"` // of the stage
	Queue   string          `json:"queue"`
	Agent   string          `json:"agent"`
	Consent contact.Consent `json:"consent"`
	// Second is who is in the call beside its agent.
	Second *SecondView `json:"second"`
	// Recording is on, off, paused or failed.
	Recording string       `json:"recording"`
	Quality   *QualityView `json:"quality"`
	// Listeners are the supervisors in the call, Coach the one of them who can
	// be heard, or null.
	Listeners []string   `json:"listeners"`
	Coach     *CoachView `json:"coach"`
	// Trouble is as in CallView.
	Trouble string `json:"trouble"`
	// Kind is as in CallView.
	Kind string `json:"kind,omitempty"`
}

// ListenView is what a supervisor listens to.
type ListenView struct {
	Contact contact.ID `json:"contact"`
	Mode    string     `json:"mode"`  // listen, whisper or barge
	Since   string     `json:"since"` // in this mode
	// Codec is what both parties speak, and what the browser sends if it is
	// heard; the tracks customer and third carry the customer and the agent.
	Codec string `json:"codec"`
}
