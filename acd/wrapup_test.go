package acd

import (
	"strings"
	"testing"
	"time"

	"callfloor/contact"
)

func TestWrapUpRules(t *testing.T) {
	minute, none := time.Minute, time.Duration(0)
	cfg := DefaultConfig()
	cfg.WrapUpDisposition = "Not said"
	cfg.Queues = []QueueConfig{
		{ID: "as all"}, {ID: "long", WrapUp: &minute}, {ID: "none", WrapUp: &none}, {ID: "fixed", WrapUpMode: WrapUpFixed},
		{ID: "asked", WrapUpMode: WrapUpOptional}, {ID: "own", WrapUpMode: WrapUpMandatory, WrapUp: &none, WrapUpDisposition: "Open"},
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[contact.QueueID]WrapUpRule{
		"": {WrapUpTimed, 30 * time.Second, "Not said"}, "as all": {WrapUpTimed, 30 * time.Second, "Not said"},
		"long": {WrapUpTimed, time.Minute, "Not said"}, "none": {WrapUpTimed, 0, "Not said"}, "fixed": {WrapUpFixed, 30 * time.Second, "Not said"},
		"asked": {WrapUpOptional, 30 * time.Second, "Not said"}, "own": {WrapUpMandatory, 0, "Open"},
	} {
		if got := cfg.WrapUps()[id]; got != want {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
	for id, want := range map[contact.QueueID]string{"as all": "timed", "none": "none", "asked": "optional", "own": "mandatory", "fixed": "fixed"} {
		if got := cfg.WrapUps()[id].View(); got != want {
			t.Errorf("%s is shown as %s, want %s", id, got, want)
		}
	}
	for id, want := range map[contact.QueueID]time.Duration{"long": time.Minute, "none": 0, "asked": 0, "fixed": 30 * time.Second} {
		un := cfg.Unattended().WrapUps()[id]
		if got := cfg.WrapUps()[id].Usual(); got != want || un.Time != want || un.Mode != WrapUpTimed || cfg.WithoutWrapUp().WrapUps()[id].Usual() != 0 {
			t.Errorf("%s usually takes %v, want %v; unattended %+v", id, got, want, un)
		}
	}
}

func TestWrapUpConfigErrors(t *testing.T) {
	with := func(set func(*Config)) error {
		cfg := DefaultConfig()
		cfg.Queues = []QueueConfig{{ID: "sales"}}
		set(&cfg)
		return cfg.Validate()
	}
	none, long := time.Duration(0), 2*time.Hour
	for want, set := range map[string]func(*Config){
		`wrap_up_mode is "sometimes"; it must be one of [optional mandatory timed fixed]`:                         func(c *Config) { c.WrapUpMode = "sometimes" },
		`wrap_up is -1s; it must be 0s to 1h0m0s`:                                                                 func(c *Config) { c.WrapUp = -time.Second },
		`wrap_up is 0s, and with wrap_up_mode fixed it lasts its time; it must be at least 1s`:                    func(c *Config) { c.WrapUp, c.WrapUpMode = 0, WrapUpFixed },
		`queues[0].wrap_up is 0s, and with wrap_up_mode optional it is for agents who ask for one; it must be at`: func(c *Config) { c.Queues[0].WrapUp, c.WrapUpMode = &none, WrapUpOptional },
		`queues[0].wrap_up is 2h0m0s; it must be 0s to 1h0m0s`:                                                    func(c *Config) { c.Queues[0].WrapUp = &long },
		`queues[0].wrap_up_mode is "no"; it must be one of`:                                                       func(c *Config) { c.Queues[0].WrapUpMode = "no" },
		`wrap_up_disposition is " "; it must be a word or a few`:                                                  func(c *Config) { c.WrapUpDisposition = " " },
	} {
		if err := with(set); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	if err := with(func(c *Config) { c.WrapUp = 0 }); err != nil {
		t.Error(err)
	}
}

// TestRestartKeepsWrapUps: one without a limit is there again after a restart;
// one whose time was over meanwhile is told to be.
func TestRestartKeepsWrapUps(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Queues = []QueueConfig{{ID: "sales"}, {ID: "claims", WrapUpMode: WrapUpMandatory}}
	s := New(cfg)
	for id, q := range map[contact.AgentID]contact.QueueID{"alice": "sales", "bob": "claims"} {
		s.Step(epoch, AgentAdded{Agent: id, Queues: []contact.QueueID{q}})
		s.Step(epoch, SeatReady{Agent: id, Ready: true})
		s.Step(epoch, AgentWants{Agent: id, State: contact.AgentAvailable})
		s.Step(epoch, ContactQueued{Contact: contact.ID(q), Queue: q})
		s.Step(epoch, OfferAccepted{Agent: id, Contact: contact.ID(q)})
		s.Step(epoch, ContactLeft{Contact: contact.ID(q)})
	}
	for _, c := range []struct {
		after time.Duration
		want  []WrappedUp
		bob   contact.AgentState
	}{
		{10 * time.Second, nil, contact.AgentWrapUp},
		{40 * time.Second, []WrappedUp{{"alice", "sales", "sales", EndByTime}}, contact.AgentWrapUp},
		{2 * time.Hour, []WrappedUp{{"alice", "sales", "sales", EndByLeaving}, {"bob", "claims", "claims", EndByLeaving}}, ""},
	} {
		next := New(cfg)
		var told []WrappedUp
		for _, a := range next.Step(epoch.Add(c.after), Restored{Snapshot: s.Snapshot()}) {
			if a, ok := a.(WrappedUp); ok {
				told = append(told, a)
			}
		}
		if len(told) != len(c.want) || len(told) > 0 && told[0] != c.want[0] || len(told) > 1 && told[1] != c.want[1] {
			t.Errorf("after %v: %+v, want %+v", c.after, told, c.want)
		}
		next.Step(epoch.Add(c.after), SeatBack{Agent: "bob"})
		if st, _ := next.Agent("bob"); st.State != c.bob || c.bob != "" && (st.Contact != "claims" || !st.Until.IsZero()) {
			t.Errorf("after %v: bob is %+v", c.after, st)
		}
	}
}
