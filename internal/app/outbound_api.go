package app

import (
	"cmp"
	"context"
	"slices"
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

// Rules implements api.Outbound.
func (o wayOutAPI) Rules() []outbound.RuleConfig { return o.app.wayOut.cfg.Rules }

// Try implements api.Outbound.
func (o wayOutAPI) Try(ctx context.Context, c api.TryCall) (api.Tried, error) {
	w := o.app.wayOut
	if _, ok := w.line(c.Line); !ok {
		return api.Tried{}, contact.Errorf(contact.NotFound, "there is no line %q to call from", c.Line)
	}
	n, err := w.cfg.Parse(c.Number)
	if err != nil {
		return api.Tried{}, err //nolint:wrapcheck // a sentence for the one who asks
	}
	listed, err := w.listed(ctx, n)
	if err != nil {
		return api.Tried{}, err
	}
	w.mu.Lock()
	t := w.book.Try(time.Now(), outbound.Request{Number: n, Line: c.Line, Purpose: c.Purpose, By: c.User, Inbound: c.Inbound, Listed: listed})
	w.mu.Unlock()
	w.act()
	v := api.Tried{
		Number: n.Key(), National: n.National, Country: n.Country, Kind: n.Kind, Listed: listed, Allowed: t.Refused == nil,
		Group: t.Trunks, Trunks: []api.TriedTrunk{}, PerCall: t.PerCall, PerMinute: t.PerMinute,
	}
	if t.Rule >= 0 {
		rule := t.Rule + 1
		v.Rule = &rule
	}
	if t.Refused != nil {
		v.Why, v.Message = t.Refused.Why, t.Refused.Error()
		return v, nil
	}
	for _, k := range o.Trunks() {
		if k.Group == t.Trunks {
			v.Trunks = append(v.Trunks, api.TriedTrunk{ID: k.ID, State: k.State, Order: k.Order, Weight: k.Weight, Usable: k.Usable()})
		}
	}
	slices.SortStableFunc(v.Trunks, func(a, b api.TriedTrunk) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(b.Weight, a.Weight))
	})
	return v, nil
}

// DoNotCall implements api.Outbound.
func (o wayOutAPI) DoNotCall(ctx context.Context, q string, masked bool) ([]outbound.Listed, int, error) {
	w, whole := o.app.wayOut, q
	if n, err := w.cfg.Parse(q); err == nil {
		whole = n.Key()
	}
	return w.store.List(ctx, q, whole, masked)
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
	_, err = w.store.Put(ctx, outbound.Listed{Number: n.Key(), Since: time.Now(), By: by, Why: why})
	return err
}

// shownWrong is how many wrong lines of an import are told.
const shownWrong = 100

// Import implements api.Outbound.
func (o wayOutAPI) Import(ctx context.Context, by, csv, why string) (api.Imported, error) {
	w := o.app.wayOut
	list, wrong, err := w.cfg.ReadList(csv, why)
	if err != nil {
		return api.Imported{}, contact.Errorf(contact.Invalid, "%v", err)
	}
	done := api.Imported{Read: len(list), Left: len(wrong), Wrong: []api.ImportedWrong{}}
	for _, l := range wrong[:min(len(wrong), shownWrong)] {
		done.Wrong = append(done.Wrong, api.ImportedWrong{Line: l.Line, Why: l.Why})
	}
	if len(list) == 0 {
		return done, nil
	}
	if err := w.audit.Record(ctx, api.Entry{Who: by, Action: actionDoNotCall, Target: "import", Details: map[string]any{"on": true, "numbers": len(list), "why": why}}); err != nil {
		return api.Imported{}, err
	}
	now := time.Now()
	for i := range list {
		list[i].Since, list[i].By = now, by
	}
	done.Added, err = w.store.Put(ctx, list...)
	return done, err
}

// Unlist implements api.Outbound.
func (o wayOutAPI) Unlist(ctx context.Context, by, number, why string) error {
	w := o.app.wayOut
	n, err := w.cfg.Parse(number)
	if err != nil {
		return err //nolint:wrapcheck // a sentence for the one who wrote it
	}
	if err := w.audit.Record(ctx, api.Entry{Who: by, Action: actionDoNotCall, Target: contact.Mask(n.Key()), Details: map[string]any{"on": false, "why": why}}); err != nil {
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
