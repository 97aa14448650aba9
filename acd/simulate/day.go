// Package simulate plays days of a contact centre through the real routing
// (acd.State) on a virtual clock: real ones out of the journal, made-up ones, or
// the queue as it stands now with more agents. The same day gives the same
// result every time.
package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"callfloor/acd"
	"callfloor/contact"
)

// Contact is one customer of a day.
type Contact struct {
	At    time.Time
	Since time.Time // waits since then; zero is At
	Queue contact.QueueID
	// Handle is how long an agent talks with it, Patience how long it waits; 0
	// is for ever.
	Handle, Patience time.Duration
	Priority         int
	Caller           string
	Skills           acd.Expr
}

// Agent is somebody who answers.
type Agent struct {
	ID     contact.AgentID
	Queues []contact.QueueID // nil: as configured
	// From is when the agent begins; zero is with the day.
	From time.Time
}

// Day is what is played.
type Day struct {
	Config   acd.Config
	Start    time.Time
	Contacts []Contact // in any order
	Agents   []Agent
	// PickUp is how long agents let it ring, MissPercent how many offers they
	// miss; whoever missed one is available again after Return.
	PickUp      time.Duration
	MissPercent int
	Return      time.Duration
	// WarmUp: contacts who come before are served but not counted.
	WarmUp time.Duration
	Seed   uint64
}

// Arrivals describes made-up contacts of one queue.
type Arrivals struct {
	Queue    contact.QueueID
	PerHour  float64 // Poisson
	For      time.Duration
	Handle   time.Duration // mean
	Patience time.Duration // mean, exponential; 0 is for ever
	// Spread is the standard deviation of the handle time over its mean: 0 is
	// exponential (1), anything else lognormal.
	Spread float64
}

// Make draws contacts from a seed.
func (a Arrivals) Make(start time.Time, seed uint64) []Contact {
	if a.PerHour <= 0 {
		return nil
	}
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	var list []Contact
	for at := start; ; {
		at = at.Add(exponential(r, time.Duration(3600/a.PerHour*float64(time.Second))))
		if at.Sub(start) > a.For {
			return list
		}
		c := Contact{At: at, Queue: a.Queue, Handle: a.handle(r)}
		if a.Patience > 0 {
			c.Patience = max(1, exponential(r, a.Patience))
		}
		list = append(list, c)
	}
}

func (a Arrivals) handle(r *rand.Rand) time.Duration {
	if a.Spread == 0 {
		return exponential(r, a.Handle)
	}
	v := math.Log(1 + a.Spread*a.Spread)
	return time.Duration(a.Handle.Seconds() * math.Exp(r.NormFloat64()*math.Sqrt(v)-v/2) * float64(time.Second))
}

func exponential(r *rand.Rand, mean time.Duration) time.Duration {
	return time.Duration(r.ExpFloat64() * float64(mean))
}

// Team returns n agents of all queues of the configuration, which must let
// everybody in or is extended by them.
func Team(cfg acd.Config, n int) []Agent {
	ids := []contact.QueueID{}
	for _, q := range cfg.Queues {
		ids = append(ids, q.ID)
	}
	team := make([]Agent, n)
	for i := range team {
		team[i] = Agent{ID: contact.AgentID(fmt.Sprintf("agent%d", i+1)), Queues: ids}
	}
	return team
}

// WhatIf describes a question about a queue as it stands.
type WhatIf struct {
	Queue   contact.QueueID
	More    int           // agents beyond those at work, who serve the queue at once
	Pace    acd.Pace      // of the queue: what comes, and how long it takes
	Horizon time.Duration // how far to look
	// Patience is the callers' mean patience; 0 is for ever.
	Patience time.Duration
	Seed     uint64
}

// Ask plays the next hour or so of one queue from a snapshot: who waits is
// served first, agents who talk become free as they usually do. What is asked
// of agents' skills by contacts themselves is not in a snapshot.
func Ask(cfg acd.Config, snap acd.Snapshot, w WhatIf) Result {
	cfg.Queues = slices.DeleteFunc(slices.Clone(cfg.Queues), func(q acd.QueueConfig) bool { return q.ID != w.Queue })
	for i := range cfg.Queues {
		cfg.Queues[i].Overflow = acd.Overflow{} // the other queues are not played
	}
	r := rand.New(rand.NewPCG(w.Seed, 0xa5c))
	day := Day{Config: cfg, Start: snap.At, Seed: w.Seed}
	patience := func() time.Duration {
		if w.Patience <= 0 {
			return 0
		}
		return max(1, exponential(r, w.Patience))
	}
	for _, p := range snap.Places {
		if p.Queue == w.Queue && p.Until.IsZero() && p.Kind == acd.KindCall {
			day.Contacts = append(day.Contacts, Contact{
				At: snap.At, Since: p.Since, Queue: p.Queue, Priority: p.Priority, Handle: exponential(r, w.Pace.Handle), Patience: patience(),
			})
		}
	}
	arrivals := Arrivals{Queue: w.Queue, PerHour: w.Pace.PerHour, For: w.Horizon, Handle: w.Pace.Handle, Patience: w.Patience}
	day.Contacts = append(day.Contacts, arrivals.Make(snap.At, w.Seed)...)
	for _, a := range snap.Agents {
		if from, ok := freeFrom(snap.At, a, exponential(r, w.Pace.Handle)); ok && serves(cfg, a.ID) {
			day.Agents = append(day.Agents, Agent{ID: a.ID, From: from})
		}
	}
	for i := range w.More {
		day.Agents = append(day.Agents, Agent{ID: contact.AgentID(fmt.Sprintf("more%d", i+1)), Queues: []contact.QueueID{w.Queue}})
	}
	return Play(day)
}

func serves(cfg acd.Config, id contact.AgentID) bool {
	return slices.ContainsFunc(cfg.Queues, func(q acd.QueueConfig) bool {
		return slices.Contains(q.Agents, string(id)) || slices.Contains(q.Agents, "*")
	})
}

// freeFrom is when an agent can take the next contact; false for one who is not
// at work. The rest of an exponential time is as long as the whole; a wrap-up
// without a limit is taken for no better.
func freeFrom(now time.Time, a acd.AgentSnapshot, rest time.Duration) (time.Time, bool) {
	switch a.State {
	case contact.AgentAvailable:
		return now, true
	case contact.AgentOffered, contact.AgentTalking, contact.AgentHold:
		return now.Add(rest), true
	case contact.AgentWrapUp:
		if a.WrapUntil.IsZero() {
			return now.Add(rest), true
		}
		return a.WrapUntil, true
	}
	return time.Time{}, false
}
