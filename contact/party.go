package contact

import "strings"

// Party is a side of a call.
type Party string

// The parties. System is the server itself: a limit, a fault, a rule.
const (
	Customer   Party = "customer"
	Agent      Party = "agent"
	Supervisor Party = "supervisor"
	System     Party = "system"
)

// Consent is what a customer said of being recorded, as calls and recordings
// show it.
type Consent string

// Granted: the customer pressed yes. Refused: pressed no, or kept silent.
// Announced: the line announces recording and the customer stayed. None: never
// asked, or gone before an answer.
const (
	ConsentGranted   Consent = "granted"
	ConsentRefused   Consent = "refused"
	ConsentAnnounced Consent = "announced"
	ConsentNone      Consent = "none"
)

// Role is what a signed-in person may do.
type Role string

// The roles, from the least to the most.
const (
	RoleAgent      Role = "agent"
	RoleSupervisor Role = "supervisor"
	RoleAdmin      Role = "admin"
)

// Valid says whether r is one of the roles.
func (r Role) Valid() bool { return r == RoleAgent || r == RoleSupervisor || r == RoleAdmin }

// Mask hides the middle of a number but for its ends: 13812341234 becomes
// 138****1234; a number of seven digits or fewer keeps its last two. What has no
// digit is no number ("anonymous") and stays as it is.
func Mask(number string) string {
	if !strings.ContainsAny(number, "0123456789") {
		return number
	}
	r := []rune(number)
	switch {
	case len(r) > 7:
		return string(r[:3]) + "****" + string(r[len(r)-4:])
	case len(r) > 2:
		return "****" + string(r[len(r)-2:])
	default:
		return number
	}
}
