package acd

import (
	"testing"
	"time"

	"callfloor/contact"
)

// TestOneAgentOnly: a contact that asks for one agent is offered to nobody else,
// whoever is free, and is given back when that one does not come in time.
func TestOneAgentOnly(t *testing.T) {
	now := epoch
	cfg := DefaultConfig()
	cfg.Queues = []QueueConfig{{ID: "sales", Agents: []string{"*"}, Strategy: LongestIdle, MaxWaiting: 1}}
	s := New(cfg)
	var last []Action
	do := func(after time.Duration, ev Event) []Action {
		t.Helper()
		now = now.Add(after)
		var err error
		if last, err = s.Try(now, ev); err != nil {
			t.Fatalf("%#v: %v", ev, err)
		}
		return last
	}
	refused := func(id contact.ID) Reason {
		for _, a := range last {
			if r, ok := a.(Refused); ok && r.Contact == id {
				return r.Reason
			}
		}
		return ""
	}
	offered := func(id contact.ID) contact.AgentID {
		for _, a := range last {
			if o, ok := a.(OfferTo); ok && o.Contact == id {
				return o.Agent
			}
		}
		return ""
	}
	for _, a := range []contact.AgentID{"alice", "bob"} {
		do(0, AgentAdded{Agent: a})
		do(0, SeatReady{Agent: a, Ready: true})
	}
	do(0, AgentWants{Agent: "alice", State: contact.AgentAvailable})
	do(time.Second, ContactQueued{Contact: "a", Queue: "sales", Since: now, Only: "bob", OnlyFor: 20 * time.Second})
	if got := refused("a"); got != ReasonAway {
		t.Errorf("bob is not at work: %q", got)
	}
	do(time.Second, AgentWants{Agent: "bob", State: contact.AgentAvailable})
	do(time.Second, ContactQueued{Contact: "b", Queue: "sales", Since: now, Only: "bob", OnlyFor: 20 * time.Second})
	if got := offered("b"); got != "bob" {
		t.Errorf("offered to %q", got)
	}
	do(time.Second, ContactQueued{Contact: "c", Queue: "sales", Since: now, Only: "bob", OnlyFor: 20 * time.Second})
	if got := offered("c"); got != "" {
		t.Errorf("bob's phone rings, and %q is asked", got)
	}
	do(5*time.Second, OfferDeclined{Agent: "bob", Contact: "b"})
	if got := refused("b"); got != ReasonNoAnswer {
		t.Errorf("declined: %q", got)
	}
	if got := offered("c"); got != "bob" {
		t.Errorf("the next one is offered to %q", got)
	}
	do(time.Second, OfferAccepted{Agent: "bob", Contact: "c"})
	do(time.Second, ContactQueued{Contact: "d", Queue: "sales", Since: now, Only: "bob", OnlyFor: 20 * time.Second})
	do(19*time.Second, Tick{})
	if refused("d") != "" {
		t.Error("given back too soon")
	}
	do(time.Second, Tick{})
	if got := refused("d"); got != ReasonNoAnswer {
		t.Errorf("in time: %q", got)
	}
}
