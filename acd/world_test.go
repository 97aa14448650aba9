package acd

import (
	"fmt"
	"reflect"
	"slices"
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
}

type seen struct {
	queue     contact.QueueID
	since     time.Time
	agent     contact.AgentID // offered or connected
	connected bool
	declined  map[contact.AgentID]time.Time
}

type seat struct {
	status AgentStatus
	gone   bool
	goneAt time.Time
	backAt time.Time
	idle   time.Time // available since, but for offers in between
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
	before := w.order()
	actions, err := w.state.Try(w.now, ev)
	if again := w.twin.Step(w.now, ev); !reflect.DeepEqual(actions, again) {
		w.fail("the same events gave %v and %v", actions, again)
	}
	if err != nil && contact.ErrorCode(err) == contact.Internal {
		w.fail("%#v: refused with a foreign error: %v", ev, err)
	}
	w.note(ev, err)
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
	w.checkQueues()
	w.checkNobodyForgotten()
	if next := w.state.NextDeadline(); !next.IsZero() && !next.After(w.now) {
		w.fail("after a step at %v the next deadline is %v", w.now, next)
	}
}

// note keeps what the event itself changes.
func (w *world) note(ev Event, err error) {
	switch ev := ev.(type) {
	case ContactQueued:
		if err == nil {
			w.contacts[ev.Contact] = &seen{queue: ev.Queue, since: ev.Since, declined: map[contact.AgentID]time.Time{}}
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

// see follows one action.
func (w *world) see(ev Event, a Action) {
	switch a := a.(type) {
	case Refused:
		delete(w.contacts, a.Contact)
	case OfferTo:
		w.seeOffer(a)
	case OfferEnded:
		c := w.contacts[a.Contact]
		if c == nil || c.agent != a.Agent || c.connected {
			w.fail("an offer ended that was not made: %+v", a)
			return
		}
		c.agent = ""
		switch _, left := ev.(ContactLeft); {
		case a.Why == whyLeft && left:
			delete(w.contacts, a.Contact)
		case a.Why == whyDeclined:
			if _, ok := ev.(OfferDeclined); ok {
				c.declined[a.Agent] = w.now
			}
		}
	case Connect:
		accepted, ok := ev.(OfferAccepted)
		c := w.contacts[a.Contact]
		if !ok || accepted.Agent != a.Agent || accepted.Contact != a.Contact || c == nil || c.agent != "" {
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
		c.agent, c.connected = "", false
	case Place:
		w.places[a.Contact] = a
	case QueueChanged:
		w.queues[a.Queue] = a.Status
	case AgentChanged:
		w.seeAgent(a)
	}
}

func (w *world) seeOffer(a OfferTo) {
	c, s := w.contacts[a.Contact], w.agents[a.Agent]
	switch {
	case c == nil || c.agent != "":
		w.fail("%+v: the contact does not wait", a)
	case s.status.State != contact.AgentAvailable || !s.status.Ready || s.gone:
		w.fail("%+v: the agent is %+v, gone %v", a, s.status, s.gone)
	case a.Waited < 0 || !a.Deadline.Equal(w.now.Add(w.cfg.OfferTimeout)):
		w.fail("%+v: wrong times", a)
	case len(a.Reasons) == 0 || !a.Reasons[0].Chosen || a.Reasons[0].Agent != a.Agent:
		w.fail("%+v: no reason", a)
	default:
		if at, ok := c.declined[a.Agent]; ok && w.now.Sub(at) < w.cfg.RejectCoolDown && a.Reasons[0].Why[0] != 's' {
			w.fail("%+v: declined %v ago", a, w.now.Sub(at))
		}
		if strings.HasPrefix(a.Reasons[0].Why, "longest idle") {
			w.checkFair(a)
		}
		c.agent = a.Agent
	}
}

// checkFair: nobody who could take the contact is idle for longer, and nobody
// whom the agent could take goes first.
func (w *world) checkFair(a OfferTo) {
	c, chosen := w.state.customers[a.Contact], w.state.agents[a.Agent]
	for _, m := range c.q.members {
		if _, no := c.declinedBy(m.a, w.now); !no && w.isIdle(m.a.id) && w.agents[m.a.id].idle.Before(w.agents[a.Agent].idle) {
			w.fail("%+v: %s is idle for longer", a, m.a.id)
		}
	}
	for id, other := range w.contacts {
		o := w.state.customers[id]
		if other.agent != "" || o == nil || !slices.ContainsFunc(chosen.members, func(m *member) bool { return m.q == o.q }) {
			continue
		}
		if _, no := o.declinedBy(chosen, w.now); !no && before(o, c) && !w.isTaken(a, id) {
			w.fail("%+v: %s goes first", a, id)
		}
	}
}

// isIdle says so from what was told, up to the action being looked at.
func (w *world) isIdle(id contact.AgentID) bool {
	s := w.agents[id]
	return s.status.State == contact.AgentAvailable && s.status.Ready && !s.gone
}

// isTaken: a contact that a longer idle agent is about to be offered in the
// same step is no longer to be had.
func (w *world) isTaken(a OfferTo, id contact.ID) bool {
	o := w.state.customers[id]
	return slices.ContainsFunc(o.q.members, func(m *member) bool {
		_, no := o.declinedBy(m.a, w.now)
		return !no && w.isIdle(m.a.id) && m.a.id != a.Agent && w.agents[m.a.id].idle.Before(w.agents[a.Agent].idle)
	})
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

// order is who waits in each queue, the head first, as Place tells.
func (w *world) order() map[contact.QueueID][]contact.ID {
	order := map[contact.QueueID][]contact.ID{}
	for id, q := range w.state.queues {
		for c := range q.order.all() {
			order[id] = append(order[id], c.id)
		}
	}
	return order
}

// checkOrder: whoever waited before and still waits has kept their order, and
// those who came back stand at the head.
func (w *world) checkOrder(ev Event, before map[contact.QueueID][]contact.ID, returned map[contact.ID]bool) {
	after := w.order()
	for q, now := range after {
		old := slices.DeleteFunc(slices.Clone(before[q]), func(id contact.ID) bool { return !slices.Contains(now, id) })
		kept := slices.DeleteFunc(slices.Clone(now), func(id contact.ID) bool { return !slices.Contains(old, id) })
		if !slices.Equal(old, kept) {
			w.fail("%#v: the order was %v and is %v", ev, old, kept)
		}
		head := true
		for i, id := range now {
			c := w.state.customers[id]
			if returned[id] && !head {
				w.fail("%s came back and is number %d of %v", id, i+1, now)
			}
			head = head && c.returned
			p, ok := w.state.Place(id)
			if !ok || p.Position != i+1 {
				w.fail("place of %s is %+v, not %d", id, p, i+1)
			}
			if i < PlacesTold && w.places[id].Position != i+1 {
				w.fail("%s was told place %d and is number %d", id, w.places[id].Position, i+1)
			}
			if i > 0 && !before2(w.state.customers[now[i-1]], c) {
				w.fail("%s stands before %s", now[i-1], id)
			}
		}
	}
}

// before2 is the order of a queue, said again in other words.
func before2(a, b *customer) bool {
	if a.returned && !b.returned || !a.returned && b.returned {
		return a.returned
	}
	if a.priority != b.priority {
		return a.priority > b.priority
	}
	return !a.since.After(b.since)
}

// checkPeople: nobody is lost, served twice or in two places.
func (w *world) checkPeople() {
	if len(w.contacts) != len(w.state.customers) {
		w.fail("%d contacts are here, the state has %d", len(w.contacts), len(w.state.customers))
	}
	with := map[contact.AgentID]contact.ID{}
	for id, c := range w.contacts {
		have := w.state.customers[id]
		switch {
		case have == nil:
			w.fail("%s is lost", id)
			continue
		case have.connected != c.connected, (have.agent == nil) != (c.agent == ""), have.agent != nil && have.agent.id != c.agent:
			w.fail("%s is %+v, the state says %+v", id, c, have)
		case have.connected && (have.inOrder.n > 0 || have.inReady.n > 0 || have.inOldest > 0):
			w.fail("%s is connected and still waits", id)
		case !have.connected && (have.inOrder.n == 0 || have.inOldest == 0 || (have.inReady.n > 0) != (have.agent == nil)):
			w.fail("%s waits and is not in its queue", id)
		}
		if c.agent == "" {
			continue
		}
		if other, ok := with[c.agent]; ok {
			w.fail("%s has %s and %s", c.agent, id, other)
		}
		with[c.agent] = id
	}
	for id, s := range w.agents {
		have, ok := w.state.Agent(id)
		if !ok {
			continue // removed
		}
		if have != s.status {
			w.fail("%s was told as %+v and is %+v", id, s.status, have)
		}
		busy := have.State == contact.AgentOffered || have.State == contact.AgentTalking || have.State == contact.AgentHold
		if busy != (with[id] != "") || busy && with[id] != have.Contact {
			w.fail("%s is %+v and has %q", id, have, with[id])
		}
	}
}

// checkQueues: the figures are what counting gives, and have been told.
func (w *world) checkQueues() {
	for id, q := range w.state.queues {
		want := QueueStatus{Answered: q.answered, AnsweredIn: q.answeredIn, Abandoned: q.abandoned}
		for _, c := range w.state.customers {
			switch {
			case c.q != q:
			case c.connected:
				want.Talking++
			default:
				want.Waiting++
				if want.LongestSince.IsZero() || c.since.Before(want.LongestSince) {
					want.LongestSince = c.since
				}
			}
		}
		for _, m := range q.members {
			want.Staffed += working(m.a.status.State)
			if w.canServe(m.a) {
				want.Available++
			}
		}
		have, _ := w.state.Queue(id)
		told := w.queues[id]
		have.Expected, told.Expected = 0, 0 // changes with the time alone
		if have != want || told != want {
			w.fail("queue %s is %+v, was told as %+v, counting gives %+v", id, have, told, want)
		}
	}
}

func (w *world) canServe(a *agent) bool {
	return a.status.State == contact.AgentAvailable && a.status.Ready && !w.agents[a.id].gone
}

// checkNobodyForgotten: no agent who could serve stands beside a contact that
// could be offered to them.
func (w *world) checkNobodyForgotten() {
	for _, c := range w.state.customers {
		if c.agent != nil {
			continue
		}
		for _, m := range c.q.members {
			if _, no := c.declinedBy(m.a, w.now); !no && w.canServe(m.a) {
				w.fail("%s waits and %s is idle", c.id, m.a.id)
			}
		}
	}
}

func (w *world) String() string { return fmt.Sprint(w.now.Sub(epoch)) }
