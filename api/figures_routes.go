package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/acd/shifts"
	"callfloor/contact"
)

// Figures adds up what agents did; shifts.Book does.
type Figures interface {
	Figures(ctx context.Context, agent contact.AgentID, from time.Time, days int) (own, team []shifts.Day, err error)
}

// OwnFigures are an agent's days beside the team's mean, the newest first.
type OwnFigures struct {
	Own  []shifts.Day `json:"own" nullable:"false"`
	Team []shifts.Day `json:"team" nullable:"false"`
}

type figuresInput struct {
	From time.Time `query:"from" required:"true" doc:"when today began where the agent is"`
	Days int       `query:"days" default:"7" minimum:"1" maximum:"31"`
}

func (s *Server) figuresRoutes(h huma.API) {
	register(s, h, operation{id: "own-figures", method: http.MethodGet, path: "/api/v1/figures", summary: "One's own calls, times and ratings, day by day, beside the team's mean", access: accessAgent},
		func(ctx context.Context, in *figuresInput) (*body[OwnFigures], error) {
			own, team, err := s.opts.Figures.Figures(ctx, contact.AgentID(identityIn(ctx).User), in.From, in.Days)
			return &body[OwnFigures]{OwnFigures{own, team}}, err
		})
}
