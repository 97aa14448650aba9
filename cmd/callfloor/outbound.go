package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"callfloor/sip"
)

type trunksCmd struct {
	List trunksListCmd `cmd:"" help:"List the trunks, and how each stands."`
	Show trunksShowCmd `cmd:"" help:"Show one trunk."`
}

// remoteHouse opens the running server: trunks stand in no folder.
func (w *where) remoteHouse(ctx context.Context) (*remote, error) {
	h, err := w.open(ctx, false)
	if err != nil {
		return nil, err
	}
	r, ok := h.(*remote)
	if !ok {
		_ = h.Close()
		return nil, errors.New("no server runs on this folder; start one with callfloor serve, or name another with --server")
	}
	return r, nil
}

type trunksListCmd struct {
	where
	JSON bool `help:"Print JSON."`
}

// Run lists the trunks.
func (c *trunksListCmd) Run(ctx context.Context, t terminal) error {
	h, err := c.remoteHouse(ctx)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only read
	list := []sip.TrunkStatus{}
	if err := h.ask(ctx, http.MethodGet, "/api/v1/trunks", nil, &list); err != nil {
		return err
	}
	if c.JSON {
		return t.printJSON(list)
	}
	if len(list) == 0 {
		t.say("There are no trunks; add them under trunks: in the configuration.")
		return nil
	}
	rows := make([][]string, 0, len(list))
	for _, k := range list {
		rows = append(rows, []string{k.ID, k.Group, string(k.State), clock(k.Since), fmt.Sprint(k.Calls), fmt.Sprint(k.Placed), fmt.Sprint(k.Failed), text(k.Error)})
	}
	return table(t.out, []string{"TRUNK", "GROUP", "STATE", "SINCE", "CALLS", "PLACED", "FAILED", "LAST ERROR"}, rows)
}

type trunksShowCmd struct {
	where
	ID   string `arg:"" help:"The trunk's id."`
	JSON bool   `help:"Print JSON."`
}

// Run shows one trunk.
func (c *trunksShowCmd) Run(ctx context.Context, t terminal) error {
	h, err := c.remoteHouse(ctx)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only read
	var k sip.TrunkStatus
	if err := h.ask(ctx, http.MethodGet, "/api/v1/trunks/"+c.ID, nil, &k); err != nil {
		return err
	}
	if c.JSON {
		return t.printJSON(k)
	}
	fmt.Fprintf(t.out, "Trunk %s of the group %s at %s\n%s since %s; %d calls now, %d placed, %d failed\n",
		plain(k.ID), plain(k.Group), plain(strings.Join(k.Hosts, ", ")), k.State, clock(k.Since), k.Calls, k.Placed, k.Failed)
	if k.Registered != nil {
		fmt.Fprintf(t.out, "Registered until %s\n", clock(*k.Registered))
	}
	if k.Error != nil && k.At != nil {
		fmt.Fprintf(t.out, "Last error, %s: %s\n", clock(*k.At), plain(*k.Error))
	}
	return nil
}

type outboundCmd struct {
	Show   outboundShowCmd   `cmd:"" help:"Calls out: how many, what they cost, whether they are stopped."`
	Stop   outboundStopCmd   `cmd:"" help:"Stop every call out but emergency calls, at once."`
	Resume outboundResumeCmd `cmd:"" help:"Let calls out again; caps count anew."`
	Never  outboundNeverCmd  `cmd:"" help:"The do-not-call list: numbers that are not called."`
}

// outboundState is what the server answers.
type outboundState struct {
	Calls    int     `json:"calls"`
	CallsCap int     `json:"calls_cap"`
	LastHour int     `json:"last_hour"`
	HourCap  int     `json:"hour_cap"`
	Spent    float64 `json:"spent"`
	SpendCap float64 `json:"spend_cap"`
	Stopped  *struct {
		At  time.Time `json:"at"`
		By  string    `json:"by"`
		Why string    `json:"why"`
	} `json:"stopped"`
	Blocked []struct {
		Who   string    `json:"who"`
		Until time.Time `json:"until"`
	} `json:"blocked"`
}

func (s outboundState) print(t terminal, asJSON bool) error {
	if asJSON {
		return t.printJSON(s)
	}
	of := func(cap any) string {
		if fmt.Sprint(cap) == "0" {
			return ""
		}
		return fmt.Sprintf(" of %v", cap)
	}
	fmt.Fprintf(t.out, "Calls out now: %d%s\nWithin an hour: %d%s\nSpent within a day: %.2f%s\n", s.Calls, of(s.CallsCap), s.LastHour, of(s.HourCap), s.Spent, of(s.SpendCap))
	for _, b := range s.Blocked {
		fmt.Fprintf(t.out, "Blocked: %s until %s\n", plain(b.Who), clock(b.Until))
	}
	if s.Stopped != nil {
		by := "an alarm"
		if s.Stopped.By != "" {
			by = plain(s.Stopped.By)
		}
		fmt.Fprintf(t.out, "STOPPED by %s at %s: %s\n", by, clock(s.Stopped.At), plain(s.Stopped.Why))
	}
	return nil
}

type outboundShowCmd struct {
	where
	JSON bool `help:"Print JSON."`
}

// Run shows what is out.
func (c *outboundShowCmd) Run(ctx context.Context, t terminal) error {
	h, err := c.remoteHouse(ctx)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only read
	var s outboundState
	if err := h.ask(ctx, http.MethodGet, "/api/v1/outbound", nil, &s); err != nil {
		return err
	}
	return s.print(t, c.JSON)
}

type outboundStopCmd struct {
	where
	Why  string `help:"Why, for the record." required:""`
	JSON bool   `help:"Print JSON."`
}

// Run stops calls out.
func (c *outboundStopCmd) Run(ctx context.Context, t terminal) error {
	return c.halt(ctx, t, "stop", c.Why, c.JSON)
}

type outboundResumeCmd struct {
	where
	Why  string `help:"Why, for the record." required:""`
	JSON bool   `help:"Print JSON."`
}

// Run lets calls out again.
func (c *outboundResumeCmd) Run(ctx context.Context, t terminal) error {
	return c.halt(ctx, t, "resume", c.Why, c.JSON)
}

func (w *where) halt(ctx context.Context, t terminal, what, why string, asJSON bool) error {
	h, err := w.remoteHouse(ctx)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only asked
	var s outboundState
	if err := h.ask(ctx, http.MethodPost, "/api/v1/outbound/"+what, map[string]string{"why": why}, &s); err != nil {
		return err
	}
	return s.print(t, asJSON)
}

type outboundNeverCmd struct {
	List   neverListCmd   `cmd:"" help:"List the numbers."`
	Add    neverAddCmd    `cmd:"" help:"Never call a number."`
	Remove neverRemoveCmd `cmd:"" help:"Take a number off the list."`
}

type neverListCmd struct {
	where
	JSON bool `help:"Print JSON."`
}

type neverEntry struct {
	Number string    `json:"number"`
	Since  time.Time `json:"since"`
	By     string    `json:"by"`
	Why    string    `json:"why"`
}

// Run lists the do-not-call list.
func (c *neverListCmd) Run(ctx context.Context, t terminal) error {
	h, err := c.remoteHouse(ctx)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only read
	list := []neverEntry{}
	if err := h.ask(ctx, http.MethodGet, "/api/v1/do-not-call", nil, &list); err != nil {
		return err
	}
	if c.JSON {
		return t.printJSON(list)
	}
	rows := make([][]string, 0, len(list))
	for _, n := range list {
		rows = append(rows, []string{n.Number, clock(n.Since), n.By, n.Why})
	}
	return table(t.out, []string{"NUMBER", "SINCE", "BY", "WHY"}, rows)
}

type neverAddCmd struct {
	where
	Number string `arg:"" help:"The number, as it would be dialled."`
	Why    string `help:"Why, for the record."`
}

// Run puts a number on the list.
func (c *neverAddCmd) Run(ctx context.Context, t terminal) error {
	return c.never(ctx, t, "/api/v1/do-not-call", c.Number, c.Why, "The number is not called any more.")
}

type neverRemoveCmd struct {
	where
	Number string `arg:"" help:"The number, as it would be dialled."`
}

// Run takes a number off the list.
func (c *neverRemoveCmd) Run(ctx context.Context, t terminal) error {
	return c.never(ctx, t, "/api/v1/do-not-call/remove", c.Number, "", "The number may be called again.")
}

func (w *where) never(ctx context.Context, t terminal, path, number, why, said string) error {
	h, err := w.remoteHouse(ctx)
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // it was only asked
	if err := h.ask(ctx, http.MethodPost, path, map[string]string{"number": number, "why": why}, nil); err != nil {
		return err
	}
	t.say("%s", said)
	return nil
}
