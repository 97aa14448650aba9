// Package tasks keeps what is to be done after a call: callbacks and
// voicemails, which wait in a queue like callers, tasks that agents give
// themselves, and promises with a deadline.
package tasks

import (
	"fmt"
	"time"

	"callfloor/contact"
)

// Kind is what is to be done.
type Kind string

// The kinds of tasks. An AfterCall is a note of an agent to themselves, a
// Promise one to a customer, with a deadline.
const (
	Callback  Kind = "callback"
	Voicemail Kind = "voicemail"
	AfterCall Kind = "after_call"
	Promise   Kind = "promise"
)

// State is where a task stands.
//
//	scheduled ──(its time)──► queued ──(an agent accepts)──► active ──► done
//	    ▲                                                      │ │
//	    └──────────(nobody answered; try again later)──────────┘ ├──► open (the agent's own)
//	                                                             └──► failed (tried often enough)
//	open ──(closed by its agent)──► done            any ──► cancelled
type State string

// The states of a task.
const (
	Scheduled State = "scheduled"
	Queued    State = "queued"
	Active    State = "active"
	Open      State = "open"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Closed says that nothing is left to do.
func (s State) Closed() bool { return s == Done || s == Failed || s == Cancelled }

// Task is one of them.
type Task struct {
	ID    string          `json:"id"`
	Kind  Kind            `json:"kind" enum:"callback,voicemail,after_call,promise"`
	State State           `json:"state" enum:"scheduled,queued,active,open,done,failed,cancelled"`
	Queue contact.QueueID `json:"queue"`
	// Agent has it, or had it last; "" while it is the queue's.
	Agent contact.AgentID `json:"agent"`
	Line  contact.LineID  `json:"line"`
	// Caller is the customer's number.
	Caller   string `json:"caller"`
	Language string `json:"language"`
	// Call is the call that it came of; "" if there was none.
	Call contact.ID `json:"call"`
	// Recording is that of a voicemail, Length how long it is in seconds.
	Recording string  `json:"recording"`
	Length    float64 `json:"length"`
	Note      string  `json:"note"`
	Priority  int     `json:"priority"`
	// Tries is how often the customer was called.
	Tries int       `json:"tries"`
	Made  time.Time `json:"made"`
	// Since is the place in the queue.
	Since time.Time `json:"since"`
	// Due is the deadline of a promise, or the time that a customer chose.
	Due *time.Time `json:"due"`
	// Next is when it is queued again.
	Next        *time.Time `json:"next"`
	Disposition string     `json:"disposition"`
	ClosedBy    string     `json:"closed_by"`
	Closed      *time.Time `json:"closed"`

	// Remind is how long before Due the agent is reminded, the supervisor in half
	// of that.
	Remind   time.Duration `json:"-"`
	Reminded Reminder      `json:"-"`
}

// Reminder is who has been reminded.
type Reminder int

// The reminders, in their order.
const (
	NotReminded Reminder = iota
	AgentReminded
	SupervisorReminded
)

// Reminders returns who must have been reminded at a time, and when the next
// reminder is due (zero: never).
func (t Task) Reminders(now time.Time) (who Reminder, next time.Time) {
	if t.Due == nil || t.State.Closed() || t.Kind == Callback && t.State != Open {
		return t.Reminded, time.Time{}
	}
	agent, supervisor := t.Due.Add(-t.Remind), t.Due.Add(-t.Remind/2)
	switch {
	case now.Before(agent):
		return NotReminded, agent
	case now.Before(supervisor):
		return AgentReminded, supervisor
	}
	return SupervisorReminded, time.Time{}
}

// PromiseConfig is a kind of promise that agents choose from.
type PromiseConfig struct {
	// Name is what agents see: "Call back".
	Name string `yaml:"name" json:"name"`
	// Within is the deadline after the promise, Remind how long before it the
	// agent is reminded, and in half of that time the supervisors.
	Within time.Duration `yaml:"within" json:"-"`
	Remind time.Duration `yaml:"remind" json:"-"`
}

// Validate says what is wrong.
func (p PromiseConfig) Validate() error {
	switch {
	case p.Name == "":
		return fmt.Errorf("name is empty; say what is promised, such as \"Call back\"")
	case p.Within < time.Minute || p.Within > 366*24*time.Hour:
		return fmt.Errorf("within is %v; a promise is kept within 1m to 366d", p.Within)
	case p.Remind < 0 || p.Remind >= p.Within:
		return fmt.Errorf("remind is %v; it must be less than within (%v)", p.Remind, p.Within)
	}
	return nil
}

// DefaultPromises are those of callfloor.example.yaml.
func DefaultPromises() []PromiseConfig {
	return []PromiseConfig{
		{Name: "Call back", Within: 2 * time.Hour, Remind: 15 * time.Minute},
		{Name: "Complaint", Within: 24 * time.Hour, Remind: 2 * time.Hour},
	}
}
