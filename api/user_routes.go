package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/contact"
)

// NewUser is a user to add.
type NewUser struct {
	User     string       `json:"user" maxLength:"64"`
	Name     string       `json:"name,omitempty" maxLength:"256" doc:"the name that others see; the user name if empty"`
	Role     contact.Role `json:"role" enum:"agent,supervisor,admin"`
	Password string       `json:"password" maxLength:"1024"`
	// Settled means that the password need not be changed at the first sign-in.
	Settled bool `json:"settled,omitempty" doc:"the password is the user's own and need not be changed"`
}

// AsUser returns the user without the password.
func (n NewUser) AsUser() User {
	return User{User: n.User, Name: n.Name, Role: n.Role, MustChangePassword: !n.Settled}
}

type newUserInput struct{ Body NewUser }

type changeUserInput struct {
	User string `path:"user" maxLength:"64"`
	Body UserChange
}

type auditInput struct {
	Limit  int   `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	Before int64 `query:"before" minimum:"0" doc:"only entries before the one with this number"`
}

func (s *Server) userRoutes(h huma.API) {
	register(s, h, operation{id: "list-users", method: http.MethodGet, path: "/api/v1/users", summary: "Everybody who may sign in", access: accessAdmin},
		func(ctx context.Context, _ *empty) (*body[[]User], error) {
			users, err := s.accounts.Users(ctx)
			return &body[[]User]{users}, err
		})
	register(s, h, operation{id: "add-user", method: http.MethodPost, path: "/api/v1/users", summary: "Add a user", access: accessAdmin, status: http.StatusCreated},
		func(ctx context.Context, in *newUserInput) (*body[User], error) {
			u, err := s.accounts.AddUser(ctx, identityIn(ctx).User, in.Body.AsUser(), in.Body.Password)
			return &body[User]{u}, err
		})
	register(s, h, operation{id: "change-user", method: http.MethodPatch, path: "/api/v1/users/{user}", summary: "Change a user", access: accessAdmin},
		func(ctx context.Context, in *changeUserInput) (*body[User], error) {
			u, err := s.accounts.ChangeUser(ctx, identityIn(ctx).User, in.User, in.Body)
			return &body[User]{u}, err
		})
	register(s, h, operation{id: "list-names", method: http.MethodGet, path: "/api/v1/names", summary: "What everybody is called, by user; also who left, for the calls that they had", access: accessAgent},
		func(ctx context.Context, _ *empty) (*body[map[string]string], error) {
			users, err := s.accounts.Users(ctx)
			names := map[string]string{}
			for _, u := range users {
				names[u.User] = u.Name
			}
			return &body[map[string]string]{names}, err
		})
	register(s, h, operation{id: "list-audit", method: http.MethodGet, path: "/api/v1/audit", summary: "The audit log, newest first", access: accessSupervisor},
		func(ctx context.Context, in *auditInput) (*body[[]Entry], error) {
			entries, err := s.audit.List(ctx, in.Before, in.Limit)
			return &body[[]Entry]{entries}, err
		})
}
