package acd

import (
	"testing"
	"time"

	"callfloor/contact"
)

// deskOf is a state with one queue and agents who are available.
func deskOf(q QueueConfig, agents ...contact.AgentID) *State {
	cfg := DefaultConfig()
	q.ID, q.Agents = "sales", []string{"*"}
	cfg.Queues = []QueueConfig{q}
	s := New(cfg)
	for _, id := range agents {
		s.Step(epoch, AgentAdded{Agent: id})
		s.Step(epoch, SeatReady{Agent: id, Ready: true})
		s.Step(epoch, AgentWants{Agent: id, State: contact.AgentAvailable})
	}
	return s
}

func available(s *State, at time.Time, id contact.AgentID) []Action {
	s.Step(at, AgentAdded{Agent: id})
	s.Step(at, SeatReady{Agent: id, Ready: true})
	return s.Step(at, AgentWants{Agent: id, State: contact.AgentAvailable})
}

// find returns the actions of one type.
func find[A Action](actions []Action) []A {
	var list []A
	for _, a := range actions {
		if x, ok := a.(A); ok {
			list = append(list, x)
		}
	}
	return list
}

func mustStep(t *testing.T, s *State, at time.Time, ev Event) []Action {
	t.Helper()
	actions, err := s.Try(at, ev)
	if err != nil {
		t.Fatalf("%#v: %v", ev, err)
	}
	return actions
}

// TestACallbackKeepsThePlace: who came second and asks to be called back is
// offered second, not before the first and not after the third.
func TestACallbackKeepsThePlace(t *testing.T) {
	s := deskOf(QueueConfig{})
	for i, id := range []contact.ID{"first", "second", "third"} {
		mustStep(t, s, epoch.Add(time.Duration(i)*time.Second), ContactQueued{Contact: id, Queue: "sales"})
	}
	at := epoch.Add(time.Minute)
	mustStep(t, s, at, ContactParked{Contact: "second"})
	mustStep(t, s, at, ContactBooked{Contact: "second", As: "back", Kind: KindCallback})
	mustStep(t, s, at, ContactLeft{Contact: "second"}) // the call ends; nothing happens
	if q, _ := s.Queue("sales"); q.Waiting != 2 || q.Tasks != 1 || q.Abandoned != 0 {
		t.Errorf("the queue: %+v", q)
	}
	var got []contact.ID
	for _, agent := range []contact.AgentID{"alice", "bob", "carol"} {
		for _, o := range find[OfferTo](available(s, at, agent)) {
			got = append(got, o.Contact)
			if o.Contact == "back" && (o.Kind != KindCallback || o.Waited != 59*time.Second) {
				t.Errorf("the offer: %+v", o)
			}
		}
	}
	if want := []contact.ID{"first", "back", "third"}; len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("offered %v, want %v", got, want)
	}
	// Accepted and reached, it is a call like another, but in no figure.
	mustStep(t, s, at, OfferAccepted{Agent: "bob", Contact: "back"})
	mustStep(t, s, at, ContactReached{Contact: "back"})
	mustStep(t, s, at, ContactReleased{Agent: "bob", Contact: "back"})
	if q, _ := s.Queue("sales"); q.Answered != 0 || q.Tasks != 0 {
		t.Errorf("the queue at the end: %+v", q)
	}
}

// TestCustomerFirst: the customer is called when their turn has come, never more
// customers than agents are free, and is offered first once there.
func TestCustomerFirst(t *testing.T) {
	s := deskOf(QueueConfig{})
	for i, id := range []contact.ID{"one", "two"} {
		mustStep(t, s, epoch.Add(time.Duration(i)*time.Second), ContactQueued{Contact: id, Queue: "sales", Kind: KindDial})
	}
	at := epoch.Add(time.Minute)
	dials := find[Dial](available(s, at, "alice"))
	if len(dials) != 1 || dials[0].Contact != "one" {
		t.Fatalf("called: %v", dials)
	}
	// One who calls meanwhile gets the free agent; the one who is called waits no longer for it.
	offers := find[OfferTo](mustStep(t, s, at, ContactQueued{Contact: "caller", Queue: "sales"}))
	if len(offers) != 1 || offers[0].Contact != "caller" {
		t.Fatalf("offered: %v", offers)
	}
	mustStep(t, s, at, OfferAccepted{Agent: "alice", Contact: "caller"})
	mustStep(t, s, at, ContactReached{Contact: "one"})
	if p, ok := s.Place("one"); !ok || p.Position != 1 {
		t.Errorf("place %+v", p)
	}
	mustStep(t, s, at, ContactReleased{Agent: "alice", Contact: "caller"})
	offers = find[OfferTo](mustStep(t, s, at, WrapUpDone{Agent: "alice"}))
	if len(offers) != 1 || offers[0].Contact != "one" || offers[0].Kind != KindCall {
		t.Errorf("offered: %v", offers)
	}
	// Nobody answers at the other one: it leaves, to be tried again later.
	if dials = find[Dial](available(s, at, "bob")); len(dials) != 1 || dials[0].Contact != "two" {
		t.Errorf("called: %v", dials)
	}
	mustStep(t, s, at, ContactLeft{Contact: "two"})
	if q, _ := s.Queue("sales"); q.Tasks != 0 || q.Abandoned != 0 {
		t.Errorf("the queue: %+v", q)
	}
}

// TestParked: a caller who thinks about it is not offered and loses no place.
func TestParked(t *testing.T) {
	s := deskOf(QueueConfig{})
	mustStep(t, s, epoch, ContactQueued{Contact: "c1", Queue: "sales"})
	mustStep(t, s, epoch.Add(time.Second), ContactQueued{Contact: "c2", Queue: "sales"})
	mustStep(t, s, epoch.Add(time.Second), ContactParked{Contact: "c1"})
	offers := find[OfferTo](available(s, epoch.Add(2*time.Second), "alice"))
	if len(offers) != 1 || offers[0].Contact != "c2" {
		t.Fatalf("offered: %v", offers)
	}
	if _, err := s.Try(epoch.Add(2*time.Second), ContactParked{Contact: "c2"}); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("parked while a seat rings: %v", err)
	}
	mustStep(t, s, epoch.Add(3*time.Second), ContactQueued{Contact: "c1", Queue: "sales"})
	if p, _ := s.Place("c1"); p.Position != 1 {
		t.Errorf("back at %+v", p)
	}
	if offers = find[OfferTo](available(s, epoch.Add(10*time.Second), "bob")); len(offers) != 1 || offers[0].Waited != 10*time.Second {
		t.Errorf("offered: %+v", offers)
	}
}

// TestTaskAgents: not more agents than allowed are busy with tasks, and the next
// task follows when one ends.
func TestTaskAgents(t *testing.T) {
	s := deskOf(QueueConfig{TaskAgents: 1}, "alice", "bob")
	mustStep(t, s, epoch, ContactQueued{Contact: "v1", Queue: "sales", Kind: KindVoicemail})
	if offers := find[OfferTo](mustStep(t, s, epoch, ContactQueued{Contact: "v2", Queue: "sales", Kind: KindVoicemail})); len(offers) != 0 {
		t.Errorf("a second task: %v", offers)
	}
	mustStep(t, s, epoch, OfferAccepted{Agent: "alice", Contact: "v1"})
	// The message is answered by a call: the limit no longer counts it.
	offers := find[OfferTo](mustStep(t, s, epoch, WorksOn{Agent: "alice", Contact: "v1", As: "out", Kind: KindCall}))
	if len(offers) != 1 || offers[0].Contact != "v2" || offers[0].Agent != "bob" {
		t.Errorf("the next: %v", offers)
	}
	mustStep(t, s, epoch, ContactReleased{Agent: "alice", Contact: "out"})
}

// TestOutboundParts: who takes no tasks gets none, who takes only tasks no calls.
func TestOutboundParts(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Queues = []QueueConfig{{ID: "sales", Agents: []string{"*"}}}
	cfg.Agents = []AgentConfig{{User: "alice", Outbound: OutboundNever}, {User: "bob", Outbound: OutboundOnly}}
	s := New(cfg)
	available(s, epoch, "alice")
	available(s, epoch, "bob")
	for _, tt := range []struct {
		kind Kind
		want contact.AgentID
	}{{KindVoicemail, "bob"}, {KindCall, "alice"}} {
		offers := find[OfferTo](mustStep(t, s, epoch, ContactQueued{Contact: contact.ID(tt.kind.String()), Queue: "sales", Kind: tt.kind}))
		if len(offers) != 1 || offers[0].Agent != tt.want {
			t.Errorf("%s: %v, want %s", tt.kind, offers, tt.want)
		}
	}
}

// TestTasksWaitForTheHours: nobody is called back at night.
func TestTasksWaitForTheHours(t *testing.T) {
	var h Hours
	if err := h.UnmarshalText([]byte("mon-fri 09:00-10:00")); err != nil {
		t.Fatal(err)
	}
	s := deskOf(QueueConfig{Hours: []Hours{h}}, "alice") // a Monday, 10:00
	if offers := find[OfferTo](mustStep(t, s, epoch, ContactQueued{Contact: "back", Queue: "sales", Kind: KindCallback})); len(offers) != 0 {
		t.Errorf("offered at night: %v", offers)
	}
	next := s.NextDeadline()
	if want := epoch.Add(23 * time.Hour); !next.Equal(want) {
		t.Fatalf("the next deadline is %v, want %v", next, want)
	}
	if offers := find[OfferTo](mustStep(t, s, next, Tick{})); len(offers) != 1 {
		t.Errorf("offered in the morning: %v", offers)
	}
}

// TestDialled: an agent who calls out is busy, and then as before.
func TestDialled(t *testing.T) {
	s := deskOf(QueueConfig{}, "alice")
	mustStep(t, s, epoch, AgentWants{Agent: "alice", State: contact.AgentAway, Reason: "lunch"})
	if c := find[Connect](mustStep(t, s, epoch, Dialled{Agent: "alice", Contact: "out"})); len(c) != 1 || c[0].Queue != "sales" {
		t.Errorf("connected: %v", c)
	}
	if _, err := s.Try(epoch, Dialled{Agent: "alice", Contact: "out2"}); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("a second call: %v", err)
	}
	mustStep(t, s, epoch, ContactLeft{Contact: "out"})
	mustStep(t, s, epoch, WrapUpDone{Agent: "alice"})
	if st, _ := s.Agent("alice"); st.State != contact.AgentAway || st.Reason != "lunch" {
		t.Errorf("afterwards: %+v", st)
	}
	if q, _ := s.Queue("sales"); q.Answered+q.Abandoned != 0 {
		t.Errorf("the queue: %+v", q)
	}
}

// TestForced: a supervisor ends a wrap-up, and the wait for a browser.
func TestForced(t *testing.T) {
	s := deskOf(QueueConfig{}, "alice")
	mustStep(t, s, epoch, ContactQueued{Contact: "c", Queue: "sales"})
	mustStep(t, s, epoch, OfferAccepted{Agent: "alice", Contact: "c"})
	mustStep(t, s, epoch, ContactReleased{Agent: "alice", Contact: "c"})
	mustStep(t, s, epoch, AgentWants{Agent: "alice", State: contact.AgentOffline, Force: true})
	if st, _ := s.Agent("alice"); st.State != contact.AgentOffline {
		t.Errorf("forced out of wrap-up: %+v", st)
	}
}

// TestMissesAreTakenBack: the alert about missed calls ends with an answer.
func TestMissesAreTakenBack(t *testing.T) {
	s := deskOf(QueueConfig{}, "alice")
	mustStep(t, s, epoch, ContactQueued{Contact: "c", Queue: "sales"})
	at, told := epoch, 0
	for range 2 {
		at = at.Add(15 * time.Second)
		told += len(find[Alert](mustStep(t, s, at, Tick{})))
		mustStep(t, s, at, AgentWants{Agent: "alice", State: contact.AgentAvailable})
	}
	if over := find[Alert](mustStep(t, s, at, OfferAccepted{Agent: "alice", Contact: "c"})); told != 1 || len(over) != 1 || over[0].On {
		t.Errorf("%d alerts, then %v", told, over)
	}
}
