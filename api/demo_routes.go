package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/contact"
)

// maxDemoCall bounds a call of the built-in test phone.
const maxDemoCall = 10 * time.Minute

type demoCallInput struct {
	Body struct {
		Line string  `json:"line" maxLength:"32"`
		Keys string  `json:"keys,omitempty" maxLength:"256" example:"1@4s,1@7s" doc:"keys to press and when, counted from the answer"`
		Play string  `json:"play,omitempty" pattern:"^(tone:[0-9]{2,4})?$" example:"tone:440"`
		For  float64 `json:"for,omitempty" minimum:"1" maximum:"600" doc:"seconds from the answer; 30 if not given"`
	}
}

// demoRoutes are there in the demo only.
func (s *Server) demoRoutes(h huma.API) {
	if !s.demo || s.opts.DemoCall == nil {
		return
	}
	op := operation{id: "demo-call", method: http.MethodPost, path: "/api/v1/demo/call", summary: "Let the built-in test phone ring a line", access: accessAgent, status: http.StatusAccepted}
	register(s, h, op, func(ctx context.Context, in *demoCallInput) (*empty, error) {
		b := in.Body
		if !slices.ContainsFunc(s.opts.Lines, func(l Line) bool { return l.ID == b.Line }) {
			return nil, contact.Errorf(contact.NotFound, "there is no line %q", b.Line)
		}
		c := DemoCall{Line: b.Line, Keys: b.Keys, Play: b.Play, For: min(maxDemoCall, time.Duration(b.For*float64(time.Second)))}
		if c.For == 0 {
			c.For = 30 * time.Second
		}
		return nil, s.opts.DemoCall(ctx, c)
	})
}
