package outbound

import (
	"fmt"
	"math"
	"slices"
	"time"

	"callfloor/contact"
)

// Book decides about calls, and keeps count of those that are out and of what
// was spent. One goroutine at a time may use it.
type Book struct {
	cfg  Config
	zone *time.Location

	open     map[contact.ID]*Entry // by the call's own ID
	day      []*Entry              // ended within the last 24 h, oldest first
	refusals map[string][]time.Time
	blocked  map[string]time.Time // until then
	warned   map[string]time.Time // subjects whose cap was told, until when
	stopped  *Stopped
	out      []Action
}

// Entry is one call out.
type Entry struct {
	ID      contact.ID // its own
	Contact contact.ID // the contact that it belongs to, "" if none
	Line    contact.LineID
	Purpose Purpose
	By      string
	Number  Number
	Trunks  string
	Began   time.Time
	// Answered and Ended are zero until then.
	Answered, Ended time.Time
	// Cost is what it costs so far, by the rates.
	Cost float64

	perCall, perMinute float64
}

func (e *Entry) subject() string { return Request{By: e.By, Line: e.Line}.subject() }

// cost is what a call costs at now; minutes that have begun count.
func (e *Entry) cost(now time.Time) float64 {
	if !e.Ended.IsZero() {
		return e.Cost
	}
	if e.Answered.IsZero() {
		return 0
	}
	return e.perCall + e.perMinute*max(1, math.Ceil(now.Sub(e.Answered).Minutes()))
}

// Stopped says who stopped all calls out, and why.
type Stopped struct {
	At  time.Time
	By  string // a user, or "" for the alarm
	Why string
}

// Action is something that the caller must do.
type Action interface{ action() }

type (
	// HangUp: end this call; Why is for its record.
	HangUp struct {
		ID  contact.ID
		Why string
	}
	// Alarm: tell the supervisors. Kind is stopped, resumed, blocked or spend.
	Alarm struct {
		Kind    string
		On      bool
		Subject string // "user alice", "line 1000", "" for the house
		Text    string
	}
)

func (HangUp) action() {}
func (Alarm) action()  {}

// Spans of what is counted.
const (
	hour         = time.Hour
	day          = 24 * time.Hour
	refusalsSpan = 10 * time.Minute
	blockedFor   = time.Hour
	// maxSubjects bounds what is kept of refusals.
	maxSubjects = 10_000
)

// NewBook returns a book for cfg; zone is where hours and days are counted.
func NewBook(cfg Config, zone *time.Location) *Book {
	if zone == nil {
		zone = time.UTC
	}
	return &Book{
		cfg: cfg, zone: zone, open: map[contact.ID]*Entry{}, refusals: map[string][]time.Time{},
		blocked: map[string]time.Time{}, warned: map[string]time.Time{},
	}
}

// Restore takes in what was before the start: ended calls, oldest first, and
// whether everything was stopped.
func (b *Book) Restore(ended []Entry, stopped *Stopped) {
	for _, e := range ended {
		b.day = append(b.day, &e)
	}
	b.stopped = stopped
}

// Ask decides about a call and, if it may go out, counts it from now on; the
// caller says Ended when it is over, whatever became of it. A refusal is a
// *RefusedError. id is the call's own.
func (b *Book) Ask(now time.Time, id contact.ID, r Request) (Entry, error) {
	b.expire(now)
	group, err := b.cfg.route(now, b.zone, r)
	if err == nil && r.Number.Kind != Emergency {
		var alarm func()
		if alarm, err = b.room(now, r); alarm != nil {
			alarm()
		}
	}
	if err != nil {
		b.refuse(now, r.subject())
		return Entry{}, err
	}
	e := &Entry{ID: id, Contact: r.Contact, Line: r.Line, Purpose: r.Purpose, By: r.By, Number: r.Number, Trunks: group, Began: now}
	e.perCall, e.perMinute = b.cfg.rate(r.Number)
	b.open[id] = e
	return *e, nil
}

// Redirect asks whether a call that is out may go to another number, which its
// carrier named, as if it were made anew; from then on it costs what that costs.
func (b *Book) Redirect(now time.Time, id contact.ID, r Request) error {
	e := b.open[id]
	if e == nil {
		return refused(WhyStopped, "the call is over")
	}
	delete(b.open, id) // it must not stand in its own way
	defer func() { b.open[id] = e }()
	group, err := b.cfg.route(now, b.zone, r)
	if err == nil && group != e.Trunks {
		err = refused(WhyRule, "no rule allows a redirection over these trunks")
	}
	if err == nil {
		var alarm func()
		if alarm, err = b.room(now, r); alarm != nil {
			alarm()
		}
	}
	if err != nil {
		b.refuse(now, r.subject())
		return err
	}
	e.Number = r.Number
	e.perCall, e.perMinute = b.cfg.rate(r.Number)
	return nil
}

// room looks at stops, lists and caps; alarm, where it is not nil, is what a
// refused call sets off that was really asked for.
func (b *Book) room(now time.Time, r Request) (alarm func(), err error) {
	subject := r.subject()
	perCall, perMinute := b.cfg.rate(r.Number)
	least := perCall + perMinute
	house, mine := b.count(now, ""), b.count(now, subject)
	c := b.cfg
	warn := func(format string, args ...any) func() {
		return func() { b.warn(now, subject, fmt.Sprintf(format, args...)) }
	}
	stop := func(format string, args ...any) func() {
		return func() { b.stop(now, Stopped{At: now, Why: fmt.Sprintf(format, args...)}) }
	}
	switch {
	case b.stopped != nil:
		return nil, refused(WhyStopped, "all calls out are stopped: %s", b.stopped.Why)
	case now.Before(b.blocked[subject]):
		return nil, refused(WhyBlocked, "calls out of %s are blocked until %s, after many that were refused", subject, b.blocked[subject].In(b.zone).Format("15:04"))
	case r.Listed:
		return nil, refused(WhyListed, "this number is on the do-not-call list")
	case over(c.MaxCalls, house.open):
		return nil, refused(WhyCalls, "%d calls are out already, as many as there may be", house.open)
	case over(c.CallsPerLine, b.openOf(func(e *Entry) bool { return e.Line == r.Line })):
		return nil, refused(WhyCalls, "line %s has as many calls out as it may have", r.Line)
	case r.Contact != "" && over(c.CallsPerContact, b.openOf(func(e *Entry) bool { return e.Contact == r.Contact && !e.Purpose.begins() })):
		return nil, refused(WhyContact, "this contact has a call out already")
	case over(c.CallsPerHour, mine.hour):
		return warn("%s has made %d calls within an hour, as many as there may be", subject, mine.hour), refused(WhyHour, "%d calls within an hour are as many as there may be", mine.hour)
	case c.SpendPerDay > 0 && mine.spent+least > c.SpendPerDay:
		return warn("%s has spent %.2f within a day, of %.2f", subject, mine.spent, c.SpendPerDay), refused(WhySpend, "today's budget for calls is used up")
	case over(c.HouseCallsPerHour, house.hour):
		return stop("%d calls went out within an hour", house.hour), refused(WhyHour, "the house has made as many calls within an hour as it may")
	case c.HouseSpendPerDay > 0 && house.spent+least > c.HouseSpendPerDay:
		return stop("%.2f was spent within a day, of %.2f", house.spent, c.HouseSpendPerDay), refused(WhySpend, "the house's budget for calls is used up")
	}
	return nil, nil
}

func over(limit, n int) bool { return limit > 0 && n >= limit }

// Answered says that a call was answered: it costs from now on.
func (b *Book) Answered(now time.Time, id contact.ID) {
	if e := b.open[id]; e != nil && e.Answered.IsZero() {
		e.Answered = now
	}
}

// Ended says that a call is over and returns its record; false if it was not
// out.
func (b *Book) Ended(now time.Time, id contact.ID) (Entry, bool) {
	e := b.open[id]
	if e == nil {
		return Entry{}, false
	}
	delete(b.open, id)
	e.Cost = e.cost(now)
	e.Ended = now
	b.day = append(b.day, e)
	return *e, true
}

// Tick looks at what the calls that are out have cost by now, and hangs up
// those whose budget is used up. Call it every few seconds.
func (b *Book) Tick(now time.Time) {
	b.expire(now)
	spent := b.count(now, "").spent
	broke := b.cfg.HouseSpendPerDay > 0 && spent > b.cfg.HouseSpendPerDay
	if broke {
		b.stop(now, Stopped{At: now, Why: fmt.Sprintf("%.2f was spent within a day, of %.2f", spent, b.cfg.HouseSpendPerDay)})
	}
	for _, e := range b.calls() {
		subject := e.subject()
		switch {
		case e.Number.Kind == Emergency:
		case broke:
			b.out = append(b.out, HangUp{e.ID, "all calls out are stopped: " + b.stopped.Why})
		case b.cfg.SpendPerDay > 0 && b.count(now, subject).spent > b.cfg.SpendPerDay:
			b.warn(now, subject, fmt.Sprintf("%s has spent all of a day's budget, %.2f; the calls are ended", subject, b.cfg.SpendPerDay))
			b.out = append(b.out, HangUp{e.ID, "the day's budget for calls is used up"})
		}
	}
}

// Stop refuses every call from now on but emergency calls; calls that are up
// go on. by is who did it.
func (b *Book) Stop(now time.Time, by, why string) { b.stop(now, Stopped{At: now, By: by, Why: why}) }

func (b *Book) stop(_ time.Time, s Stopped) {
	if b.stopped != nil {
		return
	}
	b.stopped = &s
	b.out = append(b.out, Alarm{Kind: "outbound_stopped", On: true, Text: "all calls out are stopped: " + s.Why})
}

// Resume lets calls out again, and forgets who was blocked and what was counted
// towards the caps until now.
func (b *Book) Resume(now time.Time) {
	if b.stopped != nil {
		b.stopped = nil
		b.out = append(b.out, Alarm{Kind: "outbound_stopped"})
	}
	for subject := range b.blocked {
		b.out = append(b.out, Alarm{Kind: "outbound_blocked", Subject: subject})
	}
	clear(b.blocked)
	clear(b.refusals)
	b.expire(now)
	b.day = nil
}

// Take returns what must be done, in order, and forgets it.
func (b *Book) Take() []Action {
	out := b.out
	b.out = nil
	return out
}

func (b *Book) warn(now time.Time, subject, text string) {
	if now.Before(b.warned[subject]) {
		return
	}
	b.warned[subject] = now.Add(hour)
	b.out = append(b.out, Alarm{Kind: "outbound_cap", On: true, Subject: subject, Text: text})
}

// refuse counts refusals: many in a row are somebody who tries numbers.
func (b *Book) refuse(now time.Time, subject string) {
	if b.cfg.RefusalsAlarm <= 0 || now.Before(b.blocked[subject]) || b.refusals[subject] == nil && len(b.refusals) >= maxSubjects {
		return
	}
	list := append(b.refusals[subject], now)
	if len(list) < b.cfg.RefusalsAlarm {
		b.refusals[subject] = list
		return
	}
	delete(b.refusals, subject)
	b.blocked[subject] = now.Add(blockedFor)
	b.out = append(b.out, Alarm{
		Kind: "outbound_blocked", On: true, Subject: subject,
		Text: fmt.Sprintf("%d calls out of %s were refused within ten minutes; it is blocked for an hour", len(list), subject),
	})
}

// expire forgets what is older than what is counted.
func (b *Book) expire(now time.Time) {
	b.day = slices.DeleteFunc(b.day, func(e *Entry) bool { return now.Sub(e.Began) >= day })
	for subject, list := range b.refusals {
		list = slices.DeleteFunc(list, func(t time.Time) bool { return now.Sub(t) >= refusalsSpan })
		if b.refusals[subject] = list; len(list) == 0 {
			delete(b.refusals, subject)
		}
	}
	for subject, until := range b.blocked {
		if !now.Before(until) {
			delete(b.blocked, subject)
			b.out = append(b.out, Alarm{Kind: "outbound_blocked", Subject: subject})
		}
	}
	for subject, until := range b.warned {
		if !now.Before(until) {
			delete(b.warned, subject)
			b.out = append(b.out, Alarm{Kind: "outbound_cap", Subject: subject})
		}
	}
}

// counts are the figures of a subject, or of the house.
type counts struct {
	open, hour int
	spent      float64
}

// count adds up what counts towards caps; emergency calls never do.
func (b *Book) count(now time.Time, subject string) counts {
	var n counts
	add := func(e *Entry, open bool) {
		if e.Number.Kind == Emergency || subject != "" && e.subject() != subject {
			return
		}
		if open {
			n.open++
		}
		if now.Sub(e.Began) < hour {
			n.hour++
		}
		n.spent += e.cost(now)
	}
	for _, e := range b.open {
		add(e, true)
	}
	for _, e := range b.day {
		add(e, false)
	}
	return n
}

func (b *Book) openOf(is func(*Entry) bool) int {
	n := 0
	for _, e := range b.open {
		if is(e) && e.Number.Kind != Emergency {
			n++
		}
	}
	return n
}

// calls are the calls that are out, oldest first.
func (b *Book) calls() []*Entry {
	all := make([]*Entry, 0, len(b.open))
	for _, e := range b.open {
		all = append(all, e)
	}
	slices.SortFunc(all, func(x, y *Entry) int { return x.Began.Compare(y.Began) })
	return all
}
