package ivr

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// hoursStep says the opening hours, put together from clips (with next), or
// goes on by whether it is open now (with opened and closed). A key ends what
// is said and counts as the answer to the next question.
type hoursStep struct {
	Kind     word         `yaml:"kind"`
	Open     openingHours `yaml:"open"`
	Zone     zone         `yaml:"zone"`
	Holidays holidays     `yaml:"holidays"`
	Override expression   `yaml:"override"` // a text: open, closed, or anything else for none
	Opened   word         `yaml:"opened"`
	Closed   word         `yaml:"closed"`
	Next     word         `yaml:"next"`
}

// The words of an override.
const (
	hoursOpen   = "open"
	hoursClosed = "closed"
)

// openingHours are "always", or a list of days and times.
type openingHours struct {
	always bool
	spans  []openSpan
}

// openSpan is open from one time to another on a day or a row of days.
type openSpan struct {
	Days weekdays  `yaml:"days"` // mon or mon-fri
	From clockTime `yaml:"from"` // 09:00
	To   clockTime `yaml:"to"`
}

// UnmarshalYAML reads "always" or [{days: mon-fri, from: 09:00, to: 17:30}].
func (o *openingHours) UnmarshalYAML(n ast.Node) error {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		var w word
		if err := w.UnmarshalYAML(n); err != nil {
			return err
		}
		if w.text != "always" {
			return wrong(w.at, "%q are no opening hours; write always, or a list such as [{days: mon-fri, from: 09:00, to: 17:30}]", w.text)
		}
		o.always = true
		return nil
	}
	if len(seq.Values) > maxCount {
		return wrong(placeOf(n), "%d opening hours are more than %d", len(seq.Values), maxCount)
	}
	for _, v := range seq.Values {
		var s openSpan
		if err := decode(v, &s, "opening hours"); err != nil {
			return err
		}
		if s.Days.first == "" || !s.From.set || !s.To.set || s.To.minute <= s.From.minute {
			return wrong(placeOf(v), "opening hours need days:, from: and to:, and to: must be later than from:")
		}
		o.spans = append(o.spans, s)
	}
	return nil
}

// weekdays are one day or a row of days.
type weekdays struct{ first, last string }

func dayNames() []string { return []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

// UnmarshalYAML reads mon or mon-fri.
func (d *weekdays) UnmarshalYAML(n ast.Node) error {
	var w word
	if err := w.UnmarshalYAML(n); err != nil {
		return err
	}
	first, last, row := strings.Cut(w.text, "-")
	if !row {
		last = first
	}
	if !slices.Contains(dayNames(), first) || !slices.Contains(dayNames(), last) {
		return wrong(w.at, "%q are no days; write mon or mon-fri, with %s", w.text, strings.Join(dayNames(), ", "))
	}
	*d = weekdays{first, last}
	return nil
}

// clockTime is a time of day.
type clockTime struct {
	minute int // of the day
	set    bool
}

// UnmarshalYAML reads 00:00 to 24:00.
func (c *clockTime) UnmarshalYAML(n ast.Node) error {
	var w word
	if err := w.UnmarshalYAML(n); err != nil {
		return err
	}
	if w.text == "24:00" {
		*c = clockTime{minute: 24 * 60, set: true}
		return nil
	}
	t, err := time.Parse("15:04", w.text)
	if err != nil {
		return wrong(w.at, "%q is no time of day; write for example 09:00 or 17:30", w.text)
	}
	*c = clockTime{minute: t.Hour()*60 + t.Minute(), set: true}
	return nil
}

func (s *hoursStep) settle(c *settling) {
	if !s.Open.always && len(s.Open.spans) == 0 {
		c.need("open", "always, or a list such as [{days: mon-fri, from: 09:00, to: 17:30}]")
	}
	if !s.branches() {
		needNext(c, s.Next)
		if s.Zone.text != "" || len(s.Holidays) > 0 || s.Override.set() {
			c.add(c.node.at, "the node %q only says the hours; leave out zone, holidays and override, or write opened: and closed: instead of next:", c.node.id)
		}
		return
	}
	if s.Opened.text == "" || s.Closed.text == "" || s.Next.text != "" {
		c.add(c.node.at, "the node %q branches; it needs opened: and closed: and no next:", c.node.id)
	}
	if s.Zone.location == nil {
		c.need("zone", "the time zone of the hours, for example Asia/Shanghai")
	}
	if s.Override.set() {
		c.compile(&s.Override, typeText, nil)
	}
}

func (s *hoursStep) branches() bool { return s.Opened.text+s.Closed.text != "" }

func (s *hoursStep) exits() []exit {
	if !s.branches() {
		return []exit{{to: s.Next, quiet: true}}
	}
	return []exit{{to: s.Opened, by: "open", quiet: true}, {to: s.Closed, by: "closed", quiet: true}}
}

func (s *hoursStep) sounds() []soundRef {
	var list []soundRef
	if s.branches() {
		return nil
	}
	for _, lang := range Languages() {
		for _, id := range s.Open.ids(lang) {
			list = append(list, soundRef{word: word{text: lang + "/" + id, at: s.Kind.at}})
		}
	}
	return list
}

func (s *hoursStep) summary() string {
	if s.branches() {
		return "looks whether it is open"
	}
	return "says the opening hours"
}

func (s *hoursStep) run(ctx context.Context, r *runner) (string, error) {
	if !s.branches() {
		return s.Next.text, r.play(ctx, r.resolveIDs(r.lang, s.Open.ids(r.lang)...), true)
	}
	open, why := s.decide(r)
	word, next := hoursClosed, s.Closed.text
	if open {
		word, next = hoursOpen, s.Opened.text
	}
	text := word
	if why != "" {
		text += " (" + why + ")"
	}
	r.note(text, map[string]any{"hours": word, "next": next})
	return next, nil
}

// decide asks the house's switch first, then the node's, then the calendar.
func (s *hoursStep) decide(r *runner) (open bool, why string) {
	if w := r.start.Hours; w == hoursOpen || w == hoursClosed {
		return w == hoursOpen, "by the configuration"
	}
	if s.Override.set() {
		w, err := r.eval(&s.Override, nil)
		if err != nil {
			r.note(err.Error(), nil)
		} else if w == hoursOpen || w == hoursClosed {
			return w == hoursOpen, "by the override"
		}
	}
	return calendar{zone: s.Zone.location, hours: s.Open, holidays: s.Holidays}.isOpen(r.caller.Now())
}

// ids says the hours in a language.
func (o openingHours) ids(lang string) []string {
	if o.always {
		return []string{"hours_always"}
	}
	ids := []string{"hours_open"}
	for i, s := range o.spans {
		if i > 0 {
			ids = append(ids, "hours_and")
		}
		ids = append(ids, s.Days.ids()...)
		ids = append(ids, "hours_from")
		ids = append(ids, s.From.ids(lang)...)
		ids = append(ids, "hours_until")
		ids = append(ids, s.To.ids(lang)...)
	}
	return ids
}

func (d weekdays) ids() []string {
	switch {
	case d.first == d.last:
		return []string{"day_" + d.first}
	case d.first == "mon" && d.last == "sun":
		return []string{"hours_every_day"}
	default:
		return []string{"day_" + d.first, "hours_to_day", "day_" + d.last}
	}
}

// ids says a time of day: "nine o'clock", "seventeen thirty"; 九点, 十七点三十分.
func (c clockTime) ids(lang string) []string {
	hour, minute := c.minute/60, c.minute%60
	if lang == "zh" {
		ids := []string{counted(hour), "hours_oclock"}
		if minute == 0 {
			return ids
		}
		if minute < 10 {
			ids = append(ids, number(0))
		}
		return append(ids, number(minute), "hours_minutes")
	}
	switch {
	case minute == 0:
		return []string{number(hour), "hours_oclock"}
	case minute < 10:
		return []string{number(hour), number(0), number(minute)}
	default:
		return []string{number(hour), number(minute)}
	}
}

// String says the time as in the file.
func (c clockTime) String() string { return fmt.Sprintf("%02d:%02d", c.minute/60, c.minute%60) }
