package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/contact"
)

// CodePasswordChange is the code of a 403 while the password must be changed.
const CodePasswordChange contact.Code = "password_change_required"

// Error is the body of every answer that is not a success.
type Error struct {
	Code    contact.Code `json:"code" enum:"invalid,unauthorized,forbidden,not_found,conflict,busy,internal,password_change_required,outbound_refused,no_trunk,no_answer,callee_busy,callee_declined"`
	Message string       `json:"message" doc:"one sentence for a person"`

	status int
	after  time.Duration
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// GetStatus implements huma.StatusError.
func (e *Error) GetStatus() int { return e.status }

// GetHeaders implements huma.HeadersError.
func (e *Error) GetHeaders() http.Header {
	h := http.Header{}
	if e.after > 0 {
		h.Set("Retry-After", fmt.Sprint(int(math.Ceil(e.after.Seconds()))))
	}
	return h
}

// statusOf maps a code to the status of the answer.
func statusOf(c contact.Code) int {
	switch c {
	case contact.Invalid:
		return http.StatusUnprocessableEntity
	case contact.Unauthorized:
		return http.StatusUnauthorized
	case contact.Forbidden, CodePasswordChange, contact.OutboundRefused:
		return http.StatusForbidden
	case contact.NotFound:
		return http.StatusNotFound
	case contact.Conflict, contact.NoAnswer, contact.CalleeBusy, contact.CalleeDeclined:
		return http.StatusConflict
	case contact.Busy, contact.NoTrunk:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// shown turns any error into what a user may see of it. Foreign errors are for
// the log only, so their text is not in it.
func shown(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if after, ok := isLimit(err); ok {
		return &Error{Code: contact.Busy, Message: err.Error(), status: http.StatusTooManyRequests, after: after}
	}
	code := contact.ErrorCode(err)
	e := &Error{Code: code, Message: contact.ErrorMessage(err), status: statusOf(code)}
	if code == contact.Busy {
		e.after = time.Second
	}
	return e
}

// writeError answers a request outside of huma.
func writeError(w http.ResponseWriter, err error) {
	e := shown(err)
	for k, v := range e.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	_ = json.NewEncoder(w).Encode(e) // the client may be gone; nobody else wants to know
}

// ourErrors turns the errors that huma makes itself (a body that does not fit
// its schema) into ours. It leaves out the values: a body may hold a password.
func ourErrors(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	ctx.SetHeader("Content-Type", "application/json")
	e := &Error{Code: codeOf(m.Status), Message: m.Detail}
	if m.Status >= http.StatusInternalServerError {
		e.Message = contact.ErrorMessage(errors.New(m.Detail))
		return e, nil
	}
	var what []string
	for _, d := range m.Errors {
		what = append(what, strings.TrimPrefix(d.Location+": "+d.Message, ": "))
	}
	if len(what) > 0 {
		e.Message += ": " + strings.Join(what, "; ")
	}
	return e, nil
}

func codeOf(status int) contact.Code {
	switch {
	case status == http.StatusUnauthorized:
		return contact.Unauthorized
	case status == http.StatusForbidden:
		return contact.Forbidden
	case status == http.StatusNotFound:
		return contact.NotFound
	case status == http.StatusConflict:
		return contact.Conflict
	case status >= http.StatusInternalServerError:
		return contact.Internal
	default:
		return contact.Invalid
	}
}
