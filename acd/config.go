package acd

import (
	"fmt"
	"slices"
	"time"

	"callfloor/contact"
)

// Config is the queues' part of the configuration.
type Config struct {
	// OfferTimeout is how long a seat rings before the offer moves on.
	OfferTimeout time.Duration `yaml:"offer_timeout"`
	// WrapUp is the time for notes after a call, WrapUpMode how it ends, and
	// WrapUpDisposition what is set where an agent chose nothing (WrapUpRule), in
	// queues that say nothing else; WrapUpExtension is what one press of "extend"
	// adds.
	WrapUp            time.Duration `yaml:"wrap_up"`
	WrapUpMode        WrapUpMode    `yaml:"wrap_up_mode"`
	WrapUpExtension   time.Duration `yaml:"wrap_up_extension"`
	WrapUpDisposition string        `yaml:"wrap_up_disposition"`
	// SeatGrace is how long a seat may be gone before its contact goes back to
	// the head of the queue and the agent becomes disconnected.
	SeatGrace time.Duration `yaml:"seat_grace"`
	// SameAgent is how long a disconnected agent who comes back is preferred
	// for the contact that it lost.
	SameAgent time.Duration `yaml:"same_agent"`
	// RejectCoolDown keeps an agent who declined from being offered the same
	// contact again.
	RejectCoolDown time.Duration `yaml:"reject_cool_down"`
	// ServiceLevel is the wait within which an answer counts as in time.
	ServiceLevel time.Duration `yaml:"service_level"`
	// ShortAbandon: who hangs up sooner is left out of service levels; 0 is
	// nobody.
	ShortAbandon time.Duration `yaml:"short_abandon"`
	// PriorityWorth is how much waiting one step of priority is worth, so that
	// nobody waits for ever behind others; 0: a higher priority always goes
	// first.
	PriorityWorth time.Duration `yaml:"priority_worth"`
	// VIP are numbers of callers who get VIPPriority more.
	VIP         []string `yaml:"vip"`
	VIPPriority int      `yaml:"vip_priority"`
	// LastAgent is for how long a caller is led to the agent of their last call
	// again, LastAgentWait how long they wait for that one if busy; 0 is never.
	LastAgent     time.Duration `yaml:"last_agent"`
	LastAgentWait time.Duration `yaml:"last_agent_wait"`
	// Redial is for how long a caller who hung up while waiting regains the
	// place by calling again.
	Redial time.Duration `yaml:"redial"`
	// MissedAlert is how many missed offers in a row tell the supervisors.
	MissedAlert int `yaml:"missed_alert"`
	// SurgePercent of the usual arrivals within ten minutes is a surge; 0
	// watches for none.
	SurgePercent int `yaml:"surge_percent"`
	// TimeZone is the one of opening hours ("Asia/Shanghai"); "" is UTC.
	TimeZone string `yaml:"time_zone"`

	Queues []QueueConfig `yaml:"-"` // from the top-level "queues" list
	Agents []AgentConfig `yaml:"-"` // from the top-level "agents" list
	// Secret keys the hashes under which callers' numbers are kept.
	Secret []byte `yaml:"-"`
	// Seed begins the draws of the strategy random.
	Seed uint64 `yaml:"-"`
}

// AgentConfig is what routing knows of one agent beyond QueueConfig.Agents.
type AgentConfig struct {
	User contact.AgentID `yaml:"user"`
	// Skills are what the agent can do, at levels 1 to 5: "chinese=3".
	Skills []Skill `yaml:"skills"`
	// Weight is the agent's share of the calls of a weighted queue; 0 is 1.
	Weight int `yaml:"weight"`
	// Queues say how the agent takes part in queues whose list has them.
	Queues []AgentQueue `yaml:"queues"`
	// AutoAnswer: the seat answers every offer by itself, after a beep.
	AutoAnswer bool `yaml:"auto_answer"`
	// Outbound is the agent's part in callbacks and voicemails: "" (too), never
	// or only.
	Outbound Outbound `yaml:"outbound"`
}

// AgentQueue is how an agent takes part in a queue.
type AgentQueue struct {
	ID contact.QueueID `yaml:"id"`
	// Order: while contacts wait in a queue of lower order, the agent takes
	// those first.
	Order int `yaml:"order"`
	// After: the agent helps out with contacts that waited so long.
	After time.Duration `yaml:"after"`
}

// Strategy is how a queue chooses among the agents who can take a contact.
type Strategy string

// The strategies; "" is LongestIdle. Calls and talk are counted since midnight
// UTC, over all queues of the agent.
const (
	LongestIdle Strategy = "longest_idle"
	FewestCalls Strategy = "fewest_calls"
	RoundRobin  Strategy = "round_robin" // whoever was offered a call of this queue longest ago
	LeastTalk   Strategy = "least_talk"
	Random      Strategy = "random"
	Weighted    Strategy = "weighted" // calls in proportion to AgentConfig.Weight
	TopDown     Strategy = "top_down" // the first of QueueConfig.Agents who is free
	RingAll     Strategy = "ring_all" // all who are free; the first answer wins
)

// Strategies returns all of them.
func Strategies() []Strategy {
	return []Strategy{LongestIdle, FewestCalls, RoundRobin, LeastTalk, Random, Weighted, TopDown, RingAll}
}

// Step is what a queue asks of an agent for a part of the wait. Steps follow
// each other; after the last one, if it ends, everybody is asked.
type Step struct {
	// Skills are required. Prefer goes first among those who have them.
	Skills Expr `yaml:"skills"`
	Prefer Expr `yaml:"prefer"`
	// Any asks everybody, also of what the contact itself requires.
	Any bool `yaml:"any"`
	// For is how long the step lasts; 0 is until the end of the wait.
	For time.Duration `yaml:"for"`
}

// Overflow is when contacts are led elsewhere.
type Overflow struct {
	// To is the queue that takes them; "" gives them back to the flow.
	To contact.QueueID `yaml:"to"`
	// Wait, Waiting and NoAgents are the reasons: waited so long; so many wait
	// already; nobody of the queue is at work. Zero values are never.
	Wait     time.Duration `yaml:"wait"`
	Waiting  int           `yaml:"waiting"`
	NoAgents bool          `yaml:"no_agents"`
}

// QueueConfig is one queue.
type QueueConfig struct {
	ID   contact.QueueID `yaml:"id"`
	Name string          `yaml:"name"`
	// Agents are the user names who serve it; "*" is everybody.
	Agents []string `yaml:"agents"`
	// MaxWaiting refuses further contacts when so many wait; 0 is no limit.
	MaxWaiting int `yaml:"max_waiting"`
	// MaxWait gives contacts back to the flow that waited so long; 0 is never.
	MaxWait  time.Duration `yaml:"max_wait"`
	Strategy Strategy      `yaml:"strategy"`
	Steps    []Step        `yaml:"steps"`
	Overflow Overflow      `yaml:"overflow"`
	// RefuseEmpty takes no contact while nobody of the queue is at work;
	// LeaveEmpty gives those who wait back when that lasts so long (0: never).
	RefuseEmpty bool          `yaml:"refuse_empty"`
	LeaveEmpty  time.Duration `yaml:"leave_empty"`
	// Hours and Holidays are when the queue takes contacts; without Hours
	// always. LeaveClosed gives back who waits at closing time; else they are
	// still served.
	Hours       []Hours `yaml:"hours"`
	Holidays    []Day   `yaml:"holidays"`
	LeaveClosed bool    `yaml:"leave_closed"`
	// AutoAnswer: seats answer the offers of this queue by themselves.
	AutoAnswer bool `yaml:"auto_answer"`
	// AnnounceAgent is what the agent hears when a call comes.
	AnnounceAgent Announce `yaml:"announce_agent"`
	// WrapUp, WrapUpMode and WrapUpDisposition are the queue's own; nil and "" are
	// those of Config.
	WrapUp            *time.Duration `yaml:"wrap_up"`
	WrapUpMode        WrapUpMode     `yaml:"wrap_up_mode"`
	WrapUpDisposition string         `yaml:"wrap_up_disposition"`
	// TaskAgents is how many agents may be busy with callbacks and voicemails of
	// the queue at a time; 0 is no limit.
	TaskAgents int `yaml:"task_agents"`
	// Callback is who is called first: agent or customer. "" is agent.
	Callback CallbackFirst `yaml:"callback"`
	// CallbackTries is how often a customer is called who does not answer, 0 is
	// 3; CallbackSpacing is the time between, 0 is 10 minutes.
	CallbackTries   int           `yaml:"callback_tries"`
	CallbackSpacing time.Duration `yaml:"callback_spacing"`
	// Alerts are the thresholds at which the supervisors are told.
	Alerts []Threshold `yaml:"alerts"`
}

// Announce is what an agent alone hears when a call of the queue comes to them: a
// beep, then what is set here.
type Announce struct {
	// Answered: also where the agent answered by hand; else only where the seat
	// answered by itself.
	Answered bool `yaml:"answered"`
	// Prompt is played behind the beep: the queue's name, as a rule. "" is none.
	Prompt string `yaml:"prompt"`
	// Wait: then how long the customer has waited, from half a minute on.
	Wait bool `yaml:"wait"`
	// Language is the one that all this is said in: en or zh.
	Language string `yaml:"language"`
	// Alone is for how long at most the customer hears music on, so that the agent
	// hears nothing else; 0: the two hear each other at once.
	Alone time.Duration `yaml:"alone"`
}

// CallbackFirst is who is called first when the turn of a callback has come.
type CallbackFirst string

// Whom a callback calls first.
const (
	AgentFirst    CallbackFirst = "agent"
	CustomerFirst CallbackFirst = "customer"
)

// Tries is how often a customer is called.
func (q QueueConfig) Tries() int {
	if q.CallbackTries == 0 {
		return 3
	}
	return q.CallbackTries
}

// Spacing is the time between two calls of a customer who does not answer.
func (q QueueConfig) Spacing() time.Duration {
	if q.CallbackSpacing == 0 {
		return 10 * time.Minute
	}
	return q.CallbackSpacing
}

// Kind is the kind of the queue's callbacks.
func (q QueueConfig) Kind() Kind {
	if q.Callback == CustomerFirst {
		return KindDial
	}
	return KindCallback
}

// DefaultConfig returns the defaults of callfloor.example.yaml.
func DefaultConfig() Config {
	return Config{
		OfferTimeout:    15 * time.Second,
		WrapUp:          30 * time.Second,
		WrapUpMode:      WrapUpTimed,
		WrapUpExtension: 30 * time.Second,
		SeatGrace:       10 * time.Second,
		SameAgent:       120 * time.Second,
		RejectCoolDown:  10 * time.Second,
		ServiceLevel:    20 * time.Second,
		ShortAbandon:    5 * time.Second,
		PriorityWorth:   5 * time.Minute,
		VIP:             []string{},
		VIPPriority:     3,
		LastAgent:       7 * 24 * time.Hour,
		LastAgentWait:   20 * time.Second,
		Redial:          120 * time.Second,
		MissedAlert:     2,
		SurgePercent:    300,
	}
}

// Validate says what is wrong with the configuration, by the YAML key.
func (c Config) Validate() error {
	for _, d := range []struct {
		key   string
		value time.Duration
		min   time.Duration
	}{
		{"offer_timeout", c.OfferTimeout, time.Second},
		{"wrap_up_extension", c.WrapUpExtension, 0},
		{"seat_grace", c.SeatGrace, 0},
		{"same_agent", c.SameAgent, 0},
		{"reject_cool_down", c.RejectCoolDown, 0},
		{"service_level", c.ServiceLevel, 0},
		{"short_abandon", c.ShortAbandon, 0},
		{"priority_worth", c.PriorityWorth, 0},
		{"last_agent", c.LastAgent, 0},
		{"last_agent_wait", c.LastAgentWait, 0},
		{"redial", c.Redial, 0},
	} {
		if d.value < d.min {
			return fmt.Errorf("%s is %v; it must be at least %v", d.key, d.value, d.min)
		}
	}
	if err := c.HouseWrapUp().Validate(); err != nil {
		return err
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		return fmt.Errorf("time_zone is %q; it must be a zone such as Asia/Shanghai", c.TimeZone)
	}
	seen := map[contact.QueueID]bool{}
	for i, q := range c.Queues {
		switch {
		case q.ID == "":
			return fmt.Errorf("queues[%d].id is empty; give the queue a short name such as \"sales\"", i)
		case seen[q.ID]:
			return fmt.Errorf("queues[%d].id is %q, which an earlier queue has; each needs its own", i, q.ID)
		case q.MaxWaiting < 0:
			return fmt.Errorf("queues[%d].max_waiting is %d; it must be 0 (no limit) or more", i, q.MaxWaiting)
		}
		seen[q.ID] = true
		if err := q.validate(); err != nil {
			return fmt.Errorf("queues[%d].%w", i, err)
		}
		if err := q.wrapUp(c.HouseWrapUp()).Validate(); err != nil {
			return fmt.Errorf("queues[%d].%w", i, err)
		}
	}
	for i, q := range c.Queues {
		if to := q.Overflow.To; to != "" && (!seen[to] || to == q.ID) {
			return fmt.Errorf("queues[%d].overflow.to is %q; it must be another queue", i, to)
		}
	}
	return nil
}

func (q QueueConfig) validate() error {
	if q.Strategy != "" && !slices.Contains(Strategies(), q.Strategy) {
		return fmt.Errorf("strategy is %q; it must be one of %v", q.Strategy, Strategies())
	}
	for _, d := range []struct {
		key   string
		value time.Duration
	}{{"max_wait", q.MaxWait}, {"leave_empty", q.LeaveEmpty}, {"overflow.wait", q.Overflow.Wait}} {
		if d.value < 0 || d.value > 0 && d.value < time.Second {
			return fmt.Errorf("%s is %v; it must be 0s (never) or at least 1s", d.key, d.value)
		}
	}
	switch {
	case q.Callback != "" && q.Callback != AgentFirst && q.Callback != CustomerFirst:
		return fmt.Errorf("callback is %q; it must be agent or customer", q.Callback)
	case q.CallbackTries < 0 || q.CallbackTries > 20:
		return fmt.Errorf("callback_tries is %d; it must be 1 to 20, or 0 for 3", q.CallbackTries)
	case q.CallbackSpacing < 0 || q.CallbackSpacing > 0 && q.CallbackSpacing < time.Second:
		return fmt.Errorf("callback_spacing is %v; it must be at least 1s, or 0s for 10m", q.CallbackSpacing)
	case q.TaskAgents < 0:
		return fmt.Errorf("task_agents is %d; it must be 0 (no limit) or more", q.TaskAgents)
	}
	if err := validateThresholds(q.Alerts); err != nil {
		return err
	}
	if q.Overflow.Waiting < 0 {
		return fmt.Errorf("overflow.waiting is %d; it must be 0 (never) or more", q.Overflow.Waiting)
	}
	for i, s := range q.Steps {
		if s.For < 0 || s.For == 0 && i+1 < len(q.Steps) {
			return fmt.Errorf("steps[%d].for is %v; every step but the last needs a time", i, s.For)
		}
	}
	return nil
}
