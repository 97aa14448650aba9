package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/contact"
	"callfloor/outbound"
	"callfloor/sip"
)

// TryCall asks what would become of a call out.
type TryCall struct {
	Number  string           `json:"number" minLength:"1" maxLength:"64"`
	Line    contact.LineID   `json:"line" minLength:"1" maxLength:"64"`
	Purpose outbound.Purpose `json:"purpose" enum:"seat,api,callback,flow,transfer,refer,redirect"`
	User    string           `json:"user,omitempty" maxLength:"64" doc:"who asks; empty: nobody does"`
	Inbound bool             `json:"inbound,omitempty" doc:"the contact came in over a trunk"`
}

// Tried is what would become of it.
type Tried struct {
	Number    string        `json:"number" doc:"as trunks know it: +86…, or as dialled where it has no such form"`
	National  string        `json:"national"`
	Country   string        `json:"country" doc:"two letters; empty where it is in none"`
	Kind      outbound.Kind `json:"kind"`
	Listed    bool          `json:"listed" doc:"it is on the do-not-call list"`
	Allowed   bool          `json:"allowed"`
	Why       outbound.Why  `json:"why" doc:"the reason why not; empty where it is allowed"`
	Message   string        `json:"message" doc:"the same as a sentence"`
	Rule      *int          `json:"rule" doc:"from 1: the rule that allows it, or came nearest; null: none, or none is needed"`
	Group     string        `json:"group" doc:"of trunks"`
	Trunks    []TriedTrunk  `json:"trunks" doc:"of the group, in their order"`
	PerCall   float64       `json:"per_call"`
	PerMinute float64       `json:"per_minute"`
}

// TriedTrunk is a trunk that a call would be tried over.
type TriedTrunk struct {
	ID     string         `json:"id"`
	State  sip.TrunkState `json:"state"`
	Order  int            `json:"order"`
	Weight int            `json:"weight"`
	Usable bool           `json:"usable" doc:"a call would be tried over it now"`
}

// ruleView is one rule as the configuration has it.
type ruleView struct {
	Lines      []string `json:"lines"`
	Purposes   []string `json:"purposes"`
	Users      []string `json:"users" doc:"empty: everybody"`
	Inbound    bool     `json:"inbound"`
	Countries  []string `json:"countries"`
	Prefixes   []string `json:"prefixes"`
	Premium    bool     `json:"premium"`
	Short      bool     `json:"short"`
	NoCountry  bool     `json:"no_country"`
	Extensions []string `json:"extensions"`
	Hours      []string `json:"hours" doc:"empty: always"`
	Trunks     string   `json:"trunks"`
}

func viewOfRule(r outbound.RuleConfig) ruleView {
	list := func(l []string) []string { return append([]string{}, l...) }
	v := ruleView{
		Lines: list(r.Lines), Purposes: list(r.Purposes), Users: list(r.Users), Inbound: r.Inbound, Countries: list(r.Countries), Prefixes: list(r.Prefixes),
		Premium: r.Premium, Short: r.Short, NoCountry: r.NoCountry, Extensions: list(r.Extensions), Hours: []string{}, Trunks: r.Group(),
	}
	for _, h := range r.Hours {
		text, _ := h.MarshalText() // never fails
		v.Hours = append(v.Hours, string(text))
	}
	return v
}

type tryInput struct{ Body TryCall }

func (s *Server) trialRoutes(h huma.API, out Outbound) {
	register(s, h, operation{id: "list-outbound-rules", method: http.MethodGet, path: "/api/v1/outbound/rules", summary: "The rules that let calls out, in their order", access: accessSupervisor},
		func(context.Context, *struct{}) (*body[[]ruleView], error) {
			views := []ruleView{}
			for _, r := range out.Rules() {
				views = append(views, viewOfRule(r))
			}
			return &body[[]ruleView]{views}, nil
		})
	register(s, h, operation{id: "try-outbound", method: http.MethodPost, path: "/api/v1/outbound/try", summary: "May this number be called, by whom, over which trunk, and why not; nothing is called or counted", access: accessSupervisor},
		func(ctx context.Context, in *tryInput) (*body[Tried], error) {
			t, err := out.Try(ctx, in.Body)
			return &body[Tried]{t}, err
		})
}
