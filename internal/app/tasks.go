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
	"callfloor/web"
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

// kindOf is what a task is in the queue.
func (b *taskBook) kindOf(t tasks.Task) acd.Kind {
	if t.Kind == tasks.Voicemail {
		return acd.KindVoicemail
	}
	return b.queues[t.Queue].Kind()
}

// enqueue puts a task into its queue: at the place of from, a caller who waits
// there, or at the place that it had.
func (b *taskBook) enqueue(ctx context.Context, t tasks.Task, from contact.ID) error {
	w := &work{id: contact.NewID(), task: t.ID, kind: b.kindOf(t)}
	t, err := b.change(ctx, t.ID, func(t *tasks.Task) error {
		t.State, t.Agent, t.Next = tasks.Queued, "", nil
		return nil
	})
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.here[w.id] = w
	b.mu.Unlock()
	b.picture(w, t, call.StageQueue)
	if from != "" && b.house.engine.Do(acd.ContactBooked{Contact: from, As: w.id, Kind: w.kind}) == nil {
		return nil
	}
	return b.house.engine.Do(acd.ContactQueued{
		Contact: w.id, Queue: t.Queue, Priority: t.Priority, Since: t.Since, Caller: t.Caller, Kind: w.kind, LastAgent: b.house.lastAgent(t.Caller),
	})
}

// picture shows a task as the contact that it is in the queue, while there is no
// call of it.
func (b *taskBook) picture(w *work, t tasks.Task, stage call.Stage) {
	s := call.Snapshot{
		ID: w.id, Line: t.Line, From: t.Caller, Started: t.Made, Stage: stage, StageSince: time.Now(), Queue: t.Queue, Agent: w.agent,
		Waited: w.waited, Language: t.Language, Consent: contact.ConsentNone, Recording: call.RecordingOff,
	}
	if stage == call.StageEnded {
		s.Ended = &contact.EndCause{By: contact.System, Class: contact.EndCompleted, Why: "the task left the queue"}
		s.EndedAt = s.StageSince
	}
	b.house.inbox.call(s)
}

// of returns the work and the task of a contact.
func (b *taskBook) of(id contact.ID) (*work, tasks.Task, bool) {
	if b == nil {
		return nil, tasks.Task{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	w, ok := b.here[id]
	if !ok {
		return nil, tasks.Task{}, false
	}
	return w, b.open[w.task], true
}

// offered shows that a seat rings for a task, and that it stopped.
func (b *taskBook) offered(id contact.ID, agent contact.AgentID, on bool) bool {
	w, t, ok := b.of(id)
	if !ok {
		return false
	}
	stage := call.StageRinging
	if !on {
		stage, agent = call.StageQueue, ""
	}
	b.mu.Lock()
	shown := *w
	b.mu.Unlock()
	shown.agent = agent
	b.picture(&shown, t, stage)
	return true
}

// accepted gives a task to the agent who has accepted it.
func (b *taskBook) accepted(a acd.Connect, seat call.Seat) bool {
	w, t, ok := b.of(a.Contact)
	if !ok {
		return false
	}
	b.mu.Lock()
	own := w.cancel != nil // the agent began it themselves; it is being called
	w.agent, w.seat, w.queue, w.waited, w.lost = a.Agent, seat, a.Queue, a.Waited, false
	b.mu.Unlock()
	if own {
		return true
	}
	t, err := b.change(b.ctx, t.ID, func(t *tasks.Task) error { t.State, t.Agent = tasks.Active, a.Agent; return nil })
	if err != nil {
		b.log.Error("an accepted task could not be saved", "task", w.task, "error", err)
	}
	b.picture(w, t, call.StageTalking)
	if w.kind == acd.KindCallback {
		b.callCustomer(w, t)
	}
	return true
}

// requeued takes a task from an agent whose browser stayed away.
func (b *taskBook) requeued(a acd.Requeued) {
	w, t, ok := b.of(a.Contact)
	if !ok || a.Kind == acd.KindCall {
		return
	}
	b.mu.Lock()
	w.lost, w.agent = true, ""
	cancel := w.cancel
	w.cancel = nil
	b.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	t, err := b.change(b.ctx, t.ID, func(t *tasks.Task) error { t.State, t.Agent = tasks.Queued, ""; return nil })
	if err != nil {
		b.log.Error("a task that came back could not be saved", "task", w.task, "error", err)
		return
	}
	b.picture(w, t, call.StageQueue)
}

// hangup is an agent who gives up calling a customer, or has finished with a
// voicemail. It is false for anything that is no task, or is a call by now.
func (b *taskBook) hangup(id contact.ID, agent contact.AgentID) bool {
	w, t, ok := b.of(id)
	if !ok {
		return false
	}
	b.mu.Lock()
	cancel := w.cancel
	b.mu.Unlock()
	if cancel != nil {
		cancel()
		return true
	}
	if w.kind != acd.KindVoicemail {
		return false
	}
	b.finish(w)
	if _, err := b.change(b.ctx, t.ID, func(t *tasks.Task) error { t.State = tasks.Open; return nil }); err != nil {
		b.log.Error("a voicemail could not be saved", "task", t.ID, "error", err)
	}
	b.house.Release(id, agent)
	b.picture(w, t, call.StageEnded)
	return true
}

// finish ends the work of a contact; the wrap-up may still name the task.
func (b *taskBook) finish(w *work) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.here, w.id)
	if len(b.wraps) >= maxWraps {
		clear(b.wraps)
	}
	b.wraps[w.id] = w.task
}

// wrapUp takes what an agent wrote about a contact that is a task. It is false
// where the journal has a call of that contact.
func (b *taskBook) wrapUp(ctx context.Context, id contact.ID, agent contact.AgentID, disposition, note string, done bool) (bool, error) {
	if b == nil {
		return false, nil
	}
	b.mu.Lock()
	task, ok := b.wraps[id]
	if w := b.here[id]; w != nil {
		task, ok = w.task, true
	}
	t, open := b.open[task]
	if done {
		delete(b.wraps, id)
	}
	b.mu.Unlock()
	if !ok {
		return false, nil
	}
	if !open {
		return t.ID == "" && t.Kind == tasks.Voicemail, nil
	}
	_, err := b.change(ctx, task, func(t *tasks.Task) error {
		t.Disposition, t.Note = disposition, note
		if done && disposition != "" && t.State == tasks.Open && t.Kind == tasks.Voicemail {
			t.State, t.ClosedBy = tasks.Done, string(agent)
		}
		return nil
	})
	return t.Kind == tasks.Voicemail, err
}

// describe says which kind of task a contact is, and which one; "" for a call.
func (b *taskBook) describe(id contact.ID) (kind, task string) {
	if b == nil {
		return "", ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.here[id]; w != nil {
		if w.kind == acd.KindVoicemail {
			return string(tasks.Voicemail), w.task
		}
		return string(tasks.Callback), w.task
	}
	if task := b.wraps[id]; task != "" {
		if t, open := b.open[task]; open && t.Kind == tasks.Voicemail {
			return string(tasks.Voicemail), task
		}
		return string(tasks.Callback), task
	}
	return "", ""
}

// taskView is a task as a seat shows it.
func taskView(h *House, t tasks.Task) web.TaskView {
	v := web.TaskView{
		ID: t.ID, Kind: string(t.Kind), State: string(t.State), Queue: string(t.Queue), Name: h.queueName(t.Queue), Agent: string(t.Agent),
		From: contact.Mask(t.Caller), Call: t.Call, Recording: t.Recording, Length: t.Length, Note: t.Note, Made: when(t.Made),
		Tries: t.Tries, Reminded: t.Reminded >= tasks.AgentReminded,
	}
	if t.Due != nil {
		v.Due = maybe(*t.Due)
	}
	if t.Next != nil {
		v.Next = maybe(*t.Next)
	}
	return v
}
