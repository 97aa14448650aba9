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
	// TagCounts returns how many calls of agent ("" is everybody) that began in
	// [from, to) have each tag, never nil.
	TagCounts(ctx context.Context, from, to time.Time, agent contact.AgentID) ([]call.TagCount, error)
}

// CallFilter chooses calls; huma reads it where it is embedded, so it is exported.
type CallFilter struct {
	From   time.Time `query:"from" doc:"only calls that began then or later"`
	Before time.Time `query:"before" doc:"only calls that began before"`
	Line   string    `query:"line" maxLength:"64"`
	Agent  string    `query:"agent" maxLength:"64" doc:"an agent's are always the agent's own"`
	Tags   []string  `query:"tag,explode" maxItems:"16" pattern:"^[a-z0-9_-]+=[a-z0-9_-]+$" doc:"GROUP=TAG; only calls that have every one"`
}

// query is what the one who asks may see of what they ask for.
func (f CallFilter) query(ctx context.Context) call.Query {
	q := call.Query{From: f.From, Before: f.Before, Line: contact.LineID(f.Line), Agent: contact.AgentID(f.Agent), Tags: f.Tags}
	if id := identityIn(ctx); id.Role == contact.RoleAgent {
		q.Agent = contact.AgentID(id.User)
	}
	return q
}

type callsInput struct {
	CallFilter
	Limit    int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	BeforeID string `query:"before_id" maxLength:"64" doc:"with before: the last call of the page before; those that began with it and come behind it are there too"`
}

type tagCountsInput struct {
	From  time.Time `query:"from" required:"true"`
	To    time.Time `query:"to" doc:"without it now"`
	Agent string    `query:"agent" maxLength:"64" doc:"without it everybody; an agent's are always the agent's own"`
}

type callInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) callRoutes(h huma.API) {
	s.sipRoutes(h)
	register(s, h, operation{id: "list-calls", method: http.MethodGet, path: "/api/v1/calls", summary: "Calls, newest first; an agent's are those that the agent served", access: accessAgent},
		func(ctx context.Context, in *callsInput) (*body[[]call.Record], error) {
			q := in.query(ctx)
			q.Limit, q.BeforeID = in.Limit, contact.ID(in.BeforeID)
			calls, err := s.callsPage(ctx, q)
			return &body[[]call.Record]{calls}, err
		})
	register(s, h, operation{id: "export-calls", method: http.MethodGet, path: "/api/v1/calls.csv", summary: "All calls that are chosen, newest first, as CSV for spreadsheets; an agent's are those that the agent served", access: accessAgent}, s.exportCalls)
	register(s, h, operation{id: "list-tags", method: http.MethodGet, path: "/api/v1/tags", summary: "The groups of tags that agents choose from in wrap-up", access: accessAgent},
		func(context.Context, *struct{}) (*body[[]contact.TagGroup], error) {
			return &body[[]contact.TagGroup]{append([]contact.TagGroup{}, s.opts.Tags...)}, nil
		})
	register(s, h, operation{id: "count-tags", method: http.MethodGet, path: "/api/v1/tag-counts", summary: "How many calls have each tag", access: accessAgent},
		func(ctx context.Context, in *tagCountsInput) (*body[[]call.TagCount], error) {
			agent := contact.AgentID(in.Agent)
			if id := identityIn(ctx); id.Role == contact.RoleAgent {
				agent = contact.AgentID(id.User)
			}
			if in.To.IsZero() {
				in.To = time.Now()
			}
			counts, err := s.opts.Calls.TagCounts(ctx, in.From, in.To, agent)
			return &body[[]call.TagCount]{counts}, err
		})
	register(s, h, operation{id: "show-call", method: http.MethodGet, path: "/api/v1/calls/{id}", summary: "One call with its timeline", access: accessAgent},
		func(ctx context.Context, in *callInput) (*body[call.Detail], error) {
			d, err := s.showCall(ctx, contact.ID(in.ID))
			return &body[call.Detail]{d}, err
		})
}

// callsPage returns the calls that q chooses with their numbers as the one who
// asks may see them.
func (s *Server) callsPage(ctx context.Context, q call.Query) ([]call.Record, error) {
	calls, err := s.opts.Calls.List(ctx, q)
	for i := range calls {
		maskFrom(ctx, &calls[i])
	}
	return calls, err
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
