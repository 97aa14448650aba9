package acd

import (
	"testing"
	"time"

	"callfloor/contact"
	"pgregory.net/rapid"
)

// TestRandomDays throws random events at a state; world holds it to the rules.
func TestRandomDays(t *testing.T) { rapid.Check(t, randomDay) }

// FuzzDays is the same with the fuzzer's choices.
func FuzzDays(f *testing.F) {
	f.Add([]byte("a quiet day"))
	f.Add(make([]byte, 4096))
	many := make([]byte, 1<<14)
	for i := range many {
		many[i] = byte(i * 7)
	}
	f.Add(many)
	f.Fuzz(rapid.MakeFuzz(randomDay))
}

func randomDay(t *rapid.T) {
	cfg := DefaultConfig()
	cfg.Queues = []QueueConfig{{ID: "sales", Agents: []string{"*"}}, {ID: "support", Agents: []string{"alice", "bob"}}, {ID: "tiny", MaxWaiting: 2}}
	if rapid.Bool().Draw(t, "no wrap-up") {
		cfg.WrapUp = 0
	}
	w := newWorld(cfg, t.Fatalf)
	d := days{t: t, w: w}
	for _, id := range agentNames {
		w.do(AgentAdded{Agent: id})
		w.do(SeatReady{Agent: id, Ready: true})
	}
	for range rapid.IntRange(1, 150).Draw(t, "events") {
		d.wait()
		w.do(d.event())
	}
	d.drain()
}

var agentNames = []contact.AgentID{"alice", "bob", "carol", "dan"}

type days struct {
	t *rapid.T
	w *world
	n int
}

// wait lets time pass: none, some, or exactly to the next deadline.
func (d *days) wait() {
	switch next := d.w.state.NextDeadline(); rapid.IntRange(0, 3).Draw(d.t, "wait") {
	case 1:
		d.w.now = d.w.now.Add(time.Duration(rapid.IntRange(1, 20_000).Draw(d.t, "ms")) * time.Millisecond)
	case 2:
		if next.After(d.w.now) {
			d.w.now = next
		}
	case 3:
		if rapid.IntRange(0, 20).Draw(d.t, "long") == 0 {
			d.w.now = d.w.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(d.t, "minutes")) * time.Hour / 2)
		}
	}
}

func (d *days) event() Event {
	agent := rapid.SampledFrom(agentNames).Draw(d.t, "agent")
	switch rapid.IntRange(0, 15).Draw(d.t, "event") {
	case 0, 1, 2:
		d.n++
		return ContactQueued{
			Contact:  contact.ID(rune('A' + d.n%64)),
			Queue:    rapid.SampledFrom([]contact.QueueID{"sales", "sales", "support", "tiny", "nowhere"}).Draw(d.t, "queue"),
			Priority: rapid.IntRange(0, 2).Draw(d.t, "priority"),
			Since:    d.w.now.Add(-time.Duration(rapid.IntRange(0, 30).Draw(d.t, "since")) * time.Second),
		}
	case 3:
		return ContactLeft{d.contact()}
	case 4, 5, 6:
		return OfferAccepted{agent, d.contactOf(agent)}
	case 7:
		return OfferDeclined{agent, d.contactOf(agent)}
	case 8:
		return ContactReleased{Agent: agent, Contact: d.contactOf(agent)}
	case 9, 10:
		state := rapid.SampledFrom([]contact.AgentState{
			contact.AgentAvailable, contact.AgentAvailable, contact.AgentAvailable, contact.AgentAway, contact.AgentOffline, contact.AgentTalking,
		}).Draw(d.t, "state")
		return AgentWants{Agent: agent, State: state, Reason: rapid.SampledFrom([]string{"", "lunch"}).Draw(d.t, "reason")}
	case 11:
		return SeatReady{Agent: agent, Ready: rapid.IntRange(0, 3).Draw(d.t, "ready") > 0, Why: "microphone denied"}
	case 12:
		return SeatLost{agent}
	case 13:
		return SeatBack{agent}
	case 14:
		return rapid.SampledFrom([]Event{Held{agent, true}, Held{agent, false}, WrapUpExtended{agent}, WrapUpDone{agent}, Tick{}, nil}).Draw(d.t, "press")
	default:
		if rapid.IntRange(0, 3).Draw(d.t, "remove") == 0 {
			return AgentRemoved{agent}
		}
		return AgentAdded{agent, rapid.SampledFrom([][]contact.QueueID{nil, {}, {"sales"}, {"tiny", "support", "tiny"}}).Draw(d.t, "queues")}
	}
}

// contact is mostly one that is here.
func (d *days) contact() contact.ID {
	return contact.ID(rune('A' + rapid.IntRange(max(0, d.n-8), d.n+1).Draw(d.t, "contact")%64))
}

func (d *days) contactOf(agent contact.AgentID) contact.ID {
	if st, ok := d.w.state.Agent(agent); ok && st.Contact != "" && rapid.IntRange(0, 9).Draw(d.t, "own") > 0 {
		return st.Contact
	}
	return d.contact()
}

// drain shows that nothing is stuck: with an agent at work for every queue,
// everybody gets an answer.
func (d *days) drain() {
	w := d.w
	w.do(AgentAdded{Agent: "zoe", Queues: []contact.QueueID{"sales", "support", "tiny"}})
	w.do(SeatReady{Agent: "zoe", Ready: true})
	w.do(AgentWants{Agent: "zoe", State: contact.AgentAvailable})
	for range 1000 {
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
				w.do(WrapUpDone{id})
			}
		}
		w.now = w.now.Add(time.Second)
		w.do(Tick{})
	}
	d.t.Fatalf("still there after an hour: %v", w.order())
}
