package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/crm"
)

// Webhooks are the systems that are told what happens in calls; crm.Outbox is.
// Methods that name a webhook return contact.NotFound for an unknown one.
type Webhooks interface {
	// Status returns how they stand, never nil.
	Status(ctx context.Context) ([]crm.Status, error)
	// Deliveries returns those of a webhook in a state ("" is any), the newest
	// first, never nil.
	Deliveries(ctx context.Context, webhook string, s crm.State, limit int) ([]crm.Delivery, error)
	// Again sends what failed for good again: one by its ID, or with id "" all of
	// the webhook; contact.NotFound if there is nothing.
	Again(ctx context.Context, webhook, id string) (int, error)
	// Test sends an event of kind test.
	Test(ctx context.Context, webhook, by string) error
}

// ActionWebhook is what an administrator does with a webhook, in the audit log.
const ActionWebhook Action = "webhook"

// WebhookPath is the webhook that a path names; huma reads it where it is
// embedded, so it is exported.
type WebhookPath struct {
	Name string `path:"name" maxLength:"32"`
}

type deliveriesInput struct {
	WebhookPath
	State string `query:"state" enum:"waiting,delivered,dead" doc:"without it all"`
	Limit int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
}

type againInput struct {
	WebhookPath
	Body struct {
		ID string `json:"id,omitempty" maxLength:"64" doc:"of one delivery; without it all that failed for good"`
	}
}

// SentAgain is how many deliveries wait anew.
type SentAgain struct {
	Deliveries int `json:"deliveries"`
}

func (s *Server) webhookRoutes(h huma.API) {
	const path = "/api/v1/webhooks"
	register(s, h, operation{id: "list-webhooks", method: http.MethodGet, path: path, summary: "The webhooks and how they stand", access: accessAdmin},
		func(ctx context.Context, _ *struct{}) (*body[[]crm.Status], error) {
			list, err := s.opts.Webhooks.Status(ctx)
			return &body[[]crm.Status]{list}, err
		})
	register(s, h, operation{id: "list-deliveries", method: http.MethodGet, path: path + "/{name}/deliveries", summary: "What a webhook was told, or shall be, the newest first", access: accessAdmin},
		func(ctx context.Context, in *deliveriesInput) (*body[[]crm.Delivery], error) {
			list, err := s.opts.Webhooks.Deliveries(ctx, in.Name, crm.State(in.State), in.Limit)
			return &body[[]crm.Delivery]{list}, err
		})
	register(s, h, operation{id: "test-webhook", method: http.MethodPost, path: path + "/{name}/test", summary: "Send an event of type test", access: accessAdmin, status: http.StatusAccepted},
		func(ctx context.Context, in *WebhookPath) (*struct{}, error) {
			who := identityIn(ctx).User
			if err := s.opts.Webhooks.Test(ctx, in.Name, who); err != nil {
				return nil, err
			}
			return nil, s.audit.Record(ctx, Entry{Who: who, Action: ActionWebhook, Target: in.Name, Details: map[string]any{"act": "test"}})
		})
	register(s, h, operation{id: "send-again", method: http.MethodPost, path: path + "/{name}/again", summary: "Send again what failed for good", access: accessAdmin, status: http.StatusOK},
		func(ctx context.Context, in *againInput) (*body[SentAgain], error) {
			n, err := s.opts.Webhooks.Again(ctx, in.Name, in.Body.ID)
			if err != nil {
				return nil, err
			}
			err = s.audit.Record(ctx, Entry{Who: identityIn(ctx).User, Action: ActionWebhook, Target: in.Name, Details: map[string]any{"act": "again", "deliveries": n}})
			return &body[SentAgain]{SentAgain{n}}, err
		})
}
