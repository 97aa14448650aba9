package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// PhonePassword is what a user's telephones register with.
type PhonePassword struct {
	Password string `json:"password" maxLength:"1024" doc:"at least as long as a password to sign in with"`
}

type phoneInput struct {
	User string `path:"user" maxLength:"64"`
	Body PhonePassword
}

type noPhoneInput struct {
	User string `path:"user" maxLength:"64"`
}

func (s *Server) phoneRoutes(h huma.API) {
	register(s, h, operation{id: "set-phone", method: http.MethodPut, path: "/api/v1/users/{user}/phone", summary: "Give a user's telephones a password to register with", access: accessAdmin},
		func(ctx context.Context, in *phoneInput) (*body[User], error) {
			if err := checkPassword(in.User, in.Body.Password); err != nil {
				return nil, err
			}
			u, err := s.accounts.SetPhonePassword(ctx, identityIn(ctx).User, in.User, in.Body.Password)
			return &body[User]{u}, err
		})
	register(s, h, operation{id: "remove-phone", method: http.MethodDelete, path: "/api/v1/users/{user}/phone", summary: "Let a user's telephones register no more", access: accessAdmin, status: http.StatusOK},
		func(ctx context.Context, in *noPhoneInput) (*body[User], error) {
			u, err := s.accounts.SetPhonePassword(ctx, identityIn(ctx).User, in.User, "")
			return &body[User]{u}, err
		})
}
