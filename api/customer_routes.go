package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/acd/tasks"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/customers"
)

// Customers tells who is on the phone.
type Customers interface {
	Find(ctx context.Context, number string) (customers.Person, error)
	Save(ctx context.Context, number, by string, p customers.Person) (customers.Person, error)
	// Attributes is what another system says of a number.
	Attributes(ctx context.Context, number string) ([]customers.Attribute, error)
	// Number returns the number that a contact came from and when it came;
	// contact.NotFound if there is none.
	Number(ctx context.Context, id contact.ID) (number string, came time.Time, err error)
	// Serves says whether user has the contact now, or had it last.
	Serves(ctx context.Context, user string, id contact.ID) bool
	// Earlier returns the calls of a number that began before, the newest first.
	Earlier(ctx context.Context, number string, before time.Time, limit int) ([]call.Record, error)
	// Open returns the tasks and promises of a number that are not closed.
	Open(ctx context.Context, number string) ([]tasks.Task, error)
}

// ActionReveal is that somebody looked at a number that is masked for them.
const ActionReveal Action = "number_reveal"

// earlierShown is how many earlier calls an agent sees.
const earlierShown = 20

// Customer is all that is known about the one who called.
type Customer struct {
	Number     string                `json:"number" doc:"masked, but for administrators"`
	Person     customers.Person      `json:"person"`
	Attributes []customers.Attribute `json:"attributes" nullable:"false" doc:"what another system says"`
	// AttributesError says why there are none.
	AttributesError string        `json:"attributes_error"`
	Calls           []EarlierCall `json:"calls" nullable:"false" doc:"on all lines, the newest first"`
	Open            []OpenTask    `json:"open" nullable:"false" doc:"promises and other tasks that are not closed"`
}

// EarlierCall is an earlier call of the customer, on any line, with any agent.
type EarlierCall struct {
	ID          contact.ID   `json:"id"`
	Started     string       `json:"started"`
	Line        string       `json:"line"`
	Queue       *string      `json:"queue"`
	Agent       *string      `json:"agent"`
	Talked      *float64     `json:"talked" doc:"seconds; null if nobody answered"`
	Disposition *string      `json:"disposition"`
	Note        *string      `json:"note"`
	Tags        contact.Tags `json:"tags"`
	CSAT        *int         `json:"csat"`
}

// OpenTask is something that the customer was promised, or asked for.
type OpenTask struct {
	ID    string     `json:"id"`
	Kind  tasks.Kind `json:"kind"`
	Agent string     `json:"agent"`
	Note  string     `json:"note"`
	Due   *time.Time `json:"due"`
}

type contactInput struct {
	Contact string `path:"contact" maxLength:"64"`
}

type personInput struct {
	Contact string `path:"contact" maxLength:"64"`
	Body    struct {
		Name     string `json:"name" maxLength:"400"`
		Language string `json:"language" maxLength:"10"`
		VIP      bool   `json:"vip"`
		Note     string `json:"note" maxLength:"8000"`
	}
}

// Revealed is a whole number.
type Revealed struct {
	Number string `json:"number"`
}

func (s *Server) customerRoutes(h huma.API) {
	const path = "/api/v1/contacts/{contact}/customer"
	register(s, h, operation{id: "show-customer", method: http.MethodGet, path: path, summary: "Who is on the phone; for the agent who has the call, and supervisors", access: accessAgent},
		func(ctx context.Context, in *contactInput) (*body[Customer], error) {
			c, err := s.customer(ctx, contact.ID(in.Contact))
			return &body[Customer]{c}, err
		})
	register(s, h, operation{id: "save-customer", method: http.MethodPut, path: path, summary: "Write down who is on the phone", access: accessAgent},
		func(ctx context.Context, in *personInput) (*body[customers.Person], error) {
			number, _, err := s.numberFor(ctx, contact.ID(in.Contact))
			if err != nil {
				return nil, err
			}
			p := customers.Person{Name: in.Body.Name, Language: in.Body.Language, VIP: in.Body.VIP, Note: in.Body.Note}
			p, err = s.opts.Customers.Save(ctx, number, identityIn(ctx).User, p)
			return &body[customers.Person]{p}, err
		})
	register(s, h, operation{id: "reveal-number", method: http.MethodPost, path: path + "/reveal", summary: "Show the whole number; it is in the audit log first", access: accessAgent, status: http.StatusOK},
		func(ctx context.Context, in *contactInput) (*body[Revealed], error) {
			number, _, err := s.numberFor(ctx, contact.ID(in.Contact))
			if err != nil {
				return nil, err
			}
			if err := s.audit.Record(ctx, Entry{Who: identityIn(ctx).User, Action: ActionReveal, Target: in.Contact}); err != nil {
				return nil, err
			}
			return &body[Revealed]{Revealed{number}}, nil
		})
}

// numberFor returns the number behind a contact, if the one who asks may know
// who it is.
func (s *Server) numberFor(ctx context.Context, id contact.ID) (string, time.Time, error) {
	who := identityIn(ctx)
	if !id.Valid() || who.Role == contact.RoleAgent && !s.opts.Customers.Serves(ctx, who.User, id) {
		return "", time.Time{}, contact.Errorf(contact.NotFound, "you have no call %q", id)
	}
	return s.opts.Customers.Number(ctx, id)
}

// customer puts together what is known. Only the person must be there: where
// another part fails, the rest is shown.
func (s *Server) customer(ctx context.Context, id contact.ID) (Customer, error) {
	number, came, err := s.numberFor(ctx, id)
	if err != nil {
		return Customer{}, err
	}
	known := s.opts.Customers
	c := Customer{Number: number, Calls: []EarlierCall{}, Open: []OpenTask{}, Attributes: []customers.Attribute{}}
	if identityIn(ctx).Role != contact.RoleAdmin {
		c.Number = contact.Mask(number)
	}
	if c.Person, err = known.Find(ctx, number); err != nil {
		return Customer{}, err
	}
	calls, err := known.Earlier(ctx, number, came, earlierShown)
	if err != nil {
		return Customer{}, err
	}
	for _, r := range calls {
		c.Calls = append(c.Calls, earlier(r))
	}
	open, err := known.Open(ctx, number)
	if err != nil {
		return Customer{}, err
	}
	for _, t := range open {
		c.Open = append(c.Open, OpenTask{ID: t.ID, Kind: t.Kind, Agent: string(t.Agent), Note: t.Note, Due: t.Due})
	}
	attributes, err := known.Attributes(ctx, number)
	if err != nil {
		s.log.WarnContext(ctx, "a customer's attributes are not shown", "error", err)
		c.AttributesError = err.Error()
	}
	c.Attributes = append(c.Attributes, attributes...)
	return c, nil
}

// earlier is an earlier call as the agent of another one sees it.
func earlier(r call.Record) EarlierCall {
	e := EarlierCall{
		ID: r.ID, Started: r.Started.Time().UTC().Format(time.RFC3339), Line: string(r.Line), Queue: (*string)(r.Queue), Agent: (*string)(r.Agent),
		Disposition: r.Disposition, Note: r.Note, Tags: r.Tags, CSAT: r.CSAT,
	}
	if r.Answered != nil && r.Ended != nil {
		talked := r.Ended.Time().Sub(r.Answered.Time()).Seconds()
		e.Talked = &talked
	}
	return e
}
