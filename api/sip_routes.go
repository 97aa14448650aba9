package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"callfloor/call"
	"callfloor/contact"
)

// ActionSIPExport is somebody who reads the SIP messages of a call: whole numbers
// are in them.
const ActionSIPExport Action = "sip_export"

type sipInput struct {
	ID     string `path:"id" maxLength:"64"`
	Format string `query:"format" default:"text" enum:"text,json" doc:"text, to read and to keep, or json"`
}

// sipRoutes serve the SIP messages of calls: to administrators alone, since numbers
// cannot be masked in them.
func (s *Server) sipRoutes(h huma.API) {
	register(s, h, operation{id: "call-sip", method: http.MethodGet, path: "/api/v1/calls/{id}/sip", summary: "The SIP messages of all legs of a call, without credentials, keys and pressed keys", access: accessAdmin}, s.callSIP)
}

func (s *Server) callSIP(ctx context.Context, in *sipInput) (*huma.StreamResponse, error) {
	id := contact.ID(in.ID)
	if !id.Valid() {
		return nil, contact.Errorf(contact.NotFound, "there is no call %q", id)
	}
	list, err := s.opts.Calls.Messages(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.audit.Record(ctx, Entry{Who: identityIn(ctx).User, Action: ActionSIPExport, Target: in.ID}); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		_, w := humago.Unwrap(c)
		w.Header().Set("Cache-Control", "no-store")
		if in.Format == "json" {
			writeJSON(w, http.StatusOK, list)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="`+string(id)+`.sip.txt"`)
		_ = call.WriteMessages(w, id, list) // who asked is gone
	}}, nil
}
