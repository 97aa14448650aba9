package ivr

import (
	"context"
	"errors"
	"time"

	"callfloor/contact"
)

// AgentRequest asks for one agent by name.
type AgentRequest struct {
	Agent contact.AgentID
	// Queue is the one in whose name it rings: its figures count the call.
	Queue contact.QueueID
	Wait  time.Duration // for the agent, who may be busy at first
	Music string        // what the customer hears meanwhile
	// GoOn: the flow goes on when the agent hangs up, instead of the call ending.
	GoOn bool
	Vars map[string]any // as in QueueRequest
}

// Why an agent did not come, beside the reasons of QueueResult.
const (
	AgentNoAnswer = "no_answer" // did not answer in time, or declined
	AgentAway     = "away"      // is not at work
)

// agentStep leads the caller to one agent.
type agentStep struct {
	Kind     word     `yaml:"kind"`
	Agent    template `yaml:"agent"`
	Queue    word     `yaml:"queue"` // in whose name it rings
	Wait     span     `yaml:"wait"`
	Music    word     `yaml:"music"`
	Away     word     `yaml:"away"` // the agent is not at work; else as no_answer
	NoAnswer word     `yaml:"no_answer"`
	Served   word     `yaml:"served"` // after the agent; without it the call ends
}

const (
	agentWait    = 20 * time.Second
	agentMaxWait = 10 * time.Minute
)

func (s *agentStep) settle(c *settling) {
	if s.Agent.text == "" {
		c.need("agent", "the user name of the agent")
	} else {
		c.settleTemplate(&s.Agent, "the name of an agent")
	}
	if s.Queue.text == "" {
		c.need("queue", "the queue in whose name the agent is asked")
	}
	if s.NoAnswer.text == "" {
		c.need("no_answer", "where to go on if the agent does not answer")
	}
	if s.Away.text == "" {
		s.Away = s.NoAnswer
	}
	if s.Music.text == "" {
		s.Music = word{text: queueMusic, at: c.node.at}
	}
	s.Wait.fallback(agentWait)
	if s.Wait.d < time.Second || s.Wait.d > agentMaxWait {
		c.add(s.Wait.at, "an agent is waited for 1s to %v, not %v", agentMaxWait, s.Wait.d)
	}
}

func (s *agentStep) exits() []exit {
	list := []exit{
		{to: s.Served, by: "served", quiet: true}, // "" where the call ends
		{to: s.NoAnswer, by: "the agent does not answer", quiet: true},
	}
	if s.Away != s.NoAnswer {
		list = append(list, exit{to: s.Away, by: "the agent is not at work", quiet: true})
	}
	return list
}

func (s *agentStep) sounds() []soundRef { return []soundRef{{word: s.Music, music: true}} }
func (s *agentStep) summary() string    { return "asks the agent " + s.Agent.text }

func (s *agentStep) run(ctx context.Context, r *runner) (string, error) {
	name, err := r.fill(&s.Agent, oneLine)
	if err != nil || name == "" {
		r.note("there is no agent to ask", nil)
		return s.Away.text, nil
	}
	got, err := r.caller.OfferAgent(ctx, AgentRequest{
		Agent: contact.AgentID(name), Queue: contact.QueueID(s.Queue.text), Wait: s.Wait.d, Music: s.Music.text,
		GoOn: s.Served.text != "", Vars: r.open(),
	})
	if _, gone := errors.AsType[contact.EndCause](err); err != nil && (gone || ctx.Err() != nil) {
		return "", err
	}
	if err != nil {
		got.Refused = err.Error()
	}
	if got.Refused != "" {
		r.note("the agent did not come: "+got.Refused, map[string]any{"refused": got.Refused, "reason": got.Reason})
		if got.Reason == AgentAway {
			return s.Away.text, nil
		}
		return s.NoAnswer.text, nil
	}
	if s.Served.text == "" {
		r.hangup(contact.EndCompleted, "served")
	}
	return s.Served.text, nil
}
