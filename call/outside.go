package call

import (
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// legOutside is a phone outside of the house that is the second one of a call.
const legOutside = contact.LegID("outside")

// ConsultPhone brings a phone outside, which has answered, to the agent while
// the customer hears music. On an error the leg is the caller's to hang up.
func (c *Call) ConsultPhone(user string, leg Leg, name string) error {
	return c.withAgent(user, func() error {
		if c.second != nil {
			return contact.Errorf(contact.Conflict, "you are with %s already", c.view.Second.Name)
		}
		c.bringIn(c.newPhone(leg), "", name)
		c.noteConsult(legOutside, user+" consults a number outside; the customer hears music", "consult", "", "")
		return nil
	})
}

// newPhone makes a phone outside somebody who can be in the call, and ends
// their part when it hangs up.
func (c *Call) newPhone(leg Leg) *agent {
	a := &agent{phone: leg, leg: legOutside, party: contact.Customer}
	a.presence.since = time.Now()
	a.outlet.open(c.Pacer, "outside", leg.Codec())
	leg.Sender().Fill(leg.Codec())
	leg.Source().Attach(&a.presence)
	c.tasks.Go(func() {
		for {
			select {
			case <-leg.Digits(): // nobody's
			case <-leg.Done():
				c.post(func() { c.phoneGone(a) })
				return
			}
		}
	})
	return a
}

// phoneGone takes a phone that hung up out of the call. A customer who was alone
// with it has nobody left.
func (c *Call) phoneGone(a *agent) {
	if c.second != a {
		return
	}
	alone := c.agent == nil
	c.endConsult("the number outside hung up")
	if c.backFromOutside() {
		return
	}
	if alone {
		c.Leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 16, Why: "the number outside hung up"})
	}
}

// bridge leaves the customer and the phone outside to each other.
func (c *Call) bridge(user string) {
	now := time.Now()
	c.noteLegQuality(now, c.agent.leg, c.agent.quality())
	c.endPause()
	c.unseatAgent()
	c.hush()
	c.toOutside(now)
	c.noteConsult(legOutside, user+" handed the call to a number outside; nothing is recorded any more", "transfer", "", "")
}

func (c *Call) toOutside(now time.Time) {
	c.joined, c.between = true, false
	c.view.Agent, c.view.Parked = "", nil
	c.setStage(StageTalking, now)
	c.settle()
	c.mark("agent_left", nil)
}

// Outside joins the customer, whom an agent has given away (HandOff), with a
// phone outside that has answered. On an error the leg is the caller's to hang
// up.
func (c *Call) Outside(leg Leg, name string) error {
	return c.do(func() error {
		if c.agent != nil || c.second != nil || !c.between {
			return contact.Errorf(contact.Conflict, "the customer is with somebody else")
		}
		now := time.Now()
		c.second = c.newPhone(leg)
		c.view.Second = &Second{Name: name, State: SecondJoined, Since: now}
		c.toOutside(now)
		c.noteConsult(legOutside, "a number outside answered", "transfer", "", "")
		return nil
	})
}

var _ media.Sink = (*presence)(nil)
