package contact

import (
	"fmt"
	"strconv"
)

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
	// SIP is the final status code of the INVITE (RFC 3261 §21), or none where
	// the call was answered and ended by BYE.
	SIP SIPStatus `json:"sip"`
	// Q850 is the cause value of a Reason header, or 0 (RFC 3326, ITU-T Q.850).
	Q850 int `json:"q850,omitempty"`
	// Why is a short English sentence for the timeline.
	Why string `json:"why,omitempty"`
}

// Error makes an EndCause usable with context.WithCancelCause.
func (c EndCause) Error() string {
	return fmt.Sprintf("call ended by %s (%s): %s", c.By, c.Class, c.Why)
}

// SIPStatus is a SIP status code; 0 is none, and null in JSON.
type SIPStatus int

// MarshalJSON implements json.Marshaler.
func (s SIPStatus) MarshalJSON() ([]byte, error) {
	if s == 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(s), 10), nil
}
