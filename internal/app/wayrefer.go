package app

import (
	"context"
	"errors"

	"callfloor/contact"
	"callfloor/outbound"
	"callfloor/sip"
)

// errHandedOn says that no leg came of a call out because the customer's trunk
// has made the call in our stead and keeps it.
var errHandedOn = errors.New("the customer's trunk took the call over")

// refer asks the trunk of the customer's leg to call the number itself, where its
// configuration says so. done is false where we must call and bridge: the trunk
// is not to be asked, or refuses. Otherwise err is errHandedOn, or why the number
// did not answer.
func (w *wayOut) refer(ctx context.Context, e outbound.Entry, req Outside) (done bool, err error) {
	leg := phoneOf(req.HandOn)
	trunks := w.trunks.Load()
	if leg == nil || trunks == nil {
		return false, nil
	}
	target, ok := trunks.ReferTarget(leg, forms(e.Number))
	if !ok {
		return false, nil
	}
	w.log.Info("asks a trunk to transfer", "trunk", leg.Trunk(), "call", req.Call, "country", e.Number.Country, "kind", e.Number.Kind)
	err = leg.Transfer(ctx, target, sip.TransferOptions{})
	rejected, refused := errors.AsType[*sip.RejectedError](err)
	switch {
	case err == nil:
		return true, errHandedOn
	case ctx.Err() != nil:
		return true, context.Cause(ctx)
	case errors.Is(err, sip.ErrGone):
		return true, contact.Errorf(contact.Conflict, "the customer is gone")
	case refused && (rejected.Status == 486 || rejected.Status == 600 || rejected.Status == 480 || rejected.Status == 408):
		return true, err // the number was called: once more would be no better
	}
	w.log.Info("a trunk did not transfer; the call is bridged", "trunk", leg.Trunk(), "call", req.Call, "error", err)
	return false, nil
}
