package call

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
	"callfloor/ivr"
	"callfloor/media"
)

// TestEarly: the customer hears the flow and presses keys before the answer, keeps
// one stream through it, and is answered when the flow says so.
func TestEarly(t *testing.T) {
	var keys chan rune
	flow := func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
		keys = make(chan rune, 1) // in the bubble
		if heard, err := c.Early(ctx); !heard || err != nil {
			return contact.EndCause{}, err
		}
		key, _, err := c.Ask(ctx, []ivr.Prompt{{ID: "menu", Language: "en"}}, true, 5*time.Second)
		if err != nil {
			return contact.EndCause{}, err
		}
		if err := c.Answer(ctx); err != nil {
			return contact.EndCause{}, err
		}
		keys <- key
		_, _, err = c.Ask(ctx, []ivr.Prompt{{ID: "bye", Language: "en"}}, false, 0)
		return contact.EndCause{By: contact.System, Class: contact.EndCompleted}, err
	}
	inHouse(t, flow, func(h *house) {
		time.Sleep(time.Second)
		synctest.Wait()
		if heard := names(h.leg.ear.take()); heard != "prompt" {
			t.Errorf("before the answer the customer hears %q", heard)
		}
		h.leg.mu.Lock()
		answered := h.leg.answer
		h.leg.mu.Unlock()
		if answered {
			t.Error("answered before the flow says so")
		}
		h.leg.digits <- media.Digit{Key: '7', At: time.Now()}
		if k := <-keys; k != '7' {
			t.Errorf("key %c", k)
		}
		<-h.call.Over()
		if heard := names(h.leg.ear.take()); heard != "prompt" {
			t.Errorf("after the answer the customer hears %q", heard)
		}
		h.leg.ear.mu.Lock()
		defer h.leg.ear.mu.Unlock()
		for i, s := range h.leg.ear.seqs[1:] {
			if s != h.leg.ear.seqs[i]+1 {
				t.Fatalf("packet %d follows %d", s, h.leg.ear.seqs[i])
			}
		}
		if len(h.leg.ear.seqs) < 60 || h.leg.ear.pause > 45*time.Millisecond || h.started != 0 {
			t.Errorf("%d packets, a pause of %v, %d recordings", len(h.leg.ear.seqs), h.leg.ear.pause, h.started)
		}
	})
}

// TestEarlyIsNotHeard: who can hear nothing before the answer is not played to, and
// the error of who is gone is why.
func TestEarlyIsNotHeard(t *testing.T) {
	var said []string
	flow := func(ctx context.Context, c ivr.Caller) (contact.EndCause, error) {
		leg := c.(*Call).Leg.(*fakeLeg)
		leg.mu.Lock()
		leg.early = errDeaf
		leg.mu.Unlock()
		if heard, err := c.Early(ctx); heard || err != nil {
			said = append(said, "heard")
		}
		<-ctx.Done()
		leg.mu.Lock()
		leg.early = context.Canceled
		leg.mu.Unlock()
		if _, err := c.Early(ctx); err != context.Cause(ctx) {
			said = append(said, "no cause")
		}
		return contact.EndCause{}, context.Cause(ctx)
	}
	inHouse(t, flow, func(h *house) {
		h.leg.Hangup(contact.EndCause{By: contact.Customer, Class: contact.EndAbandoned, SIP: 487})
		<-h.call.Over()
	})
	if len(said) > 0 {
		t.Error(said)
	}
}
