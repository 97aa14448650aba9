package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"callfloor/acd"
	"callfloor/acd/tasks"
	"callfloor/call"
	"callfloor/contact"
)

const (
	// tasksEvery is how often tasks are looked at whose time has come.
	tasksEvery = time.Second
	// maxTasks bounds the tasks that are open; more are refused.
	maxTasks = 10_000
	// maxWraps bounds the wrap-ups that may still name their task.
	maxWraps = 10_000
)

// taskBook knows every task that is open, puts callbacks and voicemails into
// their queues when their time has come, and reminds of deadlines. What it
// changes is on the disk before anybody sees it.
type taskBook struct {
	log      *slog.Logger
	house    *House
	store    *tasks.Store
	queues   map[contact.QueueID]acd.QueueConfig
	promises []tasks.PromiseConfig
	// erase erases a recording; place starts the call to a customer.
	erase func(ctx context.Context, recording, by, why string) error
	start func(ctx context.Context, w *work, t tasks.Task, leg call.Leg)

	ctx  context.Context // of the calls to customers
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu   sync.Mutex // guards what follows
	open map[string]tasks.Task
	here map[contact.ID]*work
	// wraps are the contacts whose agents may still write a note.
	wraps map[contact.ID]string
}

// work is a task that is in a queue or with an agent, by its contact there.
type work struct {
	id     contact.ID
	task   string
	kind   acd.Kind
	agent  contact.AgentID // who accepted it
	seat   call.Seat
	queue  contact.QueueID
	waited time.Duration
	cancel context.CancelFunc // of the call to the customer
	talked bool
	lost   bool // the agent's browser stayed away: it is in the queue again
}

// newTasks returns the book of tasks; begin opens it.
func (a *App) newTasks() *taskBook {
	b := &taskBook{
		log: a.log, house: a.house, store: tasks.NewStore(a.db), queues: map[contact.QueueID]acd.QueueConfig{}, promises: a.cfg.Promises,
		start: a.backCall, open: map[string]tasks.Task{}, here: map[contact.ID]*work{}, wraps: map[contact.ID]string{},
		erase: func(ctx context.Context, recording, by, why string) error {
			return a.recordings.Erase(ctx, recording, by, why)
		},
	}
	for _, q := range a.cfg.Queues {
		b.queues[q.ID] = q
	}
	b.ctx, b.stop = context.WithCancel(a.ctx)
	return b
}

// begin reads the tasks of the last run and puts those that waited back where
// they stood.
func (b *taskBook) begin(ctx context.Context) error {
	list, err := b.store.List(ctx, tasks.Query{})
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(x, y tasks.Task) int { return x.Since.Compare(y.Since) })
	for _, t := range list {
		b.open[t.ID] = t
		b.show(t)
	}
	for _, t := range list {
		if t.State == tasks.Queued || t.State == tasks.Active {
			if err := b.enqueue(ctx, t, ""); err != nil {
				b.log.Error("a task of the last run could not be queued", "task", t.ID, "error", err)
			}
		}
	}
	b.wg.Go(b.run)
	return nil
}

// close ends the calls that are being placed; tasks stay for the next run.
func (b *taskBook) close() {
	b.stop()
	b.wg.Wait()
}

func (b *taskBook) run() {
	every := time.NewTicker(tasksEvery)
	defer every.Stop()
	for {
		b.look(time.Now())
		select {
		case <-every.C:
		case <-b.ctx.Done():
			return
		}
	}
}

// look queues what is due and reminds of deadlines.
func (b *taskBook) look(now time.Time) {
	var due, late []tasks.Task
	b.mu.Lock()
	for _, t := range b.open {
		if t.State == tasks.Scheduled && t.Next != nil && !t.Next.After(now) {
			due = append(due, t)
		}
		if who, _ := t.Reminders(now); who > t.Reminded {
			late = append(late, t)
		}
	}
	b.mu.Unlock()
	for _, t := range due {
		if err := b.enqueue(b.ctx, t, ""); err != nil && b.ctx.Err() == nil {
			b.log.Error("a task could not be queued", "task", t.ID, "error", err)
		}
	}
	for _, t := range late {
		who, _ := t.Reminders(now)
		if _, err := b.change(b.ctx, t.ID, func(t *tasks.Task) error { t.Reminded = who; return nil }); err != nil && b.ctx.Err() == nil {
			b.log.Error("a reminder could not be saved", "task", t.ID, "error", err)
		}
	}
	if len(late) > 0 {
		b.warn(late)
	}
}

// warn tells the supervisors of agents whose deadlines are near.
func (b *taskBook) warn(late []tasks.Task) {
	seen := map[contact.AgentID]bool{}
	for _, t := range late {
		if !seen[t.Agent] {
			seen[t.Agent] = true
			b.tellLate(t.Agent)
		}
	}
}

// tellLate tells, or takes back, that deadlines of an agent are near.
func (b *taskBook) tellLate(agent contact.AgentID) {
	n := 0
	b.mu.Lock()
	for _, t := range b.open {
		if t.Agent == agent && t.Reminded >= tasks.SupervisorReminded {
			n++
		}
	}
	b.mu.Unlock()
	b.house.inbox.put(func(news *news) {
		news.actions = append(news.actions, acd.Alert{Kind: alertPromise, On: n > 0, Agent: agent, Text: fmt.Sprintf("%d deadlines of %s are near or over", n, agent)})
	})
}

// The alerts about tasks.
const (
	alertPromise  = "promise"
	alertCallback = "callback"
)

// add keeps a new task.
func (b *taskBook) add(ctx context.Context, t tasks.Task) (tasks.Task, error) {
	t.ID = string(contact.NewID())
	t.Made = time.Now()
	if t.Since.IsZero() {
		t.Since = t.Made
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.open) >= maxTasks {
		return tasks.Task{}, contact.Errorf(contact.Busy, "%d tasks are open already; close some first", maxTasks)
	}
	if err := b.store.Put(ctx, t); err != nil {
		return tasks.Task{}, err
	}
	b.open[t.ID] = t
	b.show(t)
	return t, nil
}

// change changes an open task; contact.NotFound if it is closed.
func (b *taskBook) change(ctx context.Context, id string, f func(*tasks.Task) error) (tasks.Task, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.open[id]
	if !ok {
		return tasks.Task{}, contact.Errorf(contact.NotFound, "this task is closed, or there is none")
	}
	if err := f(&t); err != nil {
		return tasks.Task{}, err
	}
	if t.State.Closed() && t.Closed == nil {
		now := time.Now()
		t.Closed = &now
	}
	if err := b.store.Put(ctx, t); err != nil {
		return tasks.Task{}, err
	}
	if t.State.Closed() {
		delete(b.open, id)
	} else {
		b.open[id] = t
	}
	b.show(t)
	return t, nil
}

// show puts a task onto the seats that it concerns.
func (b *taskBook) show(t tasks.Task) {
	b.house.inbox.put(func(n *news) { n.tasks[t.ID] = t })
}

func (b *taskBook) get(id string) (tasks.Task, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.open[id]
	return t, ok
}
