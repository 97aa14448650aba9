package contact

import "fmt"

// EndClass is how a contact ended.
type EndClass string

// Completed: it was served and a side hung up. Abandoned: the customer left
// before an agent answered. Rejected: it was refused before it began. Failed:
// a fault ended it.
const (
	EndCompleted EndClass = "completed"
	EndAbandoned EndClass = "abandoned"
	EndRejected  EndClass = "rejected"
	EndFailed    EndClass = "failed"
)

// EndCause says who ended a call, what kind of end it was, and the codes that
// stood on the wire.
type EndCause struct {
	By    Party    `json:"by"`
	Class EndClass `json:"class"`
	// SIP is the status code or 0 for a BYE without one (RFC 3261 §21).
	SIP int `json:"sip"`
	// Q850 is the cause value of a Reason header, or 0 (RFC 3326, ITU-T Q.850).
	Q850 int `json:"q850,omitempty"`
	// Why is a short English sentence for the timeline.
	Why string `json:"why,omitempty"`
}

// Error makes an EndCause usable with context.WithCancelCause.
func (c EndCause) Error() string {
	return fmt.Sprintf("call ended by %s (%s): %s", c.By, c.Class, c.Why)
}
