package outbound

import "time"

// Status is what the book says for people.
type Status struct {
	Calls     int
	LastHour  int
	SpentDay  float64
	Stopped   *Stopped
	Blocked   map[string]time.Time
	CallsCap  int
	HourCap   int
	SpendCap  float64
	OpenCalls []Entry
}

// Status returns the figures of the house at now.
func (b *Book) Status(now time.Time) Status {
	b.expire(now)
	n := b.count(now, "")
	s := Status{
		Calls: n.open, LastHour: n.hour, SpentDay: n.spent, Blocked: map[string]time.Time{},
		CallsCap: b.cfg.MaxCalls, HourCap: b.cfg.HouseCallsPerHour, SpendCap: b.cfg.HouseSpendPerDay,
	}
	if b.stopped != nil {
		stopped := *b.stopped
		s.Stopped = &stopped
	}
	for subject, until := range b.blocked {
		s.Blocked[subject] = until
	}
	for _, e := range b.calls() {
		entry := *e
		entry.Cost = e.cost(now)
		s.OpenCalls = append(s.OpenCalls, entry)
	}
	return s
}
