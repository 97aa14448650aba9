package ivr

import (
	"context"

	"callfloor/contact"
)

func (c *fakeCaller) Callback(ctx context.Context, q CallbackRequest) error {
	c.call("Callback")
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.note("call back by %s on %q", q.Queue, q.Number)
	return nil
}

func (c *fakeCaller) RecordMessage(ctx context.Context, q MessageRequest) (Message, error) {
	c.call("RecordMessage")
	err := sleep(ctx, q.Silence)
	return Message{Recording: "message", Why: "silence"}, err
}

func (c *fakeCaller) KeepMessage(_ context.Context, m Message, queue contact.QueueID, _ int) error {
	c.call("KeepMessage")
	c.note("message %s for %s", m.Recording, queue)
	return nil
}

func (c *fakeCaller) DropMessage(_ context.Context, m Message) {
	c.call("DropMessage")
	c.note("message %s is erased", m.Recording)
}
