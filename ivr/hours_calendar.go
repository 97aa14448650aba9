package ivr

import (
	"time"
	_ "time/tzdata" // a server without a time zone database knows its hours too

	"github.com/goccy/go-yaml/ast"
)

// calendar says when a business is open: weekly hours in a time zone, but for
// holidays.
type calendar struct {
	zone     *time.Location
	hours    openingHours
	holidays holidays
}

// isOpen tells whether it is open at a time, and why not ("" for the weekly
// hours). The time of day is what clocks in the zone show: on the day when
// they are put back an hour that comes twice counts twice.
func (c calendar) isOpen(t time.Time) (open bool, why string) {
	t = t.In(c.zone)
	minute := t.Hour()*60 + t.Minute()
	for _, h := range c.holidays {
		if h.on(t) {
			return h.From.set && h.From.minute <= minute && minute < h.To.minute, "holiday " + h.Date.text
		}
	}
	if c.hours.always {
		return true, ""
	}
	for _, s := range c.hours.spans {
		if s.Days.has(t.Weekday()) && s.From.minute <= minute && minute < s.To.minute {
			return true, ""
		}
	}
	return false, ""
}

// has tells whether the day is one of the row, which may go round the week's
// end (fri-mon).
func (d weekdays) has(day time.Weekday) bool {
	index := func(name string) int {
		for i, n := range dayNames() {
			if n == name {
				return i
			}
		}
		return 0
	}
	first, last, today := index(d.first), index(d.last), (int(day)+6)%7 // ours begin on Monday
	if first <= last {
		return first <= today && today <= last
	}
	return today >= first || today <= last
}

// zone is the name of a time zone.
type zone struct {
	word
	location *time.Location
}

// UnmarshalYAML reads a name of the IANA database, "Asia/Shanghai".
func (z *zone) UnmarshalYAML(n ast.Node) error {
	if err := z.word.UnmarshalYAML(n); err != nil {
		return err
	}
	l, err := time.LoadLocation(z.text)
	if err != nil || z.text == "" || z.text == "Local" {
		return wrong(z.at, "%q is no time zone; write one like Asia/Shanghai, Europe/Berlin or UTC", z.text)
	}
	z.location = l
	return nil
}

// holiday is a day with other hours than its weekday: closed, or open from one
// time to another.
type holiday struct {
	Date holidayDate `yaml:"date"`
	From clockTime   `yaml:"from"`
	To   clockTime   `yaml:"to"`
}

// holidayDate is 2026-12-25, or 12-25 for each year.
type holidayDate struct {
	word
	year       int
	month, day int
}

// UnmarshalYAML reads a date.
func (d *holidayDate) UnmarshalYAML(n ast.Node) error {
	if err := d.word.UnmarshalYAML(n); err != nil {
		return err
	}
	if t, err := time.Parse("2006-01-02", d.text); err == nil {
		d.year, d.month, d.day = t.Year(), int(t.Month()), t.Day()
		return nil
	}
	t, err := time.Parse("2006-01-02", "2000-"+d.text) // a leap year: 02-29 is a date
	if err != nil {
		return wrong(d.at, "%q is no date; write 2026-12-25, or 12-25 for every year", d.text)
	}
	d.month, d.day = int(t.Month()), t.Day()
	return nil
}

func (h holiday) on(t time.Time) bool {
	return (h.Date.year == 0 || h.Date.year == t.Year()) && h.Date.month == int(t.Month()) && h.Date.day == t.Day()
}

// holidays is a list of days.
type holidays []holiday

// UnmarshalYAML reads [2026-12-25, {date: 12-24, from: 09:00, to: 12:00}].
func (hs *holidays) UnmarshalYAML(n ast.Node) error {
	const example = "[12-25, {date: 2026-12-24, from: 09:00, to: 12:00}]"
	return eachOf(n, "a holiday", example, func(v ast.Node) error {
		var h holiday
		if _, ok := mapping(v); !ok {
			if err := h.Date.UnmarshalYAML(v); err != nil {
				return err
			}
		} else if err := decode(v, &h, "a holiday"); err != nil {
			return err
		}
		switch {
		case h.Date.text == "":
			return wrong(placeOf(v), "a holiday needs date:")
		case h.From.set != h.To.set || h.From.set && h.To.minute <= h.From.minute:
			return wrong(placeOf(v), "a holiday with hours needs from: and to:, and to: must be later than from:; without hours it is closed")
		}
		*hs = append(*hs, h)
		return nil
	})
}
