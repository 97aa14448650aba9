package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"callfloor/acd"
	"callfloor/acd/simulate"
	"callfloor/acd/staffing"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/config"
)

type simulateCmd struct {
	where
	Config   string        `help:"The configuration whose queues and rules are played." env:"CALLFLOOR_CONFIG" placeholder:"FILE"`
	Day      string        `help:"Play a day from a table: at,queue,handle,patience (a time or seconds from the start; seconds)." placeholder:"FILE.csv"`
	Rate     float64       `help:"Play a made-up day with so many calls an hour."`
	Queue    string        `help:"The queue of a made-up day, or only the calls of this queue. Default the first."`
	Agents   int           `help:"How many agents there are; default as many as took part, or as Erlang says."`
	More     int           `help:"Play it again with one more agent, up to so many more."`
	Handle   time.Duration `help:"How long agents talk on average." default:"3m"`
	Spread   float64       `help:"Lognormal handle times whose deviation is so many times the mean; 0 is exponential."`
	Patience time.Duration `help:"How long callers wait on average before they give up; 0 is for ever."`
	PickUp   time.Duration `help:"How long agents let it ring." default:"3s"`
	Missed   int           `help:"How many of a hundred offers agents miss."`
	For      time.Duration `help:"How long a made-up day is." default:"8h"`
	From     string        `help:"The first day of the journal to take. Default yesterday, or four weeks ago for --staffing." placeholder:"2026-11-23"`
	Until    string        `help:"The last day of the journal to take. Default today." placeholder:"2026-11-23"`
	Seed     uint64        `help:"Another number is another made-up day." default:"1"`
	Staffing bool          `help:"Instead, how many agents each interval needed, as CSV."`
	Forecast bool          `help:"Instead, how many agents each hour of a week will need, as CSV: the mean of the past weeks."`
	Interval time.Duration `help:"The length of an interval." default:"30m"`
	Level    float64       `help:"The service level to plan for." default:"0.8"`
	JSON     bool          `help:"Print JSON."`
}

// simulated is one play for programs.
type simulated struct {
	simulate.Result
	Erlang *staffing.Result `json:"erlang"` // null where it does not apply
}

const agentLimit = 10_000

// Run plays a day, or plans agents.
func (c *simulateCmd) Run(ctx context.Context, t terminal) error {
	if err := c.check(); err != nil {
		return err
	}
	cfg, err := config.Load(config.Source{File: c.Config, Env: os.Environ()})
	if err != nil {
		return err
	}
	routing := cfg.ACD()
	if c.Staffing || c.Forecast {
		return c.plan(ctx, t, routing)
	}
	day, load, err := c.day(ctx, routing)
	if err != nil {
		return err
	}
	n := c.Agents
	if n == 0 {
		if n, err = c.enough(routing, load, len(day.Agents)); err != nil {
			return err
		}
	}
	var runs []simulated
	for i := 0; i <= c.More; i++ {
		day.Agents = simulate.Team(day.Config, n+i)
		run := simulated{Result: simulate.Play(day)}
		if load.PerHour > 0 {
			e := staffing.Run(load, n+i, routing.ServiceLevel)
			run.Erlang = &e
		}
		runs = append(runs, run)
	}
	return c.print(t, runs)
}

func (c *simulateCmd) check() error {
	switch {
	case c.Day != "" && c.Rate > 0:
		return usagef("give --day or --rate, not both")
	case c.Rate < 0 || c.Rate > 100_000:
		return usagef("--rate %v is out of range; it is calls an hour, up to 100000", c.Rate)
	case c.Agents < 0 || c.Agents+c.More > agentLimit || c.More < 0 || c.More > 100:
		return usagef("--agents %d and --more %d are out of range; there are at most %d agents, and 100 more", c.Agents, c.More, agentLimit)
	case c.Handle <= 0 || c.Patience < 0 || c.PickUp < 0 || c.Interval < time.Minute || c.For <= 0 || c.For > 31*24*time.Hour:
		return usagef("--handle and --for must be more than 0s, --for at most 744h, --interval at least 1m, and no time less than 0s")
	case c.Missed < 0 || c.Missed > 100 || c.Spread < 0 || c.Spread > 10:
		return usagef("--missed is 0 to 100, --spread 0 to 10")
	case c.Level <= 0 || c.Level >= 1:
		return usagef("--level %v is out of range; it is more than 0 and less than 1, like 0.8", c.Level)
	}
	return nil
}

// enough is how many agents there are where nobody says: those who took part,
// else those that Erlang wants.
func (c *simulateCmd) enough(cfg acd.Config, load staffing.Load, took int) (int, error) {
	if took > 0 {
		return took, nil
	}
	if load.PerHour == 0 {
		return 0, usagef("say how many agents there are: --agents N")
	}
	need, err := staffing.Agents(load, c.Level, cfg.ServiceLevel, agentLimit)
	return need.Agents, err
}

// wrapUp is how long wrap-ups of the queue usually take.
func (c *simulateCmd) wrapUp(cfg acd.Config) time.Duration {
	return cfg.WrapUps()[contact.QueueID(c.Queue)].Usual()
}

// day is what to play, and its load where it is steady.
func (c *simulateCmd) day(ctx context.Context, cfg acd.Config) (simulate.Day, staffing.Load, error) {
	if c.Queue == "" && len(cfg.Queues) > 0 {
		c.Queue = string(cfg.Queues[0].ID)
	}
	if !slices.ContainsFunc(cfg.Queues, func(q acd.QueueConfig) bool { return string(q.ID) == c.Queue }) {
		return simulate.Day{}, staffing.Load{}, usagef("there is no queue %q in the configuration", c.Queue)
	}
	start := time.Now().Truncate(time.Hour)
	day := simulate.Day{Config: cfg, Start: start, PickUp: c.PickUp, MissPercent: c.Missed, Return: time.Minute, Seed: c.Seed}
	var err error
	switch {
	case c.Rate > 0:
		a := simulate.Arrivals{Queue: contact.QueueID(c.Queue), PerHour: c.Rate, For: c.For, Handle: c.Handle, Patience: c.Patience, Spread: c.Spread}
		day.Contacts = a.Make(start, c.Seed)
		return day, staffing.Load{PerHour: c.Rate, Handle: c.Handle + c.wrapUp(cfg), Patience: c.Patience}, nil
	case c.Day != "":
		day.Contacts, err = c.table(start)
	default:
		err = c.journal(ctx, &day)
	}
	if err != nil {
		return day, staffing.Load{}, err
	}
	for _, x := range day.Contacts {
		if x.At.Before(day.Start) {
			day.Start = x.At
		}
	}
	return day, staffing.Load{}, nil
}

// table reads a day from a CSV file with a header.
func (c *simulateCmd) table(start time.Time) ([]simulate.Contact, error) {
	f, err := os.Open(c.Day)
	if err != nil {
		return nil, usageError{err}
	}
	defer f.Close() //nolint:errcheck // it was only read
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	var list []simulate.Contact
	for line := 1; ; line++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, usagef("%s: %w", c.Day, err)
		}
		if line == 1 && row[0] == "at" {
			continue
		}
		x, err := c.row(row, start)
		if err != nil {
			return nil, usagef("%s:%d: %w", c.Day, line, err)
		}
		list = append(list, x)
	}
}

func (c *simulateCmd) row(row []string, start time.Time) (simulate.Contact, error) {
	if len(row) < 3 {
		return simulate.Contact{}, fmt.Errorf("a line has at,queue,handle and maybe patience")
	}
	at, err := time.Parse(time.RFC3339, row[0])
	if err != nil {
		seconds, err := strconv.ParseFloat(row[0], 64)
		if err != nil || seconds < 0 || seconds > 1e8 {
			return simulate.Contact{}, fmt.Errorf("%q is no time; write 2026-11-23T09:00:00Z or seconds from the start", row[0])
		}
		at = start.Add(inSeconds(seconds))
	}
	x := simulate.Contact{At: at, Queue: contact.QueueID(row[1])}
	for i, to := range []*time.Duration{&x.Handle, &x.Patience} {
		if len(row) <= 2+i || row[2+i] == "" {
			continue
		}
		s, err := strconv.ParseFloat(row[2+i], 64)
		if err != nil || s < 0 || s > 1e8 {
			return x, fmt.Errorf("%q is no number of seconds", row[2+i])
		}
		*to = inSeconds(s)
	}
	return x, nil
}

func inSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (c *simulateCmd) print(t terminal, runs []simulated) error {
	if c.JSON {
		return t.printJSON(map[string]any{"runs": runs})
	}
	percent := func(f float64) string { return fmt.Sprintf("%.1f %%", 100*f) }
	wait := func(s float64) string { return fmt.Sprintf("%.1f s", s) }
	var rows [][]string
	for _, r := range runs {
		erlang := ""
		if r.Erlang != nil {
			erlang = percent(r.Erlang.ServiceLevel)
		}
		rows = append(rows, []string{
			strconv.Itoa(r.Agents), strconv.Itoa(r.Contacts), strconv.Itoa(r.Answered), percent(r.ServiceLevel), erlang, percent(r.AbandonRate),
			wait(r.WaitMean), wait(r.WaitP50), wait(r.WaitP90), wait(r.WaitP99), percent(r.Occupancy), fmt.Sprintf("%d/%d", r.Missed, r.Offers),
			strconv.Itoa(r.Refused + r.Waiting),
		})
	}
	return table(t.out, []string{"AGENTS", "CALLS", "ANSWERED", "IN TIME", "ERLANG", "ABANDONED", "WAIT", "P50", "P90", "P99", "BUSY", "MISSED", "LEFT OVER"}, rows)
}

// history returns the calls of the journal in [from, to) that reached a queue,
// oldest first. Waits count from the start of the call.
func (c *simulateCmd) history(ctx context.Context, from, to time.Time) ([]call.Record, error) {
	const page = 1000
	h, err := c.open(ctx, false)
	if err != nil {
		return nil, err
	}
	defer h.Close() //nolint:errcheck // it was only read
	var all []call.Record
	for before := to; ; {
		records, err := h.calls(ctx, call.Query{Limit: page, Before: before})
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			before = r.Started.Time()
			if before.Before(from) {
				slices.Reverse(all)
				return all, nil
			}
			if r.Queue != nil && r.Ended != nil && (c.Queue == "" || string(*r.Queue) == c.Queue) {
				all = append(all, r)
			}
		}
		if len(records) < page {
			slices.Reverse(all)
			return all, nil
		}
	}
}

// span is the days that --from and --until name.
func (c *simulateCmd) span(back int) (from, to time.Time, err error) {
	now := time.Now()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	from, to = today.AddDate(0, 0, -back), today
	for _, d := range []struct {
		flag, text string
		to         *time.Time
	}{{"--from", c.From, &from}, {"--until", c.Until, &to}} {
		if d.text == "" {
			continue
		}
		if *d.to, err = time.ParseInLocation(time.DateOnly, d.text, now.Location()); err != nil {
			return from, to, usagef("%s %q is no day; write 2026-11-23", d.flag, d.text)
		}
	}
	return from, to.AddDate(0, 0, 1), nil
}

// journal plays the calls that there were, with the agents who took part.
// Callers who gave up do so after the same time; the patience of the others is
// not known, so it is --patience or for ever.
func (c *simulateCmd) journal(ctx context.Context, day *simulate.Day) error {
	from, to, err := c.span(1)
	if err != nil {
		return err
	}
	c.Queue = ""
	records, err := c.history(ctx, from, to)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return fmt.Errorf("the journal has no calls in queues from %s to %s; take other days with --from and --until, or make a day up with --rate", from.Format(time.DateOnly), to.AddDate(0, 0, -1).Format(time.DateOnly))
	}
	agents := map[contact.AgentID]bool{}
	for _, r := range records {
		x := simulate.Contact{At: r.Came(), Queue: *r.Queue, Patience: c.Patience}
		if r.Answered != nil {
			x.Handle = r.Ended.Time().Sub(r.Answered.Time())
		} else {
			x.Handle, x.Patience = c.Handle, max(1, r.Ended.Time().Sub(x.At))
		}
		if r.Agent != nil {
			agents[*r.Agent] = true
		}
		day.Contacts = append(day.Contacts, x)
	}
	day.Start = day.Contacts[0].At
	for a := range agents {
		day.Agents = append(day.Agents, simulate.Agent{ID: a})
	}
	return nil
}
