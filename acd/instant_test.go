package acd

import (
	"testing"
	"time"

	"callfloor/contact"
)

// offersOf keeps who was offered what.
func offersOf(actions []Action) map[contact.AgentID]contact.ID {
	got := map[contact.AgentID]contact.ID{}
	for _, a := range actions {
		if o, ok := a.(OfferTo); ok {
			got[o.Agent] = o.Contact
		}
	}
	return got
}

func signIn(s *State, now time.Time, id contact.AgentID, queues ...contact.QueueID) {
	s.Step(now, AgentAdded{id, queues})
	s.Step(now, SeatReady{Agent: id, Ready: true})
	s.Step(now, AgentWants{Agent: id, State: contact.AgentAvailable})
}

// bob's wrap-up ends in the very step in which a contact comes; alice is idle
// for longer and gets it.
func TestLongerIdleInTheSameStep(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Queues = []QueueConfig{{ID: "sales"}}
	s := New(cfg)
	signIn(s, epoch, "bob", "sales")
	s.Step(epoch, ContactQueued{Contact: "c1", Queue: "sales"})
	s.Step(epoch, OfferAccepted{"bob", "c1"})
	s.Step(epoch, ContactLeft{"c1"})
	signIn(s, epoch.Add(time.Second), "alice", "sales")
	got := offersOf(s.Step(epoch.Add(cfg.WrapUp), ContactQueued{Contact: "c2", Queue: "sales"}))
	if len(got) != 1 || got["alice"] != "c2" {
		t.Errorf("offered %v, want c2 to alice", got)
	}
}

// Two offers time out in the step in which alice becomes free. She brings up
// c1, for which bob is idle for longer; but bob's first choice is c2, which has
// priority and which only he can take. So c2 goes to him and c1 to her.
func TestFirstChoicesInTheSameStep(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Queues = []QueueConfig{{ID: "sales"}, {ID: "support"}}
	s := New(cfg)
	signIn(s, epoch, "dan", "sales")
	signIn(s, epoch, "eve", "support")
	s.Step(epoch, AgentAdded{"alice", []contact.QueueID{"sales"}})
	s.Step(epoch, SeatReady{Agent: "alice", Ready: true})
	s.Step(epoch, ContactQueued{Contact: "c1", Queue: "sales"})
	s.Step(epoch, ContactQueued{Contact: "c2", Queue: "support", Priority: 5})
	signIn(s, epoch.Add(time.Second), "bob", "sales", "support")
	got := offersOf(s.Step(epoch.Add(cfg.OfferTimeout), AgentWants{Agent: "alice", State: contact.AgentAvailable}))
	if len(got) != 2 || got["bob"] != "c2" || got["alice"] != "c1" {
		t.Errorf("offered %v, want c2 to bob and c1 to alice", got)
	}
}

func TestValidate(t *testing.T) {
	good := DefaultConfig()
	good.Queues = []QueueConfig{{ID: "sales"}, {ID: "support", MaxWaiting: 5}}
	if err := good.Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for name, spoil := range map[string]func(*Config){
		"OfferTimeout": func(c *Config) { c.OfferTimeout = 0 },
		"Negative":     func(c *Config) { c.SeatGrace = -time.Second },
		"NoID":         func(c *Config) { c.Queues = []QueueConfig{{}} },
		"Twice":        func(c *Config) { c.Queues = append(c.Queues, QueueConfig{ID: "sales"}) },
		"MaxWaiting":   func(c *Config) { c.Queues = []QueueConfig{{ID: "a", MaxWaiting: -1}} },
	} {
		c := good
		spoil(&c)
		if c.Validate() == nil {
			t.Errorf("%s passed", name)
		}
	}
}
