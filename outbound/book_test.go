package outbound

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"callfloor/acd"
	"callfloor/contact"
)

var monday = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func hours(text string) acd.Hours {
	var h acd.Hours
	if err := h.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return h
}

func house() Config {
	c := DefaultConfig()
	c.Region = "CN"
	c.Rates = []RateConfig{{Prefix: "+86", PerMinute: 0.1}, {Prefix: "+8610", PerMinute: 0.2, PerCall: 0.05}, {Prefix: "+44", PerMinute: 2}}
	c.Rules = []RuleConfig{
		{Lines: []string{"1000"}, Purposes: []string{"seat", "api"}, Countries: []string{"CN", "GB"}, Hours: []acd.Hours{hours("mon-fri 08:00-20:00")}},
		{Lines: []string{"1000"}, Purposes: []string{"callback"}, Countries: []string{"CN"}, Inbound: true, Trunks: "cheap"},
		{Lines: []string{"2000"}, Purposes: []string{"*"}, Users: []string{"alice"}, Countries: []string{"*"}, Premium: true, Short: true, NoCountry: true},
		{Lines: []string{"3000"}, Purposes: []string{"flow"}, Countries: []string{"CN"}, Prefixes: []string{"+8610"}},
		{Lines: []string{"*"}, Purposes: []string{"seat"}, Extensions: []string{"2xxx"}, Trunks: "pbx"},
	}
	return c
}

func ask(b *Book, at time.Time, number string, change func(*Request)) (Entry, error) {
	n, err := b.cfg.Parse(number)
	if err != nil {
		return Entry{}, err
	}
	r := Request{Number: n, Line: "1000", Purpose: Seat, By: "alice"}
	if change != nil {
		change(&r)
	}
	return b.Ask(at, contact.NewID(), r)
}

// TestRules: who may call what, and when, and why not.
func TestRules(t *testing.T) {
	const beijing, mobile, london, berlin = "+861065529988", "13812345678", "+442079460018", "+4930123456"
	with := func(line contact.LineID, p Purpose, by string) func(*Request) {
		return func(r *Request) { r.Line, r.Purpose, r.By = line, p, by }
	}
	for _, tt := range []struct {
		name, number string
		at           time.Time
		change       func(*Request)
		trunks       string
		why          Why
	}{
		{"at home", mobile, monday, nil, "default", ""},
		{"another country that is listed", london, monday, nil, "default", ""},
		{"a country that is not", berlin, monday, nil, "", WhyCountry},
		{"premium", "+449061234567", monday, nil, "", WhyPremium},
		{"satellite", "+881612345678", monday, nil, "", WhyNoCountry},
		{"short", "10086", monday, nil, "", WhyShort},
		{"at night", mobile, monday.Add(12 * time.Hour), nil, "", WhyHours},
		{"on Sunday", mobile, monday.Add(-day), nil, "", WhyHours},
		{"an extension", "2345", monday, nil, "pbx", ""},
		{"another line", mobile, monday, with("4000", Seat, "alice"), "", WhyCountry},
		{"by REFER", mobile, monday, with("1000", Refer, ""), "", WhyRule},
		{"by a redirect", mobile, monday, with("1000", Redirect, ""), "", WhyRule},
		{"by a flow", mobile, monday, with("1000", Flow, ""), "", WhyRule},
		{"in through a trunk", mobile, monday, func(r *Request) { r.Inbound = true }, "", WhyInbound},
		{"in through a trunk, called back", mobile, monday, func(r *Request) { r.Inbound, r.Purpose, r.By = true, Callback, "" }, "cheap", ""},
		{"premium where it is allowed", "+449061234567", monday, with("2000", Transfer, "alice"), "default", ""},
		{"satellite where it is allowed", "+881612345678", monday, with("2000", Seat, "alice"), "default", ""},
		{"short where it is allowed", "10086", monday, with("2000", API, "alice"), "default", ""},
		{"another user", berlin, monday, with("2000", API, "bob"), "", WhyRule},
		{"a part of the country", beijing, monday, with("3000", Flow, ""), "default", ""},
		{"another part of it", mobile, monday, with("3000", Flow, ""), "", WhyPrefix},
		{"other trunks than the rule's", mobile, monday, func(r *Request) { r.Trunks = "cheap" }, "", WhyRule},
		{"the rule's trunks by name", mobile, monday, func(r *Request) { r.Trunks = "default" }, "default", ""},
		{"on the do-not-call list", mobile, monday, func(r *Request) { r.Listed = true }, "", WhyListed},
		{"emergency", "110", monday.Add(-day), with("9999", Seat, "bob"), "default", ""},
		{"emergency, and on the list", "120", monday, func(r *Request) { r.Listed = true }, "default", ""},
		{"emergency by API", "110", monday, with("1000", API, "alice"), "", WhyEmergency},
		{"emergency by a flow", "110", monday, with("1000", Flow, ""), "", WhyEmergency},
	} {
		e, err := ask(NewBook(house(), nil), tt.at, tt.number, tt.change)
		var refusal *RefusedError
		switch {
		case tt.why == "" && (err != nil || e.Trunks != tt.trunks):
			t.Errorf("%s: over %q, %v", tt.name, e.Trunks, err)
		case tt.why != "" && (!errors.As(err, &refusal) || refusal.Why != tt.why || contact.ErrorCode(err) != contact.OutboundRefused):
			t.Errorf("%s: %v; want %s", tt.name, err, tt.why)
		}
	}
}

func TestNothingIsAllowedByDefault(t *testing.T) {
	c := DefaultConfig()
	c.Region = "CN"
	for _, p := range Purposes() {
		if _, err := ask(NewBook(c, nil), monday, "13812345678", func(r *Request) { r.Purpose = p }); contact.ErrorCode(err) != contact.OutboundRefused {
			t.Errorf("%s: %v", p, err)
		}
	}
	if _, err := ask(NewBook(c, nil), monday, "110", nil); err != nil {
		t.Errorf("an emergency call: %v", err)
	}
}

func whyOf(err error) Why {
	if r, ok := errors.AsType[*RefusedError](err); ok {
		return r.Why
	}
	return ""
}

// TestCaps: each cap holds, is told, and lets go again.
func TestCaps(t *testing.T) {
	const mobile = "13812345678"
	c := house()
	c.MaxCalls, c.CallsPerLine = 3, 2
	b := NewBook(c, nil)
	first, _ := ask(b, monday, mobile, func(r *Request) { r.Contact = "one" })
	further := func(r *Request) { r.Contact, r.Line, r.Purpose = "one", "2000", Transfer }
	second, err := ask(b, monday, mobile, further)
	if err != nil {
		t.Errorf("a consultation in a call that we made: %v", err)
	}
	if _, err := ask(b, monday, mobile, further); whyOf(err) != WhyContact {
		t.Errorf("a second call of one contact: %v", err)
	}
	b.Ended(monday, second.ID)
	_, _ = ask(b, monday, mobile, nil)
	if _, err := ask(b, monday, mobile, nil); whyOf(err) != WhyCalls {
		t.Errorf("a third call of one line: %v", err)
	}
	if _, err := ask(b, monday, "110", nil); err != nil {
		t.Errorf("an emergency call beside them: %v", err)
	}
	b.Ended(monday, first.ID)
	if _, err := ask(b, monday, mobile, func(r *Request) { r.Contact = "one" }); err != nil {
		t.Errorf("after one has ended: %v", err)
	}

	b = NewBook(house(), nil)
	at := monday
	for i := range 20 {
		e, err := ask(b, at, mobile, nil)
		if err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		at = at.Add(time.Minute)
		b.Ended(at, e.ID)
	}
	if _, err := ask(b, at, mobile, nil); whyOf(err) != WhyHour {
		t.Errorf("the twenty-first within an hour: %v", err)
	}
	if a := b.Take(); len(a) != 1 || a[0].(Alarm).Kind != "outbound_cap" || a[0].(Alarm).Subject != "user alice" {
		t.Errorf("told %+v", a)
	}
	if _, err := ask(b, at, mobile, func(r *Request) { r.By = "bob" }); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	if _, err := ask(b, monday.Add(time.Hour), mobile, nil); err != nil {
		t.Errorf("an hour after the first: %v", err)
	}
}

// TestSpending: a call that has used up the budget is hung up within a tick,
// and the house's budget stops everything.
func TestSpending(t *testing.T) {
	c := house()
	c.SpendPerDay, c.HouseSpendPerDay = 10, 31
	b := NewBook(c, nil)
	e, err := ask(b, monday, "+442079460018", nil) // 2 a minute
	if err != nil {
		t.Fatal(err)
	}
	b.Answered(monday, e.ID)
	at := monday
	for b.Take() == nil {
		at = at.Add(5 * time.Second)
		b.Tick(at)
		if at.After(monday.Add(time.Hour)) {
			t.Fatal("it goes on")
		}
	}
	if lasted := at.Sub(monday); lasted > 5*time.Minute+10*time.Second {
		t.Errorf("it cost more than 10 for %s", lasted)
	}
	b.Tick(at)
	if a := b.Take(); len(a) != 1 || a[0].(HangUp).ID != e.ID {
		t.Errorf("told %+v", a)
	}
	if ended, ok := b.Ended(at, e.ID); !ok || ended.Cost != 12 {
		t.Errorf("cost %+v", ended)
	}
	if _, err := ask(b, at, "13812345678", nil); whyOf(err) != WhySpend {
		t.Errorf("the next call: %v", err)
	}
	b.Take()
	long, _ := ask(b, at, "+442079460018", func(r *Request) { r.By = "bob" })
	other, _ := ask(b, at, "+442079460018", func(r *Request) { r.By = "eve" })
	b.Answered(at, long.ID)
	b.Answered(at, other.ID)
	at = at.Add(4 * time.Minute)
	b.Tick(at)
	if b.Take(); b.Status(at).Stopped != nil {
		t.Fatal("stopped too soon")
	}
	at = at.Add(time.Second)
	b.Tick(at) // 12 + 10 + 10
	a := b.Take()
	if len(a) != 3 || a[0].(Alarm).Kind != "outbound_stopped" || !slices.Contains(a, Action(HangUp{long.ID, "all calls out are stopped: 32.00 was spent within a day, of 31.00"})) {
		t.Errorf("told %+v", a)
	}
	if _, err := ask(b, at, "13812345678", func(r *Request) { r.By = "dan" }); whyOf(err) != WhyStopped {
		t.Errorf("while stopped: %v", err)
	}
	if _, err := ask(b, at, "119", nil); err != nil {
		t.Errorf("an emergency call while stopped: %v", err)
	}
	b.Resume(at)
	if _, err := ask(b, at, "13812345678", nil); err != nil {
		t.Errorf("resumed: %v", err)
	}
}

// TestGuessing: who tries numbers that are refused is blocked, and told.
func TestGuessing(t *testing.T) {
	b := NewBook(house(), nil)
	for range 10 {
		_, _ = ask(b, monday, "+4930123456", nil)
	}
	a := b.Take()
	if len(a) != 1 || a[0].(Alarm).Kind != "outbound_blocked" || !a[0].(Alarm).On {
		t.Fatalf("told %+v", a)
	}
	if _, err := ask(b, monday, "13812345678", nil); whyOf(err) != WhyBlocked {
		t.Errorf("blocked: %v", err)
	}
	if _, err := ask(b, monday, "110", nil); err != nil {
		t.Errorf("an emergency call of the blocked: %v", err)
	}
	later := monday.Add(blockedFor)
	b.Tick(later)
	if a := b.Take(); len(a) != 1 || a[0].(Alarm).On {
		t.Errorf("told %+v", a)
	}
	if _, err := ask(b, later, "13812345678", nil); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

// TestRestored: a restart forgets neither what was spent nor a stop.
func TestRestored(t *testing.T) {
	c := house()
	c.SpendPerDay = 10
	b := NewBook(c, nil)
	b.Restore([]Entry{{ID: "a", By: "alice", Line: "1000", Began: monday.Add(-2 * time.Hour), Ended: monday.Add(-time.Hour), Cost: 9.95}}, nil)
	if _, err := ask(b, monday, "13812345678", nil); whyOf(err) != WhySpend {
		t.Errorf("%v", err)
	}
	if _, err := ask(b, monday.Add(23*time.Hour), "13812345678", func(r *Request) { r.Line, r.Purpose = "2000", API }); err != nil {
		t.Errorf("a day later: %v", err)
	}
	b.Restore(nil, &Stopped{At: monday, By: "ada", Why: "odd"})
	if _, err := ask(b, monday, "13812345678", func(r *Request) { r.By = "bob" }); whyOf(err) != WhyStopped {
		t.Errorf("%v", err)
	}
}

// TestCapsAlwaysHold plays random days. Whatever is asked: no more calls are
// out than may be, nothing gets from one trunk to another without a rule that
// says so, an emergency call from a seat always gets out, and a subject spends
// at most its budget and what its open calls cost in one tick.
func TestCapsAlwaysHold(t *testing.T) {
	numbers := []string{"13812345678", "+442079460018", "+4930123456", "+449061234567", "+881612345678", "110", "2345", "10086", "+861065529988"}
	rapid.Check(t, func(t *rapid.T) {
		c := house()
		c.MaxCalls = rapid.IntRange(1, 6).Draw(t, "max")
		c.CallsPerHour = rapid.IntRange(1, 10).Draw(t, "hour")
		c.SpendPerDay = float64(rapid.IntRange(3, 30).Draw(t, "spend"))
		c.HouseSpendPerDay = 3 * c.SpendPerDay
		c.RefusalsAlarm = rapid.IntRange(0, 8).Draw(t, "refusals")
		b := NewBook(c, nil)
		now := monday
		out := map[contact.ID]Entry{}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "s")) * time.Second)
			switch rapid.IntRange(0, 9).Draw(t, "do") {
			case 0, 1:
				for id := range out {
					b.Ended(now, id)
					delete(out, id)
					break
				}
			case 2:
				for id := range out {
					b.Answered(now, id)
				}
			case 3:
				if rapid.Bool().Draw(t, "on") {
					b.Stop(now, "ada", "drill")
				} else {
					b.Resume(now)
				}
			default:
				n, err := c.Parse(rapid.SampledFrom(numbers).Draw(t, "number"))
				if err != nil {
					t.Fatal(err)
				}
				r := Request{
					Number: n, Line: rapid.SampledFrom([]contact.LineID{"1000", "2000", "3000"}).Draw(t, "line"),
					Purpose: rapid.SampledFrom(Purposes()).Draw(t, "purpose"), By: rapid.SampledFrom([]string{"", "alice", "bob"}).Draw(t, "by"),
					Inbound: rapid.Bool().Draw(t, "inbound"), Listed: rapid.IntRange(0, 9).Draw(t, "listed") == 0,
				}
				before := b.count(now, r.subject())
				e, err := b.Ask(now, contact.NewID(), r)
				switch {
				case n.Kind == Emergency && (err == nil) != (r.Purpose == Seat):
					t.Fatalf("emergency for %s: %v", r.Purpose, err)
				case err != nil && contact.ErrorCode(err) != contact.OutboundRefused:
					t.Fatalf("an error of another kind: %v", err)
				case err == nil && n.Kind != Emergency && r.Inbound && (r.Purpose != Callback || r.Line != "1000"):
					t.Fatalf("%+v got from trunk to trunk", r)
				case err == nil && n.Kind != Emergency && (r.Listed || before.hour >= c.CallsPerHour || before.spent >= c.SpendPerDay):
					t.Fatalf("%+v got past a cap: %+v", r, before)
				case err == nil:
					out[e.ID] = e
				}
			}
			b.Tick(now)
			for _, a := range b.Take() {
				if h, ok := a.(HangUp); ok {
					if out[h.ID].Number.Kind == Emergency {
						t.Fatal("an emergency call is hung up")
					}
					b.Ended(now, h.ID)
					delete(out, h.ID)
				}
			}
			if n := b.count(now, ""); n.open > c.MaxCalls {
				t.Fatalf("%d calls of %d", n.open, c.MaxCalls)
			}
		}
	})
}

func TestConfigErrors(t *testing.T) {
	if err := house().Validate([]string{"default", "cheap", "pbx"}, []string{"1000", "2000", "3000"}); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*Config){
		"region":                 func(c *Config) { c.Region = "China" },
		"emergency[0]":           func(c *Config) { c.Emergency = []string{"+110"} },
		"emergency_trunks":       func(c *Config) { c.EmergencyTrunks = "none" },
		"premium[0]":             func(c *Config) { c.Premium = []string{"0900"} },
		"max_calls":              func(c *Config) { c.MaxCalls = -1 },
		"rates[1].prefix":        func(c *Config) { c.Rates[1].Prefix = "86" },
		"rules[0].lines":         func(c *Config) { c.Rules[0].Lines = nil },
		"rules[1].lines[0]":      func(c *Config) { c.Rules[1].Lines = []string{"777"} },
		"rules[0].purposes":      func(c *Config) { c.Rules[0].Purposes = nil },
		"rules[0].purposes[1]":   func(c *Config) { c.Rules[0].Purposes[1] = "fun" },
		"rules[0].countries":     func(c *Config) { c.Rules[0].Countries = nil },
		"rules[0].countries[0]":  func(c *Config) { c.Rules[0].Countries = []string{"cn"} },
		"rules[3].prefixes[0]":   func(c *Config) { c.Rules[3].Prefixes = []string{"010"} },
		"rules[4].extensions[0]": func(c *Config) { c.Rules[4].Extensions = []string{"2**"} },
		"rules[4].trunks":        func(c *Config) { c.Rules[4].Trunks = "nowhere" },
	} {
		c := house()
		change(&c)
		err := c.Validate([]string{"default", "cheap", "pbx"}, []string{"1000", "2000", "3000"})
		f, ok := errors.AsType[*FieldError](err)
		if !ok || f.Field != field || strings.Contains(fmt.Sprint(err), "\n") {
			t.Errorf("%s: %v at %+v", field, err, f)
		}
	}
}
