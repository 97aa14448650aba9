package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/call"
	"callfloor/contact"
)

// Calls reads the calls and their timelines; call.Journal and call.Reader do.
type Calls interface {
	// List returns the calls that q chooses, newest first, never nil.
	List(ctx context.Context, q call.Query) ([]call.Record, error)
	// Show returns one call; contact.NotFound if there is none.
	Show(ctx context.Context, id contact.ID) (call.Detail, error)
	// Messages returns the SIP messages of one call, oldest first; contact.NotFound
	// if there is no such call.
	Messages(ctx context.Context, id contact.ID) ([]call.SIPMessage, error)
}

type callsInput struct {
	Limit  int       `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	Before time.Time `query:"before" doc:"only calls that began before"`
	Line   string    `query:"line"`
	Agent  string    `query:"agent"`
}

type callInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) callRoutes(h huma.API) {
	s.sipRoutes(h)
	register(s, h, operation{id: "list-calls", method: http.MethodGet, path: "/api/v1/calls", summary: "Calls, newest first; an agent's are those that the agent served", access: accessAgent},
		func(ctx context.Context, in *callsInput) (*body[[]call.Record], error) {
			q := call.Query{Limit: in.Limit, Before: in.Before, Line: contact.LineID(in.Line), Agent: contact.AgentID(in.Agent)}
			if id := identityIn(ctx); id.Role == contact.RoleAgent {
				q.Agent = contact.AgentID(id.User)
			}
			calls, err := s.opts.Calls.List(ctx, q)
			for i := range calls {
				maskFrom(ctx, &calls[i])
			}
			return &body[[]call.Record]{calls}, err
		})
	register(s, h, operation{id: "show-call", method: http.MethodGet, path: "/api/v1/calls/{id}", summary: "One call with its timeline", access: accessAgent},
		func(ctx context.Context, in *callInput) (*body[call.Detail], error) {
			d, err := s.showCall(ctx, contact.ID(in.ID))
			return &body[call.Detail]{d}, err
		})
}

// showCall tells an agent of another's call what it would tell of none.
func (s *Server) showCall(ctx context.Context, id contact.ID) (call.Detail, error) {
	notFound := contact.Errorf(contact.NotFound, "there is no call %q", id)
	if !id.Valid() {
		return call.Detail{}, notFound
	}
	d, err := s.opts.Calls.Show(ctx, id)
	if err != nil {
		return call.Detail{}, err
	}
	who := identityIn(ctx)
	if who.Role == contact.RoleAgent && (d.Agent == nil || string(*d.Agent) != who.User) {
		return call.Detail{}, notFound
	}
	maskFrom(ctx, &d.Record)
	return d, nil
}

// maskFrom hides the middle of a customer's number from all but administrators.
func maskFrom(ctx context.Context, r *call.Record) {
	if identityIn(ctx).Role != contact.RoleAdmin {
		r.From = contact.Mask(r.From)
		if r.DivertedFrom != nil {
			masked := contact.Mask(*r.DivertedFrom)
			r.DivertedFrom = &masked
		}
	}
}
