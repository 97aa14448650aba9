package staffing

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// Call is one contact of the past.
type Call struct {
	At       time.Time
	Answered bool
	Wait     time.Duration // to the answer, or to giving up
	Talk     time.Duration // 0 if not answered
}

// Interval is what came in a part of a day.
type Interval struct {
	Start     time.Time
	Length    time.Duration
	Contacts  int
	Answered  int
	Abandoned int
	InTime    int           // answered within the target
	Wait      time.Duration // mean of the answered
	Talk      time.Duration // mean
}

// Intervals sorts calls into parts of the given length, in zone, from the first
// to the last that has a call; quiet ones in between are there with zeros.
func Intervals(calls []Call, length, target time.Duration, zone *time.Location) []Interval {
	by := map[time.Time]*Interval{}
	var first, last time.Time
	for _, c := range calls {
		start := intervalOf(c.At, length, zone)
		if first.IsZero() || start.Before(first) {
			first = start
		}
		if start.After(last) {
			last = start
		}
		i := by[start]
		if i == nil {
			i = &Interval{Start: start, Length: length}
			by[start] = i
		}
		i.add(c, target)
	}
	var list []Interval
	for at := first; !at.IsZero() && !at.After(last); at = at.Add(length) {
		if i := by[at]; i != nil {
			i.Wait /= time.Duration(max(1, i.Answered))
			i.Talk /= time.Duration(max(1, i.Answered))
			list = append(list, *i)
		} else {
			list = append(list, Interval{Start: at, Length: length})
		}
	}
	return list
}

// intervalOf begins with the day in zone, so that 15 minutes begin at :00 there.
func intervalOf(t time.Time, length time.Duration, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	shift := time.Duration(offset) * time.Second
	return t.Add(shift).Truncate(length).Add(-shift).In(zone)
}

func (i *Interval) add(c Call, target time.Duration) {
	i.Contacts++
	if !c.Answered {
		i.Abandoned++
		return
	}
	i.Answered++
	i.Wait += c.Wait
	i.Talk += c.Talk
	if c.Wait <= target {
		i.InTime++
	}
}

// Patience estimates the mean patience of callers from who gave up and how
// long the others waited without doing so (the estimate of greatest likelihood
// for exponential patience). 0 if nobody gave up.
func Patience(calls []Call) time.Duration {
	var total time.Duration
	gone := 0
	for _, c := range calls {
		total += c.Wait
		if !c.Answered {
			gone++
		}
	}
	if gone == 0 {
		return 0
	}
	return total / time.Duration(gone)
}

// MeanTalk is how long agents talked on average; 0 if nobody was answered.
func MeanTalk(calls []Call) time.Duration {
	var total time.Duration
	n := 0
	for _, c := range calls {
		if c.Answered {
			total += c.Talk
			n++
		}
	}
	return total / time.Duration(max(1, n))
}

// Slot is an hour of the week.
type Slot struct {
	Day  time.Weekday
	Hour int
}

// Forecast says how many contacts usually come in each hour of the week: the
// mean over the weeks that the calls cover, hours without a call counted as
// none. Simple, and honest about it: no trend, no holidays.
func Forecast(calls []Call, from, to time.Time, zone *time.Location) map[Slot]float64 {
	came := map[Slot]float64{}
	for _, c := range calls {
		if t := c.At.In(zone); !c.At.Before(from) && c.At.Before(to) {
			came[Slot{t.Weekday(), t.Hour()}]++
		}
	}
	hours := map[Slot]float64{}
	for t := from.Truncate(time.Hour); t.Before(to); t = t.Add(time.Hour) {
		local := t.In(zone)
		hours[Slot{local.Weekday(), local.Hour()}]++
	}
	for slot, n := range hours {
		came[slot] /= n
	}
	return came
}

// Plan is what an interval needs.
type Plan struct {
	Interval
	Need Result
}

// PlanOptions say what is to be reached.
type PlanOptions struct {
	Level    float64       // share of all contacts, 0.8
	Target   time.Duration // answered within, 20 s
	WrapUp   time.Duration // agents' time beside talking
	Talk     time.Duration // where an interval has none of its own
	Patience time.Duration // 0: Erlang C
	Limit    int           // agents that there can be
}

// Plans says how many agents each interval needs.
func Plans(list []Interval, o PlanOptions) ([]Plan, error) {
	plans := make([]Plan, 0, len(list))
	for _, i := range list {
		talk := i.Talk
		if talk == 0 {
			talk = o.Talk
		}
		load := Load{PerHour: float64(i.Contacts) / i.Length.Hours(), Handle: talk + o.WrapUp, Patience: o.Patience}
		p := Plan{Interval: i}
		if load.Erlangs() > 0 {
			need, err := Agents(load, o.Level, o.Target, o.Limit)
			if err != nil {
				return nil, fmt.Errorf("plan %s: %w", i.Start.Format("2006-01-02 15:04"), err)
			}
			p.Need = need
		}
		plans = append(plans, p)
	}
	return plans, nil
}

// WriteCSV writes plans as a table with a header; times are RFC 3339, durations
// seconds.
func WriteCSV(w io.Writer, plans []Plan) error {
	c := csv.NewWriter(w)
	rows := [][]string{{
		"start", "minutes", "contacts", "answered", "abandoned", "in_time", "wait_mean", "talk_mean",
		"agents", "service_level", "asa", "occupancy", "abandoned_share",
	}}
	for _, p := range plans {
		rows = append(rows, []string{
			p.Start.Format(time.RFC3339), figure(p.Length.Minutes()), strconv.Itoa(p.Contacts), strconv.Itoa(p.Answered),
			strconv.Itoa(p.Abandoned), strconv.Itoa(p.InTime), figure(p.Wait.Seconds()), figure(p.Talk.Seconds()),
			strconv.Itoa(p.Need.Agents), figure(p.Need.ServiceLevel), figure(p.Need.ASA.Seconds()), figure(p.Need.Occupancy), figure(p.Need.Abandoned),
		})
	}
	if err := c.WriteAll(rows); err != nil {
		return fmt.Errorf("write the staffing table: %w", err)
	}
	return nil
}

func figure(f float64) string { return strconv.FormatFloat(math.Round(f*1000)/1000, 'f', -1, 64) }
