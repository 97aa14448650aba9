package acd

import (
	"maps"
	"slices"

	"callfloor/contact"
)

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
