package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

type preferencesInput struct {
	Body map[string]Preference `maxProperties:"20"`
}

// preferenceRoutes are everybody's own: there is no way to another's.
func (s *Server) preferenceRoutes(h huma.API) {
	const path = "/api/v1/preferences"
	register(s, h, operation{id: "preferences", method: http.MethodGet, path: path, summary: "What one chose for oneself", access: accessAgent},
		func(ctx context.Context, _ *empty) (*body[map[string]Preference], error) {
			all, err := s.accounts.Preferences(ctx, identityIn(ctx).User)
			return &body[map[string]Preference]{all}, err
		})
	register(s, h, operation{id: "merge-preferences", method: http.MethodPut, path: path, summary: "Keep one's own choices; of two the newer one stays, and all are answered", access: accessAgent},
		func(ctx context.Context, in *preferencesInput) (*body[map[string]Preference], error) {
			all, err := s.accounts.MergePreferences(ctx, identityIn(ctx).User, in.Body)
			return &body[map[string]Preference]{all}, err
		})
}
