package app

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"callfloor/call"
	"callfloor/ivr"
	"callfloor/media/botstream"
)

var (
	errBotNotPublic = errors.New("the bot's server has no public address; bots.private lists those of your own that may be asked")
	errBotPlain     = errors.New("a bot outside of your own networks (bots.private) is asked over wss:// only")
)

// openBots makes what connects calls with voice bots.
func (a *App) openBots() error {
	private, err := a.cfg.Bots.Networks()
	if err != nil {
		return err
	}
	own := newFetcher(private)
	a.bots = &botstream.Dialer{Log: a.log, Pacer: a.pacer, Hosts: a.cfg.Bots.Hosts, Allow: func(to netip.Addr, plain bool) error {
		isOwn := slices.ContainsFunc(private, func(p netip.Prefix) bool { return p.Contains(to.Unmap().WithZone("")) })
		switch {
		case isOwn:
			return nil
		case own.allow(to) != nil:
			return errBotNotPublic
		case plain:
			return errBotPlain
		}
		return nil
	}}
	return nil
}

// DialOut implements call.Outsides: a flow calls a number outside, by the
// house's rules.
func (h *House) DialOut(ctx context.Context, c call.Snapshot, r ivr.DialRequest) (call.Leg, error) {
	leg, err := h.PlaceOutside(ctx, Outside{To: r.To, Line: c.Line, Purpose: PurposeFlow, Call: c.ID, Inbound: true, RingFor: r.Ring})
	if err != nil {
		return nil, err // not a nil leg in an interface
	}
	return leg, nil
}
