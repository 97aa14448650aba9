package acd

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"callfloor/contact"
	"pgregory.net/rapid"
)

// TestRandomDays throws random events at a state; world holds it to the rules.
// rapid makes a failing day short, but prefers small numbers; TestEvenDays has
// the same with every event equally likely.
func TestRandomDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		randomDay(t.Fatalf, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "roll") })
	})
}

func TestEvenDays(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 0))
		randomDay(func(format string, args ...any) { t.Fatalf("seed %d: "+format, append([]any{seed}, args...)...) }, r.IntN)
	}
}

// FuzzDays is the same with the fuzzer's choices.
func FuzzDays(f *testing.F) {
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 1))
		choices := make([]byte, 1000)
		for i := range choices {
			choices[i] = byte(r.Uint32())
		}
		f.Add(choices)
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		randomDay(t.Fatalf, func(n int) int {
			if len(choices) == 0 || n == 0 {
				return 0
			}
			c := choices[0]
			choices = choices[1:]
			return int(c) % n
		})
	})
}

// randomDay asks roll for a number below n wherever there is a choice.
func randomDay(fail func(string, ...any), roll func(n int) int) {
	cfg := randomConfig(roll)
	d := days{roll: roll, fail: fail, w: newWorld(cfg, fail)}
	for _, id := range agentNames {
		d.w.do(AgentAdded{Agent: id})
		d.w.do(SeatReady{Agent: id, Ready: true})
	}
	for range 1 + roll(200) {
		d.wait()
		d.w.do(d.event())
	}
	d.drain()
}

// randomConfig has any strategy, steps, overflow and limits.
func randomConfig(roll func(n int) int) Config {
	cfg := DefaultConfig()
	strategy := func() Strategy { return Strategies()[roll(len(Strategies()))] }
	tiny := QueueConfig{ID: "tiny", MaxWaiting: 2, Agents: []string{"carol", "alice"}, Strategy: strategy()}
	sales := QueueConfig{ID: "sales", Agents: []string{"*"}, Strategy: strategy()}
	support := QueueConfig{ID: "support", Agents: []string{"alice", "bob"}, Strategy: strategy()}
	if roll(2) == 1 {
		sales.Steps = []Step{
			{Skills: expr("chinese >= 3"), For: 5 * time.Second},
			{Skills: expr("chinese OR billing"), Prefer: expr("billing >= 2"), For: 10 * time.Second},
			{Any: true},
		}[:1+roll(3)]
	}
	if roll(2) == 1 {
		support.MaxWait = time.Duration(10+roll(30)) * time.Second
		support.LeaveEmpty = time.Duration(roll(2)*20) * time.Second
	}
	if roll(2) == 1 {
		tiny.Overflow = Overflow{To: []contact.QueueID{"sales", "support", ""}[roll(3)], Wait: 7 * time.Second, Waiting: roll(3), NoAgents: roll(2) == 1}
		support.Overflow = Overflow{To: "tiny", Wait: time.Duration(1+roll(20)) * time.Second}
		support.RefuseEmpty = roll(4) == 1
	}
	if roll(4) == 1 {
		var h Hours
		if err := h.UnmarshalText([]byte("mon-sun 06:00-20:00")); err != nil {
			panic(err)
		}
		tiny.Hours, tiny.LeaveClosed = []Hours{h}, roll(2) == 1
	}
	cfg.PriorityWorth = []time.Duration{0, 10 * time.Second, time.Hour}[roll(3)]
	cfg.VIP = []string{"13800000001"}
	cfg.Agents = []AgentConfig{
		{User: "alice", Skills: []Skill{{"chinese", 1 + roll(5)}}, Weight: roll(4)},
		{User: "bob", Skills: []Skill{{"chinese", 3}, {"billing", 2}}, Queues: []AgentQueue{{ID: "sales", After: time.Duration(roll(2)*15) * time.Second}}},
		{User: "dan", Skills: []Skill{{"billing", 1}}, Queues: []AgentQueue{{ID: "sales", Order: roll(2)}}},
	}
	if roll(3) == 0 {
		cfg.WrapUp = 0
	}
	cfg.WrapUpMode = WrapUpModes()[roll(4)]
	length := time.Duration(roll(20)) * time.Second
	sales.WrapUpMode, support.WrapUpMode, support.WrapUp = WrapUpModes()[roll(4)], WrapUpModes()[roll(4)], &length
	sales.TaskAgents = roll(3)
	if roll(4) == 0 {
		cfg.Agents[roll(3)].Outbound = []Outbound{OutboundNever, OutboundOnly}[roll(2)]
	}
	cfg.Queues = []QueueConfig{sales, support, tiny}
	return cfg
}

func expr(text string) Expr {
	e, err := ParseExpr(text)
	if err != nil {
		panic(err)
	}
	return e
}

var agentNames = []contact.AgentID{"alice", "bob", "carol", "dan"}

type days struct {
	roll func(n int) int
	fail func(string, ...any)
	w    *world
	n    int
}

// wait lets time pass: none, some, or exactly to the next deadline.
func (d *days) wait() {
	switch next := d.w.state.NextDeadline(); d.roll(4) {
	case 1:
		d.w.now = d.w.now.Add(time.Duration(1+d.roll(200)) * 100 * time.Millisecond)
	case 2:
		if next.After(d.w.now) {
			d.w.now = next
		}
	case 3:
		if d.roll(20) == 1 {
			d.w.now = d.w.now.Add(time.Duration(1+d.roll(80)) * time.Hour / 2)
		}
	}
}

func (d *days) event() Event {
	agent := agentNames[d.roll(len(agentNames))]
	switch d.roll(17) {
	case 16:
		return []Event{
			ContactParked{d.contact()}, ContactParked{d.contact()},
			ContactBooked{Contact: d.contact(), As: d.fresh(), Kind: Kind(d.roll(4))},
			ContactReached{d.contact()}, ContactReached{d.contact()},
			Dialled{Agent: agent, Contact: d.fresh(), Queue: []contact.QueueID{"", "sales"}[d.roll(2)]},
			WorksOn{Agent: agent, Contact: d.contactOf(agent), As: d.fresh(), Kind: Kind(d.roll(2))},
		}[d.roll(7)]
	case 0, 1, 2:
		d.n++
		return ContactQueued{
			Contact:   contact.ID(rune('A' + d.n%64)),
			Queue:     []contact.QueueID{"sales", "sales", "support", "tiny", "nowhere"}[d.roll(5)],
			Priority:  d.roll(3),
			Since:     d.w.now.Add(-time.Duration(d.roll(30)) * time.Second),
			Caller:    []string{"", "", "13800000001", "13800000002", "13800000003", "anonymous"}[d.roll(6)],
			LastAgent: []contact.AgentID{"", "", "", agent, "nobody"}[d.roll(5)],
			Skills:    []Expr{{}, {}, {}, expr("billing"), expr("NOT trainee")}[d.roll(5)],
			Kind:      []Kind{KindCall, KindCall, KindCall, KindCallback, KindDial, KindVoicemail}[d.roll(6)],
		}
	case 3:
		return ContactLeft{d.contact()}
	case 4, 5, 6:
		return OfferAccepted{agent, d.contactOf(agent)}
	case 7:
		return OfferDeclined{agent, d.contactOf(agent)}
	case 8:
		if d.roll(2) == 0 {
			return TakenOver{Contact: d.contactOf(agent), From: agent, To: agentNames[d.roll(len(agentNames))]}
		}
		return ContactReleased{Agent: agent, Contact: d.contactOf(agent)}
	case 9, 10:
		states := []contact.AgentState{
			contact.AgentAvailable, contact.AgentAvailable, contact.AgentAvailable,
			contact.AgentAway, contact.AgentOffline, contact.AgentTalking,
		}
		return AgentWants{Agent: agent, State: states[d.roll(len(states))], Reason: []string{"", "lunch"}[d.roll(2)], Force: d.roll(5) == 1}
	case 11:
		return SeatReady{Agent: agent, Ready: d.roll(3) > 0, Why: "microphone denied"}
	case 12:
		return SeatLost{agent}
	case 13:
		return SeatBack{agent}
	case 14:
		return []Event{Held{Agent: agent, On: true}, Held{Agent: agent, On: false}, WrapUpExtended{agent}, WrapUpDone{Agent: agent}, Tick{}, nil, WrapUpWanted{Agent: agent, On: true}, WrapUpWanted{Agent: agent, On: d.roll(2) == 0}}[d.roll(8)]
	default:
		if d.roll(4) == 1 {
			return AgentRemoved{agent}
		}
		return AgentAdded{agent, [][]contact.QueueID{nil, nil, {}, {"sales"}, {"tiny", "support", "tiny"}}[d.roll(5)]}
	}
}

// fresh is mostly one that is not here.
func (d *days) fresh() contact.ID {
	d.n++
	return contact.ID(rune('A' + d.n%64))
}

// contact is mostly one that is here.
func (d *days) contact() contact.ID {
	return contact.ID(rune('A' + max(0, d.n+1-d.roll(9))%64))
}

func (d *days) contactOf(agent contact.AgentID) contact.ID {
	if st, ok := d.w.state.Agent(agent); ok && st.Contact != "" && d.roll(10) > 0 {
		return st.Contact
	}
	return d.contact()
}

// drain shows that nothing is stuck: with an agent at work for every queue,
// everybody gets an answer.
func (d *days) drain() {
	w := d.w
	w.cfg.Agents = append(w.cfg.Agents, AgentConfig{User: "zoe", Skills: []Skill{{"chinese", 5}, {"billing", 5}}})
	for _, state := range []*State{w.state, w.twin} {
		state.people["zoe"] = w.cfg.Agents[len(w.cfg.Agents)-1]
	}
	w.do(AgentAdded{Agent: "zoe", Queues: []contact.QueueID{"sales", "support", "tiny"}})
	w.do(SeatReady{Agent: "zoe", Ready: true})
	w.do(AgentWants{Agent: "zoe", State: contact.AgentAvailable})
	for i := range 1000 {
		if len(w.contacts) == 0 {
			return
		}
		for id := range w.agents {
			switch st, _ := w.state.Agent(id); st.State {
			case contact.AgentOffered:
				w.do(OfferAccepted{id, st.Contact})
			case contact.AgentTalking, contact.AgentHold:
				w.do(ContactReleased{Agent: id, Contact: st.Contact})
			case contact.AgentWrapUp:
				w.do(WrapUpDone{Agent: id})
				if st, _ := w.state.Agent(id); st.State == contact.AgentWrapUp { // it lasts its time
					w.do(AgentWants{Agent: id, State: contact.AgentAvailable, Force: true})
				}
			case contact.AgentDisconnected:
				w.do(SeatBack{id}) // a wrap-up without a limit waits for them
			}
		}
		for _, id := range slices.Sorted(maps.Keys(w.contacts)) {
			switch c := w.contacts[id]; {
			case c == nil:
			case c.dialling:
				w.do(ContactReached{id})
			case c.parked:
				w.do(ContactQueued{Contact: id, Queue: c.queue})
			case c.queue == "": // of an agent without a queue: nobody else has it
				w.do(ContactLeft{id})
			}
		}
		w.now = w.now.Add(time.Second)
		w.do(Tick{})
		busy := false
		for _, st := range w.state.Agents() {
			busy = busy || st.Contact != ""
		}
		if i > 300 && !busy { // callbacks wait until their queue opens again
			w.now = w.now.Add(time.Hour)
		}
		w.do(Tick{})
	}
	d.fail("still there after an hour: %v, agents %+v", w.order(), w.state.Agents())
}
