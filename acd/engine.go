package acd

import (
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"callfloor/contact"
)

// outbox is how many steps' actions may wait for act. When it is full, Do
// waits: whoever makes events faster than they are acted on is slowed down,
// and nothing is lost or reordered.
const outbox = 4096

// Engine runs a State in real time: events in, actions out in order, deadlines
// kept. Deciding takes microseconds and happens in the goroutine that calls
// Do, under a lock; acting happens in the Engine's one goroutine.
type Engine struct {
	log *slog.Logger
	act func([]Action)

	mu     sync.Mutex
	room   *sync.Cond // out has room, or closed
	state  *State
	out    [][]Action
	closed bool

	wake chan struct{} // size 1: something is in out, or a deadline changed
	done chan struct{}
}

// NewEngine starts an engine. act is called in one goroutine, in order and
// never concurrently; it may call Agent, Queue and Place, but not Do (which
// may wait for act) nor Close. A nil log is silent.
func NewEngine(cfg Config, log *slog.Logger, act func([]Action)) *Engine {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{
		log:   log,
		act:   act,
		state: New(cfg),
		wake:  make(chan struct{}, 1),
		done:  make(chan struct{}),
	}
	e.room = sync.NewCond(&e.mu)
	go e.run()
	return e
}

// Do applies one event. When it returns, the readers see what came of it; the
// actions follow in order. The error is a contact.Error with a sentence for
// the agent if the state refuses the event (contact.Conflict: not now;
// contact.NotFound; contact.Invalid), and contact.Busy after Close.
func (e *Engine) Do(ev Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.out) >= outbox && !e.closed {
		e.room.Wait()
	}
	if e.closed {
		return contact.Errorf(contact.Busy, "the server is stopping")
	}
	return e.step(ev)
}

// AddAgent makes id an agent of queues; see AgentAdded.
func (e *Engine) AddAgent(id contact.AgentID, queues []contact.QueueID) {
	e.do(AgentAdded{Agent: id, Queues: queues})
}

// RemoveAgent makes id no longer an agent; its call goes back to its queue.
func (e *Engine) RemoveAgent(id contact.AgentID) { e.do(AgentRemoved{Agent: id}) }

func (e *Engine) do(ev Event) {
	if err := e.Do(ev); err != nil {
		e.log.Warn("agent list not changed", "error", err)
	}
}

// Agent returns an agent's status.
func (e *Engine) Agent(id contact.AgentID) (AgentStatus, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Agent(id)
}

// Queue returns a queue's figures.
func (e *Engine) Queue(id contact.QueueID) (QueueStatus, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Queue(id)
}

// QueueNow returns how a queue stands for a contact that would join it at this
// moment, and whether it takes any: by its hours, or by what a supervisor decided.
func (e *Engine) QueueNow(id contact.QueueID) (status QueueStatus, open, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.queueNow(time.Now(), id)
}

// Agents returns every agent's status.
func (e *Engine) Agents() map[contact.AgentID]AgentStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Agents()
}

// Queues returns every queue's figures.
func (e *Engine) Queues() map[contact.QueueID]QueueStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Queues()
}

// Snapshot returns how things stand.
func (e *Engine) Snapshot() Snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Snapshot()
}

// Pace returns how a queue runs.
func (e *Engine) Pace(id contact.QueueID) (Pace, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Pace(id)
}

// Place returns a waiting contact's position and expected wait now; false for
// one that does not wait.
func (e *Engine) Place(id contact.ID) (Place, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.place(time.Now(), id)
}

// Standing returns where a contact waits; false for one that does not.
func (e *Engine) Standing(id contact.ID) (Standing, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Standing(id)
}

// Close refuses further events, hands what is decided to act and waits for it.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	e.room.Broadcast()
	e.mu.Unlock()
	e.poke()
	<-e.done
}

// step runs under the lock.
func (e *Engine) step(ev Event) error {
	before := e.state.NextDeadline()
	actions, err := e.state.Try(time.Now(), ev)
	if len(actions) > 0 {
		e.out = append(e.out, actions)
	}
	if len(actions) > 0 || !e.state.NextDeadline().Equal(before) {
		e.poke()
	}
	return err
}

func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default: // it will wake anyway and look at everything
	}
}

func (e *Engine) run() {
	defer close(e.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		batches, deadline, closed := e.take()
		for _, actions := range batches {
			e.actOn(actions)
		}
		if len(batches) > 0 {
			continue
		}
		if closed {
			return
		}
		var due <-chan time.Time
		if !deadline.IsZero() {
			timer.Reset(time.Until(deadline))
			due = timer.C
		}
		select {
		case <-e.wake:
		case <-due:
			e.tick()
		}
	}
}

func (e *Engine) take() (batches [][]Action, deadline time.Time, closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	batches, e.out = e.out, nil
	e.room.Broadcast()
	return batches, e.state.NextDeadline(), e.closed
}

func (e *Engine) tick() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	if err := e.step(Tick{}); err != nil {
		e.log.Error("tick refused", "error", err)
	}
}

// actOn keeps the house standing when one step's actions panic.
func (e *Engine) actOn(actions []Action) {
	defer func() {
		if r := recover(); r != nil {
			e.log.Error("acting on a routing decision panicked", "panic", r, "stack", string(debug.Stack()))
		}
	}()
	e.act(actions)
}
