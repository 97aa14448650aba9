package contact

import "errors"

// Code is the kind of an error that crosses an edge (HTTP, the seat socket).
type Code string

// The codes. Internal is what every foreign error is; its text stays in the log.
const (
	Invalid      Code = "invalid"
	Unauthorized Code = "unauthorized"
	Forbidden    Code = "forbidden"
	NotFound     Code = "not_found"
	Conflict     Code = "conflict"
	Busy         Code = "busy"
	Internal     Code = "internal"
)

// The codes of a call to the outside that failed. OutboundRefused: a rule said
// no. NoTrunk: no trunk is up, has room, or could carry it.
const (
	OutboundRefused Code = "outbound_refused"
	NoTrunk         Code = "no_trunk"
	NoAnswer        Code = "no_answer"
	CalleeBusy      Code = "callee_busy"
	CalleeDeclined  Code = "callee_declined"
)

// Error is an error whose message may be shown to a user.
type Error struct {
	Code    Code
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// ErrorCode returns the code of the first Error in err's chain, Internal for a
// foreign error and "" for nil.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// ErrorMessage returns what a user may read of err.
func ErrorMessage(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message
	}
	return "something went wrong on the server; its log has the details"
}
