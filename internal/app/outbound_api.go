package app

import (
	"context"
	"time"

	"callfloor/api"
	"callfloor/contact"
	"callfloor/outbound"
	"callfloor/sip"
)

// wayOutAPI is the way out as the API sees it.
type wayOutAPI struct{ app *App }

// outboundAPI is nil where there is no way out.
func (a *App) outboundAPI() api.Outbound {
	if a.wayOut == nil {
		return nil
	}
	return wayOutAPI{a}
}

// Trunks implements api.Outbound.
func (o wayOutAPI) Trunks() []sip.TrunkStatus {
	if t := o.app.wayOut.trunks.Load(); t != nil {
		return t.Status()
	}
	return []sip.TrunkStatus{}
}

// Status implements api.Outbound.
func (o wayOutAPI) Status() outbound.Status { return o.app.wayOut.status() }

// Stop implements api.Outbound.
func (o wayOutAPI) Stop(ctx context.Context, by, why string) error {
	return o.app.wayOut.halt(ctx, by, true, why)
}

// Resume implements api.Outbound.
func (o wayOutAPI) Resume(ctx context.Context, by, why string) error {
	return o.app.wayOut.halt(ctx, by, false, why)
}

// DoNotCall implements api.Outbound.
func (o wayOutAPI) DoNotCall(ctx context.Context) ([]outbound.Listed, error) {
	return o.app.wayOut.store.List(ctx)
}

// actionDoNotCall is a change of the do-not-call list in the audit log; the
// number is not in it.
const actionDoNotCall api.Action = "do_not_call"

// List implements api.Outbound.
func (o wayOutAPI) List(ctx context.Context, by, number, why string) error {
	w := o.app.wayOut
	n, err := w.cfg.Parse(number)
	if err != nil {
		return err //nolint:wrapcheck // a sentence for the one who wrote it
	}
	if n.Kind == outbound.Emergency {
		return contact.Errorf(contact.Invalid, "an emergency number cannot be on the do-not-call list")
	}
	if err := w.audit.Record(ctx, api.Entry{Who: by, Action: actionDoNotCall, Target: contact.Mask(n.Key()), Details: map[string]any{"on": true, "why": why}}); err != nil {
		return err
	}
	return w.store.Put(ctx, outbound.Listed{Number: n.Key(), Since: time.Now(), By: by, Why: why})
}

// Unlist implements api.Outbound.
func (o wayOutAPI) Unlist(ctx context.Context, by, number string) error {
	w := o.app.wayOut
	n, err := w.cfg.Parse(number)
	if err != nil {
		return err //nolint:wrapcheck // a sentence for the one who wrote it
	}
	if err := w.audit.Record(ctx, api.Entry{Who: by, Action: actionDoNotCall, Target: contact.Mask(n.Key()), Details: map[string]any{"on": false}}); err != nil {
		return err
	}
	gone, err := w.store.Remove(ctx, n)
	if err == nil && !gone {
		return contact.Errorf(contact.NotFound, "this number is not on the do-not-call list")
	}
	return err
}

// Place implements api.Outbound.
func (o wayOutAPI) Place(ctx context.Context, c api.PlaceCall) (contact.ID, error) {
	return o.app.dialOut(ctx, dialRequest{
		To: c.To, Line: c.Line, Agent: c.Agent, Purpose: PurposeAPI, By: c.By, RingFor: time.Duration(c.Ring * float64(time.Second)),
	})
}
