package app

import (
	"sync"

	"callfloor/acd"
	"callfloor/acd/tasks"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
)

// inbox collects what happened until run takes it. Senders never wait. It
// cannot grow without bound: of states only the latest is kept, one for each
// call, agent and queue; actions are bounded by the calls that are up.
type inbox struct {
	mu     sync.Mutex
	wake   chan struct{} // size 1
	closed bool
	news   news
}

// news is what happened since the last take.
type news struct {
	actions []acd.Action // in the engine's order
	calls   map[contact.ID]call.Snapshot
	agents  map[contact.AgentID]acd.AgentStatus
	queues  map[contact.QueueID]acd.QueueStatus
	seats   map[string]seatNews
	// phones are the agents whose telephone came or went.
	phones map[contact.AgentID]bool
	wraps  map[wrapKey]wrap
	// headsets are the agents whose headset was checked.
	headsets map[contact.AgentID]struct{}
	tasks    map[string]tasks.Task
}

// seatNews is a seat whose connection changed.
type seatNews struct {
	seat     *web.Seat
	notReady string // "" when its media is live
	fresh    bool   // a new socket wants the whole document
}

func emptyNews() news {
	return news{
		calls:  map[contact.ID]call.Snapshot{},
		agents: map[contact.AgentID]acd.AgentStatus{},
		queues: map[contact.QueueID]acd.QueueStatus{},
		seats:  map[string]seatNews{},
		wraps:  map[wrapKey]wrap{},

		phones:   map[contact.AgentID]bool{},
		headsets: map[contact.AgentID]struct{}{},
		tasks:    map[string]tasks.Task{},
	}
}

func newInbox() inbox { return inbox{wake: make(chan struct{}, 1), news: emptyNews()} }

func (b *inbox) put(f func(n *news)) {
	b.mu.Lock()
	if !b.closed {
		f(&b.news)
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// actions takes what the queue engine decided.
func (b *inbox) actions(as []acd.Action) {
	b.put(func(n *news) {
		for _, a := range as {
			switch a := a.(type) {
			case acd.AgentChanged:
				n.agents[a.Agent] = a.Status
			case acd.QueueChanged:
				n.queues[a.Queue] = a.Status
			default:
				n.actions = append(n.actions, a)
			}
		}
	})
}

func (b *inbox) call(s call.Snapshot) { b.put(func(n *news) { n.calls[s.ID] = s }) }

func (b *inbox) seat(s *web.Seat, notReady string, fresh bool) {
	b.put(func(n *news) {
		fresh = fresh || n.seats[s.User()].fresh
		n.seats[s.User()] = seatNews{seat: s, notReady: notReady, fresh: fresh}
	})
}

// take waits for news; false when the inbox is closed and empty.
func (b *inbox) take() (news, bool) {
	for range b.wake {
		b.mu.Lock()
		n, closed := b.news, b.closed
		b.news = emptyNews()
		b.mu.Unlock()
		return n, !closed
	}
	return news{}, false
}

func (b *inbox) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}
