package acd

import (
	"slices"
	"time"

	"callfloor/contact"
)

// PlacesTold is for how many contacts at the head of a queue every change of
// place is told by a Place action.
const PlacesTold = 10

// State is every queue, agent and waiting contact. It is pure: the same events
// at the same times give the same actions; it reads no clock, starts nothing
// and keeps no lock, so one goroutine at a time may use it (see Engine).
//
// After every step no agent who could take a contact stands beside a contact
// that could be offered to them; so a step need only look at the agents and
// contacts that it freed.
type State struct {
	cfg Config
	now time.Time // of the last step; never goes back
	day time.Time // the midnight (UTC) since which figures count

	queues    map[contact.QueueID]*queue
	queueList []*queue // as configured
	nowhere   *queue   // of calls that agents of no queue make
	agents    map[contact.AgentID]*agent
	customers map[contact.ID]*customer
	timers    heap[*timer]
	people    map[contact.AgentID]AgentConfig
	demands   map[string]*demand // what contacts ask of agents, by its text
	nothing   *demand            // asks nothing
	tickets   map[callerKey]*ticket
	vip       map[callerKey]bool
	zone      *time.Location
	draws     uint64 // of the strategy random
	made      uint64 // numbers agents, customers and timers, to break ties
	counted   bool   // some figure of the day is not zero

	// What the running step left to do.
	out     []Action
	freed   []*agent    // became routable
	waiting []*customer // became ready to be offered
	arrived []*customer // were queued: told their place once
	touched []*queue    // figures may be new
}

// New returns a state with the queues of cfg and no agents.
func New(cfg Config) *State {
	s := &State{
		cfg:       cfg,
		queues:    map[contact.QueueID]*queue{},
		agents:    map[contact.AgentID]*agent{},
		customers: map[contact.ID]*customer{},
		people:    map[contact.AgentID]AgentConfig{},
		demands:   map[string]*demand{},
		tickets:   map[callerKey]*ticket{},
		vip:       map[callerKey]bool{},
		draws:     cfg.Seed,
		timers: heap[*timer]{
			less: func(a, b *timer) bool {
				if !a.at.Equal(b.at) {
					return a.at.Before(b.at)
				}
				return a.made < b.made
			},
			slot: func(t *timer) *int { return &t.slot },
		},
	}
	s.nothing = s.demand(Expr{}, Expr{})
	var err error
	if s.zone, err = time.LoadLocation(cfg.TimeZone); err != nil {
		s.zone = time.UTC // Validate refuses it
	}
	for _, a := range cfg.Agents {
		s.people[a.User] = a
	}
	for _, number := range cfg.VIP {
		if k, ok := s.keyOf(number); ok {
			s.vip[k] = true
		}
	}
	for _, c := range cfg.Queues {
		if s.queues[c.ID] != nil {
			continue
		}
		q := s.newQueue(c)
		s.queues[c.ID] = q
		s.queueList = append(s.queueList, q)
	}
	s.nowhere = s.newQueue(QueueConfig{})
	return s
}

// Step applies one event at a time and returns what must be done, in order. An
// event that the state refuses changes nothing (deadlines that are due are
// kept all the same); Try says why it was refused. Time that goes back stands
// still.
func (s *State) Step(now time.Time, ev Event) []Action {
	actions, _ := s.Try(now, ev)
	return actions
}

// Try is Step with the reason of a refusal: a contact.Error whose sentence an
// agent can read.
func (s *State) Try(now time.Time, ev Event) ([]Action, error) {
	if now.After(s.now) {
		s.now = now
	}
	s.turnDay()
	s.expire()
	err := s.apply(ev)
	s.match()
	s.tell()
	actions := slices.Clone(s.out)
	clear(s.out)
	s.out = s.out[:0]
	return actions, err
}

func (s *State) apply(ev Event) error {
	switch ev := ev.(type) {
	case ContactQueued:
		return s.contactQueued(ev)
	case Restored:
		s.restore(ev.Snapshot)
		return nil
	case Usual:
		return s.usual(ev)
	case ContactLeft:
		return s.contactLeft(ev)
	case ContactParked:
		return s.contactParked(ev)
	case ContactBooked:
		return s.contactBooked(ev)
	case ContactReached:
		return s.contactReached(ev)
	case Dialled:
		return s.withAgent(ev.Agent, func(a *agent) error { return s.dialled(a, ev) })
	case WorksOn:
		return s.withAgent(ev.Agent, func(a *agent) error { return s.worksOn(a, ev) })
	case ContactReleased:
		return s.contactReleased(ev)
	case TakenOver:
		return s.takenOver(ev)
	case OfferAccepted:
		return s.offerAccepted(ev)
	case OfferDeclined:
		return s.offerDeclined(ev)
	case AgentAdded:
		return s.agentAdded(ev)
	case Tick:
		return nil
	case AgentRemoved:
		return s.withAgent(ev.Agent, s.agentRemoved)
	case AgentWants:
		return s.withAgent(ev.Agent, func(a *agent) error { return s.agentWants(a, ev) })
	case SeatReady:
		return s.withAgent(ev.Agent, func(a *agent) error { return s.seatReady(a, ev) })
	case SeatLost:
		return s.withAgent(ev.Agent, s.seatLost)
	case SeatBack:
		return s.withAgent(ev.Agent, s.seatBack)
	case Held:
		return s.withAgent(ev.Agent, func(a *agent) error { return s.held(a, ev) })
	case Swapped:
		return s.withAgent(ev.Agent, s.swapped)
	case CallWaiting:
		return s.withAgent(ev.Agent, func(a *agent) error { return s.callWaiting(a, ev.On) })
	case WrapUpExtended:
		return s.withAgent(ev.Agent, s.wrapUpExtended)
	case WrapUpDone:
		return s.withAgent(ev.Agent, func(a *agent) error { return s.wrapUpDone(a, ev.Contact) })
	case WrapUpWanted:
		return s.withAgent(ev.Agent, func(a *agent) error { return s.wrapUpWanted(a, ev) })
	}
	if err, known := s.direct(ev); known {
		return err
	}
	return contact.Errorf(contact.Invalid, "queues know no event of type %T", ev)
}

func (s *State) withAgent(id contact.AgentID, do func(*agent) error) error {
	a := s.agents[id]
	if a == nil {
		return contact.Errorf(contact.NotFound, "%s is not an agent", id)
	}
	return do(a)
}

// Agent returns an agent's status.
func (s *State) Agent(id contact.AgentID) (AgentStatus, bool) {
	a := s.agents[id]
	if a == nil {
		return AgentStatus{}, false
	}
	return a.status, true
}

// Queue returns a queue's figures as of the last step.
func (s *State) Queue(id contact.QueueID) (QueueStatus, bool) {
	q := s.queues[id]
	if q == nil {
		return QueueStatus{}, false
	}
	return q.status(s.now), true
}

func (s *State) queueNow(now time.Time, id contact.QueueID) (status QueueStatus, open, ok bool) {
	q := s.queues[id]
	if q == nil {
		return QueueStatus{}, false, false
	}
	return q.status(now), q.isOpen(now), true
}

// Agents returns every agent's status.
func (s *State) Agents() map[contact.AgentID]AgentStatus {
	m := make(map[contact.AgentID]AgentStatus, len(s.agents))
	for id, a := range s.agents {
		m[id] = a.status
	}
	return m
}

// Queues returns every queue's figures as of the last step.
func (s *State) Queues() map[contact.QueueID]QueueStatus {
	m := make(map[contact.QueueID]QueueStatus, len(s.queues))
	for id, q := range s.queues {
		m[id] = q.status(s.now)
	}
	return m
}

// Place returns the position and expected wait of a contact that is not yet
// answered, as of the last step; false for any other.
func (s *State) Place(id contact.ID) (Place, bool) { return s.place(s.now, id) }

func (s *State) place(now time.Time, id contact.ID) (Place, bool) {
	c := s.customers[id]
	if c == nil || c.connected || c.apart != nil {
		return Place{}, false
	}
	position := c.q.order.rank(&c.inOrder) + 1
	return Place{Contact: id, Position: position, Expected: expected(c.q.mean(now), position)}, true
}

func (s *State) emit(a Action) { s.out = append(s.out, a) }

func (s *State) number() uint64 {
	s.made++
	return s.made
}

// turnDay starts the day's figures anew after midnight (UTC).
func (s *State) turnDay() {
	day := s.now.UTC().Truncate(24 * time.Hour)
	if !day.After(s.day) {
		return
	}
	s.day = day
	s.counted = false
	for _, q := range s.queueList {
		q.answered, q.answeredIn, q.abandoned, q.abandonedIn, q.abandonedShort = 0, 0, 0, 0, 0
		s.touch(q)
	}
	for _, a := range s.agents {
		a.calls, a.talked = 0, 0
	}
}

// tell reports the places and figures that the step changed.
func (s *State) tell() {
	for _, q := range s.touched {
		q.touched = false
		if q.moved {
			q.moved = false
			s.tellPlaces(q)
		}
		status := q.status(s.now)
		if status != q.told {
			q.told = status
			s.emit(QueueChanged{Queue: q.cfg.ID, Status: status})
		}
		s.watch(q, status)
	}
	for _, c := range s.arrived {
		if c.told.Position == 0 && !c.connected && s.customers[c.id] == c {
			mean := c.q.mean(s.now)
			s.tellPlace(c, c.q.order.rank(&c.inOrder)+1, mean)
		}
	}
	clear(s.touched)
	clear(s.arrived)
	s.touched, s.arrived = s.touched[:0], s.arrived[:0]
}

func (s *State) tellPlaces(q *queue) {
	position, mean := 0, q.mean(s.now)
	for c := range q.order.all() {
		if position++; position > PlacesTold {
			return
		}
		s.tellPlace(c, position, mean)
	}
}

func (s *State) tellPlace(c *customer, position int, mean time.Duration) {
	if c.virtual() {
		return
	}
	p := Place{Contact: c.id, Position: position, Expected: expected(mean, position)}
	if p.Position != c.told.Position || p.Expected != c.told.Expected {
		c.told = p
		s.emit(p)
	}
}

func (s *State) touch(q *queue) {
	if !q.touched && q != s.nowhere {
		q.touched = true
		s.touched = append(s.touched, q)
	}
}

// queuesOf lists the queues that the configuration gives an agent.
func (s *State) queuesOf(id contact.AgentID) []contact.QueueID {
	var ids []contact.QueueID
	for _, q := range s.queueList {
		if slices.Contains(q.cfg.Agents, string(id)) || slices.Contains(q.cfg.Agents, "*") {
			ids = append(ids, q.cfg.ID)
		}
	}
	return ids
}
