package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"callfloor/call"
	"callfloor/contact"
)

type callsCmd struct {
	List callsListCmd `cmd:"" help:"List calls, newest first."`
	Show callsShowCmd `cmd:"" help:"Show one call with its timeline."`
	SIP  callsSIPCmd  `cmd:"" name:"sip" help:"Print the SIP messages of a call's legs, without credentials and keys."`
}

type callsListCmd struct {
	where
	Limit int    `help:"How many at most." default:"50"`
	Line  string `help:"Only calls to this line."`
	Agent string `help:"Only calls of this agent."`
	JSON  bool   `help:"Print JSON."`
}

// Run lists calls.
func (c *callsListCmd) Run(ctx context.Context, t terminal) error {
	if c.Limit < 1 || c.Limit > 1000 {
		return usagef("--limit %d is out of range; it is 1 to 1000", c.Limit)
	}
	h, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only read
	calls, err := h.calls(ctx, call.Query{Limit: c.Limit, Line: contact.LineID(c.Line), Agent: contact.AgentID(c.Agent)})
	if err != nil {
		return err
	}
	if c.JSON {
		return t.printJSON(calls)
	}
	if len(calls) == 0 {
		t.say("There are no calls yet.")
		return nil
	}
	rows := make([][]string, 0, len(calls))
	for _, r := range calls {
		rows = append(rows, []string{string(r.ID), clock(r.Started.Time()), string(r.Line), contact.Mask(r.From), text(r.Queue), text(r.Agent), lasted(r), ending(r.End), string(r.Consent), text(r.Recording)})
	}
	return table(t.out, []string{"CALL", "STARTED", "LINE", "FROM", "QUEUE", "AGENT", "LASTED", "END", "CONSENT", "RECORDING"}, rows)
}

func lasted(r call.Record) string {
	if r.Ended == nil {
		return "goes on"
	}
	return minutes(r.Ended.Time().Sub(r.Started.Time()))
}

func ending(e *contact.EndCause) string {
	if e == nil {
		return ""
	}
	return fmt.Sprintf("%s by %s", e.Class, e.By)
}

type callsShowCmd struct {
	where
	ID   string `arg:"" help:"The call's ID."`
	JSON bool   `help:"Print JSON."`
}

// Run shows one call.
func (c *callsShowCmd) Run(ctx context.Context, t terminal) error {
	h, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only read
	d, err := h.call(ctx, contact.ID(c.ID))
	if err != nil {
		return err
	}
	if c.JSON {
		return t.printJSON(d)
	}
	fmt.Fprintf(t.out, "Call %s to line %s from %s\n", d.ID, plain(string(d.Line)), plain(contact.Mask(d.From)))
	fmt.Fprintf(t.out, "%s, lasted %s, queue %s, agent %s, consent %s, recording %s\n", clock(d.Started.Time()), lasted(d.Record),
		plain(text(d.Queue)), plain(text(d.Agent)), d.Consent, plain(text(d.Recording)))
	if d.End != nil {
		fmt.Fprintf(t.out, "Ended: %s (%s)\n", ending(d.End), plain(d.End.Why))
	}
	if d.CSAT != nil {
		fmt.Fprintf(t.out, "Satisfaction: %d of 5\n", *d.CSAT)
	}
	fmt.Fprintln(t.out)
	rows := make([][]string, 0, len(d.Timeline))
	for _, e := range d.Timeline {
		rows = append(rows, []string{since(d.Started.Time(), e.At.Time()), string(e.Kind), text(e.Leg), e.Text, compact(e.Data)})
	}
	return table(t.out, []string{"AT", "KIND", "LEG", "WHAT", "DETAILS"}, rows)
}

// since is how long after the start something was, "+12.345".
func since(start, at time.Time) string { return fmt.Sprintf("%+.3f", at.Sub(start).Seconds()) }

func compact(data json.RawMessage) string {
	var b bytes.Buffer
	if len(data) == 0 || json.Compact(&b, data) != nil || b.String() == "null" {
		return ""
	}
	return b.String()
}
