package app

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"callfloor/acd"
	"callfloor/api"
	"callfloor/contact"
	"callfloor/crm"
	"callfloor/internal/config"
	"callfloor/knowledge"
	"callfloor/media/codec"
	"callfloor/phone"
	"callfloor/web"
)

type pages = http.Handler

// staff tells which queues an agent serves, from the configuration.
type staff struct{ queues []acd.QueueConfig }

// Queues implements People.
func (s staff) Queues(user string) []contact.QueueID {
	ids := []contact.QueueID{}
	for _, q := range s.queues {
		if slices.Contains(q.Agents, "*") || slices.Contains(q.Agents, user) {
			ids = append(ids, q.ID)
		}
	}
	return ids
}

func namesOf(cfg config.Config) names {
	n := names{queues: map[contact.QueueID]string{}, serviceLevel: cfg.Routing.ServiceLevel, lastAgent: cfg.Routing.LastAgent, transfers: cfg.Transfers, dispositions: cfg.Dispositions, tags: cfg.Tags, awayReasons: cfg.AwayReasons, page: cfg.CRM.Page, wrapUps: cfg.ACD().WrapUps()}
	for _, q := range cfg.Queues {
		n.queues[q.ID] = q.Name
	}
	return n
}

// authenticate says who opens a seat socket.
func (a *App) authenticate(r *http.Request, token string) (web.Identity, error) {
	id, err := a.accounts.Authenticate(r, token)
	if err != nil {
		return web.Identity{}, err
	}
	if id.MustChangePassword {
		return web.Identity{}, contact.Errorf(contact.Forbidden, "change your password first")
	}
	return web.Identity{User: id.User, Name: id.Name, Role: id.Role, Session: id.Session(), Ends: id.Ends}, nil
}

func (a *App) apiOptions() api.Options {
	o := api.Options{
		Log: a.log, Config: a.cfg.HTTP, Version: a.opts.Version, DataDir: a.cfg.Data,
		Accounts: a.accounts, Audit: api.NewAudit(a.db), Demo: a.cfg.Demo,
		Calls: a.journal, Recordings: a.recordings, Seats: a.seats, Pages: a.opts.Pages,
		Flows: a.editor, FlowCalls: a.flowCalls, Prompts: a.sounds, Outbound: a.outboundAPI(), Registered: a.sip, Bans: a.sip,
		Targets: a.house.targets, SignOut: a.signOut, Troubles: a.troubles, Metrics: a.metrics,
	}
	o.Tasks, o.Staffing = a.house.tasks, a.planner()
	o.Customers, o.Knowledge = a.callers(), knowledge.New(a.db)
	o.Webhooks = a.webhooks
	o.PageOrigin, o.PageInWindow = a.cfg.CRM.Page.Origin(), a.cfg.CRM.Page.Open == crm.OpenWindow
	o.Figures, o.Tags = a.house.shifts, a.cfg.Tags
	for _, l := range a.cfg.Lines {
		o.Lines = append(o.Lines, api.Line{ID: string(l.ID), Name: l.Name})
	}
	if a.cfg.Demo {
		o.DemoCall = a.demoCall
	}
	return o
}

// signOut ends a user's seat, or what of it belongs to other sessions than keep.
func (a *App) signOut(user, keep string) {
	if keep != "" {
		a.seats.SignOutOthers(user, keep)
		return
	}
	if s, ok := a.seats.Seat(user); ok && s.Identity().Role == contact.RoleAgent {
		a.house.tell(acd.AgentWants{Agent: contact.AgentID(user), State: contact.AgentOffline})
	}
	a.seats.SignOut(user)
}

// userChanged takes an agent off the floor who is one no longer.
func (a *App) userChanged(u api.User) {
	id := contact.AgentID(u.User)
	if _, known := a.engine.Agent(id); known && (u.Disabled || u.Role != contact.RoleAgent) {
		a.engine.RemoveAgent(id)
	}
}

// demoCall lets the built-in test phone ring one of our lines. It returns when
// the call has been placed; the call goes on by itself.
func (a *App) demoCall(_ context.Context, d api.DemoCall) error {
	if _, ok := a.cfg.Line(contact.LineID(d.Line)); !ok {
		return contact.Errorf(contact.NotFound, "there is no line %q", d.Line)
	}
	a.calls.Go(func() {
		r, err := phone.Call(a.ctx, phone.CallOptions{
			URI: fmt.Sprintf("sip:%s@%s", d.Line, a.sip.Addr()), Codecs: []codec.ID{codec.PCMU, codec.PCMA},
			Play: d.Play, DTMF: d.Keys, For: d.For, From: "13812341234",
		})
		if err != nil {
			a.log.Warn("the test phone's call failed", "line", d.Line, "error", err)
			return
		}
		a.log.Info("the test phone's call ended", "line", d.Line, "result", r.Result)
	})
	return nil
}

// troubles says what keeps the server from being ready.
func (a *App) troubles(ctx context.Context) []api.Trouble {
	var all []api.Trouble
	add := func(part string, err error) {
		if err != nil {
			all = append(all, api.Trouble{Part: part, Why: err.Error()})
		}
	}
	switch {
	case a.draining.Load():
		all = append(all, api.Trouble{Part: "server", Why: "it is draining: it takes no new calls"})
	case !a.started.Load():
		all = append(all, api.Trouble{Part: "server", Why: "it is starting or stopping"})
	}
	add("database", a.db.Healthy(ctx))
	add("journal", a.journal.Healthy())
	add("recordings", a.recordings.Healthy())
	add("flows", a.shelf.trouble())
	return append(append(all, a.trunkTroubles()...), a.webhookTroubles(ctx)...)
}

// Addrs are the addresses that are bound.
type Addrs struct {
	SIP, WebRTC netip.AddrPort
	// URL is where a browser on this machine finds the pages.
	URL string
}

// Addrs returns what Start bound.
func (a *App) Addrs() Addrs {
	return Addrs{SIP: a.sip.Addr(), WebRTC: a.seats.Addr(), URL: a.api.URL()}
}

// FirstStart makes the administrator of a new server and returns the one-time
// password; "" where there are users already or the demo runs.
func (a *App) FirstStart(ctx context.Context) (user, password string, err error) {
	if a.cfg.Demo {
		return "", "", nil
	}
	return a.accounts.FirstStart(ctx)
}
