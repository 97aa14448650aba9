package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/contact"
)

// Staffing answers how many agents there should be.
type Staffing interface {
	// WhatIf plays what comes next with no, one, … more agents.
	WhatIf(ctx context.Context, q WhatIf) ([]WhatIfResult, error)
	// Plan says what each interval of the past needed, Forecast what each hour of
	// the next seven days will need.
	Plan(ctx context.Context, q PlanQuery) (Plan, error)
	Forecast(ctx context.Context, q PlanQuery) (Plan, error)
}

// WhatIf asks what would happen to a queue with more agents.
type WhatIf struct {
	Queue   contact.QueueID
	More    int
	Horizon time.Duration
}

// WhatIfResult is what would come of it: means over some made-up futures.
type WhatIfResult struct {
	More         int     `json:"more"`
	Agents       int     `json:"agents" doc:"who are at work now, and more"`
	Contacts     float64 `json:"contacts"`
	ServiceLevel float64 `json:"service_level" doc:"the share of all that is answered in time"`
	AbandonRate  float64 `json:"abandon_rate"`
	WaitMean     float64 `json:"wait_mean" doc:"seconds, of the answered"`
	WaitP90      float64 `json:"wait_p90" doc:"seconds"`
	Occupancy    float64 `json:"occupancy"`
	PerHour      float64 `json:"per_hour" doc:"what is taken to come"`
	Handle       float64 `json:"handle" doc:"seconds that an agent takes for one, wrap-up included"`
	Patience     float64 `json:"patience" doc:"seconds until callers give up; 0 is never"`
}

// PlanQuery says what is to be planned.
type PlanQuery struct {
	Queue    contact.QueueID
	From, To time.Time
	Interval time.Duration
	Level    float64
	Target   time.Duration // 0: that of the configuration
}

// Plan is how many agents are needed. Times are seconds.
type Plan struct {
	Calls     int            `json:"calls" doc:"the calls that it is made of"`
	Level     float64        `json:"level"`
	Target    float64        `json:"target"`
	Talk      float64        `json:"talk"`
	WrapUp    float64        `json:"wrap_up"`
	Patience  float64        `json:"patience" doc:"until callers give up; 0 is never"`
	Intervals []PlanInterval `json:"intervals"`
}

// PlanInterval is one interval: what came, and what it needs.
type PlanInterval struct {
	Start     string  `json:"start"`
	Length    float64 `json:"length"`
	Contacts  int     `json:"contacts"`
	Answered  int     `json:"answered"`
	Abandoned int     `json:"abandoned"`
	InTime    int     `json:"in_time"`
	Wait      float64 `json:"wait_mean"`
	Talk      float64 `json:"talk_mean"`
	// Agents are those by Erlang A (callers give up), AgentsC by Erlang C.
	Agents       int     `json:"agents" doc:"by Erlang A, where callers give up"`
	AgentsC      int     `json:"agents_c" doc:"by Erlang C, where they wait for ever"`
	ServiceLevel float64 `json:"service_level"`
	Occupancy    float64 `json:"occupancy"`
	AbandonRate  float64 `json:"abandon_rate"`
}

type whatIfInput struct {
	Queue   string `query:"queue" required:"true" maxLength:"64"`
	More    int    `query:"more" default:"5" minimum:"0" maximum:"20"`
	Minutes int    `query:"minutes" default:"60" minimum:"10" maximum:"240"`
}

type planInput struct {
	Queue    string    `query:"queue" required:"true" maxLength:"64"`
	From     time.Time `query:"from" doc:"by default four weeks ago"`
	To       time.Time `query:"to" doc:"by default now"`
	Interval int       `query:"interval" default:"30" minimum:"5" maximum:"1440" doc:"minutes"`
	Level    float64   `query:"level" default:"0.8" minimum:"0.01" maximum:"0.99"`
	Target   float64   `query:"target" default:"0" minimum:"0" maximum:"3600" doc:"seconds; 0 is that of the configuration"`
}

// maxPlan bounds the time that a plan looks back.
const maxPlan = 92 * 24 * time.Hour

func (in *planInput) query() (PlanQuery, error) {
	if in.To.IsZero() {
		in.To = time.Now()
	}
	if in.From.IsZero() {
		in.From = in.To.AddDate(0, 0, -28)
	}
	if !in.From.Before(in.To) || in.To.Sub(in.From) > maxPlan {
		return PlanQuery{}, contact.Errorf(contact.Invalid, "a plan looks at up to 92 days, and from is before to")
	}
	return PlanQuery{
		Queue: contact.QueueID(in.Queue), From: in.From, To: in.To, Interval: time.Duration(in.Interval) * time.Minute,
		Level: in.Level, Target: time.Duration(in.Target * float64(time.Second)),
	}, nil
}

func (s *Server) staffingRoutes(h huma.API) {
	register(s, h, operation{id: "what-if", method: http.MethodGet, path: "/api/v1/staffing/whatif", summary: "What would happen to a queue with more agents", access: accessSupervisor},
		func(ctx context.Context, in *whatIfInput) (*body[[]WhatIfResult], error) {
			list, err := s.opts.Staffing.WhatIf(ctx, WhatIf{Queue: contact.QueueID(in.Queue), More: in.More, Horizon: time.Duration(in.Minutes) * time.Minute})
			return &body[[]WhatIfResult]{list}, err
		})
	for _, op := range []struct {
		id, path, summary string
		plan              func(context.Context, PlanQuery) (Plan, error)
	}{
		{"plan-staff", "/api/v1/staffing/plan", "How many agents each interval of the past needed", s.opts.Staffing.Plan},
		{"forecast-staff", "/api/v1/staffing/forecast", "How many agents each hour of the next seven days needs", s.opts.Staffing.Forecast},
	} {
		register(s, h, operation{id: op.id, method: http.MethodGet, path: op.path, summary: op.summary, access: accessSupervisor},
			func(ctx context.Context, in *planInput) (*body[Plan], error) {
				q, err := in.query()
				if err != nil {
					return nil, err
				}
				plan, err := op.plan(ctx, q)
				return &body[Plan]{plan}, err
			})
	}
}
