package main

import (
	"context"
	"fmt"
	"time"

	"callfloor/acd"
	"callfloor/acd/staffing"
	"callfloor/contact"
)

// planned is one interval for programs; times in seconds.
type planned struct {
	Start     string          `json:"start"`
	Length    float64         `json:"length"`
	Contacts  int             `json:"contacts"`
	Answered  int             `json:"answered"`
	Abandoned int             `json:"abandoned"`
	InTime    int             `json:"in_time"`
	Wait      float64         `json:"wait_mean"`
	Talk      float64         `json:"talk_mean"`
	Need      staffing.Result `json:"need"`
}

// plan prints how many agents the past needed, or a week to come will.
func (c *simulateCmd) plan(ctx context.Context, t terminal, cfg acd.Config) error {
	from, to, err := c.span(28)
	if err != nil {
		return err
	}
	records, err := c.history(ctx, from, to)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return fmt.Errorf("the journal has no calls in queues to plan by; take other days with --from and --until")
	}
	var calls []staffing.Call
	for _, r := range records {
		x := staffing.Call{At: r.Came(), Answered: r.Answered != nil}
		if x.Answered {
			x.Wait, x.Talk = r.Answered.Time().Sub(x.At), r.Ended.Time().Sub(r.Answered.Time())
		} else {
			x.Wait = r.Ended.Time().Sub(x.At)
		}
		calls = append(calls, x)
	}
	intervals := staffing.Intervals(calls, c.Interval, cfg.ServiceLevel, time.Local)
	if c.Forecast {
		intervals = week(staffing.Forecast(calls, later(from, calls[0].At), earlier(to, time.Now()), time.Local))
	}
	patience := c.Patience
	if patience == 0 {
		patience = staffing.Patience(calls)
	}
	plans, err := staffing.Plans(intervals, staffing.PlanOptions{
		Level: c.Level, Target: cfg.ServiceLevel, WrapUp: c.wrapUp(cfg), Talk: staffing.MeanTalk(calls), Patience: patience, Limit: agentLimit,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		list := []planned{}
		for _, p := range plans {
			list = append(list, planned{
				Start: contact.Time(p.Start), Length: p.Length.Seconds(), Contacts: p.Contacts, Answered: p.Answered, Abandoned: p.Abandoned,
				InTime: p.InTime, Wait: p.Wait.Seconds(), Talk: p.Talk.Seconds(), Need: p.Need,
			})
		}
		return t.printJSON(map[string]any{"intervals": list})
	}
	return staffing.WriteCSV(t.out, plans)
}

// week is the forecast for the seven days from today on, rounded to contacts.
func week(forecast map[staffing.Slot]float64) []staffing.Interval {
	now := time.Now()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	var list []staffing.Interval
	for h := range 7 * 24 {
		at := today.Add(time.Duration(h) * time.Hour)
		n := forecast[staffing.Slot{Day: at.Weekday(), Hour: at.Hour()}]
		list = append(list, staffing.Interval{Start: at, Length: time.Hour, Contacts: int(n + 0.5)})
	}
	return list
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
