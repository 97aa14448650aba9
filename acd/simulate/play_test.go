package simulate

import (
	"math"
	"reflect"
	"testing"
	"time"

	"callfloor/acd"
	"callfloor/acd/staffing"
	"callfloor/contact"
)

var epoch = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func config() acd.Config {
	cfg := acd.DefaultConfig()
	cfg.WrapUp, cfg.SurgePercent = 0, 0
	cfg.Queues = []acd.QueueConfig{{ID: "sales", Agents: []string{"*"}}}
	return cfg
}

// TestAgreesWithErlang plays queues through the real routing, ten days with
// their own seeds each, and wants the formula within the confidence interval
// of the ten means (99.9 %, Student's t with 9 degrees: 4.78).
func TestAgreesWithErlang(t *testing.T) {
	const runs, student = 10, 4.78
	for name, tt := range map[string]struct {
		load   staffing.Load
		agents int
	}{
		"C 14 agents":        {staffing.Load{PerHour: 200, Handle: 3 * time.Minute}, 14},
		"C 4 agents busy":    {staffing.Load{PerHour: 60, Handle: 3 * time.Minute}, 4},
		"A 10 agents":        {staffing.Load{PerHour: 200, Handle: 3 * time.Minute, Patience: 2 * time.Minute}, 10},
		"A 5 overloaded":     {staffing.Load{PerHour: 200, Handle: 3 * time.Minute, Patience: 90 * time.Second}, 5},
		"A 40 agents, large": {staffing.Load{PerHour: 800, Handle: 3 * time.Minute, Patience: 5 * time.Minute}, 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config()
			want := staffing.Run(tt.load, tt.agents, cfg.ServiceLevel)
			figures := map[string][]float64{}
			for seed := range uint64(runs) {
				a := Arrivals{Queue: "sales", PerHour: tt.load.PerHour, For: time.Duration(min(40, 8000/tt.load.PerHour) * float64(time.Hour)), Handle: tt.load.Handle, Patience: tt.load.Patience}
				r := Play(Day{Config: cfg, Start: epoch, Contacts: a.Make(epoch, seed), Agents: Team(cfg, tt.agents), WarmUp: 2 * time.Hour, Seed: seed})
				if r.Missed != 0 || r.Waiting != 0 || r.Refused != 0 {
					t.Fatalf("%+v", r)
				}
				add := func(what string, v float64) { figures[what] = append(figures[what], v) }
				add("service level", r.ServiceLevel)
				add("wait of the answered", r.WaitMean)
				add("abandoned", r.AbandonRate)
				add("occupancy", r.Occupancy)
			}
			for what, value := range map[string]float64{
				"service level": want.ServiceLevel, "wait of the answered": want.ASA.Seconds(), "abandoned": want.Abandoned, "occupancy": want.Occupancy,
			} {
				mean, half := interval(figures[what], student)
				t.Logf("%s: simulated %.4f ± %.4f, formula %.4f", what, mean, half, value)
				if math.Abs(mean-value) > half+1e-6 {
					t.Errorf("%s: simulated %.4f ± %.4f, the formula says %.4f", what, mean, half, value)
				}
			}
		})
	}
}

// interval returns the mean and half the confidence interval.
func interval(v []float64, student float64) (mean, half float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		half += (x - mean) * (x - mean) / float64(len(v)-1)
	}
	return mean, student * math.Sqrt(half/float64(len(v)))
}

func TestSameDaySameResult(t *testing.T) {
	a := Arrivals{Queue: "sales", PerHour: 300, For: time.Hour, Handle: time.Minute, Patience: time.Minute, Spread: 0.8}
	day := Day{Config: config(), Start: epoch, Contacts: a.Make(epoch, 7), Agents: Team(config(), 5), PickUp: 3 * time.Second, MissPercent: 10, Return: 30 * time.Second, Seed: 7}
	first := Play(day)
	if again := Play(day); !reflect.DeepEqual(first, again) {
		t.Errorf("%+v, then %+v", first, again)
	}
	if first.Missed == 0 || first.Answered == 0 || first.Contacts != first.Answered+first.Abandoned || first.WaitP50 > first.WaitP99 {
		t.Errorf("%+v", first)
	}
}

// TestEveryStrategyServesAll: whichever way agents are chosen, the same work is
// done in the same time.
func TestEveryStrategyServesAll(t *testing.T) {
	for _, strategy := range acd.Strategies() {
		cfg := config()
		cfg.Queues[0].Strategy = strategy
		a := Arrivals{Queue: "sales", PerHour: 200, For: 8 * time.Hour, Handle: 3 * time.Minute}
		r := Play(Day{Config: cfg, Start: epoch, Contacts: a.Make(epoch, 3), Agents: Team(cfg, 12)})
		if r.Answered != r.Contacts || math.Abs(r.ServiceLevel-0.68) > 0.12 {
			t.Errorf("%s: %+v", strategy, r)
		}
	}
}

// TestSurge is five times the usual load for ten minutes with patient callers:
// nobody is lost, and more agents help.
func TestSurge(t *testing.T) {
	cfg := config()
	usual := Arrivals{Queue: "sales", PerHour: 100, For: 3 * time.Hour, Handle: 3 * time.Minute, Patience: 10 * time.Minute}
	surge := Arrivals{Queue: "sales", PerHour: 400, For: 10 * time.Minute, Handle: 3 * time.Minute, Patience: 10 * time.Minute}
	contacts := append(usual.Make(epoch, 1), surge.Make(epoch.Add(time.Hour), 2)...)
	level := 0.0
	for _, n := range []int{7, 10, 14, 25} {
		r := Play(Day{Config: cfg, Start: epoch, Contacts: contacts, Agents: Team(cfg, n)})
		if r.Contacts != len(contacts) || r.Waiting != 0 || r.ServiceLevel < level {
			t.Errorf("%d agents: %+v", n, r)
		}
		level = r.ServiceLevel
	}
}

// TestAsk: a queue with twenty who wait and two who talk, and k more agents.
func TestAsk(t *testing.T) {
	cfg := config()
	s := acd.New(cfg)
	for _, id := range []contact.AgentID{"alice", "bob"} {
		s.Step(epoch, acd.AgentAdded{Agent: id})
		s.Step(epoch, acd.SeatReady{Agent: id, Ready: true})
		s.Step(epoch, acd.AgentWants{Agent: id, State: contact.AgentAvailable})
	}
	for i := range 22 {
		s.Step(epoch, acd.ContactQueued{Contact: contact.ID(rune('a' + i)), Queue: "sales"})
	}
	for _, id := range []contact.AgentID{"alice", "bob"} {
		st, _ := s.Agent(id)
		s.Step(epoch, acd.OfferAccepted{Agent: id, Contact: st.Contact})
	}
	mean := math.Inf(1)
	for _, k := range []int{0, 2, 6, 20} {
		r := Ask(cfg, s.Snapshot(), WhatIf{Queue: "sales", More: k, Pace: acd.Pace{Handle: 3 * time.Minute, PerHour: 30}, Horizon: time.Hour, Seed: 5})
		if r.Contacts < 20 || r.Answered != r.Contacts || r.Agents != 2+k || r.WaitMean >= mean {
			t.Errorf("%d more: %+v (before %v)", k, r, mean)
		}
		mean = r.WaitMean
	}
}
