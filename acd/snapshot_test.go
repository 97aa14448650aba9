package acd

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
)

// restart ends one server and begins the next, by way of the disk.
func restart(t *testing.T, s *State, at time.Time) *State {
	t.Helper()
	data, err := json.Marshal(s.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "1381234") {
		t.Errorf("the snapshot has a caller's number: %s", data)
	}
	var snap Snapshot
	if err := json.Unmarshal(data, &snap); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(snap, s.Snapshot()) {
		t.Errorf("the snapshot changed on its way:\n%+v\n%+v", snap, s.Snapshot())
	}
	next := New(s.cfg)
	next.Step(at, Restored{snap})
	return next
}

// TestRestartLosesNobodysPlace: three wait, the server ends, they call again in
// another order and behind a new one, and stand as before.
func TestRestartLosesNobodysPlace(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Queues = []QueueConfig{{ID: "sales", Agents: []string{"alice"}}}
	cfg.Secret = []byte("secret")
	s := New(cfg)
	callers := []string{"13812340001", "13812340002", "13812340003"}
	for i, number := range callers {
		s.Step(epoch.Add(time.Duration(i)*time.Second), ContactQueued{Contact: contact.ID(number), Queue: "sales", Caller: number})
	}
	s.Step(epoch.Add(5*time.Second), ContactLeft{Contact: contact.ID(callers[1])}) // holds a ticket already
	s = restart(t, s, epoch.Add(20*time.Second))
	s.Step(epoch.Add(21*time.Second), ContactQueued{Contact: "new", Queue: "sales", Caller: "13812340009"})
	for i, number := range []string{callers[2], callers[0], callers[1]} {
		s.Step(epoch.Add(time.Duration(22+i)*time.Second), ContactQueued{Contact: contact.ID("again" + number), Queue: "sales", Caller: "+" + number[:3] + " " + number[3:]})
	}
	for want, id := range []contact.ID{contact.ID("again" + callers[0]), contact.ID("again" + callers[1]), contact.ID("again" + callers[2]), "new"} {
		if p, ok := s.Place(id); !ok || p.Position != want+1 {
			t.Errorf("%s stands at %+v, want %d", id, p, want+1)
		}
	}
}

// TestRestartKeepsAgents: each agent is what they were as soon as the browser
// is back.
func TestRestartKeepsAgents(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Queues = []QueueConfig{{ID: "sales", Agents: []string{"*"}}}
	s := New(cfg)
	for _, id := range []contact.AgentID{"talks", "wraps", "idle", "lunch", "out"} {
		s.Step(epoch, AgentAdded{Agent: id})
		if id == "out" {
			continue
		}
		s.Step(epoch, SeatReady{Agent: id, Ready: true})
		s.Step(epoch, AgentWants{Agent: id, State: contact.AgentAway, Reason: "Lunch"})
	}
	answer := func(id contact.AgentID, c contact.ID) {
		s.Step(epoch, AgentWants{Agent: id, State: contact.AgentAvailable})
		s.Step(epoch, ContactQueued{Contact: c, Queue: "sales"})
		s.Step(epoch, OfferAccepted{Agent: id, Contact: c})
	}
	answer("talks", "c1")
	answer("wraps", "c2")
	s.Step(epoch, ContactLeft{Contact: "c2"})
	s.Step(epoch, AgentWants{Agent: "idle", State: contact.AgentAvailable})
	s = restart(t, s, epoch.Add(10*time.Second))
	for id, want := range map[contact.AgentID]contact.AgentState{
		"talks": contact.AgentAvailable, "wraps": contact.AgentWrapUp, "idle": contact.AgentAvailable, "lunch": contact.AgentAway,
	} {
		if st, _ := s.Agent(id); st.State != contact.AgentDisconnected {
			t.Errorf("%s is %s before the browser is back", id, st.State)
		}
		s.Step(epoch.Add(11*time.Second), AgentAdded{Agent: id})
		s.Step(epoch.Add(11*time.Second), SeatBack{Agent: id})
		if st, _ := s.Agent(id); st.State != want || want == contact.AgentAway && st.Reason != "Lunch" {
			t.Errorf("%s is %+v, want %s", id, st, want)
		}
	}
	if st, known := s.Agent("out"); known {
		t.Errorf("who was signed out is %+v", st)
	}
	if q, _ := s.Queue("sales"); q.Answered != 2 || q.AnsweredIn != 2 {
		t.Errorf("the day's figures: %+v", q)
	}
	s.Step(epoch.Add(30*time.Second), Tick{})
	if st, _ := s.Agent("wraps"); st.State != contact.AgentAvailable {
		t.Errorf("the wrap-up did not end: %+v", st)
	}
}
