package app

import (
	"maps"
	"slices"

	"callfloor/acd"
	"callfloor/acd/tasks"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/crm"
	"callfloor/web"
)

// desk holds the latest state of everything and shows it to the seats. It is
// owned by House.run.
type desk struct {
	calls  map[contact.ID]call.Snapshot
	agents map[contact.AgentID]acd.AgentStatus
	queues map[contact.QueueID]acd.QueueStatus
	offers map[wrapKey]acd.OfferTo
	rang   map[wrapKey]acd.Rang // past the queues
	wraps  map[wrapKey]wrap
	// parted is who had a call before its present agent.
	parted map[contact.ID]contact.AgentID
	seats  map[string]*web.Seat
	// alerts are those that are on, by their key of the document.
	alerts map[string]web.AlertView
	parked map[contact.ID]bool // calls that are shown as parked
	// tasks are those that are open.
	tasks map[string]tasks.Task
	// notReady says for each seat what it lacks; "" when it is live.
	notReady map[string]string
}

// wrapKey names what one agent has to do with one call: one that was taken over
// has two wrap-ups, and an agent can have two calls.
type wrapKey struct {
	call  contact.ID
	agent contact.AgentID
}

// wrap is what an agent wrote so far about a call that is over.
type wrap struct {
	disposition, note string
	tags              contact.Tags
}

func newDesk() desk {
	return desk{
		calls:    map[contact.ID]call.Snapshot{},
		agents:   map[contact.AgentID]acd.AgentStatus{},
		queues:   map[contact.QueueID]acd.QueueStatus{},
		offers:   map[wrapKey]acd.OfferTo{},
		rang:     map[wrapKey]acd.Rang{},
		wraps:    map[wrapKey]wrap{},
		parted:   map[contact.ID]contact.AgentID{},
		seats:    map[string]*web.Seat{},
		notReady: map[string]string{},
		alerts:   map[string]web.AlertView{},
		tasks:    map[string]tasks.Task{},
		parked:   map[contact.ID]bool{},
	}
}

// show takes the news in and puts what is new on the seats it concerns.
func (d *desk) show(h *House, n news) {
	d.learn(h, n)
	for user, s := range n.seats {
		if s.fresh {
			d.showAll(h, user)
		} else {
			d.showMe(h, user)
		}
	}
	for id := range n.queues {
		d.showQueue(h, id)
	}
	for id := range n.agents {
		d.showAgent(h, id)
	}
	for id := range n.headsets {
		d.showAgent(h, id)
	}
	for id := range n.phones {
		d.showAgent(h, id)
	}
	for id, s := range n.calls {
		h.syncHold(s)
		d.showCall(h, s)
		if s.Ended != nil && !d.wrapping(id) {
			d.forget(id)
		}
	}
	for _, t := range n.tasks {
		d.showTask(h, t)
	}
	for k := range n.wraps {
		if s, ok := d.calls[k.call]; ok {
			d.showCall(h, s)
		}
	}
}

// meet learns of seats that came or changed.
func (d *desk) meet(seats map[string]seatNews) {
	for user, s := range seats {
		d.seats[user], d.notReady[user] = s.seat, s.notReady
	}
}

func (d *desk) learn(h *House, n news) {
	for user, on := range n.phones {
		if seat := d.seats[string(user)]; on {
			d.notReady[string(user)] = ""
		} else if seat != nil && !seat.MediaReady() {
			d.notReady[string(user)] = "connection"
		}
	}
	for k, w := range n.wraps {
		if _, ok := d.calls[k.call]; ok {
			if w.tags == nil {
				w.tags = d.wraps[k].tags
			}
			d.wraps[k] = w
		}
	}
	for id, q := range n.queues {
		d.queues[id] = q
	}
	for id, s := range n.calls {
		if before := d.calls[id].Agent; before != "" && before != s.Agent {
			d.parted[id] = before
		}
		d.calls[id] = s
	}
	for id, a := range n.agents {
		before := d.agents[id]
		d.agents[id] = a
		h.noteShift(id, before, a)
		if a.State == contact.AgentDisconnected {
			h.phones.back(id)
		}
		if a.State == contact.AgentOffline && d.raised(id) {
			h.alert(acd.Alert{Kind: alertHand, Agent: id})
		}
		for _, was := range []acd.AgentStatus{before, other(before)} {
			c := was.Contact
			if c == "" || has(a, c) {
				continue
			}
			delete(d.offers, wrapKey{c, id}) // until then it says why this agent has the call
			if d.calls[c].Ended != nil && !d.wrapping(c) {
				d.forget(c)
			}
		}
	}
}

// wrapping says whether an agent still works on a call that is over.
func (d *desk) wrapping(id contact.ID) bool {
	for _, a := range d.agents {
		if has(a, id) {
			return true
		}
	}
	return false
}

func (d *desk) forget(id contact.ID) {
	maps.DeleteFunc(d.wraps, func(k wrapKey, _ wrap) bool { return k.call == id })
	maps.DeleteFunc(d.offers, func(k wrapKey, _ acd.OfferTo) bool { return k.call == id })
	maps.DeleteFunc(d.rang, func(k wrapKey, _ acd.Rang) bool { return k.call == id })
	delete(d.calls, id)
	delete(d.parted, id)
}

// showAll fills the document of a seat that has just connected. Its own line is
// the last: before it pages show nothing, so that nothing moves while they fill.
func (d *desk) showAll(h *House, user string) {
	d.seats[user].Put("tags", web.TagsView{Groups: h.names.tags})
	for id := range d.queues {
		d.showQueue(h, id)
	}
	for id := range d.agents {
		d.showRow(h, id)
	}
	for _, s := range d.calls {
		d.showCall(h, s)
	}
	for _, t := range d.tasks {
		d.showTask(h, t)
	}
	if s := d.seats[user]; watches(s) {
		for key, view := range d.alerts {
			s.Put(key, view)
		}
	}
	d.showMe(h, user)
}

func (d *desk) showMe(h *House, user string) {
	seat, ok := d.seats[user]
	if !ok {
		return
	}
	seat.Put("me", meView(h, seat.Identity(), d.agents[contact.AgentID(user)], d.notReady[user]))
	d.showSeatCall(h, seat)
}

// showSeatCall puts or drops the calls that a seat is offered, has or wraps up.
func (d *desk) showSeatCall(h *House, seat *web.Seat) {
	id := contact.AgentID(seat.User())
	status := d.agents[id]
	d.showLine(h, seat, web.KeyCall, status)
	d.showLine(h, seat, web.KeyOther, other(status))
}

// showLine puts or drops one of a seat's calls.
func (d *desk) showLine(h *House, seat *web.Seat, key string, status acd.AgentStatus) {
	id := contact.AgentID(seat.User())
	snapshot, ok := d.calls[status.Contact]
	if status.Contact == "" || !ok {
		seat.Drop(key)
		return
	}
	mine := wrapKey{status.Contact, id}
	view := callView(h, snapshot, status, d.offers[mine], d.wraps[mine], d.coach(snapshot, id))
	d.showHandOn(&view, snapshot, id)
	view.CRM = h.names.page.Address(crm.PageCall{Contact: snapshot.ID, Line: snapshot.Line, Queue: status.Queue, Language: snapshot.Language, Agent: id, Number: snapshot.From})
	seat.Put(key, view)
}

func (d *desk) showAgent(h *House, id contact.AgentID) {
	d.showMe(h, string(id))
	d.showRow(h, id)
}

// showRow puts an agent on the floor.
func (d *desk) showRow(h *House, id contact.AgentID) {
	view := agentView(h, id, d.agents[id], d.seats[string(id)])
	for _, s := range d.watchers() {
		if d.agents[id].State == contact.AgentOffline {
			s.Drop("agent/" + string(id))
		} else {
			s.Put("agent/"+string(id), view)
		}
	}
}

func (d *desk) showQueue(h *House, id contact.QueueID) {
	view := queueView(h, id, d.queues[id])
	for user, s := range d.seats {
		if watches(s) || slices.Contains(h.people.Queues(user), id) {
			s.Put("queue/"+string(id), view)
		}
	}
}

func (d *desk) showCall(h *House, s call.Snapshot) {
	key := "floor/" + string(s.ID)
	for _, w := range d.watchers() {
		if s.Ended != nil {
			w.Drop(key)
		} else {
			view := floorCallView(s, d.coach(s, s.Agent))
			view.Kind, _ = h.tasks.describe(s.ID)
			w.Put(key, view)
		}
	}
	d.showParked(s)
	for _, a := range d.those(s) {
		if seat, ok := d.seats[string(a)]; ok {
			d.showSeatCall(h, seat)
		}
	}
	for _, w := range s.Watchers {
		if seat, ok := d.seats[w.User]; ok && s.Ended == nil {
			h.showListen(seat, s.ID, w, s.Codec)
		}
	}
}

// showTask puts a task on the seats of its agent and of supervisors.
func (d *desk) showTask(h *House, t tasks.Task) {
	key := "task/" + t.ID
	if d.tasks[t.ID] = t; t.State.Closed() {
		delete(d.tasks, t.ID)
	}
	for user, s := range d.seats {
		if !t.State.Closed() && (watches(s) || string(t.Agent) == user) {
			s.Put(key, taskView(h, t))
		} else {
			s.Drop(key)
		}
	}
}

// coach is the supervisor whom an agent of the call can hear, or who took it
// from that agent; nil if there is none.
func (d *desk) coach(s call.Snapshot, a contact.AgentID) *web.CoachView {
	if v := s.Handover; v != nil && v.From == a && a != s.Agent && !helps(s, a) {
		next := ""
		if s.Agent != "" {
			next = d.name(string(s.Agent))
		} else if s.Second != nil {
			next = s.Second.Name
		}
		return &web.CoachView{Name: next, Mode: "handed"}
	}
	if a != s.Agent && d.parted[s.ID] == a && !helps(s, a) {
		return &web.CoachView{Name: d.name(string(s.Agent)), Mode: "takeover"}
	}
	for _, w := range s.Watchers {
		if w.Mode != call.Listen {
			return &web.CoachView{Name: d.name(w.User), Mode: w.Mode.String()}
		}
	}
	return nil
}

// name is what a person is called.
func (d *desk) name(user string) string {
	if seat, ok := d.seats[user]; ok {
		return seat.Identity().Name
	}
	return user
}

// watchers are the seats that see the whole floor.
func (d *desk) watchers() []*web.Seat {
	var all []*web.Seat
	for _, s := range d.seats {
		if watches(s) {
			all = append(all, s)
		}
	}
	return all
}

func watches(s *web.Seat) bool { return s.Identity().Role != contact.RoleAgent }
