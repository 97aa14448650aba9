package app

import (
	"context"
	"fmt"
	"slices"

	"callfloor/acd"
	"callfloor/api"
	"callfloor/internal/config"
	"callfloor/outbound"
	"callfloor/sip"
)

// openWayOut makes the door to the outside; it opens with startTrunks.
func (a *App) openWayOut(ctx context.Context) error {
	if len(a.cfg.Trunks) == 0 {
		return nil
	}
	alert := func(al acd.Alert) { a.house.inbox.actions([]acd.Action{al}) }
	var err error
	a.wayOut, err = newWayOut(ctx, a.cfg, outbound.NewStore(a.db), api.NewAudit(a.db), alert, a.log)
	if err != nil {
		return err
	}
	a.house.outside = a.wayOut
	a.house.dial, a.house.outboundLines = a.dialOut, a.wayOut.linesOf
	a.onStop("way out", a.wayOut.close)
	a.metrics.MustRegister(a.wayOut.calls, a.wayOut.refused)
	return nil
}

// startTrunks begins to register with the carriers, once SIP is bound.
func (a *App) startTrunks() error {
	if a.wayOut == nil {
		return nil
	}
	list := slices.Clone(a.cfg.Trunks)
	for i := range list {
		if a.cfg.Demo && list[i].ID == config.DemoTrunk {
			list[i].Hosts = []string{a.sip.Addr().String()}
		}
	}
	var err error
	if a.trunks, err = sip.NewTrunks(a.sip, list, nil); err != nil {
		return fmt.Errorf("prepare the trunks: %w", err)
	}
	a.metrics.MustRegister(a.trunks.Figures())
	a.wayOut.trunks.Store(a.trunks)
	return a.trunks.Start()
}

func (a *App) closeTrunks(ctx context.Context) error {
	if a.trunks == nil {
		return nil
	}
	return a.trunks.Close(ctx)
}

// trunkTroubles says which groups of trunks no call can go out over.
func (a *App) trunkTroubles() []api.Trouble {
	if a.trunks == nil || !a.started.Load() {
		return nil
	}
	up := map[string]bool{}
	var all []api.Trouble
	for _, s := range a.trunks.Status() {
		up[s.Group] = up[s.Group] || s.Usable()
	}
	for group, ok := range up {
		if !ok {
			all = append(all, api.Trouble{Part: "trunks", Why: fmt.Sprintf("no trunk of the group %q is up", group)})
		}
	}
	return all
}
