package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Targets is where a call can go now, for the dial box of a seat.
type Targets struct {
	Agents  []TargetAgent `json:"agents" doc:"signed in, the free ones first"`
	Queues  []TargetQueue `json:"queues"`
	Numbers []string      `json:"numbers" doc:"that this user called lately, the newest first"`
	// Outside says whether numbers may be called at all.
	Outside bool `json:"outside"`
}

// TargetAgent is somebody who can be asked.
type TargetAgent struct {
	User   string `json:"user"`
	Name   string `json:"name"`
	State  string `json:"state"`
	Reason string `json:"reason"`
	Since  string `json:"since"`
	Free   bool   `json:"free" doc:"can be rung now"`
}

// TargetQueue is a queue that calls can be handed to.
type TargetQueue struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Waiting   int    `json:"waiting"`
	Available int    `json:"available"`
	Staffed   int    `json:"staffed"`
}

type targetsInput struct {
	Q string `query:"q" maxLength:"100" doc:"a part of a name"`
}

// targetRoutes answers who and what a call can be handed to; nothing where the
// house has no calls (nil Options.Targets).
func (s *Server) targetRoutes(h huma.API) {
	register(s, h, operation{id: "list-targets", method: http.MethodGet, path: "/api/v1/targets", summary: "Agents, queues and numbers that a call can go to", access: accessAgent},
		func(ctx context.Context, in *targetsInput) (*body[Targets], error) {
			t := Targets{Agents: []TargetAgent{}, Queues: []TargetQueue{}, Numbers: []string{}}
			if s.opts.Targets != nil {
				t = s.opts.Targets(identityIn(ctx).User, in.Q)
			}
			return &body[Targets]{t}, nil
		})
}
