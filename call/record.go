package call

import (
	"encoding/json"
	"time"

	"callfloor/contact"
)

// Record is one call as lists show it; its JSON is part of the outside
// contract (docs/contract.md). Missing values are null.
type Record struct {
	ID   contact.ID     `json:"id"`
	Line contact.LineID `json:"line"`
	From string         `json:"from"`
	// Direction is in, or out where we called the customer, whose number From is
	// then.
	Direction string `json:"direction"`
	// Name is the caller's name as the network told it; Trust how far the number
	// can be believed: verified, trunk or unknown; Attest the attestation of its
	// signature (A, B, C).
	Name   *string `json:"name"`
	Trust  *string `json:"trust"`
	Attest *string `json:"attest"`
	// DivertedFrom was called first, and forwarded because of DivertedWhy.
	DivertedFrom *string          `json:"diverted_from"`
	DivertedWhy  *string          `json:"diverted_why"`
	Queue        *contact.QueueID `json:"queue"`
	Agent        *contact.AgentID `json:"agent"`
	Started      Stamp            `json:"started"`
	// Queued is when the customer joined the first queue; waits count from it.
	Queued    *Stamp            `json:"queued"`
	Answered  *Stamp            `json:"answered"`
	Ended     *Stamp            `json:"ended"`
	End       *contact.EndCause `json:"end"`
	Consent   contact.Consent   `json:"consent"`
	Recording *string           `json:"recording"`
	// Disposition and Note are what the agent wrote in wrap-up.
	Disposition *string `json:"disposition"`
	Note        *string `json:"note"`
	// DispositionBy is agent, or system where the wrap-up ended without a
	// Disposition and the configuration's was set.
	DispositionBy *string `json:"disposition_by"`
	// Tags are what the agent tagged it with; {} if with nothing.
	Tags contact.Tags `json:"tags"`
	// CSAT is how satisfied the customer said to be, 1 to 5.
	CSAT *int `json:"csat"`
}

// Came is when the customer came to the queues: when they joined the first one.
// Of calls of older versions that is not known, and it is their start.
func (r Record) Came() time.Time {
	if r.Queued != nil {
		return r.Queued.Time()
	}
	return r.Started.Time()
}

// Detail is one call with its timeline, oldest event first.
type Detail struct {
	Record
	Timeline []TimelineEvent `json:"timeline"`
}

// TimelineEvent is one event of a timeline.
type TimelineEvent struct {
	At   Stamp           `json:"at"`
	Kind contact.Kind    `json:"kind"`
	Leg  *contact.LegID  `json:"leg"`
	Text string          `json:"text"`
	Data json.RawMessage `json:"data"`
}

// Stamp is a time that JSON shows as RFC 3339 in UTC with milliseconds.
type Stamp time.Time

// MarshalJSON implements json.Marshaler.
func (s Stamp) MarshalJSON() ([]byte, error) {
	return []byte(`"` + contact.Time(time.Time(s)) + `"`), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Stamp) UnmarshalJSON(b []byte) error { return (*time.Time)(s).UnmarshalJSON(b) }

// Time returns s as a time.Time.
func (s Stamp) Time() time.Time { return time.Time(s) }

// Query chooses the calls that List returns.
type Query struct {
	// Limit is how many at most; 0 is 100, and more than 1000 is 1000.
	Limit int
	// From leaves out calls that began before it; zero is no bound.
	From time.Time
	// Before leaves out calls that began at or after it; zero is no bound.
	Before time.Time
	// BeforeID is the last call of the page before, which began at Before: calls
	// that began in the same millisecond and come behind it are there too.
	BeforeID contact.ID
	Line     contact.LineID  // "" is any
	Agent    contact.AgentID // "" is any
	// Tags leave out calls that do not have every one, each as GROUP=TAG.
	Tags []string
}
