package main

import (
	"context"
	"net/http"
	"net/url"

	"callfloor/call"
	"callfloor/contact"
)

type callsSIPCmd struct {
	where
	ID   string `arg:"" help:"The call's ID."`
	JSON bool   `help:"Print JSON."`
}

// Run prints the SIP messages of a call.
func (c *callsSIPCmd) Run(ctx context.Context, t terminal) error {
	h, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only read
	list, err := h.messages(ctx, contact.ID(c.ID))
	if err != nil {
		return err
	}
	if c.JSON {
		return t.printJSON(list)
	}
	return call.WriteMessages(t.out, contact.ID(c.ID), list)
}

func (r *remote) messages(ctx context.Context, id contact.ID) (list []call.SIPMessage, err error) {
	err = r.ask(ctx, http.MethodGet, "/api/v1/calls/"+url.PathEscape(string(id))+"/sip?format=json", nil, &list)
	return list, err
}

func (f *folder) messages(ctx context.Context, id contact.ID) ([]call.SIPMessage, error) {
	return call.NewReader(f.db).Messages(ctx, id)
}
