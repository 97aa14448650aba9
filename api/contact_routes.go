package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/contact"
	"callfloor/sip"
)

// ActionPhoneRemove is the end of a telephone's registration by a person.
const ActionPhoneRemove Action = "phone_remove"

// Registered are the telephones that are registered now.
type Registered interface {
	Contacts() []sip.Contact
	// RemoveContact ends one registration; false if there is none.
	RemoveContact(user, uri string) bool
}

// contactView is one registered telephone.
type contactView struct {
	User      string `json:"user"`
	URI       string `json:"uri" doc:"what the telephone calls itself"`
	Address   string `json:"address" doc:"where the registration came from"`
	Transport string `json:"transport"`
	UserAgent string `json:"user_agent"`
	Since     string `json:"since"`
	Refreshed string `json:"refreshed"`
	Expires   string `json:"expires"`
}

type removeContactInput struct {
	Body struct {
		User string `json:"user" minLength:"1" maxLength:"64"`
		URI  string `json:"uri" minLength:"1" maxLength:"600"`
	}
}

func (s *Server) contactRoutes(h huma.API) {
	if s.opts.Registered == nil {
		return
	}
	phones := s.opts.Registered
	register(s, h, operation{id: "list-phones", method: http.MethodGet, path: "/api/v1/phones", summary: "The telephones that are registered now, by user", access: accessSupervisor},
		func(context.Context, *struct{}) (*body[[]contactView], error) {
			list := phones.Contacts()
			slices.SortFunc(list, func(a, b sip.Contact) int {
				return cmp.Or(cmp.Compare(a.User, b.User), a.Since.Compare(b.Since), cmp.Compare(a.URI, b.URI))
			})
			views := []contactView{}
			for _, c := range list {
				views = append(views, contactView{
					User: c.User, URI: c.URI, Address: c.Flow.String(), Transport: c.Transport, UserAgent: c.UserAgent,
					Since: contact.Time(c.Since), Refreshed: contact.Time(c.Refreshed), Expires: contact.Time(c.Expires),
				})
			}
			return &body[[]contactView]{views}, nil
		})
	register(s, h, operation{id: "remove-contact", method: http.MethodPost, path: "/api/v1/phones/remove", summary: "End one registration; the telephone may register again", access: accessAdmin, status: http.StatusNoContent},
		func(ctx context.Context, in *removeContactInput) (*struct{}, error) {
			there := slices.ContainsFunc(phones.Contacts(), func(c sip.Contact) bool { return c.User == in.Body.User && c.URI == in.Body.URI })
			if !there {
				return nil, contact.Errorf(contact.NotFound, "%s has no such telephone registered", in.Body.User)
			}
			if err := s.audit.Record(ctx, Entry{Who: identityIn(ctx).User, Action: ActionPhoneRemove, Target: in.Body.User, Details: map[string]any{"uri": in.Body.URI}}); err != nil {
				return nil, err
			}
			phones.RemoveContact(in.Body.User, in.Body.URI)
			return nil, nil
		})
}
