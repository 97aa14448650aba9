package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/contact"
	"callfloor/outbound"
	"callfloor/sip"
)

// Outbound is the way out of the house.
type Outbound interface {
	// Trunks says how every trunk stands.
	Trunks() []sip.TrunkStatus
	// Status is what is out and was spent.
	Status() outbound.Status
	// Stop refuses every call out but emergency calls, Resume lets them out
	// again; both are in the audit log when they return.
	Stop(ctx context.Context, by, why string) error
	Resume(ctx context.Context, by, why string) error
	// Rules are what lets calls out, in their order; Try says what would become of
	// one, and changes nothing.
	Rules() []outbound.RuleConfig
	Try(ctx context.Context, c TryCall) (Tried, error)
	// DoNotCall are the numbers that are not called and that q fits, and how many
	// those are; of who sees them masked q fits whole numbers only. List, Import and Unlist change the list. Numbers are as people
	// write them.
	DoNotCall(ctx context.Context, q string, masked bool) ([]outbound.Listed, int, error)
	List(ctx context.Context, by, number, why string) error
	Import(ctx context.Context, by, csv, why string) (Imported, error)
	Unlist(ctx context.Context, by, number, why string) error
	// Place calls a customer and returns when that has begun.
	Place(ctx context.Context, c PlaceCall) (contact.ID, error)
}

// PlaceCall is a call to a customer that a program asks for.
type PlaceCall struct {
	To    string         `json:"to" minLength:"1" maxLength:"64" doc:"the number, with + and the country's code"`
	Line  contact.LineID `json:"line" minLength:"1" maxLength:"64" doc:"the line to call from: its number, its consent, its rules"`
	Agent string         `json:"agent,omitempty" maxLength:"64" doc:"who talks; without one the line's flow does"`
	Ring  float64        `json:"ring,omitempty" minimum:"0" maximum:"300" doc:"seconds that it may ring; 0 is 60"`

	By string `json:"-"` // the user who asks
}

// outboundView is what GET /api/v1/outbound answers.
type outboundView struct {
	Calls    int           `json:"calls" doc:"out now"`
	CallsCap int           `json:"calls_cap" doc:"0 is no limit, here and below"`
	LastHour int           `json:"last_hour"`
	HourCap  int           `json:"hour_cap"`
	Spent    float64       `json:"spent" doc:"within 24 hours, by the rates"`
	SpendCap float64       `json:"spend_cap"`
	Stopped  *stoppedView  `json:"stopped"`
	Blocked  []blockedView `json:"blocked"`
}

type stoppedView struct {
	At  string `json:"at"`
	By  string `json:"by" doc:"empty: an alarm"`
	Why string `json:"why"`
}

type blockedView struct {
	Who   string `json:"who" doc:"user NAME or line NUMBER"`
	Until string `json:"until"`
}

func viewOf(s outbound.Status) outboundView {
	v := outboundView{
		Calls: s.Calls, CallsCap: s.CallsCap, LastHour: s.LastHour, HourCap: s.HourCap, Spent: s.SpentDay, SpendCap: s.SpendCap, Blocked: []blockedView{},
	}
	if s.Stopped != nil {
		v.Stopped = &stoppedView{At: contact.Time(s.Stopped.At), By: s.Stopped.By, Why: s.Stopped.Why}
	}
	for who, until := range s.Blocked {
		v.Blocked = append(v.Blocked, blockedView{who, contact.Time(until)})
	}
	return v
}

type trunkInput struct {
	ID string `path:"id" maxLength:"64"`
}

type haltInput struct {
	Body struct {
		Why string `json:"why" minLength:"1" maxLength:"200"`
	}
}

type placeInput struct{ Body PlaceCall }

// placed is what a call that has begun is known by.
type placed struct {
	ID contact.ID `json:"id"`
}

func (s *Server) outboundRoutes(h huma.API) {
	if s.opts.Outbound == nil {
		return
	}
	out := s.opts.Outbound
	s.trialRoutes(h, out)
	s.doNotCallRoutes(h, out)
	register(s, h, operation{id: "list-trunks", method: http.MethodGet, path: "/api/v1/trunks", summary: "The trunks, and how each stands", access: accessSupervisor},
		func(context.Context, *struct{}) (*body[[]sip.TrunkStatus], error) {
			return &body[[]sip.TrunkStatus]{out.Trunks()}, nil
		})
	register(s, h, operation{id: "show-trunk", method: http.MethodGet, path: "/api/v1/trunks/{id}", summary: "One trunk", access: accessSupervisor},
		func(_ context.Context, in *trunkInput) (*body[sip.TrunkStatus], error) {
			for _, t := range out.Trunks() {
				if t.ID == in.ID {
					return &body[sip.TrunkStatus]{t}, nil
				}
			}
			return nil, contact.Errorf(contact.NotFound, "there is no trunk %q", in.ID)
		})
	register(s, h, operation{id: "show-outbound", method: http.MethodGet, path: "/api/v1/outbound", summary: "Calls out: how many, what they cost, and whether they are stopped", access: accessSupervisor},
		func(context.Context, *struct{}) (*body[outboundView], error) {
			return &body[outboundView]{viewOf(out.Status())}, nil
		})
	register(s, h, operation{id: "stop-outbound", method: http.MethodPost, path: "/api/v1/outbound/stop", summary: "Stop every call out but emergency calls, at once", access: accessSupervisor},
		func(ctx context.Context, in *haltInput) (*body[outboundView], error) {
			err := out.Stop(ctx, identityIn(ctx).User, in.Body.Why)
			return &body[outboundView]{viewOf(out.Status())}, err
		})
	register(s, h, operation{id: "resume-outbound", method: http.MethodPost, path: "/api/v1/outbound/resume", summary: "Let calls out again; caps count anew", access: accessAdmin},
		func(ctx context.Context, in *haltInput) (*body[outboundView], error) {
			err := out.Resume(ctx, identityIn(ctx).User, in.Body.Why)
			return &body[outboundView]{viewOf(out.Status())}, err
		})
	register(s, h, operation{id: "place-call", method: http.MethodPost, path: "/api/v1/calls", summary: "Call a customer: for an agent, or for the flow of a line", access: accessAgent, status: http.StatusAccepted},
		func(ctx context.Context, in *placeInput) (*body[placed], error) {
			who, c := identityIn(ctx), in.Body
			if who.Role == contact.RoleAgent && c.Agent != who.User {
				return nil, contact.Errorf(contact.Forbidden, "agents place calls for themselves only; write your own name as agent")
			}
			c.By = who.User
			ctx, cancel := context.WithTimeout(ctx, placeWithin)
			defer cancel()
			id, err := out.Place(ctx, c)
			return &body[placed]{placed{id}}, err
		})
}

// placeWithin is how long a call may take to begin: rules, lists and an agent's
// state, not the ringing.
const placeWithin = 10 * time.Second
