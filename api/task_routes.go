package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/acd/tasks"
	"callfloor/contact"
)

// Tasks are callbacks, voicemails, tasks after a call and promises. Every method
// returns contact.NotFound for an unknown ID.
type Tasks interface {
	// List returns the tasks that q chooses, never nil.
	List(ctx context.Context, q tasks.Query) ([]tasks.Task, error)
	Get(ctx context.Context, id string) (tasks.Task, error)
	// Promises are what agents choose from.
	Promises() []tasks.PromiseConfig
	Add(ctx context.Context, n NewTask) (tasks.Task, error)
	Close(ctx context.Context, id, by, disposition, note string) (tasks.Task, error)
	Cancel(ctx context.Context, id, by string) (tasks.Task, error)
	Assign(ctx context.Context, id, agent string) (tasks.Task, error)
	// Call lets the agent of the task call its customer.
	Call(ctx context.Context, id string, agent contact.AgentID) error
}

// NewTask is a task that an agent gives themselves. With Promise it is a
// promise to a customer.
type NewTask struct {
	Agent   string
	Promise string
	Note    string
	Due     *time.Time
	Call    contact.ID
}

// ActionTask is what somebody does with a task, in the audit log.
const ActionTask Action = "task"

type tasksInput struct {
	Closed bool   `query:"closed" doc:"those that are closed, newest first; else the open ones, the next deadline first"`
	Agent  string `query:"agent" maxLength:"64"`
	Queue  string `query:"queue" maxLength:"64"`
	Limit  int    `query:"limit" default:"200" minimum:"1" maximum:"500"`
}

// TaskPath is the task that a path names; huma reads it where it is embedded,
// so it is exported.
type TaskPath struct {
	ID string `path:"id" maxLength:"64"`
}

type newTaskInput struct {
	Body struct {
		Promise string     `json:"promise,omitempty" maxLength:"100" doc:"the name of a promise of the configuration; without it a task of one's own"`
		Note    string     `json:"note,omitempty" maxLength:"2000"`
		Due     *time.Time `json:"due,omitempty" doc:"the deadline; without it that of the promise, or none"`
		Call    string     `json:"call,omitempty" maxLength:"64" doc:"the call that it came of"`
	}
}

type closeTaskInput struct {
	TaskPath
	Body struct {
		Disposition string `json:"disposition,omitempty" maxLength:"128"`
		Note        string `json:"note,omitempty" maxLength:"2000"`
	}
}

type assignTaskInput struct {
	TaskPath
	Body struct {
		Agent string `json:"agent" minLength:"1" maxLength:"64"`
	}
}

// Promise is a kind of promise, with its deadline in seconds.
type Promise struct {
	Name   string  `json:"name"`
	Within float64 `json:"within" doc:"seconds"`
	Remind float64 `json:"remind" doc:"seconds before the deadline"`
}

func (s *Server) taskRoutes(h huma.API) {
	const all, one = "/api/v1/tasks", "/api/v1/tasks/{id}"
	register(s, h, operation{id: "list-tasks", method: http.MethodGet, path: all, summary: "Callbacks, voicemails, tasks after a call and promises; an agent's are their own", access: accessAgent},
		func(ctx context.Context, in *tasksInput) (*body[[]tasks.Task], error) {
			q := tasks.Query{Closed: in.Closed, Agent: contact.AgentID(in.Agent), Queue: contact.QueueID(in.Queue), Limit: in.Limit}
			if id := identityIn(ctx); id.Role == contact.RoleAgent {
				q.Agent = contact.AgentID(id.User)
			}
			list, err := s.opts.Tasks.List(ctx, q)
			for i := range list {
				maskTask(ctx, &list[i])
			}
			return &body[[]tasks.Task]{list}, err
		})
	register(s, h, operation{id: "list-promises", method: http.MethodGet, path: "/api/v1/promises", summary: "What agents promise customers, with the deadlines", access: accessAgent},
		func(context.Context, *struct{}) (*body[[]Promise], error) {
			list := []Promise{}
			for _, p := range s.opts.Tasks.Promises() {
				list = append(list, Promise{p.Name, p.Within.Seconds(), p.Remind.Seconds()})
			}
			return &body[[]Promise]{list}, nil
		})
	register(s, h, operation{id: "add-task", method: http.MethodPost, path: all, summary: "A task of one's own, or a promise to a customer", access: accessAgent, status: http.StatusCreated},
		func(ctx context.Context, in *newTaskInput) (*body[tasks.Task], error) {
			who := identityIn(ctx)
			if in.Body.Call != "" {
				if _, err := s.showCall(ctx, contact.ID(in.Body.Call)); err != nil {
					return nil, err
				}
			}
			t, err := s.opts.Tasks.Add(ctx, NewTask{Agent: who.User, Promise: in.Body.Promise, Note: in.Body.Note, Due: in.Body.Due, Call: contact.ID(in.Body.Call)})
			maskTask(ctx, &t)
			return &body[tasks.Task]{t}, err
		})
	register(s, h, operation{id: "close-task", method: http.MethodPost, path: one + "/close", summary: "It is done", access: accessAgent},
		func(ctx context.Context, in *closeTaskInput) (*body[tasks.Task], error) {
			return s.onTask(ctx, in.ID, "close", func(who string) (tasks.Task, error) {
				return s.opts.Tasks.Close(ctx, in.ID, who, in.Body.Disposition, in.Body.Note)
			})
		})
	register(s, h, operation{id: "cancel-task", method: http.MethodPost, path: one + "/cancel", summary: "Nobody shall do it any more", access: accessAgent},
		func(ctx context.Context, in *TaskPath) (*body[tasks.Task], error) {
			return s.onTask(ctx, in.ID, "cancel", func(who string) (tasks.Task, error) { return s.opts.Tasks.Cancel(ctx, in.ID, who) })
		})
	register(s, h, operation{id: "assign-task", method: http.MethodPost, path: one + "/assign", summary: "Another agent shall do it", access: accessSupervisor},
		func(ctx context.Context, in *assignTaskInput) (*body[tasks.Task], error) {
			return s.onTask(ctx, in.ID, "assign", func(string) (tasks.Task, error) { return s.opts.Tasks.Assign(ctx, in.ID, in.Body.Agent) })
		})
	register(s, h, operation{id: "call-task", method: http.MethodPost, path: one + "/call", summary: "Call the customer of a task of one's own", access: accessAgent},
		func(ctx context.Context, in *TaskPath) (*struct{}, error) {
			return nil, s.opts.Tasks.Call(ctx, in.ID, contact.AgentID(identityIn(ctx).User))
		})
	register(s, h, operation{id: "task-audio", method: http.MethodGet, path: one + "/audio", summary: "A voicemail as WAV, for who has it", access: accessAgent},
		func(ctx context.Context, in *TaskPath) (*huma.StreamResponse, error) {
			t, err := s.ownTask(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			if t.Recording == "" {
				return nil, contact.Errorf(contact.NotFound, "this task has no message")
			}
			return s.recordingAudio(ctx, &audioInput{RecordingPath: RecordingPath{ID: t.Recording}})
		})
}

// ownTask tells an agent of another's task what it would tell of none.
func (s *Server) ownTask(ctx context.Context, id string) (tasks.Task, error) {
	t, err := s.opts.Tasks.Get(ctx, id)
	if who := identityIn(ctx); err == nil && who.Role == contact.RoleAgent && string(t.Agent) != who.User {
		err = contact.Errorf(contact.NotFound, "there is no task %q", id)
	}
	return t, err
}

// onTask records what somebody does with a task, and does it.
func (s *Server) onTask(ctx context.Context, id, what string, do func(who string) (tasks.Task, error)) (*body[tasks.Task], error) {
	if _, err := s.ownTask(ctx, id); err != nil {
		return nil, err
	}
	who := identityIn(ctx).User
	if err := s.audit.Record(ctx, Entry{Who: who, Action: ActionTask, Target: id, Details: map[string]any{"what": what}}); err != nil {
		return nil, err
	}
	t, err := do(who)
	maskTask(ctx, &t)
	return &body[tasks.Task]{t}, err
}

// maskTask hides the middle of a customer's number from all but administrators.
func maskTask(ctx context.Context, t *tasks.Task) {
	if identityIn(ctx).Role != contact.RoleAdmin {
		t.Caller = contact.Mask(t.Caller)
	}
}
