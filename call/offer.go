package call

import (
	"context"

	"callfloor/ivr"
)

// OfferAgent implements ivr.Talks: a place in the queue that only one agent may
// take, for as long as the flow waits. The queue engine says why not: away,
// no_answer.
func (c *Call) OfferAgent(ctx context.Context, r ivr.AgentRequest) (ivr.QueueResult, error) {
	return c.Enqueue(ctx, ivr.QueueRequest{
		Queue: r.Queue, Music: r.Music, GoOn: r.GoOn, Vars: r.Vars, Only: r.Agent, Within: r.Wait,
	})
}
