package app

import (
	"context"
	"time"

	"callfloor/acd"
	"callfloor/acd/simulate"
	"callfloor/acd/staffing"
	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
)

const (
	// maxHistory bounds the calls that a plan is made of.
	maxHistory = 200_000
	// planLimit is how many agents there can be.
	planLimit = 10_000
	// askRuns is over how many made-up futures "what if" is the mean.
	askRuns = 8
	// usualHandle and usualPatience stand in where a queue has no past.
	usualHandle = 3 * time.Minute
)

// planner answers questions about staff (api.Staffing).
type planner struct {
	engine  *acd.Engine
	journal *call.Journal
	cfg     acd.Config
	zone    *time.Location
}

func (a *App) planner() *planner {
	p := &planner{engine: a.engine, journal: a.journal, cfg: a.cfg.ACD(), zone: time.UTC}
	if z, err := time.LoadLocation(p.cfg.TimeZone); err == nil {
		p.zone = z
	}
	return p
}

func (p *planner) queue(id contact.QueueID) error {
	for _, q := range p.cfg.Queues {
		if q.ID == id {
			return nil
		}
	}
	return contact.Errorf(contact.NotFound, "there is no queue %q", id)
}

// WhatIf implements api.Staffing: the next hour of a queue as it stands, with no
// to more agents, each the mean of some made-up hours.
func (p *planner) WhatIf(ctx context.Context, q api.WhatIf) ([]api.WhatIfResult, error) {
	if err := p.queue(q.Queue); err != nil {
		return nil, err
	}
	snap := p.engine.Snapshot()
	snap.At = time.Now()
	pace, _ := p.engine.Pace(q.Queue)
	if pace.Handle == 0 {
		pace.Handle = usualHandle
	}
	if pace.PerHour == 0 {
		pace.PerHour = pace.Usual
	}
	pace.Handle += p.wrapUp(q.Queue)
	cfg := p.cfg.WithoutWrapUp() // in the handle time, so that its length is spread too
	history, err := p.history(ctx, q.Queue, snap.At.AddDate(0, 0, -7), snap.At)
	if err != nil {
		return nil, err
	}
	patience := staffing.Patience(history)
	list := []api.WhatIfResult{}
	for k := range q.More + 1 {
		r := api.WhatIfResult{More: k, PerHour: pace.PerHour, Handle: pace.Handle.Seconds(), Patience: patience.Seconds()}
		for seed := range uint64(askRuns) {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			one := simulate.Ask(cfg, snap, simulate.WhatIf{Queue: q.Queue, More: k, Pace: pace, Horizon: q.Horizon, Patience: patience, Seed: seed})
			r.Agents = one.Agents
			r.Contacts += float64(one.Contacts) / askRuns
			r.ServiceLevel += one.ServiceLevel / askRuns
			r.AbandonRate += one.AbandonRate / askRuns
			r.WaitMean += one.WaitMean / askRuns
			r.WaitP90 += one.WaitP90 / askRuns
			r.Occupancy += one.Occupancy / askRuns
		}
		list = append(list, r)
	}
	return list, nil
}

// history are the calls of the past that came to a queue.
func (p *planner) history(ctx context.Context, q contact.QueueID, from, to time.Time) ([]staffing.Call, error) {
	records, err := p.journal.Waited(ctx, q, from, to, maxHistory)
	if err != nil {
		return nil, err
	}
	calls := make([]staffing.Call, 0, len(records))
	for _, r := range records {
		c := staffing.Call{At: r.Came(), Answered: r.Answered != nil}
		if c.Answered {
			c.Wait, c.Talk = r.Answered.Time().Sub(c.At), r.Ended.Time().Sub(r.Answered.Time())
		} else {
			c.Wait = r.Ended.Time().Sub(c.At)
		}
		c.Wait = max(0, c.Wait)
		calls = append(calls, c)
	}
	return calls, nil
}

// Plan implements api.Staffing: what each interval of the past needed.
func (p *planner) Plan(ctx context.Context, q api.PlanQuery) (api.Plan, error) {
	if err := p.queue(q.Queue); err != nil {
		return api.Plan{}, err
	}
	calls, err := p.history(ctx, q.Queue, q.From, q.To)
	if err != nil {
		return api.Plan{}, err
	}
	return p.plan(calls, staffing.Intervals(calls, q.Interval, p.target(q), p.zone), q)
}

// Forecast implements api.Staffing: what each hour of the next seven days will
// need if it is like the mean of the past.
func (p *planner) Forecast(ctx context.Context, q api.PlanQuery) (api.Plan, error) {
	if err := p.queue(q.Queue); err != nil {
		return api.Plan{}, err
	}
	calls, err := p.history(ctx, q.Queue, q.From, q.To)
	if err != nil {
		return api.Plan{}, err
	}
	var hours []staffing.Interval
	if len(calls) > 0 {
		from := q.From
		if calls[0].At.After(from) {
			from = calls[0].At
		}
		forecast := staffing.Forecast(calls, from, q.To, p.zone)
		now := time.Now().In(p.zone)
		for h := range 7 * 24 {
			at := time.Date(now.Year(), now.Month(), now.Day(), h, 0, 0, 0, p.zone)
			n := forecast[staffing.Slot{Day: at.Weekday(), Hour: at.Hour()}]
			hours = append(hours, staffing.Interval{Start: at, Length: time.Hour, Contacts: int(n + 0.5)})
		}
	}
	return p.plan(calls, hours, q)
}

func (p *planner) target(q api.PlanQuery) time.Duration {
	if q.Target > 0 {
		return q.Target
	}
	return p.cfg.ServiceLevel
}

// wrapUp is how long wrap-ups of a queue usually take.
func (p *planner) wrapUp(id contact.QueueID) time.Duration { return p.cfg.WrapUps()[id].Usual() }

func (p *planner) plan(calls []staffing.Call, intervals []staffing.Interval, q api.PlanQuery) (api.Plan, error) {
	plan := api.Plan{
		Calls: len(calls), Level: q.Level, Target: p.target(q).Seconds(), Talk: staffing.MeanTalk(calls).Seconds(),
		Patience: staffing.Patience(calls).Seconds(), WrapUp: p.wrapUp(q.Queue).Seconds(), Intervals: []api.PlanInterval{},
	}
	options := staffing.PlanOptions{
		Level: q.Level, Target: p.target(q), WrapUp: p.wrapUp(q.Queue), Talk: staffing.MeanTalk(calls), Patience: staffing.Patience(calls), Limit: planLimit,
	}
	a, err := staffing.Plans(intervals, options)
	if err != nil {
		return api.Plan{}, contact.Errorf(contact.Invalid, "%v", err)
	}
	options.Patience = 0
	c, err := staffing.Plans(intervals, options)
	if err != nil {
		return api.Plan{}, contact.Errorf(contact.Invalid, "%v", err)
	}
	for i, x := range a {
		plan.Intervals = append(plan.Intervals, api.PlanInterval{
			Start: contact.Time(x.Start), Length: x.Length.Seconds(), Contacts: x.Contacts, Answered: x.Answered, Abandoned: x.Abandoned,
			InTime: x.InTime, Wait: x.Wait.Seconds(), Talk: x.Talk.Seconds(), Agents: x.Need.Agents, AgentsC: c[i].Need.Agents,
			ServiceLevel: x.Need.ServiceLevel, Occupancy: x.Need.Occupancy, AbandonRate: x.Need.Abandoned,
		})
	}
	return plan, nil
}
