package app

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callfloor/acd"
	"callfloor/acd/shifts"
	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/crm"
	"callfloor/internal/config"
	"callfloor/ivr"
	"callfloor/web"
)

// House is where calls, the queue engine and the seats meet. Whatever happens
// is put into an inbox that never blocks its sender; one goroutine (run) takes
// it out, carries out what the queue engine decided, and shows everybody what
// is new.
type House struct {
	log     *slog.Logger
	engine  *acd.Engine
	journal *call.Journal
	audit   Audit
	people  People
	names   names
	alerts  *prometheus.CounterVec
	// outside calls numbers outside; nil where there is no way out. Static.
	outside outside
	// dial calls a customer for an agent, outboundLines are the lines that a
	// user may do that from; nil where there is no way out. Static.
	dial          func(context.Context, dialRequest) (contact.ID, error)
	outboundLines func(user string) []config.Line
	dials         dials

	// announce says what agents alone hear of a call; nil: nothing. Static.
	announce *announcer
	// phones are the agents' telephones; nil where there are none (tests).
	phones *deskPhones

	inbox inbox
	done  chan struct{}

	mu    sync.Mutex // guards calls, listening and lately: used by commands
	calls map[contact.ID]*call.Call
	// listening is which call each supervisor listens to.
	listening map[string]listening
	// lately is which call each agent was done with last.
	lately map[contact.AgentID]lately

	transfers *transfers
	seatOf    func(user string) (*web.Seat, bool) // nil: nobody has a seat

	// tasks are callbacks, voicemails and promises. Static, may be nil.
	tasks *taskBook

	// desk is owned by run.
	desk desk
	// shifts is what agents spent their time with; nil: nobody asks.
	shifts *shifts.Book
}

// listening is a supervisor who listens to a call.
type listening struct {
	to   contact.ID
	seat *web.Seat
}

// Audit writes down what a person did; it is on disk when it returns.
type Audit interface {
	Record(ctx context.Context, e api.Entry) error
}

// People tells what the house must know of its users.
type People interface {
	// Queues are the queues that an agent serves.
	Queues(user string) []contact.QueueID
}

// names are the words that configuration gives to things.
type names struct {
	queues                    map[contact.QueueID]string
	serviceLevel              time.Duration
	lastAgent                 time.Duration
	transfers                 call.Config
	tags                      []contact.TagGroup
	dispositions, awayReasons []string
	page                      crm.Page // the CRM's
	wrapUps                   map[contact.QueueID]acd.WrapUpRule
}

// wrapUp is what follows the calls of a queue.
func (n names) wrapUp(id contact.QueueID) acd.WrapUpRule {
	if r, ok := n.wrapUps[id]; ok {
		return r
	}
	return n.wrapUps[""]
}

// newHouse returns a house without a queue engine; start gives it one.
func newHouse(log *slog.Logger, journal *call.Journal, audit Audit, people People, n names) *House {
	return &House{
		log: log, journal: journal, audit: audit, people: people, names: n,
		alerts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callfloor_alerts_total", Help: "What supervisors were told of, by kind: missed, surge, threshold, hand and so on.",
		}, []string{"kind"}),
		inbox:     newInbox(),
		done:      make(chan struct{}),
		calls:     map[contact.ID]*call.Call{},
		listening: map[string]listening{},
		lately:    map[contact.AgentID]lately{},
		transfers: newTransfers(n.transfers),
		desk:      newDesk(),
	}
}

func (h *House) start(engine *acd.Engine) {
	h.engine = engine
	h.desk.queues = engine.Queues() // one in which nothing has happened yet is there too
	go h.run()
}

// stop ends run; the queue engine must be closed before.
func (h *House) stop() {
	h.transfers.close()
	h.inbox.close()
	<-h.done
}

func (h *House) run() {
	defer close(h.done)
	for {
		news, ok := h.inbox.take()
		if !ok {
			return
		}
		h.desk.meet(news.seats) // a decision may be about one who has just come
		for _, a := range news.actions {
			h.act(a)
		}
		h.desk.show(h, news)
	}
}

// add makes a call known; remove forgets it.
func (h *House) add(c *call.Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls[c.ID] = c
}

func (h *House) remove(id contact.ID) {
	defer h.transfers.gone(id) // after it is unknown, see ringOutside
	h.mu.Lock()
	delete(h.calls, id)
	for user, l := range h.listening {
		if l.to == id {
			delete(h.listening, user)
			l.seat.Drop("listen")
		}
	}
	h.mu.Unlock()
}

func (h *House) call(id contact.ID) (*call.Call, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, ok := h.calls[id]
	return c, ok
}

// live returns the calls that are up.
func (h *House) live() []*call.Call {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*call.Call, 0, len(h.calls))
	for _, c := range h.calls {
		all = append(all, c)
	}
	return all
}

// callOf returns the call that an agent is offered or serves.
func (h *House) callOf(user string) (*call.Call, error) {
	status, ok := h.engine.Agent(contact.AgentID(user))
	if ok && status.Contact != "" {
		if c, ok := h.call(status.Contact); ok {
			return c, nil
		}
	}
	return nil, contact.Errorf(contact.Conflict, "you have no call")
}

// act carries out one decision of the queue engine.
func (h *House) act(a acd.Action) {
	if h.direct(a) || h.switchCalls(a) {
		return
	}
	switch a := a.(type) {
	case acd.OfferTo:
		h.offer(a)
	case acd.OfferEnded:
		h.phones.offerEnded(a)
		h.offerEnded(a)
	case acd.Connect:
		if !h.dials.has(a.Contact) { // who dialled is connected when the customer answers
			h.connect(a)
		}
	case acd.Dial:
		h.tasks.dial(a)
	case acd.Requeued:
		if h.dials.lost(a.Contact) {
			return // its agent dialled, and nobody else waits for it
		}
		h.tasks.requeued(a)
		if c, ok := h.call(a.Contact); ok {
			c.Requeue(a.Agent, a.Queue)
		}
	case acd.Place:
		if c, ok := h.call(a.Contact); ok {
			c.SetPlace(a.Position, a.Expected)
		}
	case acd.Refused:
		if c, ok := h.call(a.Contact); ok {
			c.GiveBack(string(a.Reason), a.Why)
		}
	case acd.Moved:
		if c, ok := h.call(a.Contact); ok {
			c.MoveQueue(a.To, a.Why)
			if a.Reason == acd.ReasonTransfer {
				c.WaitAgain()
			}
		}
	case acd.Alert:
		h.alert(a)
	case acd.WrappedUp:
		h.wrappedUp(a)
	case acd.AgentChanged, acd.QueueChanged: // shown by desk
	}
}

// alert tells the supervisors.
func (h *House) alert(a acd.Alert) {
	key := "alert/" + a.Kind + "/" + string(a.Agent) + string(a.Queue)
	if a.Kind == acd.AlertThreshold { // a queue can have several
		key += "/" + string(a.Figure) + "/" + string(a.Severity) + "/" + strconv.FormatBool(a.Over)
	}
	if _, was := h.desk.alerts[key]; a.Kind == alertHand && was == a.On {
		return // raised or lowered twice
	}
	h.log.Warn("the floor needs a look", "kind", a.Kind, "on", a.On, "agent", a.Agent, "queue", a.Queue, "why", a.Text)
	if a.On {
		h.alerts.WithLabelValues(a.Kind).Inc()
	}
	view := web.AlertView{Kind: a.Kind, Agent: a.Agent, Queue: string(a.Queue), Text: a.Text, At: contact.Time(time.Now()),
		Figure: string(a.Figure), Over: a.Over, Limit: a.Limit, Severity: string(a.Severity)}
	if a.On {
		h.desk.alerts[key] = view
	} else {
		delete(h.desk.alerts, key)
	}
	for _, s := range h.desk.watchers() {
		if a.On {
			s.Put(key, view)
		} else {
			s.Drop(key)
		}
	}
	if a.Kind == alertHand {
		h.desk.showMe(h, string(a.Agent))
	}
}

// The queue engine as calls see it (call.Queues).

// Join implements call.Queues.
func (h *House) Join(id contact.ID, r ivr.QueueRequest) error {
	ev := acd.ContactQueued{Contact: id, Queue: r.Queue, Priority: r.Priority, Since: time.Now(), Only: r.Only, OnlyFor: r.Within}
	if taken, err := h.joinBack(id); taken {
		return err
	}
	if r.Skills != "" {
		skills, err := acd.ParseExpr(r.Skills)
		if err != nil {
			h.log.Warn("a flow asks for skills that cannot be read; nothing is asked for", "queue", r.Queue, "error", err)
		}
		ev.Skills = skills
	}
	if c, ok := h.call(id); ok {
		ev.Caller = c.From
		ev.LastAgent = h.lastAgent(c.From)
	}
	return h.engine.Do(ev)
}

// lookBack is how long a caller may wait for the journal to be asked.
const lookBack = 500 * time.Millisecond

// lastAgent is who spoke with this caller last; "" if that is not known at
// once. The caller waits no longer for it.
func (h *House) lastAgent(from string) contact.AgentID {
	if h.names.lastAgent <= 0 || !strings.ContainsAny(from, "0123456789") {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookBack)
	defer cancel()
	id, err := h.journal.LastAgent(ctx, from, time.Now().Add(-h.names.lastAgent))
	if err != nil {
		h.log.Warn("could not find the agent of a caller's last call", "error", err)
	}
	return id
}

// Leave implements call.Queues.
func (h *House) Leave(id contact.ID) { h.tell(acd.ContactLeft{Contact: id}) }

// Park implements call.Queues.
func (h *House) Park(id contact.ID) error { return h.engine.Do(acd.ContactParked{Contact: id}) }

// Release implements call.Queues.
func (h *House) Release(id contact.ID, agent contact.AgentID) {
	h.tell(acd.ContactReleased{Contact: id, Agent: agent})
}

// tell passes an event on where nobody can do anything about a refusal.
func (h *House) tell(e acd.Event) {
	if err := h.engine.Do(e); err != nil {
		h.log.Debug("the queue engine refused an event", "event", e, "error", err)
	}
}

var (
	_ call.Queues = (*House)(nil)
	_ web.House   = (*House)(nil)
)
