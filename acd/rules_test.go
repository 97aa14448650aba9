package acd

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
)

// floor is a queue "sales" with agents who are free.
func floor(change func(*Config), agents ...contact.AgentID) *State {
	cfg := DefaultConfig()
	cfg.WrapUp = 0
	var all []string
	for _, a := range agents {
		all = append(all, string(a))
	}
	cfg.Queues = []QueueConfig{{ID: "sales", Agents: all}, {ID: "support"}}
	change(&cfg)
	s := New(cfg)
	for i, a := range agents {
		now := epoch.Add(time.Duration(i) * time.Millisecond)
		s.Step(now, AgentAdded{Agent: a})
		s.Step(now, SeatReady{Agent: a, Ready: true})
		s.Step(now, AgentWants{Agent: a, State: contact.AgentAvailable})
	}
	return s
}

func at(seconds float64) time.Time {
	return epoch.Add(time.Second + time.Duration(seconds*float64(time.Second)))
}

// serveOne lets one contact come and be served for a while; it returns by whom.
func serveOne(t *testing.T, s *State, now time.Time, n int, takes time.Duration) contact.AgentID {
	t.Helper()
	id := contact.ID(fmt.Sprint("c", n))
	for agent := range offersOf(s.Step(now, ContactQueued{Contact: id, Queue: "sales"})) {
		s.Step(now, OfferAccepted{agent, id})
		s.Step(now.Add(takes), ContactReleased{id, agent})
		return agent
	}
	t.Fatalf("%s was offered to nobody", id)
	return ""
}

// TestShares: how often each of four idle agents is chosen in 400 calls.
func TestShares(t *testing.T) {
	agents := []contact.AgentID{"a", "b", "c", "d"}
	for strategy, want := range map[Strategy][4]int{
		LongestIdle: {100, 100, 100, 100}, FewestCalls: {100, 100, 100, 100}, RoundRobin: {100, 100, 100, 100},
		TopDown: {400, 0, 0, 0}, Weighted: {200, 100, 50, 50}, Random: {100, 100, 100, 100}, LeastTalk: {100, 100, 100, 100},
	} {
		s := floor(func(c *Config) {
			c.Queues[0].Strategy = strategy
			c.Agents = []AgentConfig{{User: "a", Weight: 4}, {User: "b", Weight: 2}}
		}, agents...)
		got := map[contact.AgentID]int{}
		for n := range 400 {
			got[serveOne(t, s, at(float64(n)*10), n, time.Second)]++
		}
		within := 2
		if strategy == Random {
			within = 35 // four standard deviations
		}
		for i, a := range agents {
			if d := got[a] - want[i]; d > within || d < -within {
				t.Errorf("%s: %v, want %v", strategy, got, want)
				break
			}
		}
	}
}

// TestLeastTalk: the one whose calls are ten times as long gets fewer of them.
func TestLeastTalk(t *testing.T) {
	s := floor(func(c *Config) { c.Queues[0].Strategy = LeastTalk }, "a", "b")
	got := map[contact.AgentID]int{}
	for n := range 110 {
		id := contact.ID(fmt.Sprint("c", n))
		now := at(float64(n) * 200)
		for agent := range offersOf(s.Step(now, ContactQueued{Contact: id, Queue: "sales"})) {
			takes := 10 * time.Second
			if agent == "a" {
				takes = 100 * time.Second
			}
			s.Step(now, OfferAccepted{agent, id})
			s.Step(now.Add(takes), ContactReleased{id, agent})
			got[agent]++
		}
	}
	if got["a"] < 9 || got["a"] > 12 {
		t.Errorf("%v, want a tenth for a", got)
	}
}

func TestRingAll(t *testing.T) {
	s := floor(func(c *Config) { c.Queues[0].Strategy = RingAll }, "a", "b", "c")
	if got := offersOf(s.Step(at(0), ContactQueued{Contact: "c1", Queue: "sales"})); len(got) != 3 {
		t.Fatalf("rings %v", got)
	}
	var ended []string
	for _, a := range s.Step(at(1), OfferAccepted{"b", "c1"}) {
		if e, ok := a.(OfferEnded); ok {
			ended = append(ended, string(e.Agent)+" "+e.Why)
		}
	}
	if want := []string{"b accepted", "a taken", "c taken"}; !slices.Equal(ended, want) {
		t.Errorf("%v, want %v", ended, want)
	}
	if _, err := s.Try(at(1), OfferAccepted{"a", "c1"}); err == nil || !strings.Contains(err.Error(), "another agent has answered") {
		t.Errorf("a is told %v", err)
	}
	// Who becomes free joins the ring.
	s.Step(at(2), ContactQueued{Contact: "c2", Queue: "sales"})
	if got := offersOf(s.Step(at(3), ContactReleased{"c1", "b"})); got["b"] != "c2" {
		t.Errorf("b rings for %v", got)
	}
}

// TestStepsRelax: 20 s for level 3, then anybody.
func TestStepsRelax(t *testing.T) {
	s := floor(func(c *Config) {
		c.Queues[0].Steps = []Step{{Skills: expr("chinese >= 3"), Prefer: expr("chinese >= 5"), For: 20 * time.Second}, {Any: true}}
		c.Agents = []AgentConfig{{User: "b", Skills: []Skill{{"chinese", 3}}}, {User: "c", Skills: []Skill{{"chinese", 5}}}}
	}, "a", "b", "c")
	first := s.Step(at(0), ContactQueued{Contact: "c1", Queue: "sales"})
	if got := offersOf(first); got["c"] != "c1" {
		t.Errorf("the first goes to %v, want the one with level 5", got)
	}
	for _, a := range first {
		if o, ok := a.(OfferTo); ok && (!strings.Contains(o.Reasons[0].Why, "has chinese >= 3") || o.Reasons[1].Why != "lacks chinese >= 3") {
			t.Errorf("%+v", o.Reasons)
		}
	}
	if got := offersOf(s.Step(at(0), ContactQueued{Contact: "c2", Queue: "sales"})); got["b"] != "c2" {
		t.Errorf("the second goes to %v", got)
	}
	if got := offersOf(s.Step(at(0), ContactQueued{Contact: "c3", Queue: "sales"})); len(got) != 0 {
		t.Errorf("the third goes to %v", got)
	}
	if next := s.NextDeadline(); next.After(at(20)) {
		t.Errorf("the next look is at %v", next)
	}
	s.Step(at(5), OfferAccepted{"b", "c2"})
	s.Step(at(5), OfferAccepted{"c", "c1"})
	if got := offersOf(s.Step(at(20), Tick{})); got["a"] != "c3" {
		t.Errorf("after 20 s: %v", got)
	}
}

// TestPriorityAges: a priority of 3 is worth 15 min of waiting, no more.
func TestPriorityAges(t *testing.T) {
	s := floor(func(c *Config) { c.VIP = []string{"+86 138 0000 0001"} })
	s.Step(at(0), ContactQueued{Contact: "old", Queue: "sales"})
	s.Step(at(600), ContactQueued{Contact: "new", Queue: "sales"})
	s.Step(at(700), ContactQueued{Contact: "vip", Queue: "sales", Caller: "8613800000001"})
	s.Step(at(1000), ContactQueued{Contact: "late vip", Queue: "sales", Caller: "8613800000001"})
	var order []contact.ID
	for c := range s.queues["sales"].order.all() {
		order = append(order, c.id)
	}
	if want := []contact.ID{"vip", "old", "late vip", "new"}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}

func TestLastAgent(t *testing.T) {
	s := floor(func(*Config) {}, "a", "b", "c")
	serveOne(t, s, at(0), 1, time.Second) // a: idle for the shortest time now
	if got := offersOf(s.Step(at(2), ContactQueued{Contact: "back", Queue: "sales", LastAgent: "a"})); got["a"] != "back" {
		t.Errorf("%v", got)
	}
	s.Step(at(2), OfferAccepted{"a", "back"})
	// Busy: waits 20 s for a, then b gets it.
	if got := offersOf(s.Step(at(3), ContactQueued{Contact: "waits", Queue: "sales", LastAgent: "a"})); len(got) != 0 {
		t.Errorf("offered at once: %v", got)
	}
	if got := offersOf(s.Step(at(23), Tick{})); got["b"] != "waits" {
		t.Errorf("after 20 s: %v", got)
	}
	// Goes to lunch: nobody waits for that.
	s.Step(at(24), ContactQueued{Contact: "lunch", Queue: "sales", LastAgent: "a"})
	s.Step(at(25), AgentWants{Agent: "a", State: contact.AgentAway})
	if got := offersOf(s.Step(at(26), ContactReleased{"back", "a"})); got["c"] != "lunch" {
		t.Errorf("a is at lunch: %v", got)
	}
}

func TestRedialKeepsThePlace(t *testing.T) {
	s := floor(func(*Config) {})
	place := func(id contact.ID) int { p, _ := s.Place(id); return p.Position }
	s.Step(at(0), ContactQueued{Contact: "c1", Queue: "sales", Caller: "13800000001"})
	s.Step(at(10), ContactQueued{Contact: "c2", Queue: "sales", Caller: "anonymous"})
	s.Step(at(20), ContactLeft{"c1"})
	if q, _ := s.Queue("sales"); q.Abandoned != 1 {
		t.Errorf("%+v", q)
	}
	s.Step(at(139), ContactQueued{Contact: "c3", Queue: "sales", Caller: "13800000001"})
	if q, _ := s.Queue("sales"); place("c3") != 1 || q.Abandoned != 0 {
		t.Errorf("place %d, %+v", place("c3"), q)
	}
	s.Step(at(140), ContactLeft{"c3"})
	s.Step(at(261), ContactQueued{Contact: "late", Queue: "sales", Caller: "13800000001"})
	if place("late") != 2 {
		t.Errorf("after 121 s the place is %d", place("late"))
	}
}

func TestOverflow(t *testing.T) {
	s := floor(func(c *Config) {
		c.Queues[0].Overflow = Overflow{To: "support", Wait: 30 * time.Second, Waiting: 2}
		c.Queues[1].MaxWait = time.Minute
	})
	moves := func(actions []Action) (list []string) {
		for _, a := range actions {
			switch a := a.(type) {
			case Moved:
				list = append(list, fmt.Sprint(a.Contact, " to ", a.To, " ", a.Reason))
			case Refused:
				list = append(list, fmt.Sprint(a.Contact, " back ", a.Reason))
			}
		}
		return list
	}
	s.Step(at(0), ContactQueued{Contact: "c1", Queue: "sales"})
	s.Step(at(1), ContactQueued{Contact: "c2", Queue: "sales"})
	for _, tt := range []struct {
		at   float64
		ev   Event
		want string
	}{
		{2, ContactQueued{Contact: "c3", Queue: "sales"}, "[c3 to support length]"},
		{30, Tick{}, "[c1 to support wait]"},
		{31, Tick{}, "[c2 to support wait]"},
		{62, Tick{}, "[c3 back max_wait]"},
		{90, Tick{}, "[c1 back max_wait]"},
	} {
		if got := fmt.Sprint(moves(s.Step(at(tt.at), tt.ev))); got != tt.want {
			t.Errorf("at %v: %s, want %s", tt.at, got, tt.want)
		}
	}
}

func TestAlerts(t *testing.T) {
	s := floor(func(*Config) {}, "a")
	var alerts []Alert
	step := func(now time.Time, ev Event) {
		for _, a := range s.Step(now, ev) {
			if x, ok := a.(Alert); ok {
				alerts = append(alerts, x)
			}
		}
	}
	step(at(0), ContactQueued{Contact: "c1", Queue: "sales"})
	step(at(15), Tick{})
	step(at(16), AgentWants{Agent: "a", State: contact.AgentAvailable})
	if len(alerts) != 0 {
		t.Errorf("after one miss: %v", alerts)
	}
	step(at(31), Tick{})
	if len(alerts) != 1 || alerts[0].Kind != "missed" || alerts[0].Agent != "a" {
		t.Errorf("after two: %v", alerts)
	}
	// Twenty within ten minutes where six an hour are usual is a surge, until
	// the ten minutes are over.
	alerts = nil
	s.Step(at(40), Usual{Queue: "sales", PerHour: 6})
	for i := range 20 {
		step(at(41+float64(i)), ContactQueued{Contact: contact.ID(fmt.Sprint("s", i)), Queue: "sales"})
	}
	for range 30 {
		step(s.NextDeadline(), Tick{})
	}
	if len(alerts) != 2 || !alerts[0].On || alerts[1].On || alerts[0].Kind != "surge" {
		t.Errorf("%+v", alerts)
	}
}

func TestServiceLevels(t *testing.T) {
	q := QueueStatus{Answered: 8, AnsweredIn: 6, Abandoned: 4, AbandonedShort: 2}
	if q.ServiceLevel() != 0.75 || q.ServiceLevel2() != 0.6 || (QueueStatus{}).ServiceLevel2() != 1 {
		t.Errorf("%v, %v", q.ServiceLevel(), q.ServiceLevel2())
	}
}
