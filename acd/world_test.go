package acd

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"callfloor/contact"
)

// world sees of a State what the house sees: the events it sent and the
// actions that came back. From these alone it knows where everybody is, and
// after every step it holds the State to that and to the rules.
type world struct {
	fail  func(format string, args ...any)
	cfg   Config
	state *State
	twin  *State // gets the same events: must do the same

	now      time.Time
	contacts map[contact.ID]*seen
	agents   map[contact.AgentID]*seat
	queues   map[contact.QueueID]QueueStatus
	places   map[contact.ID]Place
	leaving  contact.ID // in this step
}

type seen struct {
	queue     contact.QueueID
	since     time.Time
	caller    string
	ringing   map[contact.AgentID]bool
	agent     contact.AgentID // connected
	connected bool
	kind      Kind
	parked    bool
	dialling  bool
	declined  map[contact.AgentID]time.Time
}

type seat struct {
	status AgentStatus
	gone   bool
	goneAt time.Time
	backAt time.Time
	idle   time.Time // available since, but for offers in between
	wrap   *wrapSeen // what they still have to write about
	wanted bool
}

func newWorld(cfg Config, fail func(string, ...any)) *world {
	return &world{
		fail: fail, cfg: cfg, state: New(cfg), twin: New(cfg), now: epoch,
		contacts: map[contact.ID]*seen{}, agents: map[contact.AgentID]*seat{},
		queues: map[contact.QueueID]QueueStatus{}, places: map[contact.ID]Place{},
	}
}

// do sends one event and checks everything.
func (w *world) do(ev Event) {
	switch ev.(type) {
	case ContactBooked, ContactParked, ContactReached, Dialled, WorksOn:
		w.do(Tick{}) // what is due happens first, and is told of under the names of before
	}
	w.leaving = ""
	if left, ok := ev.(ContactLeft); ok {
		w.leaving = left.Contact
	}
	before := w.order()
	actions, err := w.state.Try(w.now, ev)
	if again := w.twin.Step(w.now, ev); !reflect.DeepEqual(actions, again) {
		w.fail("the same events gave %v and %v", actions, again)
	}
	if err != nil && contact.ErrorCode(err) == contact.Internal {
		w.fail("%#v: refused with a foreign error: %v", ev, err)
	}
	w.note(ev, err)
	w.noteWrapUp(ev, err)
	returned := map[contact.ID]bool{}
	for _, a := range actions {
		w.see(ev, a)
		if r, ok := a.(Requeued); ok {
			returned[r.Contact] = true
		}
	}
	if left, ok := ev.(ContactLeft); ok {
		delete(w.contacts, left.Contact)
	}
	w.checkOrder(ev, before, returned)
	w.checkPeople()
	w.checkWrapUps()
	w.checkQueues()
	w.checkNobodyForgotten(ev)
	if next := w.state.NextDeadline(); !next.IsZero() && !next.After(w.now) {
		w.fail("after a step at %v the next deadline is %v", w.now, next)
	}
}

// note keeps what the event itself changes.
func (w *world) note(ev Event, err error) {
	switch ev := ev.(type) {
	case ContactQueued:
		if old := w.contacts[ev.Contact]; err == nil && old != nil {
			old.queue, old.parked, old.declined = ev.Queue, false, w.declinesOf(ev.Contact)
		} else if err == nil {
			w.contacts[ev.Contact] = &seen{kind: ev.Kind, queue: ev.Queue, since: ev.Since, caller: ev.Caller, declined: map[contact.AgentID]time.Time{}, ringing: map[contact.AgentID]bool{}}
		}
	case ContactParked:
		if err == nil {
			w.contacts[ev.Contact].parked = true
		}
	case ContactBooked:
		if err == nil {
			w.rename(ev.Contact, ev.As)
			c := w.contacts[ev.As]
			c.kind, c.parked, c.declined = ev.Kind, false, map[contact.AgentID]time.Time{}
		}
	case ContactReached:
		if err == nil {
			c := w.contacts[ev.Contact]
			c.kind, c.dialling = KindCall, false
		}
	case Dialled:
		if err == nil {
			w.contacts[ev.Contact] = &seen{queue: w.state.customers[ev.Contact].q.cfg.ID, since: w.now, declined: map[contact.AgentID]time.Time{}, ringing: map[contact.AgentID]bool{}}
		}
	case WorksOn:
		if err == nil {
			w.rename(ev.Contact, ev.As)
			w.contacts[ev.As].kind = ev.Kind
		}
	case TakenOver:
		if err == nil {
			w.contacts[ev.Contact].agent = ev.To
		}
	case SeatLost:
		s := w.agents[ev.Agent]
		if s != nil && !s.gone && s.status.State != contact.AgentOffline {
			s.gone, s.goneAt = true, w.now
		}
	case SeatBack:
		if s := w.agents[ev.Agent]; s != nil {
			s.gone, s.backAt = false, w.now
		}
	}
}

func (w *world) rename(from, to contact.ID) {
	w.contacts[to] = w.contacts[from]
	delete(w.contacts, from)
}

// declinesOf are those that the state still keeps.
func (w *world) declinesOf(id contact.ID) map[contact.AgentID]time.Time {
	m := map[contact.AgentID]time.Time{}
	if c := w.state.customers[id]; c != nil {
		for _, d := range c.declines {
			m[d.a.id] = d.at
		}
	}
	return m
}

// see follows one action.
func (w *world) see(ev Event, a Action) {
	switch a := a.(type) {
	case Refused:
		if c := w.contacts[a.Contact]; c == nil || len(c.ringing) > 0 || c.agent != "" {
			w.fail("%+v: it did not wait: %+v", a, c)
		}
		delete(w.contacts, a.Contact)
	case Moved:
		c := w.contacts[a.Contact]
		if c == nil || c.queue != a.From || len(c.ringing) > 0 || c.agent != "" || a.Reason == "" {
			w.fail("%+v: it did not wait there: %+v", a, c)
			return
		}
		c.queue = a.To
	case OfferTo:
		w.seeOffer(a)
	case OfferEnded:
		c := w.contacts[a.Contact]
		if c == nil || !c.ringing[a.Agent] || c.connected {
			w.fail("an offer ended that was not made: %+v", a)
			return
		}
		delete(c.ringing, a.Agent)
		if a.Rings != (len(c.ringing) > 0) {
			w.fail("%+v: %v ring", a, c.ringing)
		}
		switch _, left := ev.(ContactLeft); {
		case a.Why == whyLeft && left:
		case a.Why == whyDeclined:
			if _, ok := ev.(OfferDeclined); ok {
				c.declined[a.Agent] = w.now
			}
		}
	case Connect:
		accepted, ok := ev.(OfferAccepted)
		c := w.contacts[a.Contact]
		if d, out := ev.(Dialled); out && c != nil && d.Agent == a.Agent && d.Contact == a.Contact {
			c.agent, c.connected = a.Agent, true
			return
		}
		if !ok || accepted.Agent != a.Agent || accepted.Contact != a.Contact || c == nil || c.agent != "" || len(c.ringing) > 0 {
			w.fail("%+v came of %#v", a, ev)
			return
		}
		c.agent, c.connected = a.Agent, true
	case Requeued:
		c := w.contacts[a.Contact]
		if c == nil || !c.connected || c.agent != a.Agent {
			w.fail("%+v: was not connected", a)
			return
		}
		s := w.agents[a.Agent]
		if _, removed := ev.(AgentRemoved); !removed && (!s.gone && s.backAt != w.now || w.now.Sub(s.goneAt) < w.cfg.SeatGrace) {
			w.fail("%+v: the seat was not gone for the grace time", a)
		}
		c.agent, c.connected, s.wanted = "", false, false
		if c.queue == "" { // of an agent of no queue; nobody would look for them there
			c.queue = a.Queue
		}
		if c.queue == "" || c.queue != a.Queue {
			w.fail("%+v: they were in %q", a, c.queue)
		}
	case Dial:
		c := w.contacts[a.Contact]
		if c == nil || c.kind != KindDial || c.dialling || c.connected || len(c.ringing) > 0 {
			w.fail("%+v: it is not a customer to call: %+v", a, c)
			return
		}
		c.dialling = true
		calling, idle := w.dialling(a.Queue), 0
		for _, m := range w.state.queues[a.Queue].members {
			if w.isIdle(m.a.id) {
				idle++
			}
		}
		if calling > idle {
			w.fail("%+v: %d are called for %d agents who are free", a, calling, idle)
		}
	case Place:
		w.places[a.Contact] = a
	case QueueChanged:
		w.queues[a.Queue] = a.Status
	case AgentChanged:
		w.seeAgent(a)
	case WrappedUp:
		w.seeWrappedUp(ev, a)
	}
}

func (w *world) seeOffer(a OfferTo) {
	c, s := w.contacts[a.Contact], w.agents[a.Agent]
	q := w.state.queues[a.Queue]
	switch {
	case c == nil || c.agent != "" || c.queue != a.Queue || c.parked || c.dialling || c.kind == KindDial || c.kind != a.Kind:
		w.fail("%+v: the contact does not wait there: %+v", a, c)
	case len(c.ringing) > 0 && q.cfg.Strategy != RingAll:
		w.fail("%+v: it rings already: %v", a, c.ringing)
	case s.status.State != contact.AgentAvailable || !s.status.Ready || s.gone:
		w.fail("%+v: the agent is %+v, gone %v", a, s.status, s.gone)
	case a.Waited < 0 || !a.Deadline.Equal(w.now.Add(w.cfg.OfferTimeout)):
		w.fail("%+v: wrong times", a)
	case len(a.Reasons) == 0 || !a.Reasons[0].Chosen || a.Reasons[0].Agent != a.Agent:
		w.fail("%+v: no reason", a)
	default:
		returned := strings.HasPrefix(a.Reasons[0].Why, "spoke with this caller until")
		if !returned && !w.may(a.Agent, w.state.customers[a.Contact]) {
			w.fail("%+v: not allowed: %s", a, w.state.customers[a.Contact].wants.need)
		}
		if !returned {
			w.checkTurn(a)
		}
		c.ringing[a.Agent] = true
	}
}

func (w *world) seeAgent(a AgentChanged) {
	s := w.agents[a.Agent]
	if s == nil {
		w.agents[a.Agent] = &seat{status: a.Status}
		return
	}
	from, to := s.status.State, a.Status.State
	if from != to {
		if _, err := from.Move(to); err != nil {
			w.fail("%s: %v", a.Agent, err)
		}
	}
	if to == contact.AgentAvailable && from != to && from != contact.AgentOffered {
		s.idle = w.now
	}
	w.seeWrapUp(s, a.Status)
	// The call of a released contact is over as soon as its agent wraps up.
	if to == contact.AgentWrapUp && from != contact.AgentDisconnected && from != contact.AgentWrapUp {
		if c := w.contacts[s.status.Contact]; c != nil && c.agent == a.Agent { // else it was taken over
			delete(w.contacts, s.status.Contact)
		}
	}
	if to == contact.AgentOffline {
		s.gone = false
	}
	s.status = a.Status
}

func (w *world) String() string { return fmt.Sprint(w.now.Sub(epoch)) }
