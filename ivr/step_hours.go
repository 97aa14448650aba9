package ivr

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// hoursStep says the opening hours, put together from clips. A key ends it and
// counts as the answer to the next question.
type hoursStep struct {
	Kind word         `yaml:"kind"`
	Open openingHours `yaml:"open"`
	Next word         `yaml:"next"`
}

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

// UnmarshalYAML reads 09:00 to 23:59.
func (c *clockTime) UnmarshalYAML(n ast.Node) error {
	var w word
	if err := w.UnmarshalYAML(n); err != nil {
		return err
	}
	t, err := time.Parse("15:04", w.text)
	if err != nil {
		return wrong(w.at, "%q is no time of day; write for example 09:00 or 17:30", w.text)
	}
	*c = clockTime{minute: t.Hour()*60 + t.Minute(), set: true}
	return nil
}

func (s *hoursStep) settle(c *settling) {
	needNext(c, s.Next)
	if !s.Open.always && len(s.Open.spans) == 0 {
		c.need("open", "always, or a list such as [{days: mon-fri, from: 09:00, to: 17:30}]")
	}
}

func (s *hoursStep) exits() []exit { return []exit{{to: s.Next, quiet: true}} }

func (s *hoursStep) sounds() []soundRef {
	var list []soundRef
	for _, lang := range Languages() {
		for _, id := range s.Open.ids(lang) {
			list = append(list, soundRef{word: word{text: lang + "/" + id, at: s.Kind.at}})
		}
	}
	return list
}

func (*hoursStep) summary() string { return "says the opening hours" }

func (s *hoursStep) run(ctx context.Context, r *runner) (string, error) {
	return s.Next.text, r.play(ctx, r.resolveIDs(r.lang, s.Open.ids(r.lang)...), true)
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
