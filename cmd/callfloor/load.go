package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"callfloor/api"
	"callfloor/phone"
)

type loadCmd struct {
	Target string        `help:"Whom to call." required:"" placeholder:"URI"`
	Calls  int           `help:"How many calls." default:"10" placeholder:"N"`
	Rate   float64       `help:"How many to begin each second." default:"5" placeholder:"R"`
	For    time.Duration `help:"How long each lasts." default:"10s" placeholder:"DUR"`
	Play   string        `help:"What the callers say: tone:HZ or a WAV file; silence if not given." placeholder:"tone:HZ|FILE.wav"`
	DTMF   string        `name:"dtmf" help:"Keys to press and when, counted from the answer." placeholder:"1@4s,2@9s"`
	Seats  int           `help:"Agents who take the calls, without browsers, in this process." default:"0" placeholder:"N"`
	Users  string        `help:"Who they are: one USER PASSWORD a line; without it the demo's agents." type:"existingfile" placeholder:"FILE"`
	Server string        `help:"The server's pages, for seats and for its CPU and memory; without it the server that runs on the data folder." env:"CALLFLOOR_SERVER" placeholder:"URL"`
	Token  string        `help:"A token for the server's metrics, from another machine." env:"CALLFLOOR_TOKEN" placeholder:"T"`
	Data   string        `help:"The data folder." default:"./callfloor-data" env:"CALLFLOOR_DATA" placeholder:"DIR"`
	JSON   bool          `help:"Print JSON."`
	trust
}

// Run makes many calls and fails if one of them did.
func (c *loadCmd) Run(ctx context.Context, t terminal) error {
	if c.Calls < 1 || c.Rate <= 0 || c.For <= 0 || c.Seats < 0 {
		return usagef("--calls, --rate and --for are more than 0, --seats is not less")
	}
	o := phone.LoadOptions{Target: c.Target, N: c.Calls, Rate: c.Rate, For: c.For, Play: c.Play, DTMF: c.DTMF, Server: c.Server, Token: c.Token, Log: quietLog()}
	own := false
	if f, err := api.ReadRunFile(c.Data); err == nil && (c.Server == "" || c.Server == f.URL) {
		o.Server, o.Token, own = f.URL, f.Token, true
	}
	var err error
	if o.TLS, err = c.config(own); err != nil {
		return err
	}
	if c.Seats > 0 {
		if o.Server == "" {
			o.Server = defaultServer
		}
		users, err := c.seatUsers()
		if err != nil {
			return err
		}
		o.Seats = users
	}
	var progress func(phone.LoadProgress)
	if !c.JSON {
		line := newLiveLine(t)
		progress = line.show
		defer line.end()
	}
	r, err := phone.Load(ctx, o, progress)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := t.printJSON(r); err != nil {
			return err
		}
	} else if err := printLoad(t, r); err != nil {
		return err
	}
	if r.Failed+r.Rejected > 0 {
		return silentError{}
	}
	return nil
}

// seatUsers returns who sits at the seats.
func (c *loadCmd) seatUsers() ([]phone.SeatUser, error) {
	users := []phone.SeatUser{{User: "alice", Password: "demo"}, {User: "bob", Password: "demo"}}
	from := "the demo"
	if c.Users != "" {
		list, err := os.ReadFile(c.Users)
		if err != nil {
			return nil, usagef("--users: %w", err)
		}
		users, from = nil, c.Users
		for line := range strings.Lines(string(list)) {
			name, password, ok := strings.Cut(strings.TrimSpace(line), " ")
			if name == "" || strings.HasPrefix(name, "#") {
				continue
			}
			if !ok {
				return nil, usagef("--users %s: the line of %s has no password; write USER PASSWORD", c.Users, name)
			}
			users = append(users, phone.SeatUser{User: name, Password: strings.TrimSpace(password)})
		}
	}
	if len(users) < c.Seats {
		return nil, usagef("--seats %d: %s has %d agents; list more with --users FILE", c.Seats, from, len(users))
	}
	return users[:c.Seats], nil
}

// liveLine shows how far a load is: one line that changes on a terminal, a new
// one each ten seconds elsewhere.
type liveLine struct {
	t     terminal
	live  bool
	shown bool
	next  time.Duration
}

func newLiveLine(t terminal) *liveLine {
	f, ok := t.err.(*os.File)
	if !ok {
		return &liveLine{t: t}
	}
	info, err := f.Stat()
	return &liveLine{t: t, live: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (l *liveLine) show(p phone.LoadProgress) {
	line := fmt.Sprintf("%4.0f s: %d begun, %d up, %d completed, %d rejected, %d failed", p.Elapsed.Seconds(), p.Started, p.Active, p.Completed, p.Rejected, p.Failed)
	switch {
	case l.live:
		fmt.Fprintf(l.t.err, "\r\x1b[K%s", line)
		l.shown = true
	case p.Elapsed >= l.next:
		l.t.say("%s", line)
		l.next = p.Elapsed.Truncate(10*time.Second) + 10*time.Second
	}
}

// end leaves the last state of the line.
func (l *liveLine) end() {
	if l.shown {
		l.t.say("")
	}
}

func printLoad(t terminal, r phone.LoadResult) error {
	fmt.Fprintf(t.out, "%d calls in %.0f s (%.1f a second): %d completed, %d rejected, %d failed; %.2f %% of packets lost\n",
		r.Calls, r.ElapsedS, r.Rate, r.Completed, r.Rejected, r.Failed, r.LossPercent)
	for _, status := range slices.Sorted(maps.Keys(r.Statuses)) {
		if status != "200" {
			fmt.Fprintf(t.out, "%d ended with status %s\n", r.Statuses[status], status)
		}
	}
	figures := []struct {
		name string
		p    *phone.Percentiles
	}{
		{"setup ms", r.SetupMS}, {"phone to seat ms", r.PhoneToSeatMS}, {"seat to phone ms", r.SeatToPhoneMS}, {"echo ms", r.EchoMS},
		{"jitter ms", r.JitterMS}, {"longest gap ms", r.MaxGapMS}, {"score", r.Score},
	}
	if s := r.Seats; s != nil {
		fmt.Fprintf(t.out, "%d seats answered %d calls and missed %d; %d packets sent, %d received, %d lost\n", s.Seats, s.Answered, s.Missed, s.Sent, s.Received, s.Lost)
		figures = append(figures, []struct {
			name string
			p    *phone.Percentiles
		}{{"seats' jitter ms", s.JitterMS}, {"seats' score", s.Score}}...)
	}
	if s := r.Server; s != nil && s.Calls < 10 {
		fmt.Fprintf(t.out, "the server: %.1f %% of a core and %.0f MB with %.0f calls up; make ten or more for figures per 100 calls\n", s.CPUPercent, s.MemoryMB, s.Calls)
	} else if s != nil {
		fmt.Fprintf(t.out, "the server: %.1f %% of a core and %.1f MB more memory for each 100 calls (%.0f calls up for %.0f s: %.1f %%; %.0f MB at most)\n",
			s.CPUPercentPer100, s.MemoryMBPer100, s.Calls, s.Seconds, s.CPUPercent, s.MemoryMB)
	} else if r.ServerWhy != "" {
		t.say("the server's CPU and memory are not known: %s", r.ServerWhy)
	}
	var rows [][]string
	for _, f := range figures {
		if f.p == nil {
			continue
		}
		row := []string{f.name}
		for _, v := range []float64{f.p.Min, f.p.P50, f.p.P95, f.p.P99, f.p.Max} {
			row = append(row, fmt.Sprintf("%.1f", v))
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil
	}
	return table(t.out, []string{"", "MIN", "P50", "P95", "P99", "MAX"}, rows)
}
