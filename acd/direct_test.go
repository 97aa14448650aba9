package acd

import (
	"slices"
	"testing"
	"time"

	"callfloor/contact"
	"pgregory.net/rapid"
)

// TestNobodyIsLostBetweenAgents throws random hand-overs at a state: whoever
// came waits, is with one agent, rings at one, is parked or outside; nobody is
// in two places; and with agents who answer everybody is served in the end.
func TestNobodyIsLostBetweenAgents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := DefaultConfig()
		cfg.Queues = []QueueConfig{{ID: "sales", Agents: []string{"*"}}, {ID: "support", Agents: []string{"alice", "bob"}}}
		cfg.WrapUpMode = rapid.SampledFrom(WrapUpModes()).Draw(t, "wrap-up")
		cfg.Queues[1].WrapUpMode = rapid.SampledFrom(WrapUpModes()).Draw(t, "wrap-up of support")
		h := handOvers{t: t, s: New(cfg), now: epoch, gone: map[contact.ID]bool{}, hears: map[contact.AgentID]contact.ID{}}
		for _, a := range agentNames {
			h.do(AgentAdded{Agent: a})
			h.do(SeatReady{Agent: a, Ready: true})
			h.do(AgentWants{Agent: a, State: contact.AgentAvailable})
			h.do(CallWaiting{Agent: a, On: rapid.Bool().Draw(t, "call waiting")})
		}
		for range rapid.IntRange(1, 120).Draw(t, "events") {
			h.now = h.now.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "tenths")) * 100 * time.Millisecond)
			h.do(h.event())
		}
		h.drain()
	})
}

type handOvers struct {
	t    *rapid.T
	s    *State
	now  time.Time
	came int
	gone map[contact.ID]bool
	// hears is whom each agent can hear and speak to, by the actions alone.
	hears map[contact.AgentID]contact.ID
	// owed is what each agent has to write about.
	owed map[contact.AgentID][]contact.ID
}

func (h *handOvers) event() Event {
	agent := rapid.SampledFrom(agentNames).Draw(h.t, "agent")
	other := rapid.SampledFrom(agentNames).Draw(h.t, "other")
	queue := rapid.SampledFrom([]contact.QueueID{"sales", "support"}).Draw(h.t, "queue")
	st, _ := h.s.Agent(agent)
	c := st.Contact
	if st.Other.Contact != "" && rapid.IntRange(0, 2).Draw(h.t, "other call") == 0 {
		c = st.Other.Contact
	}
	if c == "" && h.came > 0 {
		c = contact.ID(rune('A' + rapid.IntRange(0, h.came-1).Draw(h.t, "contact")))
	}
	switch rapid.IntRange(0, 21).Draw(h.t, "event") {
	case 20:
		h.came++
		return rapid.SampledFrom([]Event{
			Swapped{agent}, Swapped{agent}, Held{Agent: agent, On: true}, Held{Agent: agent}, WrapUpDone{Agent: agent, Contact: c}, WrapUpWanted{Agent: agent, On: true}, WrapUpExtended{agent},
			Dialled{Agent: agent, Contact: contact.ID(rune('A' + h.came - 1)), Beside: true}, ContactReached{c}, CallWaiting{agent, true},
		}).Draw(h.t, "lines")
	case 0, 1:
		h.came++
		ev := ContactQueued{Contact: contact.ID(rune('A' + h.came - 1)), Queue: queue, Since: h.now}
		if rapid.IntRange(0, 3).Draw(h.t, "only") == 0 {
			ev.Only, ev.OnlyFor = other, 30*time.Second
		}
		return ev
	case 2, 3, 4, 5:
		return OfferAccepted{agent, c}
	case 6:
		return OfferDeclined{agent, c}
	case 7, 8:
		return Asked{c, agent, other}
	case 9:
		return AskCancelled{c, agent}
	case 10:
		return HandedOver{c, agent, other}
	case 11:
		return Transferred{Contact: c, From: agent, Agent: other}
	case 12:
		return Transferred{Contact: c, From: agent, Queue: queue}
	case 13:
		return Transferred{Contact: c, From: agent}
	case 14:
		return CameBack{Contact: c}
	case 15:
		return Parked{c, agent, 20 * time.Second}
	case 16:
		return PickedUp{c, other}
	case 17:
		return rapid.SampledFrom([]Event{
			SeatLost{agent}, SeatBack{agent}, ContactReleased{c, agent}, TakenOver{c, agent, other}, MovedTo{c, queue, "sam"},
			Prioritised{c, 3}, AgentRemoved{agent}, AgentAdded{Agent: agent}, AgentWants{Agent: agent, State: contact.AgentAway},
			AgentWants{Agent: agent, State: contact.AgentAway, Force: true},
		}).Draw(h.t, "else")
	case 18:
		return ContactLeft{c}
	case 19:
		with, _ := h.s.Agent(other)
		return Joined{Contact: c, From: agent, Left: with.Contact, Agent: other}
	}
	return WrapUpDone{Agent: agent}
}

func (h *handOvers) do(ev Event) {
	actions, err := h.s.Try(h.now, ev)
	if err != nil && contact.ErrorCode(err) == contact.Internal {
		h.t.Fatalf("%#v: refused with a foreign error: %v", ev, err)
	}
	if err == nil { // these tell of what is so already: no action says it
		switch ev := ev.(type) {
		case Joined:
			delete(h.hears, ev.From)
			h.hears[ev.Agent] = ev.Contact
		case TakenOver:
			delete(h.hears, ev.From)
			h.hears[ev.To] = ev.Contact
		case HandedOver:
			delete(h.hears, ev.From)
			h.hears[ev.Agent] = ev.Contact
		}
	}
	for _, a := range actions {
		h.follow(ev, a)
	}
	h.check(ev)
	h.checkWrapUps(ev, actions)
}

// checkWrapUps: of each wrap-up that is over it is told once, and of no other.
func (h *handOvers) checkWrapUps(ev Event, actions []Action) {
	owed := map[contact.AgentID][]contact.ID{}
	for id, a := range h.s.agents {
		if a.wrap.mode != "" {
			owed[id] = append(owed[id], a.status.Contact)
		}
		if a.other != nil && a.other.at.State == contact.AgentWrapUp {
			owed[id] = append(owed[id], a.other.at.Contact)
		}
	}
	told := map[WrappedUp]int{}
	for _, a := range actions {
		if a, ok := a.(WrappedUp); ok {
			told[WrappedUp{Agent: a.Agent, Contact: a.Contact}]++
			if slices.Contains(owed[a.Agent], a.Contact) {
				h.t.Fatalf("after %#v: %+v, and there is still %v", ev, a, owed[a.Agent])
			}
		}
	}
	for id, list := range h.owed {
		for _, c := range list {
			if n := told[WrappedUp{Agent: id, Contact: c}]; !slices.Contains(owed[id], c) && n != 1 {
				h.t.Fatalf("after %#v: that %s wrapped up %s was told %d times", ev, id, c, n)
			}
		}
	}
	h.owed = owed
}

// follow holds the actions to it that nobody is connected while the agent
// still hears another customer.
func (h *handOvers) follow(ev Event, a Action) {
	free := func(agent contact.AgentID, c contact.ID) {
		if h.hears[agent] == c {
			delete(h.hears, agent)
		}
	}
	join := func(agent contact.AgentID, c contact.ID) {
		if before := h.hears[agent]; before != "" && before != c && h.s.customers[before] != nil {
			h.t.Fatalf("after %#v: %s is with %s and hears %s still", ev, agent, c, before)
		}
		h.hears[agent] = c
	}
	switch a := a.(type) {
	case SetAside:
		free(a.Agent, a.Contact)
	case TurnedTo:
		join(a.Agent, a.Contact)
	case Connect:
		join(a.Agent, a.Contact)
	case Parted:
		free(a.Agent, a.Contact)
	case Requeued:
		free(a.Agent, a.Contact)
	case AskEnded:
		if a.Why == whyTaken {
			join(a.Agent, a.Contact)
		} else {
			free(a.Agent, a.Contact)
		}
	}
}

// check holds the state to what must always be.
func (h *handOvers) check(ev Event) {
	where, other := map[*agent]contact.ID{}, map[*agent]contact.ID{}
	put := func(a *agent, c *customer) {
		of := where
		if a.other != nil && a.other.at.Contact == c.id {
			of = other
		}
		if before, twice := of[a]; twice {
			h.t.Fatalf("after %#v: %s has %s and %s", ev, a.id, c.id, before)
		}
		of[a] = c.id
		if of[a] != a.status.Contact && of[a] != a.status.Other.Contact || h.s.agents[a.id] != a {
			h.t.Fatalf("after %#v: %s should have %s: %+v", ev, a.id, c.id, a.status)
		}
		if hears := h.hears[a.id]; c.connected && hears == c.id && a.c != c && (a.ask == nil || a.ask.c != c) {
			h.t.Fatalf("after %#v: %s hears %s, which is not in front: %+v", ev, a.id, c.id, a.status)
		}
	}
	for id, c := range h.s.customers {
		places := 0
		if c.connected {
			places++
			put(c.agent, c)
		}
		if c.inOrder.n > 0 {
			places++
			for _, a := range c.ringing {
				put(a, c)
			}
		}
		if c.apart != nil {
			places++
			if a := c.apart.asked; a != nil {
				put(a, c)
			}
		}
		if places != 1 {
			h.t.Fatalf("after %#v: %s is in %d places: %+v", ev, id, places, c)
		}
		if a := c.helper; a != nil {
			put(a, c)
			k := a.ask
			if a.other != nil && a.other.at.Contact == c.id {
				k = a.other.ask
			}
			if !c.connected || k == nil || k.from != c.agent.id {
				h.t.Fatalf("after %#v: %s helps %+v", ev, a.id, c)
			}
		}
	}
	for id, c := range h.s.customers {
		if m := c.prefer; c.only && c.inReady.n > 0 && m != nil && m.a.waits() && h.s.can(m, c) > fitNo {
			h.t.Fatalf("after %#v: %s waits for %s alone, who has room for it: %+v", ev, id, m.a.id, m.a.status)
		}
	}
	for id, a := range h.s.agents {
		busy := a.status.State == contact.AgentOffered || a.status.State == contact.AgentTalking || a.status.State == contact.AgentHold
		if _, has := where[a]; has != busy {
			h.t.Fatalf("after %#v: %s is %s, with a contact: %v", ev, id, a.status.State, has)
		}
		l := LineStatus{}
		if a.other != nil {
			l = a.other.at
		}
		if l != a.status.Other || a.turned || l.State != "" && !slices.Contains(beside[a.status.State], l.State) {
			h.t.Fatalf("after %#v: %s is %s beside %s", ev, id, a.status.State, l.State)
		}
		if _, has := other[a]; has != (l.State == contact.AgentOffered || l.State == contact.AgentHold) {
			h.t.Fatalf("after %#v: the other call of %s is %s, with a contact: %v", ev, id, l.State, has)
		}
		if a.routable && l.State != "" {
			h.t.Fatalf("after %#v: %s would be offered a third call", ev, id)
		}
	}
	for _, q := range h.s.queueList {
		talking := 0
		for _, c := range h.s.customers {
			if c.connected && c.q == q {
				talking++
			}
		}
		if q.talking != talking {
			h.t.Fatalf("after %#v: %s counts %d who talk, there are %d", ev, q.cfg.ID, q.talking, talking)
		}
	}
}

// drain: who is outside comes back, who is parked does so by time; with agents
// who answer nobody is left.
func (h *handOvers) drain() {
	for _, a := range agentNames {
		h.do(AgentAdded{Agent: a})
		h.do(SeatReady{Agent: a, Ready: true})
		h.do(SeatBack{a})
		h.do(AgentWants{Agent: a, State: contact.AgentAvailable})
	}
	for range 600 {
		if len(h.s.customers) == 0 {
			return
		}
		for id, c := range h.s.customers {
			if c.apart != nil && !c.apart.isPark && c.apart.asked == nil {
				h.do(CameBack{Contact: id})
			}
		}
		for _, id := range agentNames {
			switch st, _ := h.s.Agent(id); st.State {
			case contact.AgentOffered:
				h.do(OfferAccepted{id, st.Contact})
			case contact.AgentTalking, contact.AgentHold:
				h.do(ContactReleased{Agent: id, Contact: st.Contact})
			case contact.AgentWrapUp:
				h.do(WrapUpDone{Agent: id})
				if st, _ := h.s.Agent(id); st.State == contact.AgentWrapUp { // it lasts its time
					h.do(AgentWants{Agent: id, State: contact.AgentAvailable, Force: true})
				}
			}
			if st, _ := h.s.Agent(id); st.Other.State == contact.AgentOffered {
				h.do(OfferAccepted{id, st.Other.Contact})
			}
		}
		h.now = h.now.Add(time.Second)
		h.do(Tick{})
	}
	h.t.Fatalf("still there after ten minutes: %d", len(h.s.customers))
}
