package acd

import (
	"fmt"
	"maps"
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
		c.agent, c.connected = "", false
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

// may says in plain words who may be offered a contact: a member of its queue
// who has not just declined it, has the skills of the present step, helps out
// after no longer a wait, and is the agent that it waits for, if it does.
func (w *world) may(id contact.AgentID, c *customer) bool {
	a := w.state.agents[id]
	m := a.memberOf(c.q)
	if at, ok := w.contacts[c.id].declined[id]; m == nil || ok && w.now.Sub(at) < w.cfg.RejectCoolDown {
		return false
	}
	if m.after > w.now.Sub(c.joined) && !c.returned {
		return false
	}
	if c.prefer != nil && w.now.Before(c.preferUntil) && c.prefer.a != a {
		return false
	}
	if !w.mayHave(a, c) {
		return false
	}
	need := c.skills
	end := c.joined
	for i, st := range c.q.cfg.Steps {
		end = end.Add(st.For)
		if w.now.Before(end) || st.For == 0 {
			need = both(c.skills, st.Skills)
			if st.Any {
				need = Expr{}
			}
			break
		}
		if i == len(c.q.cfg.Steps)-1 {
			need = Expr{}
		}
	}
	levels := map[string]int{}
	for _, p := range w.cfg.Agents {
		if p.User == id {
			for _, s := range p.Skills {
				levels[s.Name] = s.Level
			}
		}
	}
	return need.Holds(levels)
}

// mayHave says in plain words who may have a task: nobody while the queue is
// closed, not more than TaskAgents at a time, and no more customers are called
// than agents are free.
func (w *world) mayHave(a *agent, c *customer) bool {
	seen := w.contacts[c.id]
	if seen.kind == KindCall {
		return a.person.Outbound != OutboundOnly || c.served
	}
	if a.person.Outbound == OutboundNever || !c.q.isOpen(w.now) {
		return false
	}
	busy := 0
	for id, o := range w.contacts {
		if id != c.id && id != w.leaving && o.kind != KindCall && o.queue == seen.queue && (o.dialling || o.connected || len(o.ringing) > 0) {
			busy++
		}
	}
	if c.q.cfg.TaskAgents > 0 && busy >= c.q.cfg.TaskAgents {
		return false
	}
	return seen.kind != KindDial || w.dialling(seen.queue) < c.q.idle.len()
}

func (w *world) dialling(q contact.QueueID) int {
	n := 0
	for id, o := range w.contacts {
		if id != w.leaving && o.dialling && o.queue == q {
			n++
		}
	}
	return n
}

// checkTurn: nobody who could take the contact has the turn before the chosen
// one, and no contact that the agent could take goes first.
func (w *world) checkTurn(a OfferTo) {
	c, chosen := w.state.customers[a.Contact], w.state.agents[a.Agent]
	cm := chosen.memberOf(c.q)
	for _, m := range c.q.members {
		if m.a == chosen || !w.may(m.a.id, c) || !w.isIdle(m.a.id) || c.wants.prefer.Holds(m.a.levels) != c.wants.prefer.Holds(chosen.levels) {
			continue
		}
		if w.turnBefore(c.q, m, cm) {
			w.fail("%+v: it is the turn of %s (%d before %d)", a, m.a.id, m.key, cm.key)
		}
	}
	if !c.wants.prefer.Holds(chosen.levels) && c.q.cfg.Strategy != RingAll { // there all ring
		for _, m := range c.q.members {
			if w.may(m.a.id, c) && w.isIdle(m.a.id) && c.wants.prefer.Holds(m.a.levels) {
				w.fail("%+v: %s has what is preferred", a, m.a.id)
			}
		}
	}
	if w.orders() || c.q.cfg.Strategy == Random || c.q.cfg.Strategy == RingAll {
		return // agents prefer queues; chance decides; others join a ring
	}
	for id, other := range w.contacts {
		o := w.state.customers[id]
		if other.parked || other.dialling || other.agent != "" || len(other.ringing) > 0 || o == nil || chosen.memberOf(o.q) == nil || o.q.cfg.Strategy == Random {
			continue
		}
		if w.may(chosen.id, o) && before(o, c) && (o.prefer != nil) == (c.prefer != nil) && !w.isTaken(a, id) {
			w.fail("%+v: %s goes first", a, id)
		}
	}
}

func (w *world) turnBefore(q *queue, x, chosen *member) bool {
	switch q.cfg.Strategy {
	case Random, RingAll, LeastTalk, Weighted: // shown by tests of their own
		return false
	case FewestCalls, RoundRobin, TopDown:
		return x.key < chosen.key
	}
	return w.agents[x.a.id].idle.Before(w.agents[chosen.a.id].idle)
}

func (w *world) orders() bool {
	for _, a := range w.cfg.Agents {
		for _, q := range a.Queues {
			if q.Order != 0 {
				return true
			}
		}
	}
	return false
}

// isIdle says so from what was told, up to the action being looked at.
func (w *world) isIdle(id contact.AgentID) bool {
	s := w.agents[id]
	return s.status.State == contact.AgentAvailable && s.status.Ready && !s.gone
}

// isTaken: a contact that an agent whose turn is sooner is about to be offered
// in the same step is no longer to be had.
func (w *world) isTaken(a OfferTo, id contact.ID) bool {
	o := w.state.customers[id]
	return slices.ContainsFunc(o.q.members, func(m *member) bool {
		return m.a.id != a.Agent && w.may(m.a.id, o) && w.isIdle(m.a.id)
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
		queued, _ := ev.(ContactQueued) // a parked one that comes back another way stands anew
		old := slices.DeleteFunc(slices.Clone(before[q]), func(id contact.ID) bool { return id == queued.Contact || !slices.Contains(now, id) })
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
			if i < PlacesTold && !c.virtual() && w.places[id].Position != i+1 {
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
	if a.level != b.level {
		return a.level > b.level
	}
	return a.place <= b.place
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
		case have.kind != c.kind, have.parked != c.parked, have.dialling != c.dialling, have.connected != c.connected, (have.agent == nil) != (c.agent == ""), have.agent != nil && have.agent.id != c.agent, len(have.ringing) != len(c.ringing), have.q.cfg.ID != c.queue:
			w.fail("%s is %+v, the state says %s, %s, parked %v, dialling %v, connected %v, %d ring", id, c, have.kind, have.q.cfg.ID, have.parked, have.dialling, have.connected, len(have.ringing))
		case have.connected && (have.inOrder.n > 0 || have.inReady.n > 0 || have.inOldest > 0):
			w.fail("%s is connected and still waits", id)
		case !have.connected && (have.inOrder.n == 0 || (have.inOldest == 0) != have.virtual() || (have.inTasks != nil) != have.virtual() || (have.inReady.n > 0) != (len(have.ringing) == 0 && !c.parked && !c.dialling)):
			w.fail("%s waits and is not in its queue", id)
		}
		busy := slices.Collect(maps.Keys(c.ringing))
		if c.agent != "" {
			busy = append(busy, c.agent)
		}
		for _, a := range busy {
			if other, ok := with[a]; ok {
				w.fail("%s has %s and %s", a, id, other)
			}
			with[a] = id
		}
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
		want := QueueStatus{Answered: q.answered, AnsweredIn: q.answeredIn, Abandoned: q.abandoned, AbandonedIn: q.abandonedIn, AbandonedShort: q.abandonedShort, Surge: q.arrival.surge}
		for _, c := range w.state.customers {
			switch {
			case c.q != q:
			case c.connected:
				want.Talking++
			case c.virtual():
				want.Tasks++
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
func (w *world) checkNobodyForgotten(ev Event) {
	for _, c := range w.state.customers {
		if seen := w.contacts[c.id]; c.connected || len(c.ringing) > 0 || seen.parked || seen.dialling {
			continue
		}
		for _, m := range c.q.members {
			if w.canServe(m.a) && w.may(m.a.id, c) {
				w.fail("%#v: %s (%+v) waits in %s and %s is idle (%d dialled, %d work on tasks)", ev, c.id, *w.contacts[c.id], c.q.cfg.ID, m.a.id, c.q.dialling, c.q.working)
			}
		}
	}
}

func (w *world) String() string { return fmt.Sprint(w.now.Sub(epoch)) }
