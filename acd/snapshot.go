package acd

import (
	"cmp"
	"encoding/hex"
	"slices"
	"time"

	"callfloor/contact"
)

// Snapshot is what must outlive the server: who holds which place in a queue,
// what the agents were doing, and the figures of the day. The calls themselves
// end with the server; a caller who rings again within Config.Redial is back at
// their place, an agent whose browser comes back is in the state of before.
type Snapshot struct {
	At     time.Time       `json:"at"`
	Agents []AgentSnapshot `json:"agents"`
	Places []PlaceSnapshot `json:"places"`
	Queues []QueueSnapshot `json:"queues"`
}

// AgentSnapshot is one agent who is signed in.
type AgentSnapshot struct {
	ID         contact.AgentID    `json:"id"`
	State      contact.AgentState `json:"state"`
	Back       contact.AgentState `json:"back,omitempty"` // of disconnected
	Reason     string             `json:"reason,omitempty"`
	Next       contact.AgentState `json:"next,omitempty"`
	NextReason string             `json:"next_reason,omitempty"`
	Contact    contact.ID         `json:"contact,omitempty"`
	Queue      contact.QueueID    `json:"queue,omitempty"`
	// WrapMode is how the wrap-up ends, "" if there is none; WrapUntil is when by
	// itself, zero if it does not.
	WrapMode  WrapUpMode    `json:"wrap_mode,omitempty"`
	WrapUntil time.Time     `json:"wrap_until,omitzero"`
	Calls     int           `json:"calls"`
	Talked    time.Duration `json:"talked"`
	Missed    int           `json:"missed"`
}

// PlaceSnapshot is a place in a queue: of a contact that waits, or of a caller
// who hung up and may still come back.
type PlaceSnapshot struct {
	Caller   string          `json:"caller,omitempty"` // hashed; "" if unknown
	Queue    contact.QueueID `json:"queue"`
	Since    time.Time       `json:"since"`
	Joined   time.Time       `json:"joined"`
	Priority int             `json:"priority"`
	Until    time.Time       `json:"until,omitzero"` // zero: it waits
	// Kind is what waits; who keeps the task brings it back after a restart.
	Kind Kind `json:"kind,omitzero"`
}

// QueueSnapshot is what a queue has counted and measured.
type QueueSnapshot struct {
	ID             contact.QueueID `json:"id"`
	Answered       int             `json:"answered"`
	AnsweredIn     int             `json:"answered_in"`
	Abandoned      int             `json:"abandoned"`
	AbandonedIn    int             `json:"abandoned_in"`
	AbandonedShort int             `json:"abandoned_short"`
	PaceBusy       time.Duration   `json:"pace_busy"`
	PaceAnswers    float64         `json:"pace_answers"`
	PaceSeen       int             `json:"pace_seen"`
	PaceLast       time.Time       `json:"pace_last,omitzero"`
	Handle         float64         `json:"handle"` // seconds
	HandleN        float64         `json:"handle_n"`
	PerMinute      float64         `json:"per_minute"` // arrivals
	FirstMinute    int64           `json:"first_minute"`
	LastMinute     int64           `json:"last_minute"`
}

// Snapshot returns how things stand as of the last step. It is deterministic.
func (s *State) Snapshot() Snapshot {
	snap := Snapshot{At: s.now, Agents: []AgentSnapshot{}, Places: []PlaceSnapshot{}, Queues: []QueueSnapshot{}}
	for _, a := range s.agents {
		if a.status.State != contact.AgentOffline {
			snap.Agents = append(snap.Agents, a.snapshot())
		}
	}
	slices.SortFunc(snap.Agents, func(a, b AgentSnapshot) int { return cmp.Compare(a.ID, b.ID) })
	for _, q := range s.queueList {
		for c := range q.order.all() {
			snap.Places = append(snap.Places, PlaceSnapshot{Caller: c.caller.text(), Queue: q.cfg.ID, Since: c.since, Joined: c.joined, Priority: c.priority, Kind: c.kind})
		}
		snap.Queues = append(snap.Queues, q.snapshot())
	}
	waiting := len(snap.Places)
	for _, t := range s.tickets {
		snap.Places = append(snap.Places, PlaceSnapshot{Caller: t.key.text(), Queue: t.q.cfg.ID, Since: t.since, Joined: t.joined, Priority: t.priority, Until: t.over.at})
	}
	slices.SortFunc(snap.Places[waiting:], func(a, b PlaceSnapshot) int { return cmp.Compare(a.Caller, b.Caller) })
	return snap
}

func (k callerKey) text() string {
	if k == (callerKey{}) {
		return ""
	}
	return hex.EncodeToString(k[:])
}

func (a *agent) snapshot() AgentSnapshot {
	st := a.status
	return AgentSnapshot{
		ID: a.id, State: st.State, Back: a.back, Reason: a.awayReason, Next: st.Next, NextReason: a.nextReason,
		Contact: st.Contact, Queue: st.Queue, WrapMode: a.wrap.mode, WrapUntil: a.wrap.until, Calls: a.calls, Talked: a.talked, Missed: a.missed,
	}
}

func (q *queue) snapshot() QueueSnapshot {
	return QueueSnapshot{
		ID: q.cfg.ID, Answered: q.answered, AnsweredIn: q.answeredIn,
		Abandoned: q.abandoned, AbandonedIn: q.abandonedIn, AbandonedShort: q.abandonedShort,
		PaceBusy: q.pace.busy, PaceAnswers: q.pace.answers, PaceSeen: q.pace.seen, PaceLast: q.pace.last,
		Handle: q.handle.value, HandleN: q.handle.n, PerMinute: q.arrival.perMin, FirstMinute: q.arrival.first, LastMinute: q.arrival.at,
	}
}

// agentsFresh is how old a snapshot may be for its agents to be expected back.
const agentsFresh = time.Hour

// restore takes a snapshot in: who waited keeps the place for Config.Redial
// from now on, agents are disconnected until their browsers come back.
func (s *State) restore(snap Snapshot) {
	sameDay := snap.At.UTC().Truncate(24 * time.Hour).Equal(s.day)
	for _, q := range snap.Queues {
		if mine := s.queues[q.ID]; mine != nil {
			mine.restore(q, sameDay)
			s.touch(mine)
			s.counted = s.counted || sameDay
		}
	}
	for _, p := range snap.Places {
		s.restorePlace(p)
	}
	fresh := s.now.Sub(snap.At) <= agentsFresh
	for _, a := range snap.Agents {
		if s.agents[a.ID] != nil {
			continue
		}
		over, why := !a.WrapUntil.IsZero() && !a.WrapUntil.After(s.now), EndByTime
		if !fresh {
			over, why = a.WrapMode != "", EndByLeaving
		}
		if over { // while no server ran
			s.emit(WrappedUp{Agent: a.ID, Contact: a.Contact, Queue: a.Queue, Why: why})
			a.WrapMode = ""
		}
		if fresh {
			s.restoreAgent(a, sameDay)
		}
	}
}

func (q *queue) restore(p QueueSnapshot, sameDay bool) {
	if sameDay {
		q.answered, q.answeredIn = p.Answered, p.AnsweredIn
		q.abandoned, q.abandonedIn, q.abandonedShort = p.Abandoned, p.AbandonedIn, p.AbandonedShort
	}
	q.pace = pace{busy: p.PaceBusy, answers: p.PaceAnswers, seen: p.PaceSeen, last: p.PaceLast}
	q.handle = mean{value: p.Handle, n: p.HandleN}
	if p.FirstMinute > 0 {
		q.arrival.perMin, q.arrival.first = p.PerMinute, p.FirstMinute
		q.arrival.at = p.LastMinute
	}
}

func (s *State) restorePlace(p PlaceSnapshot) {
	var key callerKey
	raw, err := hex.DecodeString(p.Caller)
	q := s.queues[p.Queue]
	if p.Kind != KindCall || err != nil || len(raw) != len(key) || q == nil || s.cfg.Redial <= 0 || len(s.tickets) >= maxTickets {
		return
	}
	copy(key[:], raw)
	until := p.Until
	if until.IsZero() {
		until = s.now.Add(s.cfg.Redial) // the server hung up, not the caller
	}
	if until.After(s.now) {
		s.keep(&ticket{key: key, q: q, since: p.Since, joined: p.Joined, priority: p.Priority}, until)
	}
}

func (s *State) restoreAgent(p AgentSnapshot, sameDay bool) {
	a := newAgent(p.ID, s.now, s.number())
	a.setPerson(s.people[p.ID])
	s.agents[p.ID] = a
	s.setQueues(a, s.queuesOf(p.ID))
	s.told(a)
	a.awayReason = p.Reason
	s.move(a, contact.AgentAway)
	a.gone, a.missed = true, p.Missed
	if sameDay {
		a.calls, a.talked = p.Calls, p.Talked
	}
	a.status.Next, a.nextReason = p.Next, p.NextReason
	switch p.State {
	case contact.AgentAvailable, contact.AgentOffered, contact.AgentTalking, contact.AgentHold, contact.AgentWrapUp:
		a.back = contact.AgentAvailable
	case contact.AgentDisconnected:
		a.back = p.Back
	default:
		a.back = contact.AgentAway
	}
	if a.back != contact.AgentAvailable {
		a.back = contact.AgentAway
	}
	if p.WrapMode != "" {
		a.wrap = wrap{p.WrapMode, p.WrapUntil}
		a.status.Contact, a.status.Queue, a.status.Until = p.Contact, p.Queue, p.WrapUntil
		if !p.WrapUntil.IsZero() {
			s.start(a.timer, p.WrapUntil)
		}
	}
	s.move(a, contact.AgentDisconnected)
}
