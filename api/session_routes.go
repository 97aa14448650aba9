package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/contact"
)

// Session is who is signed in.
type Session struct {
	User               string       `json:"user"`
	Name               string       `json:"name"`
	Role               contact.Role `json:"role"`
	MustChangePassword bool         `json:"must_change_password" doc:"until then everything but PUT /api/v1/password is 403"`
}

// NewSession is the answer to a sign-in.
type NewSession struct {
	Token string `json:"token" doc:"for Authorization: Bearer; the same as the cookie's value"`
	Session
}

type signInInput struct {
	Body struct {
		User     string `json:"user" maxLength:"64"`
		Password string `json:"password" maxLength:"1024"`
	}
}

type signInOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      NewSession
}

type signOutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

type body[T any] struct{ Body T }

type empty struct{}

type passwordInput struct {
	Body struct {
		Old string `json:"old" maxLength:"1024"`
		New string `json:"new" maxLength:"1024"`
	}
}

// Info is what anybody may know of this server.
type Info struct {
	Version string       `json:"version"`
	Demo    bool         `json:"demo"`
	People  []InfoPerson `json:"people" doc:"the people of the demo; empty otherwise"`
	Lines   []Line       `json:"lines"`
}

// InfoPerson is one of the people of the demo.
type InfoPerson struct {
	User string       `json:"user"`
	Name string       `json:"name"`
	Role contact.Role `json:"role"`
}

func (s *Server) sessionRoutes(h huma.API) {
	register(s, h, operation{id: "sign-in", method: http.MethodPost, path: "/api/v1/session", summary: "Sign in", status: http.StatusOK}, s.signIn)
	register(s, h, operation{id: "session", method: http.MethodGet, path: "/api/v1/session", summary: "Who is signed in", access: accessSignedIn},
		func(ctx context.Context, _ *empty) (*body[Session], error) {
			return &body[Session]{sessionOf(identityIn(ctx))}, nil
		})
	register(s, h, operation{id: "sign-out", method: http.MethodDelete, path: "/api/v1/session", summary: "Sign out", access: accessSignedIn, status: http.StatusNoContent}, s.signOut)
	register(s, h, operation{id: "change-password", method: http.MethodPut, path: "/api/v1/password", summary: "Change one's own password", access: accessSignedIn, status: http.StatusNoContent},
		func(ctx context.Context, in *passwordInput) (*empty, error) {
			r := requestOf(ctx)
			return nil, s.accounts.ChangePassword(ctx, r.from, r.identity, in.Body.Old, in.Body.New)
		})
	register(s, h, operation{id: "info", method: http.MethodGet, path: "/api/v1/info", summary: "What this server is"},
		func(context.Context, *empty) (*body[Info], error) { return &body[Info]{s.info()}, nil })
}

func (s *Server) signIn(ctx context.Context, in *signInInput) (*signInOutput, error) {
	r := requestOf(ctx)
	token, id, err := s.accounts.SignIn(ctx, r.from, in.Body.User, in.Body.Password)
	if err != nil {
		return nil, err
	}
	return &signInOutput{SetCookie: sessionCookie(token, SessionLife, r.secure), Body: NewSession{Token: token, Session: sessionOf(id)}}, nil
}

func (s *Server) signOut(ctx context.Context, _ *empty) (*signOutOutput, error) {
	r := requestOf(ctx)
	if err := s.accounts.SignOut(ctx, r.identity); err != nil {
		return nil, err
	}
	return &signOutOutput{SetCookie: sessionCookie("", 0, r.secure)}, nil
}

func (s *Server) info() Info {
	i := Info{Version: s.opts.Version, Demo: s.demo, People: []InfoPerson{}, Lines: s.opts.Lines}
	if i.Lines == nil {
		i.Lines = []Line{}
	}
	if s.demo {
		for _, p := range s.accounts.demoOrder {
			i.People = append(i.People, InfoPerson{User: p.User, Name: p.Name, Role: p.Role})
		}
	}
	return i
}

func sessionOf(id Identity) Session {
	return Session{User: id.User, Name: id.Name, Role: id.Role, MustChangePassword: id.MustChangePassword}
}
