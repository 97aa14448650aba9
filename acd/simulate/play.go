package simulate

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"callfloor/acd"
	"callfloor/contact"
)

// Result is what came of a day. Waits are in seconds.
type Result struct {
	Contacts  int `json:"contacts"`
	Answered  int `json:"answered"`
	InTime    int `json:"in_time"`
	Abandoned int `json:"abandoned"`
	Refused   int `json:"refused"` // given back to the flow
	Moved     int `json:"moved"`   // overflowed to another queue
	Waiting   int `json:"waiting"` // nobody ever came for them
	// ServiceLevel is the share of all contacts that were answered in time,
	// AbandonRate of those who gave up.
	ServiceLevel float64 `json:"service_level"`
	AbandonRate  float64 `json:"abandon_rate"`
	// Mean and percentiles of the waits of the answered.
	WaitMean float64 `json:"wait_mean"`
	WaitP50  float64 `json:"wait_p50"`
	WaitP90  float64 `json:"wait_p90"`
	WaitP95  float64 `json:"wait_p95"`
	WaitP99  float64 `json:"wait_p99"`
	WaitMax  float64 `json:"wait_max"`
	// Occupancy is the share of their time, up to the last arrival, in which
	// agents talk or wrap up.
	Occupancy float64 `json:"occupancy"`
	Offers    int     `json:"offers"`
	Missed    int     `json:"missed"`
	Agents    int     `json:"agents"`

	Waits []time.Duration `json:"-"` // of the answered, in order of answer
}

// turn is something that happens at a time.
type turn struct {
	at time.Time
	n  int
	do func()
}

type turns []turn

func (t turns) Len() int { return len(t) }
func (t turns) Less(i, j int) bool {
	if !t[i].at.Equal(t[j].at) {
		return t[i].at.Before(t[j].at)
	}
	return t[i].n < t[j].n
}
func (t turns) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *turns) Push(v any)   { *t = append(*t, v.(turn)) }
func (t *turns) Pop() any {
	old := *t
	last := old[len(old)-1]
	*t = old[:len(old)-1]
	return last
}

// player is one run of a day.
type player struct {
	day      Day
	state    *acd.State
	now      time.Time
	end      time.Time // the last arrival
	todo     turns
	n        int
	rand     *rand.Rand
	contacts map[contact.ID]*Contact
	busy     map[contact.AgentID]time.Time // since when
	worked   time.Duration
	result   Result
}

// Play plays a day to its end: until everybody is served or gone, at most a day
// after the last arrival.
func Play(day Day) Result {
	p := &player{
		day: day, state: acd.New(day.Config.Unattended()), now: day.Start, end: day.Start,
		rand: rand.New(rand.NewPCG(day.Seed, 0xca11)), contacts: map[contact.ID]*Contact{}, busy: map[contact.AgentID]time.Time{},
	}
	for i := range day.Agents {
		a := day.Agents[i]
		p.at(later(a.From, day.Start), func() { p.signIn(a) })
	}
	for i := range day.Contacts {
		c := &day.Contacts[i]
		if c.At.After(p.end) {
			p.end = c.At
		}
		id := contact.ID(strconv.Itoa(i))
		p.at(c.At, func() { p.arrive(id, c) })
	}
	p.run(p.end.Add(24 * time.Hour))
	return p.sum()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (p *player) at(t time.Time, do func()) {
	p.n++
	heap.Push(&p.todo, turn{at: t, n: p.n, do: do})
}

// run goes from one thing to the next, the deadlines of the queues among them.
func (p *player) run(until time.Time) {
	for {
		deadline := p.state.NextDeadline()
		none := len(p.todo) == 0
		switch {
		case none && (deadline.IsZero() || len(p.contacts) == 0):
			return
		case none || !deadline.IsZero() && deadline.Before(p.todo[0].at):
			if p.now = deadline; p.now.After(until) {
				return
			}
			p.step(acd.Tick{})
		default:
			t := heap.Pop(&p.todo).(turn)
			if p.now = later(p.now, t.at); p.now.After(until) {
				return
			}
			t.do()
		}
	}
}

func (p *player) step(ev acd.Event) {
	for _, a := range p.state.Step(p.now, ev) {
		p.act(a)
	}
}

func (p *player) signIn(a Agent) {
	p.step(acd.AgentAdded{Agent: a.ID, Queues: a.Queues})
	p.step(acd.SeatReady{Agent: a.ID, Ready: true})
	p.step(acd.AgentWants{Agent: a.ID, State: contact.AgentAvailable})
}

// counts says whether a contact came after the warm-up.
func (p *player) counts(c *Contact) bool { return c.At.Sub(p.day.Start) >= p.day.WarmUp }

func (p *player) arrive(id contact.ID, c *Contact) {
	p.contacts[id] = c
	if p.counts(c) {
		p.result.Contacts++
	}
	if c.Patience > 0 {
		p.at(p.now.Add(c.Patience), func() { p.giveUp(id, c) })
	}
	since := c.Since
	if since.IsZero() {
		since = c.At
	}
	p.step(acd.ContactQueued{Contact: id, Queue: c.Queue, Priority: c.Priority, Since: since, Caller: c.Caller, Skills: c.Skills})
}

func (p *player) giveUp(id contact.ID, c *Contact) {
	if _, waits := p.state.Place(id); !waits {
		return
	}
	delete(p.contacts, id)
	if p.counts(c) {
		p.result.Abandoned++
	}
	p.step(acd.ContactLeft{Contact: id})
}

// act does what the house and the agents would do.
func (p *player) act(a acd.Action) {
	switch a := a.(type) {
	case acd.OfferTo:
		p.result.Offers++
		if p.day.MissPercent > 0 && p.rand.IntN(100) < p.day.MissPercent {
			return
		}
		p.at(p.now.Add(p.day.PickUp), func() { p.step(acd.OfferAccepted{Agent: a.Agent, Contact: a.Contact}) })
	case acd.OfferEnded:
		if a.Why == "timeout" {
			p.result.Missed++
			p.at(p.now.Add(p.day.Return), func() { p.step(acd.AgentWants{Agent: a.Agent, State: contact.AgentAvailable}) })
		}
	case acd.Connect:
		p.connect(a)
	case acd.Refused:
		if c := p.contacts[a.Contact]; c != nil && p.counts(c) {
			p.result.Refused++
		}
		delete(p.contacts, a.Contact)
	case acd.Moved:
		p.result.Moved++
	case acd.AgentChanged:
		p.changed(a)
	}
}

func (p *player) connect(a acd.Connect) {
	c := p.contacts[a.Contact]
	delete(p.contacts, a.Contact)
	if p.counts(c) {
		p.result.Answered++
		p.result.Waits = append(p.result.Waits, a.Waited)
		if a.Waited <= p.day.Config.ServiceLevel {
			p.result.InTime++
		}
	}
	p.at(p.now.Add(c.Handle), func() { p.step(acd.ContactReleased{Contact: a.Contact, Agent: a.Agent}) })
}

// changed keeps the time that agents are busy between the warm-up and the end.
func (p *player) changed(a acd.AgentChanged) {
	switch since, was := p.busy[a.Agent]; a.Status.State {
	case contact.AgentTalking, contact.AgentHold, contact.AgentWrapUp:
		if !was {
			p.busy[a.Agent] = p.now
		}
	default:
		if was {
			p.work(since, p.now)
			delete(p.busy, a.Agent)
		}
	}
}

func (p *player) work(from, to time.Time) {
	from = later(from, p.day.Start.Add(p.day.WarmUp))
	if to.After(p.end) {
		to = p.end
	}
	p.worked += max(0, to.Sub(from))
}

func (p *player) sum() Result {
	for _, since := range p.busy {
		p.work(since, p.now)
	}
	r := p.result
	r.Agents = len(p.day.Agents)
	r.Waiting = r.Contacts - r.Answered - r.Abandoned - r.Refused
	if r.Contacts > 0 {
		r.ServiceLevel = float64(r.InTime) / float64(r.Contacts)
		r.AbandonRate = float64(r.Abandoned) / float64(r.Contacts)
	}
	var there time.Duration
	for _, a := range p.day.Agents {
		there += max(0, p.end.Sub(later(a.From, p.day.Start.Add(p.day.WarmUp))))
	}
	if there > 0 {
		r.Occupancy = p.worked.Seconds() / there.Seconds()
	}
	sorted := slices.Sorted(slices.Values(r.Waits))
	if n := len(sorted); n > 0 {
		total := 0.0
		for _, w := range sorted {
			total += w.Seconds()
		}
		at := func(percent int) float64 { return sorted[min(n-1, n*percent/100)].Seconds() }
		r.WaitMean, r.WaitP50, r.WaitP90, r.WaitP95, r.WaitP99, r.WaitMax = total/float64(n), at(50), at(90), at(95), at(99), sorted[n-1].Seconds()
	}
	return r
}
