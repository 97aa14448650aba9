package ivr

import (
	"context"
	"time"
)

// turn varies what others do in random runs: a scene that says what splits draw
// gets each of n outcomes in turn, any other the first.
func (c *fakeCaller) turn(n int) int {
	if len(c.scene.percents) == 0 {
		return 0
	}
	return (len(c.called) + c.scene.percents[0]) % n
}

func (c *fakeCaller) Stream(ctx context.Context, r StreamRequest) (StreamResult, error) {
	c.call("Stream")
	all := []StreamResult{
		{Ended: StreamFailed, Why: "none"}, {Ended: StreamClosed}, {Ended: StreamTooLong}, {Ended: StreamKey, Key: '0'}, {Ended: StreamKey, Key: '7'},
		{Ended: StreamHandedOver, Queue: "sales"}, {Ended: StreamHandedOver, Queue: "\n", Context: map[string]any{"intent": []any{1.5, nil}}},
		{Ended: StreamHandedOver, Queue: "alice", Context: map[string]any{"intent": "4111 1111 1111 1111"}},
	}
	return all[c.turn(len(all))], c.Pause(ctx, time.Second)
}

func (c *fakeCaller) Dial(ctx context.Context, _ DialRequest) (DialResult, error) {
	c.call("Dial")
	all := []string{DialNoAnswer, DialServed, DialBusy, DialFailed}
	return DialResult{Ended: all[c.turn(len(all))]}, c.Pause(ctx, time.Second)
}

func (c *fakeCaller) OfferAgent(ctx context.Context, _ AgentRequest) (QueueResult, error) {
	c.call("OfferAgent")
	all := []QueueResult{{Refused: "nobody", Reason: AgentAway}, {Refused: "nobody", Reason: AgentNoAnswer}, {Served: true}}
	return all[c.turn(len(all))], c.Pause(ctx, time.Second)
}

func (c *fakeCaller) HearOut(ctx context.Context, r ListenRequest) (Heard, error) {
	k, _, err := c.Ask(ctx, r.Prompts, true, r.Wait)
	return Heard{Key: k}, err
}

func (c *fakeCaller) Brief(Brief) {}

func (c *fakeCaller) Show([]Value) {}
