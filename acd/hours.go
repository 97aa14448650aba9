package acd

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hours are the hours of a day or a row of days: "mon-fri 09:00-18:00". 24:00
// is the end of the day. Hours over midnight are written as two.
type Hours struct {
	days     [7]bool // by time.Weekday
	from, to int     // minutes of the day
	text     string
}

// UnmarshalText reads "mon-fri 09:00-18:00" or "sat 10:00-24:00".
func (h *Hours) UnmarshalText(text []byte) error {
	wrong := fmt.Errorf("opening hours are written like mon-fri 09:00-18:00")
	days, span, ok := strings.Cut(strings.TrimSpace(string(text)), " ")
	from, to, ok2 := strings.Cut(strings.TrimSpace(span), "-")
	if !ok || !ok2 {
		return wrong
	}
	first, last, row := strings.Cut(days, "-")
	if !row {
		last = first
	}
	names := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	i, j := slices.Index(names, first), slices.Index(names, last)
	if i < 0 || j < 0 {
		return fmt.Errorf("%q are no days; write mon or mon-fri", days)
	}
	x := Hours{text: string(text)}
	for d := i; ; d = (d + 1) % 7 {
		x.days[d] = true
		if d == j {
			break
		}
	}
	var err error
	if x.from, err = minuteOf(from); err != nil {
		return err
	}
	if x.to, err = minuteOf(to); err != nil {
		return err
	}
	if x.to <= x.from {
		return fmt.Errorf("%s ends before it begins; write hours over midnight as two, 22:00-24:00 and 00:00-06:00", span)
	}
	*h = x
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (h Hours) MarshalText() ([]byte, error) { return []byte(h.text), nil }

// Equal says whether two were written alike.
func (h Hours) Equal(o Hours) bool { return h.text == o.text }

// Covers says whether t, by the clock of its own zone, is within the hours.
func (h Hours) Covers(t time.Time) bool {
	minute := t.Hour()*60 + t.Minute()
	return h.days[t.Weekday()] && h.from <= minute && minute < h.to
}

func minuteOf(s string) (int, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of day; write 09:00 or 24:00", s)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// Day is a date, "2026-10-01".
type Day struct{ date string }

// UnmarshalText reads 2026-10-01.
func (d *Day) UnmarshalText(text []byte) error {
	if _, err := time.Parse(time.DateOnly, string(text)); err != nil {
		return fmt.Errorf("%q is no date; write 2026-10-01", text)
	}
	d.date = string(text)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.date), nil }

// Equal compares two days.
func (d Day) Equal(o Day) bool { return d == o }

// schedule is when a queue is open; without hours always but for holidays.
type schedule struct {
	hours    []Hours
	holidays []Day
	zone     *time.Location
}

func (s schedule) open(now time.Time) bool {
	if len(s.hours) == 0 && len(s.holidays) == 0 {
		return true
	}
	t := now.In(s.zone)
	if slices.Contains(s.holidays, Day{t.Format(time.DateOnly)}) {
		return false
	}
	if len(s.hours) == 0 {
		return true
	}
	return slices.ContainsFunc(s.hours, func(h Hours) bool { return h.Covers(t) })
}

// closes returns the first moment from now on at which it is closed; zero if
// there is none within eight days.
func (s schedule) closes(now time.Time) time.Time {
	if !s.open(now) {
		return now
	}
	t := now.In(s.zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, s.zone)
	var ends []time.Time
	for i := range 9 {
		d := day.AddDate(0, 0, i)
		ends = append(ends, d) // a holiday may begin
		for _, h := range s.hours {
			ends = append(ends, time.Date(d.Year(), d.Month(), d.Day(), 0, h.to, 0, 0, s.zone))
		}
	}
	slices.SortFunc(ends, time.Time.Compare)
	for _, e := range ends {
		if e.After(now) && !s.open(e) {
			return e
		}
	}
	return time.Time{}
}
