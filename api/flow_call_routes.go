package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// FlowCalls are real calls into flows in which a browser's seat is the
// customer's phone; internal/app has them. How a call goes is in the seat's
// document.
type FlowCalls interface {
	// Begin calls a flow from the seat of user and returns the call's id.
	// contact.Conflict: the seat cannot talk now; contact.Invalid: the draft has
	// problems.
	Begin(ctx context.Context, user string, in FlowCall) (call string, err error)
	// Press presses keys in the call of user.
	Press(user, keys string) error
	// End hangs up, or puts away what is left of a call that is over.
	End(user string) error
}

// FlowCall is a call to begin.
type FlowCall struct {
	Name string `json:"name" pattern:"^[a-z][a-z0-9_-]{0,39}$"`
	// Text is a draft; null is the present version.
	Text *string `json:"text,omitempty" maxLength:"262144"`
	Line string  `json:"line" maxLength:"32" doc:"whose language and consent policy the call has"`
	// Caller is the number that the flow sees.
	Caller string `json:"caller,omitempty" maxLength:"32" pattern:"^[+0-9]*$"`
}

// FlowCallBegun names a call that was begun.
type FlowCallBegun struct {
	Call string `json:"call"`
}

// ActionFlowCall is a call from the flow editor in the audit log.
const ActionFlowCall Action = "flow_call"

func (s *Server) flowCallRoutes(h huma.API) {
	calls := s.opts.FlowCalls
	if calls == nil {
		return
	}
	const path = "/api/v1/flow-calls"
	register(s, h, operation{id: "begin-flow-call", method: http.MethodPost, path: path, summary: "Call a flow, or a draft of it, from one's own seat", access: accessAdmin, body: flowBody},
		func(ctx context.Context, in *struct{ Body FlowCall }) (*body[FlowCallBegun], error) {
			who := identityIn(ctx).User
			e := Entry{Who: who, Action: ActionFlowCall, Target: in.Body.Name, Details: map[string]any{"line": in.Body.Line, "draft": in.Body.Text != nil}}
			if err := s.audit.Record(ctx, e); err != nil {
				return nil, err
			}
			id, err := calls.Begin(ctx, who, in.Body)
			return &body[FlowCallBegun]{FlowCallBegun{id}}, err
		})
	register(s, h, operation{id: "press-flow-call", method: http.MethodPost, path: path + "/keys", summary: "Press keys in the call from one's seat", access: accessAdmin},
		func(ctx context.Context, in *struct {
			Body struct {
				Keys string `json:"keys" minLength:"1" maxLength:"32" pattern:"^[0-9*#]+$"`
			}
		}) (*struct{}, error) {
			return nil, calls.Press(identityIn(ctx).User, in.Body.Keys)
		})
	register(s, h, operation{id: "end-flow-call", method: http.MethodDelete, path: path, summary: "Hang up the call from one's seat", access: accessAdmin},
		func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			return nil, calls.End(identityIn(ctx).User)
		})
}
