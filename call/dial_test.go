package call

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
)

// outsides is a number outside.
type outsides struct {
	leg   *fakeLeg
	after time.Duration
	err   error
}

func (o *outsides) DialOut(ctx context.Context, _ Snapshot, _ ivr.DialRequest) (Leg, error) {
	select {
	case <-time.After(o.after):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if o.err != nil {
		return nil, o.err
	}
	return o.leg, nil
}

// dials is a flow that calls outside and then goes on.
func dials(o *outsides, longest time.Duration, got *ivr.DialResult) flowFunc {
	return func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
		if err := c.Answer(ctx); err != nil {
			return contact.EndCause{}, err
		}
		c.(*Call).Outsides = o
		var err error
		*got, err = c.Dial(ctx, ivr.DialRequest{To: "+4930123456", Music: "music", Ring: 30 * time.Second, Longest: longest})
		if err != nil {
			return contact.EndCause{}, err
		}
		<-ctx.Done()
		return contact.EndCause{}, context.Cause(ctx)
	}
}

// TestAFlowCallsOutside: the customer hears music, then whoever answers, and
// after that the flow again, whoever ends the talk.
func TestAFlowCallsOutside(t *testing.T) {
	for _, longest := range []time.Duration{0, 20 * time.Second} {
		o, got := &outsides{after: 5 * time.Second}, ivr.DialResult{}
		inHouse(t, dials(o, longest, &got), func(h *house) {
			o.leg = h.outside
			time.Sleep(time.Second)
			if heard := h.round()["customer"]; heard != "music" {
				t.Errorf("while it rings the customer hears %q", heard)
			}
			time.Sleep(5 * time.Second)
			heard := h.round()
			if heard["customer"] != "outside" || heard["outside"] != "customer" {
				t.Errorf("they talk: %v", heard)
			}
			if longest == 0 {
				h.outside.leave()
			} else {
				time.Sleep(longest)
			}
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if got.Ended != ivr.DialServed {
				t.Errorf("%+v", got)
			}
			if heard := h.round(); heard["customer"] != "" || heard["outside"] != "" {
				t.Errorf("back in the flow: %v", heard)
			}
			if longest != 0 && h.outside.Cause() == (contact.EndCause{}) {
				t.Error("the phone outside was not hung up")
			}
		})
	}
}

func TestAFlowReachesNobodyOutside(t *testing.T) {
	for code, want := range map[contact.Code]string{
		contact.CalleeBusy: ivr.DialBusy, contact.CalleeDeclined: ivr.DialBusy, contact.NoAnswer: ivr.DialNoAnswer,
		contact.OutboundRefused: ivr.DialFailed, contact.NoTrunk: ivr.DialFailed,
	} {
		o, got := &outsides{after: time.Second, err: contact.Errorf(code, "no")}, ivr.DialResult{}
		inHouse(t, dials(o, 0, &got), func(*house) {
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if got.Ended != want {
				t.Errorf("%s: %+v", code, got)
			}
		})
	}
}

// TestTheCustomerHangsUpWhileItRingsOutside leaves nobody alone on the line.
func TestTheCustomerHangsUpWhileItRingsOutside(t *testing.T) {
	o, got := &outsides{after: 2 * time.Second}, ivr.DialResult{}
	inHouse(t, dials(o, 0, &got), func(h *house) {
		o.leg = h.outside
		time.Sleep(time.Second)
		h.leg.leave()
		time.Sleep(5 * time.Second)
		if h.call.second != nil {
			t.Error("somebody is in a call that is over")
		}
	})
}
