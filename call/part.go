package call

import (
	"time"

	"callfloor/contact"
)

// part takes the agent who hung up out of the call, whose flow goes on: the
// customer stays. A supervisor who is heard becomes a mere listener.
func (c *Call) part() {
	now := time.Now()
	gone := c.agent
	user := gone.seat.User()
	c.noteLegQuality(now, gone.leg, gone.quality())
	c.hangUpSecond("the agent hung up")
	c.endPause()
	c.unseatAgent()
	c.hush()
	c.DropKeys()
	c.goOn = false
	c.setStage(StageFlow, now)
	c.settle()
	c.Note(contact.KindFlow, gone.leg, user+" hung up; the flow goes on with the customer", map[string]any{"agent": user})
	c.mark("agent_left", nil)
	// Before the flow goes on: it may join the next queue at once.
	c.Queues.Release(c.ID, contact.AgentID(user))
	c.Queues.Leave(c.ID) // as in finish
	c.queue.update(func() { c.queue.parted = true })
	c.changed()
}
